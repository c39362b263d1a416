//! Why a request was refused, as a value and as an error reply.

use serde_json::Value;

use super::Reply;
use crate::registration::TriesLeft;

/// Why something was not done. Advice to people is made from the variant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("only root, the service's own user and the group of its administrators may do this")]
    PermissionDenied,
    #[error(
        "only the user at the seat of this reader, root and members of the group of its administrators may do this"
    )]
    NotAtTheSeat,
    #[error("the card was put in before you came to the seat: take it out and put it in again")]
    PutInBefore,
    #[error("no such method: {method}")]
    MethodNotFound { method: String },
    #[error("no such interface: {interface}")]
    InterfaceNotFound { interface: String },
    #[error("parameter cannot be used: {parameter}")]
    InvalidParameter { parameter: String },
    #[error("this method answers more than once: call it with \"more\"")]
    ExpectedMore,
    #[error("that card is not in a reader now")]
    NoSuchCard,
    #[error("no reader has that name")]
    NoSuchReader,
    #[error("no card is in that reader")]
    NoCard,
    #[error("the card has not been read to its end")]
    NotRead,
    #[error("no portal has that name")]
    NoSuchPortal,
    #[error("no card of that user is in a reader")]
    UserHasNoCard,
    #[error("several cards in readers are that user's, or may be")]
    UserHasSeveralCards,
    #[error("no PIN came with the call")]
    NoPin,
    #[error("a PIN is six to eight digits; the card has not been asked")]
    MalformedPin,
    #[error("no memory can be locked for the PIN")]
    NoLockedMemory,
    #[error("one try is left, or the card does not say how many")]
    LastTry,
    #[error("the PIN is blocked")]
    PinBlocked,
    #[error("PIN not accepted{}", after_a_wrong_pin(*tries_left))]
    WrongPin { tries_left: TriesLeft },
    #[error("the card failed: {cause}")]
    CardFailed { cause: String },
    #[error("the card has no certificate that the portal signs people in by")]
    NoLogin,
    #[error("the card takes no PIN without contact")]
    NoContact,
    #[error("the card has no PIN that can be changed here: it has no PIV")]
    NoPinChange,
    #[error("the new PIN is the old one; the card has not been asked")]
    SamePin,
    #[error("the PIN was not changed: {cause}")]
    PinNotChanged { cause: String },
    #[error("it is not known whether the PIN was changed: {cause}")]
    PinChangeUnknown { cause: String },
    #[error("the PIN was held no longer, and nothing was sent to the card")]
    PinForgotten,
    #[error("the machine goes to sleep: nothing is taken before it is awake again")]
    MachineSleeps,
    #[error("a PIN was given already, and is being used")]
    PinInUse,
    #[error("nothing waits for a PIN")]
    NothingToDo,
    #[error("the portal's profile has no steps for registering by hand")]
    NoSteps,
    #[error("this card is being registered by hand already")]
    WizardRuns,
    #[error("that is not asked for now")]
    NotAsked,
    #[error("the one who began it may go on, and nobody else")]
    NotYours,
    #[error("a password is 1 to 255 bytes; the portal has not been asked")]
    MalformedPassword,
    #[error("no pipe to write into came with the call")]
    NoPipe,
    #[error("nobody took the backup out of its pipe")]
    NotTaken,
    #[error("database cannot be used: {reason}")]
    StoreFailed { reason: String },
    #[error("the service is stopping")]
    Stopping,
}

