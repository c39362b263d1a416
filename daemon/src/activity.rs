//! Tells whoever listens what goes between readers and cards: never a byte of
//! it, and nothing from which the length of a PIN could be seen.
//!
//! As long as nobody listens, an exchange costs one look at a flag. A listener
//! that is slow loses lines, and is told how many; the card waits for nobody.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use cac_common::activity::{Apdu, Purpose};
use cac_common::reader::ReaderName;
use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};

use crate::card::error::StatusWord;
use crate::card::transport::{Protocol, Transport, TransportError};

/// Lines that wait for a slow listener; two reads of a card take fewer.
const LINES: usize = 128;

/// Lines that one message holds.
const BATCH: usize = 64;

/// Where all exchanges are told, and heard.
#[derive(Clone, Default)]
pub struct Activity(Arc<Told>);

#[derive(Default)]
struct Told {
    listeners: AtomicUsize,
    /// Made for the first who listens.
    lines: OnceLock<broadcast::Sender<Apdu>>,
}

/// Somebody who listens, until it is dropped.
pub struct Listener {
    told: Arc<Told>,
    lines: broadcast::Receiver<Apdu>,
}

impl Activity {
    pub fn listen(&self) -> Listener {
        let told = Arc::clone(&self.0);
        let lines = told.lines.get_or_init(|| broadcast::channel(LINES).0);
        let lines = lines.subscribe();
        told.listeners.fetch_add(1, Ordering::SeqCst);
        Listener { told, lines }
    }

    fn is_heard(&self) -> bool {
        self.0.listeners.load(Ordering::Relaxed) > 0
    }

    fn tell(&self, line: Apdu) {
        if let Some(lines) = self.0.lines.get() {
            // Whoever listened may just have gone.
            let _ = lines.send(line);
        }
    }
}

