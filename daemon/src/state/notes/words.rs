//! What portals and cards said, in words.

use cac_common::cause::Cause;
use cac_common::registration::Outcome;
use cac_common::snapshot::HistoryKind;

use crate::card::error::CardError;
use crate::journal::Message;
use crate::registration::sentence;

/// Kind, words for people, and what the log says instead: a page's title can
/// name whom it greets. `is_registered`: it was, and was to be checked again.
pub(super) fn portal_said(
    outcome: &Outcome,
    is_registered: bool,
) -> Option<(HistoryKind, String, String)> {
    let with = |label: &str, cause: &Cause| {
        let logged = format!("{label} ({})", cause.kind);
        (format!("{label}: {cause}"), logged)
    };
    let plain = |label: &str| (label.to_owned(), label.to_owned());
    let (text, logged) = match outcome {
        // Told once it is written down.
        Outcome::Registered { .. } => return None,
        Outcome::NeedsConsent { .. } => plain("shows a notice that has to be accepted"),
        Outcome::NeedsWizard => plain("needs the wizard"),
        Outcome::NotEligible => plain("not eligible"),
        Outcome::NeedsSponsor => plain("needs a sponsor"),
        Outcome::NotFound => plain("not found"),
        Outcome::Forbidden { cause } => with("forbidden", cause),
        Outcome::Rejected { cause } => with("rejected", cause),
        // What was written down stays so, and nothing waits.
        Outcome::Unavailable { cause, .. } if is_registered => {
            with("registered, not checked", cause)
        }
        Outcome::Unavailable { cause, .. } => with("waiting", cause),
        Outcome::LockedOut => plain("locked out"),
        Outcome::Unsupported { cause } => with("unsupported", cause),
        Outcome::Unrecognised { cause } => (
            format!("unrecognised page \u{201c}{cause}\u{201d}"),
            format!("unrecognised ({})", cause.kind),
        ),
    };
    Some((HistoryKind::Registration, text, logged))
}

pub(super) fn card_tells(error: &CardError) -> Option<Message> {
    match error {
        CardError::WrongPin { .. } => Some(Message::PinRefused),
        CardError::PinBlocked => Some(Message::PinBlocked),
        // The card was not even asked.
        CardError::LastTry { .. } | CardError::NoLockedMemory => None,
        CardError::Transport(_)
        | CardError::Refused { .. }
        | CardError::Endless { .. }
        | CardError::Malformed { .. }
        | CardError::Nameless { .. }
        | CardError::NotPiv
        | CardError::OtherCard
        | CardError::StillLoggedIn => Some(Message::CardFailed),
    }
}

pub(super) fn card_said(error: &CardError) -> (HistoryKind, String, &'static str) {
    match error {
        CardError::WrongPin { tries_left } => {
            let text = match tries_left {
                Some(1) => "PIN not accepted; one try is left".to_owned(),
                Some(tries) => format!("PIN not accepted; {tries} tries left"),
                None => {
                    "PIN not accepted; the card does not say how many tries are left".to_owned()
                }
            };
            (HistoryKind::Pin, text, "PIN not accepted")
        }
        CardError::PinBlocked => (
            HistoryKind::Pin,
            "PIN not accepted; it is blocked, and only an ID card office can reset it".to_owned(),
            "the PIN is blocked",
        ),
        CardError::LastTry { .. } => (
            HistoryKind::Pin,
            "PIN not sent: it could have been the last try".to_owned(),
            "PIN not sent",
        ),
        CardError::Transport(_)
        | CardError::Refused { .. }
        | CardError::Endless { .. }
        | CardError::Malformed { .. }
        | CardError::Nameless { .. }
        | CardError::NotPiv
        | CardError::OtherCard
        | CardError::StillLoggedIn
        | CardError::NoLockedMemory => (HistoryKind::Card, sentence(error), "the card failed"),
    }
}
