//! Tells the log what was refused.

use cac_common::interface::Refusal;

use crate::journal::Message;

/// Anyone can be refused as often as they like: what is no more than a wrong
/// call is no news.
pub(super) fn log(refusal: &Refusal, uid: u32, request: &str) {
    match refusal {
        Refusal::MethodNotFound { .. }
        | Refusal::InterfaceNotFound { .. }
        | Refusal::InvalidParameter { .. }
        | Refusal::ExpectedMore => tracing::debug!(uid, request, %refusal, "request was refused"),
        Refusal::PermissionDenied
        | Refusal::NotAtTheSeat
        | Refusal::PutInBefore
        | Refusal::NoSuchCard
        | Refusal::NoSuchReader
        | Refusal::NoCard
        | Refusal::NotRead
        | Refusal::NoSuchPortal
        | Refusal::UserHasNoCard
        | Refusal::UserHasSeveralCards
        | Refusal::NoPin
        | Refusal::MalformedPin
        | Refusal::NoLockedMemory
        | Refusal::LastTry
        | Refusal::PinBlocked
        | Refusal::WrongPin { .. }
        | Refusal::CardFailed { .. }
        | Refusal::NoLogin
        | Refusal::NoContact
        | Refusal::NoPinChange
        | Refusal::SamePin
        | Refusal::PinNotChanged { .. }
        | Refusal::PinChangeUnknown { .. }
        | Refusal::PinForgotten
        | Refusal::PinInUse
        | Refusal::NothingToDo
        | Refusal::NoSteps
        | Refusal::WizardRuns
        | Refusal::NotAsked
        | Refusal::NotYours
        | Refusal::MalformedPassword
        | Refusal::NoPipe
        | Refusal::NotTaken
        | Refusal::StoreFailed { .. }
        | Refusal::Stopping => tracing::info!(
            message_id = Message::RequestRefused.id(),
            uid,
            request,
            %refusal,
            "request was refused"
        ),
    }
}
