//! One card at one portal, as a table of states. Pure: no clock, no card, no portal.

mod due;
#[cfg(test)]
mod tests;

use std::time::Duration;

use cac_common::cause::{Cause, Kind};
use cac_common::config::Config;
use cac_common::profile::Profile;
use cac_common::registration::{Outcome, RegistrationStatus};
use cac_common::snapshot::PinStatus;
use cac_common::time::UtcSeconds;

pub use self::due::Due;
use crate::card::error::{CardError, capitalised};
use crate::card::facts::CardFacts;
use crate::event::{Now, Proof, Remembered, SignInResult};

/// How long until something that could not be written down is tried again.
const SAVE_AGAIN: Duration = Duration::from_secs(30);

/// Where one card stands at one portal, in this visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stand {
    /// To be signed in as soon as there is a PIN.
    Due(Due),
    /// The portal client is at work.
    SigningIn {
        due: Due,
        /// A 403 was answered with a fresh session once already.
        again: bool,
    },
    /// The portal said yes; nothing is promised before it is written down.
    Recording {
        status: RegistrationStatus,
        proof: Proof,
    },
    /// It said yes, but that could not be written down.
    NotSaved {
        status: RegistrationStatus,
        proof: Proof,
        reason: String,
        /// When it is tried again; nothing while it is being tried.
        retry_at: Option<Duration>,
    },
    /// The portal could not be reached.
    Waiting {
        due: Due,
        until: Duration,
        until_utc: UtcSeconds,
        cause: Cause,
    },
    /// Settled; nothing is done until a person acts or something changes.
    Rest(RegistrationStatus),
}

/// A sign-in that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInEnd {
    pub due: Due,
    /// A 403 was answered with a fresh session once already.
    pub again: bool,
    pub result: SignInResult,
    /// The card accepted the PIN, and it is still there.
    pub may_sign_again: bool,
    /// For how long the portal locks an account, if its profile says.
    pub locks_for: Option<Duration>,
    pub proof: Proof,
}

/// What a finished sign-in asks for next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Nothing,
    /// Sign in again, with a session and connection of its own.
    Again,
    /// Write this down.
    Record(RegistrationStatus),
    /// What the card said of its PIN.
    Pin(PinStatus),
}

impl Stand {
    /// Where a card stands that was just put in, by what was written down.
    pub fn at_first(
        remembered: Option<&Remembered>,
        facts: &CardFacts,
        profile: &Profile,
        now: Now,
    ) -> Self {
        let Some(certificate) = facts.certificate_for(profile.certificate) else {
            return Self::Rest(RegistrationStatus::Unsupported {
                cause: Cause::new(
                    Kind::WrongUse,
                    "this card has no certificate that the portal signs people in by",
                ),
            });
        };
        let validity = &certificate.summary;
        if validity.not_after < now.utc {
            return Self::Rest(RegistrationStatus::Rejected {
                cause: Cause::new(Kind::CertificateExpired, "it has expired"),
            });
        }
        if validity.not_before > now.utc {
            return Self::Rest(RegistrationStatus::Rejected {
                cause: Cause::new(Kind::CertificateNotYetValid, "it is not valid yet"),
            });
        }
        match remembered {
            None => Self::Due(Due::default()),
            // What was refused under another profile says nothing about this one.
            Some(remembered)
                if remembered.proof.profile != profile.fingerprint
                    && !matches!(remembered.status, RegistrationStatus::Registered { .. }) =>
            {
                Self::Due(Due::default())
            }
            Some(remembered) if remembered.proof.certificate_sha256 == validity.sha256 => {
                if remembered.proof.profile == profile.fingerprint {
                    Self::Rest(remembered.status.clone())
                } else {
                    // Registered, by what may have been another server.
                    Self::Due(Due {
                        recheck_of: Some(Box::new(remembered.status.clone())),
                        ..Due::default()
                    })
                }
            }
            Some(remembered) => Self::Due(Due {
                out_of_date: matches!(remembered.status, RegistrationStatus::Registered { .. }),
                ..Due::default()
            }),
        }
    }

    /// As people see it.
    pub fn status(&self, pin: &PinStatus, profile: &Profile, now: Now) -> RegistrationStatus {
        match self {
            Self::Due(due) => due.status(pin),
            Self::SigningIn { .. } | Self::Recording { .. } => RegistrationStatus::SigningIn,
            Self::NotSaved { status, reason, .. } => RegistrationStatus::RegisteredNotSaved {
                account: if let RegistrationStatus::Registered { account, .. } = status {
                    account.clone()
                } else {
                    None
                },
                reason: reason.clone(),
            },
            Self::Waiting {
                due,
                until_utc,
                cause,
                ..
            } => RegistrationStatus::Waiting {
                until: *until_utc,
                attempt: due.failures,
                cause: cause.clone(),
            },
            Self::Rest(RegistrationStatus::Registered {
                since,
                checked_at,
                account,
                ..
            }) => RegistrationStatus::Registered {
                since: *since,
                checked_at: *checked_at,
                account: account.clone(),
                recheck_due: now.utc.since(*checked_at) >= profile.recheck,
            },
            Self::Rest(status) => status.clone(),
        }
    }