impl Listener {
    /// Waits for the next lines, and gives those that are there, and how many
    /// were lost meanwhile; nothing once nobody can tell any more.
    pub async fn next(&mut self) -> Option<(Vec<Apdu>, u64)> {
        let mut lines = Vec::new();
        let mut missed = 0;
        match self.lines.recv().await {
            Ok(line) => lines.push(line),
            Err(RecvError::Lagged(lost)) => missed += lost,
            Err(RecvError::Closed) => return None,
        }
        while lines.len() < BATCH {
            match self.lines.try_recv() {
                Ok(line) => lines.push(line),
                Err(TryRecvError::Lagged(lost)) => missed += lost,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        Some((lines, missed))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.told.listeners.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A card whose exchanges are told.
pub struct Watched<'a> {
    pub card: &'a mut dyn Transport,
    pub activity: &'a Activity,
    pub reader: &'a ReaderName,
    pub purpose: Purpose,
    /// APDUs so far.
    pub number: u32,
}

impl Transport for Watched<'_> {
    fn protocol(&self) -> Protocol {
        self.card.protocol()
    }

    fn atr(&self) -> &[u8] {
        self.card.atr()
    }

    fn has_keypad(&self) -> bool {
        self.card.has_keypad()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.number = self.number.saturating_add(1);
        if !self.activity.is_heard() {
            return self.card.transmit(command);
        }
        let begun = now();
        let answer = self.card.transmit(command);
        let milliseconds = now().duration_since(begun).as_millis();
        let bytes = answer.as_deref().unwrap_or_default();
        let instruction = command.get(1).copied().unwrap_or_default();
        self.activity.tell(Apdu {
            reader: self.reader.clone(),
            purpose: self.purpose,
            number: self.number,
            instruction: name(instruction),
            sent: (!may_hold_a_secret(instruction)).then(|| count(command)),
            received: count(bytes),
            status: bytes
                .last_chunk()
                .map(|status| StatusWord(u16::from_be_bytes(*status)).to_string()),
            milliseconds: u32::try_from(milliseconds).unwrap_or(u32::MAX),
        });
        answer
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.card.reset()
    }
}

const VERIFY: u8 = 0x20;
const CHANGE_REFERENCE_DATA: u8 = 0x24;
const RESET_RETRY_COUNTER: u8 = 0x2C;

/// Instructions of PIV (SP 800-73pt2-5 §3) and of GSC-IS 2.1 §5.3.
const NAMES: [(u8, &str); 12] = [
    (VERIFY, "VERIFY"),
    (CHANGE_REFERENCE_DATA, "CHANGE REFERENCE DATA"),
    (RESET_RETRY_COUNTER, "RESET RETRY COUNTER"),
    (0x36, "GET CERTIFICATE"),
    (0x42, "SIGN/DECRYPT"),
    (0x4C, "GET ACR"),
    (0x52, "READ BUFFER"),
    (0x56, "READ BINARY"),
    (0x87, "GENERAL AUTHENTICATE"),
    (0xA4, "SELECT"),
    (0xC0, "GET RESPONSE"),
    (0xCB, "GET DATA"),
];

fn name(instruction: u8) -> String {
    NAMES
        .iter()
        .find(|(code, _)| *code == instruction)
        .map_or_else(
            || format!("INS {instruction:02X}"),
            |(_, name)| (*name).into(),
        )
}

/// Commands that carry a PIN: padded, as PIV wants it, or not.
fn may_hold_a_secret(instruction: u8) -> bool {
    matches!(
        instruction,
        VERIFY | CHANGE_REFERENCE_DATA | RESET_RETRY_COUNTER
    )
}

fn count(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

#[expect(
    clippy::disallowed_methods,
    reason = "it measures how long a card takes, for whoever listens"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers everything with two bytes and the status word 9000.
    struct Willing;

    impl Transport for Willing {
        fn protocol(&self) -> Protocol {
            Protocol::T1
        }

        fn atr(&self) -> &[u8] {
            &[]
        }

        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
            if command.is_empty() {
                return Err(TransportError::Removed);
            }
            Ok(vec![0x5F, 0x2F, 0x90, 0x00])
        }

        fn reset(&mut self) -> Result<(), TransportError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn each_exchange_is_told_by_what_it_is_and_never_by_what_is_in_it() {
        let activity = Activity::default();
        let mut listener = activity.listen();

        exchange(
            &activity,
            &[
                &[0x00, 0xA4, 0x04, 0x00, 0x02, 0xA0, 0x00],
                &[0x00, 0xCB, 0x3F, 0xFF],
                &[0x10, 0x87, 0x07, 0x9A, 0x01, 0x7C],
                &[0x00, 0xFA, 0x00, 0x00],
                &[],
            ],
        );

        let (lines, missed) = listener.next().await.unwrap();
        let told: Vec<_> = lines
            .iter()
            .map(|line| {
                let status = line.status.as_deref();
                (
                    line.number,
                    &line.instruction[..],
                    line.sent,
                    line.received,
                    status,
                )
            })
            .collect();
        let success = Some("9000");
        assert_eq!(
            told,
            [
                (1, "SELECT", Some(7), 4, success),
                (2, "GET DATA", Some(4), 4, success),
                (3, "GENERAL AUTHENTICATE", Some(6), 4, success),
                (4, "INS FA", Some(4), 4, success),
                (5, "INS 00", Some(0), 0, None),
            ]
        );
        assert_eq!(missed, 0);
        assert!(lines.iter().all(|line| line.purpose == Purpose::SignIn));
    }

    #[tokio::test]
    async fn what_carries_a_pin_is_told_alike_whatever_its_length() {
        let activity = Activity::default();
        let mut listener = activity.listen();
        let mut told = Vec::new();
        for instruction in [VERIFY, CHANGE_REFERENCE_DATA, RESET_RETRY_COUNTER] {
            for length in 0..=16 {
                let mut command = vec![0x00, instruction, 0x00, 0x80, length];
                command.extend(vec![0x31; usize::from(length)]);
                exchange(&activity, &[&command]);
                let (lines, _) = listener.next().await.unwrap();
                told.extend(lines.into_iter().map(|line| Apdu {
                    milliseconds: 0,
                    ..line
                }));
            }
        }

        told.dedup();
        let names: Vec<_> = told.iter().map(|line| &line.instruction[..]).collect();
        assert_eq!(
            names,
            ["VERIFY", "CHANGE REFERENCE DATA", "RESET RETRY COUNTER"]
        );
        assert!(told.iter().all(|line| line.sent.is_none()));
    }

    #[tokio::test]
    async fn who_comes_later_hears_from_then_on_and_the_count_is_that_of_the_card() {
        let activity = Activity::default();
        let reader = ReaderName("Reader 0".into());
        let mut card = Willing;
        let mut watched = watched(&mut card, &activity, &reader);
        let select: &[u8] = &[0x00, 0xA4, 0x04, 0x00];

        watched.transmit(select).unwrap();
        assert!(activity.0.lines.get().is_none(), "made for nobody");
        let mut listener = activity.listen();
        watched.transmit(select).unwrap();

        let (lines, missed) = listener.next().await.unwrap();
        assert_eq!((lines.len(), lines[0].number, missed), (1, 2, 0));
    }

    #[tokio::test]
    async fn a_slow_listener_is_told_how_many_it_has_lost() {
        let activity = Activity::default();
        let mut slow = activity.listen();
        let lost = 50;

        exchange(
            &activity,
            &vec![&[0x00, 0xA4, 0x04, 0x00][..]; LINES + lost],
        );

        let mut lines = Vec::new();
        let mut missed = 0;
        while lines.len() < LINES {
            let (more, before) = slow.next().await.unwrap();
            lines.extend(more.iter().map(|line| line.number));
            missed += before;
        }
        assert_eq!(missed, lost as u64);
        let first = u32::try_from(lost).unwrap() + 1;
        let all: Vec<u32> = (first..).take(LINES).collect();
        assert_eq!(lines, all);
    }

    #[test]
    fn nothing_is_told_once_the_last_who_listened_has_gone() {
        let activity = Activity::default();
        let (one, other) = (activity.listen(), activity.listen());

        drop(one);
        assert!(activity.is_heard());
        drop(other);
        assert!(!activity.is_heard());
    }

    fn exchange(activity: &Activity, commands: &[&[u8]]) {
        let reader = ReaderName("Reader 0".into());
        let mut card = Willing;
        let mut watched = watched(&mut card, activity, &reader);
        for command in commands {
            let _ = watched.transmit(command);
        }
    }

    fn watched<'a>(
        card: &'a mut dyn Transport,
        activity: &'a Activity,
        reader: &'a ReaderName,
    ) -> Watched<'a> {
        Watched {
            card,
            activity,
            reader,
            purpose: Purpose::SignIn,
            number: 0,
        }
    }
}
