//! Where a persona stands at a portal, in the words people read.

use serde::{Deserialize, Serialize};

use crate::cause::Cause;
use crate::time::UtcSeconds;

/// How many PIN tries the card says are left; `None` where it does not say,
/// which counts as the last.
pub type TriesLeft = Option<u8>;

/// Where one persona stands at one portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RegistrationStatus {
    /// This persona has not been here.
    NotSeen,
    /// Everything is ready but the PIN.
    NeedsPin { tries_left: TriesLeft },
    /// The card signs, the portal answers, or the answer is being written down.
    SigningIn,
    /// The portal said so for this certificate, and it is written down.
    Registered {
        since: UtcSeconds,
        checked_at: UtcSeconds,
        account: Option<String>,
        /// Longer ago than the profile's `recheck`: checked with the next PIN typed.
        recheck_due: bool,
    },
    /// The portal said so, the database could not write it yet.
    RegisteredNotSaved {
        account: Option<String>,
        reason: String,
    },
    /// The portal knows an earlier certificate or card of this persona.
    OutOfDate { tries_left: TriesLeft },
    /// The portal shows a notice that a person has to accept first.
    NeedsConsent { notice: Notice },
    /// Not tied to an account by itself.
    NeedsWizard,
    /// This category may not register by itself.
    NotEligible,
    /// Only through a sponsor.
    NeedsSponsor,
    /// The portal does not know the person.
    NotFound,
    /// 403 with a fresh session too.
    Forbidden { cause: Cause },
    /// The portal or TLS refused the certificate.
    Rejected { cause: Cause },
    /// The portal could not be reached, or was busy.
    Waiting {
        until: UtcSeconds,
        attempt: u32,
        cause: Cause,
    },
    /// No tries left.
    PinBlocked,
    /// The portal has locked the account for a time.
    LockedOut { until: Option<UtcSeconds> },
    /// The portal wants what we cannot do.
    Unsupported {
        #[serde(alias = "why")]
        cause: Cause,
    },
    /// A page no rule of the profile matches.
    Unrecognised {
        /// Its title.
        #[serde(alias = "title")]
        cause: Cause,
    },
    /// The card or its reader failed while signing in.
    CardFailed { cause: Cause },
}

/// A notice that a portal shows before it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// As people read it, white space folded.
    pub text: String,
    /// Of that text, hexadecimal: another text is another notice.
    pub sha256: String,
}

