//! A sign-in that is due, and what becomes of it.

use std::time::Duration;

use cac_common::cause::Cause;
use cac_common::config::Config;
use cac_common::registration::{RegistrationStatus, TriesLeft};
use cac_common::snapshot::PinStatus;

use super::Stand;
use crate::event::Now;
use crate::retry;

/// Why a sign-in is due.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// The portal knows an earlier certificate.
    pub out_of_date: bool,
    /// Registered by what was written down, and only to be checked again.
    pub recheck_of: Option<Box<RegistrationStatus>>,
    /// Sign-ins that failed because the portal could not be reached.
    pub failures: u32,
}

impl Due {
    /// As if there had been no sign-in.
    pub(super) fn unchanged(self) -> Stand {
        match self.recheck_of {
            Some(status) => Stand::Rest(*status),
            None => Stand::Due(self),
        }
    }

    /// The card, or we, failed; what was written down stays true.
    pub(super) fn failed(self, cause: Cause) -> Stand {
        match self.recheck_of {
            Some(status) => Stand::Rest(*status),
            None => Stand::Rest(RegistrationStatus::CardFailed { cause }),
        }
    }

    pub(super) fn status(&self, pin: &PinStatus) -> RegistrationStatus {
        let tries_left: TriesLeft = match pin {
            PinStatus::Blocked => return RegistrationStatus::PinBlocked,
            PinStatus::Ready { tries_left } => *tries_left,
            PinStatus::Unknown | PinStatus::OtherProgram => None,
        };
        match &self.recheck_of {
            Some(status) => marked_for_recheck(status),
            None if self.out_of_date => RegistrationStatus::OutOfDate { tries_left },
            None => RegistrationStatus::NeedsPin { tries_left },
        }
    }

    pub(super) fn wait(
        mut self,
        cause: Cause,
        retry_after: Option<Duration>,
        config: &Config,
        now: Now,
    ) -> Stand {
        self.failures = self.failures.saturating_add(1);
        let wait = retry::wait(
            self.failures,
            config.first_wait,
            config.longest_wait,
            retry_after,
            now.random,
        );
        Stand::Waiting {
            due: self,
            until: now.monotonic + wait,
            until_utc: now.utc.after(wait),
            cause,
        }
    }
}

/// Still registered, and to be checked again.
fn marked_for_recheck(status: &RegistrationStatus) -> RegistrationStatus {
    let mut marked = status.clone();
    if let RegistrationStatus::Registered { recheck_due, .. } = &mut marked {
        *recheck_due = true;
    }
    marked
}