impl Refusal {
    /// As an error reply.
    pub fn to_reply(&self) -> Reply {
        let one = |key: &str, value: &str| serde_json::json!({ key: value });
        let none = || serde_json::json!({});
        let (name, parameters) = match self {
            Self::PermissionDenied => ("org.varlink.service.PermissionDenied", none()),
            Self::NotAtTheSeat => ("org.cacd1.NotAtTheSeat", none()),
            Self::PutInBefore => ("org.cacd1.PutInBefore", none()),
            Self::MethodNotFound { method } => {
                ("org.varlink.service.MethodNotFound", one("method", method))
            }
            Self::InterfaceNotFound { interface } => (
                "org.varlink.service.InterfaceNotFound",
                one("interface", interface),
            ),
            Self::InvalidParameter { parameter } => (
                "org.varlink.service.InvalidParameter",
                one("parameter", parameter),
            ),
            Self::ExpectedMore => ("org.varlink.service.ExpectedMore", none()),
            Self::NoSuchCard => ("org.cacd1.NoSuchCard", none()),
            Self::NoSuchReader => ("org.cacd1.NoSuchReader", none()),
            Self::NoCard => ("org.cacd1.NoCard", none()),
            Self::NotRead => ("org.cacd1.NotRead", none()),
            Self::NoSuchPortal => ("org.cacd1.NoSuchPortal", none()),
            Self::UserHasNoCard => ("org.cacd1.UserHasNoCard", none()),
            Self::UserHasSeveralCards => ("org.cacd1.UserHasSeveralCards", none()),
            Self::NoPin => ("org.cacd1.NoPin", none()),
            Self::MalformedPin => ("org.cacd1.MalformedPin", none()),
            Self::NoLockedMemory => ("org.cacd1.NoLockedMemory", none()),
            Self::LastTry => ("org.cacd1.LastTry", none()),
            Self::PinBlocked => ("org.cacd1.PinBlocked", none()),
            Self::WrongPin { tries_left } => (
                "org.cacd1.WrongPin",
                serde_json::json!({ "tries_left": tries_left }),
            ),
            Self::CardFailed { cause } => ("org.cacd1.CardFailed", one("cause", cause)),
            Self::NoLogin => ("org.cacd1.NoLogin", none()),
            Self::NoContact => ("org.cacd1.NoContact", none()),
            Self::NoPinChange => ("org.cacd1.NoPinChange", none()),
            Self::SamePin => ("org.cacd1.SamePin", none()),
            Self::PinNotChanged { cause } => ("org.cacd1.PinNotChanged", one("cause", cause)),
            Self::PinChangeUnknown { cause } => ("org.cacd1.PinChangeUnknown", one("cause", cause)),
            Self::PinForgotten => ("org.cacd1.PinForgotten", none()),
            Self::MachineSleeps => ("org.cacd1.MachineSleeps", none()),
            Self::PinInUse => ("org.cacd1.PinInUse", none()),
            Self::NothingToDo => ("org.cacd1.NothingToDo", none()),
            Self::NoSteps => ("org.cacd1.NoSteps", none()),
            Self::WizardRuns => ("org.cacd1.WizardRuns", none()),
            Self::NotAsked => ("org.cacd1.NotAsked", none()),
            Self::NotYours => ("org.cacd1.NotYours", none()),
            Self::MalformedPassword => ("org.cacd1.MalformedPassword", none()),
            Self::NoPipe => ("org.cacd1.NoPipe", none()),
            Self::NotTaken => ("org.cacd1.NotTaken", none()),
            Self::StoreFailed { reason } => ("org.cacd1.StoreFailed", one("reason", reason)),
            Self::Stopping => ("org.cacd1.Stopping", none()),
        };
        Reply {
            error: Some(name.into()),
            parameters,
            continues: false,
        }
    }

