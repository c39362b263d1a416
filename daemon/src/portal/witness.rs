//! What was seen of a sign-in from inside TLS, for the verdict on it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::SignerFailed;
use super::revocation::Doubt;

/// Watches one sign-in over all its connections.
#[derive(Debug, Default)]
pub(super) struct Witness {
    seen: Mutex<Seen>,
    /// About the certificate of the last server.
    doubt: Mutex<Option<Doubt>>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// How many times a server asked for a certificate.
    pub(super) asked: u32,
    /// How many times the certificate went out with a good signature.
    pub(super) signed: u32,
    /// What the last of them that got it speaks.
    pub(super) version: Option<Version>,
    /// Whom the last of them names as accepted.
    pub(super) hints: Hints,
    /// Why the last of them got none.
    pub(super) withheld: Option<Withheld>,
    pub(super) fault: Option<SigningFault>,
}

/// As far as it matters when a server judges a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// Before the handshake is over.
    Tls12,
    /// When the handshake is over for us.
    Tls13,
}

/// Whom a server that asks for a certificate accepts as its issuer, by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Hints {
    /// It names nobody, which means anybody, or only others.
    #[default]
    Nobody,
    /// The issuer of the certificate, or one above it.
    Ours,
}

/// Why a server that asked for a certificate got none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Withheld {
    IssuerNotAccepted,
    NoSchemeInCommon,
}

/// Why there was no signature to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SigningFault {
    Signer(SignerFailed),
    Wrong,
}

impl Witness {
    /// Takes what was noted, for the hop it belongs to.
    pub(super) fn take_doubt(&self) -> Option<Doubt> {
        self.doubt().take()
    }

    pub(super) fn note_doubt(&self, doubt: Doubt) {
        *self.doubt() = Some(doubt);
    }

    pub(super) fn seen(&self) -> Seen {
        *self.lock()
    }

    pub(super) fn note_asked(&self, hints: Hints) {
        let mut seen = self.lock();
        seen.asked += 1;
        seen.hints = hints;
        seen.withheld = None;
    }

    pub(super) fn note_signed(&self, version: Version) {
        let mut seen = self.lock();
        seen.signed += 1;
        seen.version = Some(version);
    }

    pub(super) fn note_withheld(&self, why: Withheld) {
        self.lock().withheld = Some(why);
    }

    pub(super) fn note_fault(&self, fault: SigningFault) {
        self.lock().fault = Some(fault);
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn doubt(&self) -> MutexGuard<'_, Option<Doubt>> {
        self.doubt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