    /// A PIN was typed: what waits, or is to be checked again, is due now.
    #[must_use]
    pub fn with_a_pin(self, profile: &Profile, now: Now) -> Self {
        match &self {
            Self::Waiting { due, .. } => Self::Due(due.clone()),
            Self::Rest(status @ RegistrationStatus::Registered { checked_at, .. })
                if now.utc.since(*checked_at) >= profile.recheck =>
            {
                Self::Due(Due {
                    recheck_of: Some(Box::new(status.clone())),
                    ..Due::default()
                })
            }
            Self::Due(_)
            | Self::SigningIn { .. }
            | Self::Recording { .. }
            | Self::NotSaved { .. }
            | Self::Rest(_) => self,
        }
    }

    /// What waits for a portal to be there again is tried now.
    pub fn wait_no_longer(&mut self) {
        if let Self::Waiting { due, .. } = self {
            *self = Self::Due(std::mem::take(due));
        }
    }

    /// A person wants another try, whatever was refused before.
    #[must_use]
    pub fn asked_for(self, facts: &CardFacts, profile: &Profile, now: Now) -> Self {
        match self.with_a_pin(profile, now) {
            registered @ Self::Rest(RegistrationStatus::Registered { .. }) => registered,
            // A try more could make it longer.
            locked @ Self::Rest(RegistrationStatus::LockedOut { until: Some(until) })
                if now.utc < until =>
            {
                locked
            }
            Self::Rest(_) => Self::at_first(None, facts, profile, now),
            under_way @ (Self::Due(_)
            | Self::SigningIn { .. }
            | Self::Recording { .. }
            | Self::NotSaved { .. }
            | Self::Waiting { .. }) => under_way,
        }
    }

    /// The sign-in has ended.
    pub fn ended(ended: SignInEnd, config: &Config, now: Now) -> (Self, Next) {
        let SignInEnd {
            due,
            again,
            result,
            may_sign_again,
            locks_for,
            proof,
        } = ended;
        let outcome = match result {
            SignInResult::Portal(outcome) => outcome,
            SignInResult::Card(error) => return card_failed(due, &error),
            SignInResult::PinGone => return (due.unchanged(), Next::Nothing),
            SignInResult::Failed { cause } => {
                return (
                    due.failed(Cause::new(Kind::FailedHere, cause)),
                    Next::Nothing,
                );
            }
        };
        let refused = |status: RegistrationStatus| {
            let next = Next::Record(status.clone());
            (Self::Rest(status), next)
        };
        match outcome {
            Outcome::Registered { account } => {
                let since = match due.recheck_of.as_deref() {
                    Some(RegistrationStatus::Registered { since, .. }) => *since,
                    _ => now.utc,
                };
                let status = RegistrationStatus::Registered {
                    since,
                    checked_at: now.utc,
                    account,
                    recheck_due: false,
                };
                let next = Next::Record(status.clone());
                let stand = Self::Recording { status, proof };
                (stand, next)
            }
            Outcome::Unavailable { cause, retry_after } => match due.recheck_of {
                Some(status) => (Self::Rest(*status), Next::Nothing),
                None => (due.wait(cause, retry_after, config, now), Next::Nothing),
            },
            Outcome::Forbidden { .. } if !again && may_sign_again => {
                (Self::SigningIn { due, again: true }, Next::Again)
            }
            // A notice says nothing of a registration that there is.
            Outcome::NeedsConsent { .. } if due.recheck_of.is_some() => (
                Self::Rest(status_of(outcome, locks_for, now)),
                Next::Nothing,
            ),
            Outcome::Forbidden { .. }
            | Outcome::NeedsConsent { .. }
            | Outcome::NeedsWizard
            | Outcome::NotEligible
            | Outcome::NeedsSponsor
            | Outcome::NotFound
            | Outcome::Rejected { .. }
            | Outcome::LockedOut
            | Outcome::Unsupported { .. }
            | Outcome::Unrecognised { .. } => refused(status_of(outcome, locks_for, now)),
        }
    }

    /// What was written down of it is gone.
    #[must_use]
    pub fn forgotten(mut self) -> Self {
        if let Self::Due(due) | Self::SigningIn { due, .. } | Self::Waiting { due, .. } = &mut self
        {
            due.recheck_of = None;
            due.out_of_date = false;
        }
        self
    }

    /// What was to be written down is, or could not be.
    #[must_use]
    pub fn recorded(
        self,
        written: &RegistrationStatus,
        result: Result<(), String>,
        now: Now,
    ) -> Self {
        let (Self::Recording { status, proof } | Self::NotSaved { status, proof, .. }) = &self
        else {
            return self;
        };
        if status != written {
            return self;
        }
        match result {
            Ok(()) => Self::Rest(written.clone()),
            Err(reason) => Self::NotSaved {
                status: written.clone(),
                proof: proof.clone(),
                reason,
                retry_at: Some(now.monotonic + SAVE_AGAIN),
            },
        }
    }

