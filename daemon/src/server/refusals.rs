//! Tells the log what was refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use cac_common::interface::Refusal;

use crate::journal::Message;

/// So many refusals of one user, and of all, are told in so long a time. The journal
/// takes only so much of a service (journald.conf(5), `RateLimitBurst=`), and whoever
/// could fill that would keep out of it what others do.
const MOST: u64 = 100;
const MOST_OF_ALL: u64 = 500;
const IN: Duration = Duration::from_mins(1);

/// Refusals since the first that was told.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Of no more users than can be told of.
    of_users: HashMap<u32, u64>,
    of_all: u64,
}

/// Of whom refusals are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    User(u32),
    All,
}

impl Refusals {
    pub(super) fn log(self: &Arc<Self>, refusal: &Refusal, uid: u32, request: &str) {
        if is_wrong_call(refusal) {
            tracing::debug!(uid, request, %refusal, "request was refused");
        } else if self.is_told(uid) {
            tracing::info!(
                message_id = Message::RequestRefused.id(),
                uid,
                request,
                %refusal,
                "request was refused"
            );
        }
    }

    /// Counts it.
    fn is_told(self: &Arc<Self>, uid: u32) -> bool {
        let mut counts = self.counts();
        let own = counts.of_users.get(&uid).copied().unwrap_or(0) + 1;
        if own > MOST {
            counts.of_users.insert(uid, own);
            return false;
        }
        counts.of_all += 1;
        if counts.of_all == 1 {
            self.begin_anew_later(Of::All);
        }
        if counts.of_all > MOST_OF_ALL {
            return false;
        }
        counts.of_users.insert(uid, own);
        if own == 1 {
            self.begin_anew_later(Of::User(uid));
        }
        true
    }

    fn begin_anew_later(self: &Arc<Self>, of: Of) {
        let refusals = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(IN).await;
            refusals.begin_anew(of);
        });
    }

    fn begin_anew(&self, of: Of) {
        let untold = self.taken(of);
        if untold == 0 {
            return;
        }
        match of {
            Of::User(uid) => tracing::warn!(
                message_id = Message::RefusalsCounted.id(),
                uid,
                untold,
                "requests of one user were refused so often that most were only counted"
            ),
            Of::All => tracing::warn!(
                message_id = Message::RefusalsCounted.id(),
                untold,
                "requests of many users were refused so often that most were only counted"
            ),
        }
    }

    /// How many were not told, which is forgotten.
    fn taken(&self, of: Of) -> u64 {
        let mut counts = self.counts();
        match of {
            Of::User(uid) => {
                let count = counts.of_users.remove(&uid).unwrap_or_default();
                count.saturating_sub(MOST)
            }
            Of::All => std::mem::take(&mut counts.of_all).saturating_sub(MOST_OF_ALL),
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().expect("nobody panics holding this")
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
    async fn so_many_of_each_user_are_told_until_it_begins_anew() {
        let refusals = Arc::new(Refusals::default());

        let told = (0..MOST + 5).filter(|_| refusals.is_told(1000)).count();

        assert_eq!(told, 100);
        assert!(refusals.is_told(1001), "another user");
        assert_eq!(refusals.taken(Of::User(1000)), 5);
        assert!(refusals.is_told(1000));
    }

    #[tokio::test]
    async fn so_many_of_all_are_told_and_nobody_is_remembered_beyond_them() {
        let refusals = Arc::new(Refusals::default());

        let users = 1000..3000;
        let told = users.filter(|uid| refusals.is_told(*uid)).count();

        assert_eq!(told, 500);
        assert_eq!(refusals.counts().of_users.len(), 500);
        assert_eq!(refusals.taken(Of::All), 1500);
        assert!(refusals.is_told(3000));
    }

    #[tokio::test]
    async fn one_user_alone_takes_no_more_of_what_is_told_of_all_than_their_own() {
        let refusals = Arc::new(Refusals::default());

        for _ in 0..10 * MOST_OF_ALL {
            refusals.is_told(1000);
        }

        assert!(refusals.is_told(1001));
        assert_eq!(refusals.taken(Of::All), 0);
    }
}
