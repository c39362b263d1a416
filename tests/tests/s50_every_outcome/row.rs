//! One way a sign-in can end, and what is to be told of it.

use std::time::Duration;

use cac_common::cause::{Cause, Kind};
use cac_common::registration::RegistrationStatus;
use cac_tests::portal::{Fault, Host, ReferencePortal};

/// Set up by whoever makes it, and judged by a [`Stage`](crate::stage::Stage).
#[derive(Clone)]
pub(crate) struct Row<'a> {
    pub(crate) name: String,
    /// Of the portal, which is called [`PORTAL`](cac_tests::harness::PORTAL) in it.
    pub(crate) profile: String,
    /// Where it is one of ours: what comes in there is counted.
    pub(crate) portal: Option<&'a ReferencePortal>,
    /// In force before the sign-in begins.
    pub(crate) fault: Fault,
    /// Where it is; everywhere, if nothing is said.
    pub(crate) host: Option<Host>,
    /// As people read it.
    pub(crate) status: &'static str,
    /// Of its cause, if it has one.
    pub(crate) kind: Option<Kind>,
    /// Part of what is said.
    pub(crate) says: &'static str,
    /// How often the card was sent the PIN by then.
    pub(crate) pins: usize,
    pub(crate) then: Then,
}

/// What happens by itself afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// Nothing, not even while the PIN is at hand and used for another portal.
    Rests,
    /// Once the fault is lifted, the card is registered with the PIN that was typed.
    GoesOn,
    /// It is tried a second time, and fails as it did.
    TriesAgain,
    /// It is left alone for this long.
    Waits(Duration),
}

impl<'a> Row<'a> {
    /// At a portal of ours that nothing is wrong with; registered after one PIN.
    pub(crate) fn at(portal: &'a ReferencePortal, name: impl Into<String>) -> Self {
        Self {
            portal: Some(portal),
            ..Self::elsewhere(name, portal.profile())
        }
    }

    /// At another portal.
    pub(crate) fn elsewhere(name: impl Into<String>, profile: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            profile: profile.into(),
            portal: None,
            fault: Fault::Normal,
            host: None,
            status: "registered",
            kind: None,
            says: "",
            pins: 1,
            then: Then::Rests,
        }
    }

    #[must_use]
    pub(crate) fn with(self, fault: Fault) -> Self {
        Self { fault, ..self }
    }

    #[must_use]
    pub(crate) fn by(self, profile: impl Into<String>) -> Self {
        let profile = profile.into();
        Self { profile, ..self }
    }

    #[must_use]
    pub(crate) fn is(self, status: &'static str, pins: usize) -> Self {
        Self {
            status,
            pins,
            ..self
        }
    }

    #[must_use]
    pub(crate) fn because(self, kind: Kind) -> Self {
        let kind = Some(kind);
        Self { kind, ..self }
    }

    #[must_use]
    pub(crate) fn saying(self, says: &'static str) -> Self {
        Self { says, ..self }
    }

    #[must_use]
    pub(crate) fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }

    /// Rejected after the card has signed once.
    #[must_use]
    pub(crate) fn rejected(self, kind: Kind) -> Self {
        self.is("rejected", 1).because(kind)
    }

    /// After the card has signed for a session and for a fresh one.
    #[must_use]
    pub(crate) fn forbidden(self, kind: Kind) -> Self {
        self.is("forbidden", 2).because(kind)
    }

    /// Before the card was asked.
    #[must_use]
    pub(crate) fn unsupported(self, kind: Kind) -> Self {
        self.is("unsupported", 0).because(kind)
    }

    /// With a page in the way, so after the card has signed; over when it is lifted.
    #[must_use]
    pub(crate) fn busy(self) -> Self {
        let busy = self.is("waiting", 1).because(Kind::PortalBusy);
        busy.then(Then::GoesOn)
    }

    /// Before the card was asked; over when it is lifted.
    #[must_use]
    pub(crate) fn unreachable(self, kind: Kind) -> Self {
        let unreachable = self.is("waiting", 0).because(kind);
        unreachable.then(Then::GoesOn)
    }
}

/// What is told to be the matter, where a status has that.
pub(crate) fn cause(status: &RegistrationStatus) -> Option<&Cause> {
    match status {
        RegistrationStatus::Forbidden { cause }
        | RegistrationStatus::Rejected { cause }
        | RegistrationStatus::Waiting { cause, .. }
        | RegistrationStatus::Unsupported { cause }
        | RegistrationStatus::Unrecognised { cause }
        | RegistrationStatus::CardFailed { cause } => Some(cause),
        RegistrationStatus::NotSeen
        | RegistrationStatus::NeedsPin { .. }
        | RegistrationStatus::SigningIn
        | RegistrationStatus::Registered { .. }
        | RegistrationStatus::RegisteredNotSaved { .. }
        | RegistrationStatus::OutOfDate { .. }
        | RegistrationStatus::NeedsConsent { .. }
        | RegistrationStatus::NeedsWizard
        | RegistrationStatus::NotEligible
        | RegistrationStatus::NeedsSponsor
        | RegistrationStatus::NotFound
        | RegistrationStatus::PinBlocked
        | RegistrationStatus::LockedOut { .. } => None,
    }
}