    /// What the portal said yes to, while that is being written down.
    pub fn being_written(&self) -> Option<&Proof> {
        match self {
            Self::Recording { proof, .. } | Self::NotSaved { proof, .. } => Some(proof),
            Self::Due(_) | Self::SigningIn { .. } | Self::Waiting { .. } | Self::Rest(_) => None,
        }
    }

    /// When it wants to be looked at again by itself.
    pub fn deadline(&self) -> Option<Duration> {
        match self {
            Self::Waiting { until, .. } => Some(*until),
            Self::NotSaved { retry_at, .. } => *retry_at,
            Self::Due(_) | Self::SigningIn { .. } | Self::Recording { .. } | Self::Rest(_) => None,
        }
    }

    /// The text of this hash was accepted, and the sign-in can go on.
    #[must_use]
    pub fn accepted(self, sha256: &str) -> Option<Self> {
        match self {
            Self::Rest(RegistrationStatus::NeedsConsent { notice }) if notice.sha256 == sha256 => {
                Some(Self::Due(Due::default()))
            }
            Self::Due(_)
            | Self::SigningIn { .. }
            | Self::Recording { .. }
            | Self::NotSaved { .. }
            | Self::Waiting { .. }
            | Self::Rest(_) => None,
        }
    }

    /// A person reads a notice.
    pub fn waits_for_consent(&self) -> bool {
        matches!(self, Self::Rest(RegistrationStatus::NeedsConsent { .. }))
    }

    /// Settled as registered.
    pub fn is_registered(&self) -> bool {
        matches!(self, Self::Rest(RegistrationStatus::Registered { .. }))
    }

    /// Settled, and not as registered.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Rest(status) if !matches!(status, RegistrationStatus::Registered { .. }))
    }

    pub fn is_due(&self) -> bool {
        matches!(self, Self::Due(_))
    }

    /// The portal client is at work, or the database is.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::SigningIn { .. } | Self::Recording { .. })
    }
}

/// What a portal's word comes to for somebody who is here for the first time.
pub fn status_of(outcome: Outcome, locks_for: Option<Duration>, now: Now) -> RegistrationStatus {
    match outcome {
        Outcome::Registered { account } => RegistrationStatus::Registered {
            since: now.utc,
            checked_at: now.utc,
            account,
            recheck_due: false,
        },
        Outcome::Unavailable { cause, retry_after } => RegistrationStatus::Waiting {
            until: now.utc.after(retry_after.unwrap_or_default()),
            attempt: 1,
            cause,
        },
        Outcome::Forbidden { cause } => RegistrationStatus::Forbidden { cause },
        Outcome::NeedsConsent { notice } => RegistrationStatus::NeedsConsent { notice },
        Outcome::NeedsWizard => RegistrationStatus::NeedsWizard,
        Outcome::NotEligible => RegistrationStatus::NotEligible,
        Outcome::NeedsSponsor => RegistrationStatus::NeedsSponsor,
        Outcome::NotFound => RegistrationStatus::NotFound,
        Outcome::Rejected { cause } => RegistrationStatus::Rejected { cause },
        Outcome::LockedOut => RegistrationStatus::LockedOut {
            until: locks_for.map(|span| now.utc.after(span)),
        },
        Outcome::Unsupported { cause } => RegistrationStatus::Unsupported { cause },
        Outcome::Unrecognised { cause } => RegistrationStatus::Unrecognised { cause },
    }
}

fn card_failed(due: Due, error: &CardError) -> (Stand, Next) {
    if let Some(pin) = pin_after(error) {
        return (due.unchanged(), Next::Pin(pin));
    }
    let cause = Cause::new(Kind::CardFailed, error.to_string());
    (due.failed(cause), Next::Nothing)
}

/// How the PIN stands, where a failure says so.
pub fn pin_after(error: &CardError) -> Option<PinStatus> {
    match *error {
        CardError::WrongPin {
            tries_left: Some(0),
        }
        | CardError::PinBlocked => Some(PinStatus::Blocked),
        CardError::WrongPin { tries_left } | CardError::LastTry { tries_left } => {
            Some(PinStatus::Ready { tries_left })
        }
        CardError::Transport(_)
        | CardError::Refused { .. }
        | CardError::Endless { .. }
        | CardError::StillLoggedIn
        | CardError::Malformed { .. }
        | CardError::Nameless { .. }
        | CardError::NotPiv
        | CardError::OtherCard
        | CardError::NoLockedMemory => None,
    }
}

/// An error as a sentence of its own.
pub fn sentence(error: &CardError) -> String {
    capitalised(&error.to_string())
}
