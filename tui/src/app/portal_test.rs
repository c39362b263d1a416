//! A sign-in that is tried, of which nothing is written down.

use cac_common::identity::CardId;
use cac_common::interface::TestReply;
use cac_common::snapshot::Visit;
use cac_common::time::UtcSeconds;

use super::{App, Said, Screen};
use crate::failure::Trouble;

/// Up to here how long the portal is waited for is told in seconds.
const IN_SECONDS: u64 = 60;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalTestDialog {
    pub card: CardId,
    pub visit: Visit,
    pub portal: String,
    pub step: TestStep,
    /// What came of the last key.
    pub said: Option<Said>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestStep {
    /// Says what it would do, and wants a yes. The PIN is asked for after it.
    Offering,
    /// The PIN is on its way, or the portal is being asked.
    Waiting {
        since: UtcSeconds,
    },
    Told(Box<Told>),
    /// Nothing came of it.
    Failed(Trouble),
}

/// How the sign-in went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub reply: TestReply,
    pub at: UtcSeconds,
    pub scroll: u16,
    /// The name of the file to save the report to, while that is typed.
    pub file: Option<String>,
}

impl App {
    /// Whether a second changes what is drawn of a test.
    pub(super) fn test_counts_seconds(&self) -> bool {
        let Screen::PortalTest(dialog) = &self.screen else {
            return false;
        };
        let TestStep::Waiting { since } = dialog.step else {
            return false;
        };
        self.now.since(since).as_secs() < IN_SECONDS
    }
}
