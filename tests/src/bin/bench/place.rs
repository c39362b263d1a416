//! The card in the reader, and what is looked at while somebody uses it.

use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

use cac_tests::clock;
use cac_tests::pcscd::{PrivatePcscd, SOCKET_VARIABLE};
use cac_tests::virtual_card::card_file::CardFile;
use cac_tests::virtual_card::vpcd::Insertion;
use cac_tests::virtual_card::{CardHandle, CardModel};
use cac_tests::wait::wait_until;

use crate::other::Program;
use crate::table::Run;

const LIMIT: Duration = Duration::from_secs(10);

/// A card in the only reader of a pcscd.
pub(crate) struct Place {
    pcscd: PrivatePcscd,
    card: CardHandle,
    insertion: RefCell<Option<Insertion>>,
}

impl Place {
    pub(crate) fn with(file: &CardFile, model: CardModel) -> anyhow::Result<Self> {
        let place = Self {
            pcscd: PrivatePcscd::start(1)?,
            card: CardHandle::new(file, model)?,
            insertion: RefCell::new(None),
        };
        place.put_in_again()?;
        Ok(place)
    }

    /// Returns when pcscd has seen it go and come.
    pub(crate) fn put_in_again(&self) -> anyhow::Result<()> {
        if let Some(insertion) = self.insertion.take() {
            insertion.take_out();
            wait_until("pcscd sees that the card is gone", LIMIT, || {
                !self.has_card()
            })?;
        }
        let insertion = Insertion::new(&self.card, self.pcscd.port(0))?;
        self.insertion.replace(Some(insertion));
        wait_until("pcscd sees the card", LIMIT, || self.has_card())?;
        Ok(())
    }

    pub(crate) fn reader(&self) -> String {
        self.pcscd.reader_name(0)
    }

    /// What points a program at this pcscd.
    pub(crate) fn variable(&self) -> (&'static str, std::path::PathBuf) {
        (SOCKET_VARIABLE, self.pcscd.socket())
    }

    /// What crosses while this is done, and how long it takes.
    pub(crate) fn measure(&self, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Run> {
        self.card.clear_log();
        let begin = clock::instant();
        work()?;
        let time = begin.elapsed();
        let log = self.card.log();
        Ok(Run {
            apdus: log.count(),
            bytes: log.bytes(),
            time,
        })
    }

    /// Runs a program that keeps what it likes in `home`, and finds as many certificates.
    pub(crate) fn run(
        &self,
        program: Program,
        certificates: usize,
        home: &Path,
    ) -> anyhow::Result<Run> {
        self.measure(|| program.run(self, certificates, home))
    }

    fn has_card(&self) -> bool {
        crate::other::readers(self)
            .lines()
            .any(|line| line.starts_with("0    Yes"))
    }
}
