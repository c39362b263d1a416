//! What was read of a CRL, for the next certificate that it is about.

use std::sync::Arc;

use cac_common::time::UtcSeconds;

use super::crl::CrlFault;
use super::sieve::Sieve;
use super::{Answer, Fingerprint, Status};

/// What a CRL was read for; certificates that have all of it alike are listed
/// in it alike.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct About {
    pub(super) address: String,
    pub(super) issuer: Fingerprint,
    pub(super) addresses: Vec<String>,
    pub(super) is_authority: bool,
}

/// Whoever reads a CRL holds the lock; those who want the same one wait, and
/// find it read.
pub(super) type Crl = Arc<tokio::sync::Mutex<Option<Listed>>>;

pub(super) struct Listed {
    /// What it lists, and of when; or why it says nothing.
    read: Result<(Sieve, UtcSeconds), CrlFault>,
    from: UtcSeconds,
    until: UtcSeconds,
}

impl Listed {
    pub(super) fn new(
        read: Result<(Sieve, UtcSeconds), CrlFault>,
        (from, until): (UtcSeconds, UtcSeconds),
    ) -> Self {
        Self { read, from, until }
    }

    /// What it says of a certificate; none of one that may be among the
    /// revoked, which only the CRL itself can tell, or after its time.
    pub(super) fn answer(
        &self,
        serial: &[u8],
        now: UtcSeconds,
    ) -> Option<Result<Answer, CrlFault>> {
        if !(self.from..self.until).contains(&now) {
            return None;
        }
        match &self.read {
            Ok((serials, _)) if serials.may_hold(serial) => None,
            Ok((_, this_update)) => Some(Ok(Answer {
                status: Status::Good,
                this_update: *this_update,
                next_update: self.until,
            })),
            Err(fault) => Some(Err(fault.clone())),
        }
    }
}