    /// From an error reply; `None` if its name is not one of ours.
    pub fn from_reply(name: &str, parameters: &Value) -> Option<Self> {
        let text = |key: &str| parameters[key].as_str().unwrap_or_default().to_owned();
        Some(match name {
            "org.varlink.service.PermissionDenied" => Self::PermissionDenied,
            "org.cacd1.NotAtTheSeat" => Self::NotAtTheSeat,
            "org.cacd1.PutInBefore" => Self::PutInBefore,
            "org.varlink.service.MethodNotFound" => Self::MethodNotFound {
                method: text("method"),
            },
            "org.varlink.service.InterfaceNotFound" => Self::InterfaceNotFound {
                interface: text("interface"),
            },
            "org.varlink.service.InvalidParameter" => Self::InvalidParameter {
                parameter: text("parameter"),
            },
            "org.varlink.service.ExpectedMore" => Self::ExpectedMore,
            "org.cacd1.NoSuchCard" => Self::NoSuchCard,
            "org.cacd1.NoSuchReader" => Self::NoSuchReader,
            "org.cacd1.NoCard" => Self::NoCard,
            "org.cacd1.NotRead" => Self::NotRead,
            "org.cacd1.NoSuchPortal" => Self::NoSuchPortal,
            "org.cacd1.UserHasNoCard" => Self::UserHasNoCard,
            "org.cacd1.UserHasSeveralCards" => Self::UserHasSeveralCards,
            "org.cacd1.NoPin" => Self::NoPin,
            "org.cacd1.MalformedPin" => Self::MalformedPin,
            "org.cacd1.NoLockedMemory" => Self::NoLockedMemory,
            "org.cacd1.LastTry" => Self::LastTry,
            "org.cacd1.PinBlocked" => Self::PinBlocked,
            "org.cacd1.WrongPin" => Self::WrongPin {
                tries_left: parameters["tries_left"]
                    .as_u64()
                    .and_then(|tries| tries.try_into().ok()),
            },
            "org.cacd1.CardFailed" => Self::CardFailed {
                cause: text("cause"),
            },
            "org.cacd1.NoLogin" => Self::NoLogin,
            "org.cacd1.NoContact" => Self::NoContact,
            "org.cacd1.NoPinChange" => Self::NoPinChange,
            "org.cacd1.SamePin" => Self::SamePin,
            "org.cacd1.PinNotChanged" => Self::PinNotChanged {
                cause: text("cause"),
            },
            "org.cacd1.PinChangeUnknown" => Self::PinChangeUnknown {
                cause: text("cause"),
            },
            "org.cacd1.PinForgotten" => Self::PinForgotten,
            "org.cacd1.MachineSleeps" => Self::MachineSleeps,
            "org.cacd1.PinInUse" => Self::PinInUse,
            "org.cacd1.NothingToDo" => Self::NothingToDo,
            "org.cacd1.NoSteps" => Self::NoSteps,
            "org.cacd1.WizardRuns" => Self::WizardRuns,
            "org.cacd1.NotAsked" => Self::NotAsked,
            "org.cacd1.NotYours" => Self::NotYours,
            "org.cacd1.MalformedPassword" => Self::MalformedPassword,
            "org.cacd1.NoPipe" => Self::NoPipe,
            "org.cacd1.NotTaken" => Self::NotTaken,
            "org.cacd1.StoreFailed" => Self::StoreFailed {
                reason: text("reason"),
            },
            "org.cacd1.Stopping" => Self::Stopping,
            _ => return None,
        })
    }
}

fn after_a_wrong_pin(tries_left: TriesLeft) -> String {
    match tries_left {
        Some(1) => "; one try is left".into(),
        Some(tries) => format!("; {tries} tries are left"),
        None => "; the card does not say how many tries are left".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interface::{DESCRIPTION, SERVICE_DESCRIPTION};

    #[test]
    fn every_refusal_survives_the_wire() {
        let refusals = [
            Refusal::PermissionDenied,
            Refusal::NotAtTheSeat,
            Refusal::PutInBefore,
            Refusal::MethodNotFound {
                method: "a.B".into(),
            },
            Refusal::InterfaceNotFound {
                interface: "a".into(),
            },
            Refusal::InvalidParameter {
                parameter: "limit".into(),
            },
            Refusal::ExpectedMore,
            Refusal::NoSuchCard,
            Refusal::NoSuchReader,
            Refusal::NoCard,
            Refusal::NotRead,
            Refusal::NoSuchPortal,
            Refusal::UserHasNoCard,
            Refusal::UserHasSeveralCards,
            Refusal::NoPin,
            Refusal::MalformedPin,
            Refusal::NoLockedMemory,
            Refusal::LastTry,
            Refusal::PinBlocked,
            Refusal::WrongPin {
                tries_left: Some(2),
            },
            Refusal::WrongPin { tries_left: None },
            Refusal::CardFailed {
                cause: "it does not answer".into(),
            },
            Refusal::NoLogin,
            Refusal::NoContact,
            Refusal::NoPinChange,
            Refusal::SamePin,
            Refusal::PinNotChanged {
                cause: "the card does not take it".into(),
            },
            Refusal::PinChangeUnknown {
                cause: "card was removed".into(),
            },
            Refusal::PinForgotten,
            Refusal::MachineSleeps,
            Refusal::PinInUse,
            Refusal::NothingToDo,
            Refusal::NoSteps,
            Refusal::WizardRuns,
            Refusal::NotAsked,
            Refusal::NotYours,
            Refusal::MalformedPassword,
            Refusal::NoPipe,
            Refusal::NotTaken,
            Refusal::StoreFailed {
                reason: "disk is full".into(),
            },
            Refusal::Stopping,
        ];
        for refusal in refusals {
            let reply = refusal.to_reply();

            let name = reply.error.unwrap();
            assert_eq!(
                Refusal::from_reply(&name, &reply.parameters),
                Some(refusal),
                "{name}"
            );
            let short = name.rsplit('.').next().unwrap();
            let described = [DESCRIPTION, SERVICE_DESCRIPTION]
                .iter()
                .any(|text| text.contains(&format!("error {short} ")));
            assert!(described, "{name} stands in no description");
        }
    }
}
