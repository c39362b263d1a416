//! What a test says to the daemon over its socket, and what it waits for there.

use std::time::Duration;

use anyhow::Context as _;
use cac_common::certificate::ChainStatus;
use cac_common::client::{Client, ClientError};
use cac_common::interface::SubmitPin;
use cac_common::snapshot::{Card, HistoryEntry, Snapshot};

use super::{Follower, LIMIT, Lab, PORTAL, TAIL, pin_for, socket};
use crate::virtual_card::CardHandle;

impl Lab {
    /// The state now.
    pub fn snapshot(&self) -> anyhow::Result<Snapshot> {
        let socket = self.socket();
        Ok(self
            .runtime
            .block_on(async { Client::connect(&socket).await?.snapshot().await })?)
    }

    /// Follows the state until it is as told, and gives it.
    pub fn wait_for(
        &self,
        what: &str,
        condition: impl FnMut(&Snapshot) -> bool,
    ) -> anyhow::Result<Snapshot> {
        self.wait_for_at_most(LIMIT, what, condition)
    }

    /// The same, with a limit of one's own.
    pub fn wait_for_at_most(
        &self,
        limit: Duration,
        what: &str,
        condition: impl FnMut(&Snapshot) -> bool,
    ) -> anyhow::Result<Snapshot> {
        let waited =
            self.runtime
                .block_on(socket::wait_for(&self.socket(), limit, what, condition));
        waited.with_context(|| {
            format!(
                "the daemon's last words:\n{}\npcscd's:\n{}",
                self.last_words(),
                last_lines(&self.pcscd.log())
            )
        })
    }

    fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().filter(|line| line.contains("cacd")).collect();
        last_lines(&lines.join("\n"))
    }

    /// Waits until the card in a reader stands so at the portal; `label` as people read it.
    pub fn wait_for_status(&self, reader: usize, label: &str) -> anyhow::Result<Card> {
        let snapshot = self.wait_for(
            &format!("the card in reader {reader} is {label}"),
            |snapshot| self.label(snapshot, reader) == Some(label),
        )?;
        self.card(&snapshot, reader)
    }

    /// Waits until the card in a reader is as it should be.
    pub fn wait_for_card(
        &self,
        reader: usize,
        what: &str,
        mut condition: impl FnMut(&Card) -> bool,
    ) -> anyhow::Result<Card> {
        let snapshot = self.wait_for(what, |snapshot| {
            self.find_card(snapshot, reader).is_some_and(&mut condition)
        })?;
        self.card(&snapshot, reader)
    }

    /// Waits until a card is read to its end, what could wait too, and judged:
    /// it is left alone from then on.
    pub fn wait_until_whole(&self, reader: usize) -> anyhow::Result<Card> {
        self.wait_for_card(reader, "the card is read whole, and judged", |card| {
            let mut certificates = card.certificates.iter();
            !card.certificates.is_empty()
                && certificates.all(|certificate| certificate.chain != ChainStatus::NotChecked)
        })
    }

    /// Waits until a reader is seen to hold no card.
    pub fn wait_until_empty(&self, reader: usize) -> anyhow::Result<Snapshot> {
        self.wait_for(&format!("reader {reader} is empty"), |snapshot| {
            self.find_card(snapshot, reader).is_none()
        })
    }

    /// Where the card in a reader stands at the portal, in words.
    pub fn label(&self, snapshot: &Snapshot, reader: usize) -> Option<&'static str> {
        label_of(self.find_card(snapshot, reader)?)
    }

    /// The card in a reader, as the daemon shows it.
    pub fn card(&self, snapshot: &Snapshot, reader: usize) -> anyhow::Result<Card> {
        self.find_card(snapshot, reader)
            .cloned()
            .with_context(|| format!("no card is shown in reader {reader}"))
    }

    fn find_card<'a>(&self, snapshot: &'a Snapshot, reader: usize) -> Option<&'a Card> {
        card_in(snapshot, &self.reader_name(reader))
    }

    /// Runs on the lab's runtime.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Hands a PIN over, for a card that may no longer be there.
    pub fn submit(&self, request: SubmitPin, pin: &str) -> Result<(), ClientError> {
        self.runtime
            .block_on(socket::submit(&self.socket(), request, pin))
    }

    /// Types a PIN for the card in a reader.
    pub fn type_pin(&self, reader: usize, pin: &str) -> anyhow::Result<()> {
        let card = self.card(&self.snapshot()?, reader)?;
        Ok(self.submit(pin_for(&card)?, pin)?)
    }

    /// From a card to the portal: put in, read, PIN typed, registered.
    pub fn register(
        &mut self,
        reader: usize,
        card: &CardHandle,
        pin: &str,
    ) -> anyhow::Result<Card> {
        self.insert(reader, card)?;
        self.wait_for_status(reader, "needs PIN")?;
        self.type_pin(reader, pin)?;
        self.wait_for_status(reader, "registered")
    }

    /// Does something over a connection of its own.
    pub fn ask<T>(
        &self,
        call: impl AsyncFnOnce(&mut Client) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let socket = self.socket();
        self.runtime.block_on(async {
            let mut client = Client::connect(&socket).await?;
            call(&mut client).await
        })
    }

    /// The newest entries of the history, oldest first.
    pub fn history(&self) -> anyhow::Result<Vec<HistoryEntry>> {
        let request = cac_common::interface::GetHistory::newest(1000);
        let mut entries = self.ask(async |client| client.history(&request).await)?;
        entries.reverse();
        Ok(entries)
    }

    /// Waits until the history holds this many entries with `part` in them, and gives those.
    pub fn wait_for_entries(&self, part: &str, count: usize) -> anyhow::Result<Vec<HistoryEntry>> {
        let says_so = |entry: &HistoryEntry| entry.text.contains(part);
        // What is shown as having happened has been written down.
        self.wait_for(
            &format!("the history tells of {part:?} {count} times"),
            |snapshot| {
                let told = snapshot.happened.iter().filter(|entry| says_so(entry));
                told.count() >= count
            },
        )?;
        let mut entries = self.history()?;
        entries.retain(says_so);
        Ok(entries)
    }

    /// Notes every snapshot from now on.
    pub fn follow(&self) -> anyhow::Result<Follower> {
        Follower::start(&self.runtime, &self.socket())
    }
}

/// The card in the reader of this name.
pub(crate) fn card_in<'a>(snapshot: &'a Snapshot, reader: &str) -> Option<&'a Card> {
    let mut readers = snapshot.readers.iter();
    readers.find(|shown| shown.name.0 == reader)?.card.as_ref()
}

/// Where a card stands at the portal, in words.
pub(crate) fn label_of(card: &Card) -> Option<&'static str> {
    let mut registrations = card.registrations.iter();
    let registration = registrations.find(|registration| registration.portal == PORTAL)?;
    Some(registration.status.label())
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}