impl RegistrationStatus {
    /// Two or three words for a narrow column.
    pub fn label(&self) -> &'static str {
        match self {
            Self::NotSeen => "no card seen yet",
            Self::NeedsPin { .. } => "needs PIN",
            Self::SigningIn => "signing in",
            Self::Registered { .. } => "registered",
            Self::RegisteredNotSaved { .. } => "registered (not saved)",
            Self::OutOfDate { .. } => "out of date",
            Self::NeedsConsent { .. } => "needs your consent",
            Self::NeedsWizard => "needs the wizard",
            Self::NotEligible => "not eligible",
            Self::NeedsSponsor => "needs a sponsor",
            Self::NotFound => "not found",
            Self::Forbidden { .. } => "forbidden",
            Self::Rejected { .. } => "rejected",
            Self::Waiting { .. } => "waiting",
            Self::PinBlocked => "PIN blocked",
            Self::LockedOut { .. } => "locked out",
            Self::Unsupported { .. } => "unsupported",
            Self::Unrecognised { .. } => "unrecognised",
            Self::CardFailed { .. } => "card failed",
        }
    }

    /// When it began, where it says so itself.
    pub fn began_at(&self) -> Option<UtcSeconds> {
        if let Self::Registered { since, .. } = self {
            Some(*since)
        } else {
            None
        }
    }

    /// Nothing goes on before a PIN is typed.
    pub fn waits_for_pin(&self) -> bool {
        matches!(self, Self::NeedsPin { .. } | Self::OutOfDate { .. })
    }

    /// A PIN that is typed now serves this registration.
    pub fn has_use_for_pin(&self) -> bool {
        self.waits_for_pin()
            || matches!(
                self,
                Self::Registered {
                    recheck_due: true,
                    ..
                }
            )
    }

    /// What went wrong and what to do next, as sentences; nothing where
    /// there is nothing to do.
    pub fn advice(&self) -> Option<String> {
        Some(match self {
            Self::NotSeen => "Put your card in.".into(),
            Self::NeedsPin { tries_left } => match tries_left {
                Some(1) => "One try is left. If you are not sure of the PIN, stop: an ID card office can reset it.".into(),
                Some(_) => "Type your PIN.".into(),
                None => "The card does not say how many tries are left; this may be the last.".into(),
            },
            Self::SigningIn | Self::Registered { recheck_due: false, .. } => return None,
            Self::Registered { recheck_due: true, .. } => {
                "Not checked for a while; it is checked with the next PIN you type.".into()
            }
            Self::RegisteredNotSaved { reason, .. } => {
                format!("The portal said yes, but it could not be written down: {reason}. It is written as soon as that works.")
            }
            Self::OutOfDate { .. } => "The portal knows an earlier card or certificate of yours. Type your PIN to register this one.".into(),
            Self::NeedsConsent { .. } => "The portal shows a notice, and goes on once you have read and accepted it.".into(),
            Self::NeedsWizard => "The portal knows you, but no account is tied to this card. Register it by hand: cacctl wizard, or w in the dashboard.".into(),
            Self::NotEligible => "The portal does not let people of your category register by themselves.".into(),
            Self::NeedsSponsor => "You need a sponsor who has an account there.".into(),
            Self::NotFound => "The portal's database does not know you, so registering cannot work. Call its help desk.".into(),
            Self::Forbidden { cause } => with_advice(&format!("The portal refused access: {cause}"), cause, "Waiting 15 minutes and trying again can help; else register by hand."),
            Self::Rejected { cause } => with_advice(&format!("Your certificate was refused: {cause}"), cause, ""),
            Self::Waiting { cause, .. } => {
                let advice = with_advice(&cause.detail, cause, "");
                format!("{advice} It is tried again by itself; nothing is lost.")
            }
            Self::PinBlocked => "No PIN tries are left. An ID card office (RAPIDS) can reset the PIN; bring the card and another photo ID.".into(),
            Self::LockedOut { .. } => "The portal has locked the account for a time. Wait, or call its help desk.".into(),
            Self::Unsupported { cause } => with_advice(&cause.detail, cause, "Use a browser for this portal."),
            Self::Unrecognised { cause } => with_advice(
                &format!("The portal answered with a page that its profile does not describe: \u{201c}{cause}\u{201d}"),
                cause,
                "Tell your administrator.",
            ),
            Self::CardFailed { cause } => with_advice(&cause.detail, cause, "To try again, put the card in anew."),
        })
    }

    /// The same of a sign-in that was tried by hand, from which nothing follows.
    pub fn advice_when_tried(&self) -> Option<String> {
        match self {
            Self::Waiting { cause, .. } | Self::CardFailed { cause } => {
                Some(with_advice(&cause.detail, cause, ""))
            }
            Self::NeedsConsent { .. } => {
                Some("The portal shows a notice first: cacctl register shows it.".into())
            }
            Self::NotSeen
            | Self::NeedsPin { .. }
            | Self::SigningIn
            | Self::Registered { .. }
            | Self::RegisteredNotSaved { .. }
            | Self::OutOfDate { .. }
            | Self::NeedsWizard
            | Self::NotEligible
            | Self::NeedsSponsor
            | Self::NotFound
            | Self::Forbidden { .. }
            | Self::Rejected { .. }
            | Self::PinBlocked
            | Self::LockedOut { .. }
            | Self::Unsupported { .. }
            | Self::Unrecognised { .. } => self.advice(),
        }
    }
}

/// What happened, what that means, and what to do next; `else_next` where the
/// catalogue does not know the cause.
fn with_advice(what: &str, cause: &Cause, else_next: &str) -> String {
    let advice = cause.advice();
    let advice = if advice.is_empty() {
        else_next
    } else {
        &advice
    };
    format!("{}. {advice}", capitalised(what))
        .trim_end()
        .to_owned()
}

fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(rest).collect()
}

/// What a portal said to a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It knows the holder and has tied this certificate to the account.
    Registered {
        account: Option<String>,
    },
    NeedsConsent {
        notice: Notice,
    },
    NeedsWizard,
    NotEligible,
    NeedsSponsor,
    NotFound,
    Forbidden {
        cause: Cause,
    },
    Rejected {
        cause: Cause,
    },
    /// Worth another try later: unreachable, 5xx, 429.
    Unavailable {
        cause: Cause,
        retry_after: Option<std::time::Duration>,
    },
    LockedOut,
    Unsupported {
        cause: Cause,
    },
    Unrecognised {
        cause: Cause,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Kind;

    #[test]
    fn only_a_registration_that_waits_is_said_to_be_tried_again() {
        for kind in Kind::ALL {
            let waiting = RegistrationStatus::Waiting {
                until: UtcSeconds(60),
                attempt: 1,
                cause: Cause::new(kind, "it is away"),
            };

            let told = waiting.advice().unwrap();
            let tried = waiting.advice_when_tried().unwrap();

            assert_eq!(told.matches("tried again by itself").count(), 1, "{told}");
            assert!(!tried.contains("tried again"), "{tried}");
            assert!(tried.starts_with("It is away. "), "{tried}");
        }
    }

    #[test]
    fn on_the_wire_a_status_is_one_flat_object() {
        let waiting = RegistrationStatus::Waiting {
            until: UtcSeconds(60),
            attempt: 2,
            cause: Cause::new(Kind::ConnectionRefused, "no"),
        };

        let json = serde_json::to_string(&waiting).unwrap();

        assert_eq!(
            json,
            r#"{"state":"waiting","until":60,"attempt":2,"cause":{"kind":"connection-refused","detail":"no"}}"#
        );
    }
}
