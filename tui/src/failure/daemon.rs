//! What comes of it when the daemon does not do as asked.

use cac_common::client::ClientError;
use cac_common::interface::Refusal;

use super::{Exit, ID_CARD_OFFICE, JOIN_THE_GROUP, LOG_IN_THERE, PUT_IT_IN_AGAIN};

pub(super) const VERSIONS: &str =
    "cacctl and cacd may be of different versions: restart cacd after an update.";

pub(super) const START_IT: &str =
    "Is it running? Try: systemctl status cacd. Another socket is named with --socket.";

/// Where both PINs went out, and no answer came.
pub(super) const WHICH_PIN: &str = "Try the new PIN where one is asked for next. If the card does not accept it, the old one holds, and one try was spent. Stop before the last try: an ID card office (RAPIDS) can set another.";

/// Where nobody waited for the answer, which may come all the same.
pub(super) const WHICH_PIN_LATER: &str = "cacctl history says what came of it, once the card has answered. If it does not, try the new PIN where one is asked for next: if the card does not accept it, the old one holds, and one try was spent.";

pub(super) fn exit_of(error: &ClientError) -> Exit {
    match error {
        ClientError::Unreachable { .. }
        | ClientError::Lost(_)
        | ClientError::Closed
        | ClientError::Silent => Exit::Unreachable,
        ClientError::Refused(refusal) => match refusal {
            Refusal::NotRead
            | Refusal::CardFailed { .. }
            | Refusal::PinForgotten
            | Refusal::MachineSleeps
            | Refusal::PinChangeUnknown { .. }
            | Refusal::NotTaken
            | Refusal::StoreFailed { .. }
            | Refusal::Stopping => Exit::Failed,
            Refusal::PermissionDenied
            | Refusal::NotAtTheSeat
            | Refusal::MethodNotFound { .. }
            | Refusal::InterfaceNotFound { .. }
            | Refusal::InvalidParameter { .. }
            | Refusal::ExpectedMore
            | Refusal::NoSuchCard
            | Refusal::NoSuchReader
            | Refusal::NoSuchPortal
            | Refusal::UserHasNoCard
            | Refusal::UserHasSeveralCards
            | Refusal::NoPin
            | Refusal::MalformedPin
            | Refusal::NoLockedMemory
            | Refusal::LastTry
            | Refusal::PinBlocked
            | Refusal::NoLogin
            | Refusal::NoPinChange
            | Refusal::PinNotChanged { .. }
            | Refusal::PinInUse
            | Refusal::NothingToDo
            | Refusal::NoSteps
            | Refusal::WizardRuns
            | Refusal::NotAsked
            | Refusal::NotYours
            | Refusal::MalformedPassword
            | Refusal::NoPipe => Exit::Refused,
            Refusal::PutInBefore
            | Refusal::NoCard
            | Refusal::NoContact
            | Refusal::SamePin
            | Refusal::WrongPin { .. } => Exit::NeedsPerson,
        },
        ClientError::UnknownError(_) | ClientError::Unreadable(_) | ClientError::Pipe(_) => {
            Exit::Failed
        }
    }
}

pub(super) fn advice_for(error: &ClientError) -> &'static str {
    match error {
        ClientError::Unreachable { source, .. }
            if source.kind() == std::io::ErrorKind::PermissionDenied =>
        {
            JOIN_THE_GROUP
        }
        ClientError::Unreachable { .. } => START_IT,
        ClientError::Lost(_) | ClientError::Closed | ClientError::Silent => {
            "Was it stopped? journalctl -u cacd says more."
        }
        ClientError::Unreadable(_) | ClientError::UnknownError(_) => VERSIONS,
        ClientError::Pipe(_) => {
            "The machine may be out of files to open (ulimit -n). Nothing was sent."
        }
        ClientError::Refused(refusal) => match refusal {
            Refusal::PermissionDenied => JOIN_THE_GROUP,
            Refusal::NotAtTheSeat => LOG_IN_THERE,
            Refusal::PutInBefore => PUT_IT_IN_AGAIN,
            Refusal::MethodNotFound { .. } | Refusal::InterfaceNotFound { .. } => {
                "cacd is older than cacctl: restart it after an update."
            }
            Refusal::NoSuchCard => "Put the card in again; nothing was sent to it.",
            Refusal::NoSuchReader => "cacctl status lists the readers.",
            Refusal::NoCard => "Put your card in, chip first, and try again.",
            Refusal::NotRead => "Is it still being read? Try again in a moment.",
            Refusal::NoSuchPortal => "cacctl status lists the portals.",
            Refusal::UserHasNoCard | Refusal::UserHasSeveralCards => {
                "cacctl status says whose each card is, by [[user]] in cacd.toml."
            }
            Refusal::NoLockedMemory => {
                "The service needs more locked memory: see LimitMEMLOCK in cacd.service."
            }
            Refusal::LastTry => {
                "Nothing was sent. If you are sure of the PIN, insist: --even-the-last-try, or the prompt of the dashboard once more."
            }
            Refusal::PinBlocked => ID_CARD_OFFICE,
            Refusal::WrongPin { .. } => {
                "Your PIN was sent once and thrown away. Try again when you are sure of it."
            }
            // The cause says what to do where there is more than this.
            Refusal::CardFailed { .. } => {
                "cacctl status says how the card stands, and how many tries are left. If nothing else is said, take it out, put it in again and try once more."
            }
            Refusal::NoLogin => {
                "cacctl card show lists its certificates, cacctl portal show which of them the portal takes."
            }
            Refusal::NoContact => "Put it into a reader with a slot, chip first.",
            Refusal::PinForgotten => {
                "It took longer than a PIN is kept (pin.keep in cacd.toml). Try again; no PIN try was spent."
            }
            Refusal::MachineSleeps => {
                "The card has not been asked, and what you typed was thrown away. Type it again when the machine is awake."
            }
            Refusal::NoPinChange => "An ID card office (RAPIDS) can change it.",
            Refusal::SamePin => "No try was spent: choose another.",
            Refusal::PinNotChanged { .. } => {
                "The old PIN holds. cacctl pin status says how many tries are left."
            }
            Refusal::PinChangeUnknown { .. } => WHICH_PIN,
            Refusal::PinInUse => "Wait until the card is done.",
            Refusal::NothingToDo => "The card has not been asked; your PIN was thrown away.",
            Refusal::NoSteps => {
                "Register in a browser, or ask the portal's help desk; your administrator can add the steps."
            }
            Refusal::WizardRuns => {
                "Go on with it, or stop it: cacctl wizard, or w in the dashboard."
            }
            Refusal::NotAsked => "It has gone on meanwhile. Nothing was sent.",
            Refusal::NotYours => {
                "Nothing was sent. Only who began it goes on with it; you may stop it, and begin another."
            }
            Refusal::NotTaken => {
                "It was not read fast enough, or not to its end: is the disk full that it goes to?"
            }
            Refusal::StoreFailed { .. } => "journalctl -u cacd says more.",
            Refusal::Stopping => "Try again when it is back.",
            Refusal::InvalidParameter { .. } | Refusal::ExpectedMore | Refusal::NoPipe => VERSIONS,
            Refusal::NoPin | Refusal::MalformedPin => "No try was spent: try again.",
            Refusal::MalformedPassword => "Nothing was sent: type it again.",
        },
    }
}
