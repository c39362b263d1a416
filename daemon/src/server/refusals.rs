//! Tells the log what was refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cac_common::interface::Refusal;

use crate::journal::Message;

/// So many refusals of one user are told in so long a time. The journal takes only
/// so much of a service (journald.conf(5), `RateLimitBurst=`), and whoever could
/// fill that would keep out of it what others do.
const MOST: u64 = 100;
const IN: Duration = Duration::from_mins(1);

/// Refusals of each user since the first that was told.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<HashMap<u32, u64>>);

impl Refusals {
    pub(super) fn log(self: &Arc<Self>, refusal: &Refusal, uid: u32, request: &str) {
        if is_wrong_call(refusal) {
            tracing::debug!(uid, request, %refusal, "request was refused");
        } else if self.count(uid) <= MOST {
            tracing::info!(
                message_id = Message::RequestRefused.id(),
                uid,
                request,
                %refusal,
                "request was refused"
            );
        }
    }

    /// With this one.
    fn count(self: &Arc<Self>, uid: u32) -> u64 {
        let mut counts = self.0.lock().expect("nobody panics holding this");
        let count = counts.entry(uid).or_default();
        *count += 1;
        if *count == 1 {
            let refusals = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(IN).await;
                refusals.begin_anew(uid);
            });
        }
        *count
    }

    fn begin_anew(&self, uid: u32) {
        let mut counts = self.0.lock().expect("nobody panics holding this");
        let untold = counts.remove(&uid).unwrap_or_default().saturating_sub(MOST);
        if untold > 0 {
            tracing::warn!(
                uid,
                untold,
                "requests of one user were refused so often that most were only counted"
            );
        }
    }
}

/// Anyone can be refused as often as they like: what is no more than a wrong
/// call is no news.
fn is_wrong_call(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::MethodNotFound { .. }
        | Refusal::InterfaceNotFound { .. }
        | Refusal::InvalidParameter { .. }
        | Refusal::ExpectedMore => true,
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
        | Refusal::MachineSleeps
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
        | Refusal::Stopping => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_user_is_counted_until_it_begins_anew() {
        let refusals = Arc::new(Refusals::default());
        for number in 1..=MOST + 5 {
            assert_eq!(refusals.count(1000), number);
        }
        assert_eq!(refusals.count(1001), 1);

        refusals.begin_anew(1000);

        assert_eq!(refusals.count(1000), 1);
        assert_eq!(refusals.count(1001), 2);
    }
}
