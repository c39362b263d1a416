//! How long a command may wait, and for what it does.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::failure::{Exit, Failure};

/// What a command waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Awaited {
    /// Its answer.
    #[default]
    Daemon,
    /// A card that is read, and the portals it signs in to.
    Card,
    /// What a card that was sent both PINs says.
    PinChange,
    Pin,
    /// To a question.
    Answer,
    Printer,
    /// What is watched until somebody has seen enough.
    Changes,
    /// `no card is in a reader`: how things stand instead of as they should.
    State(String),
}

tokio::task_local! {
    static AWAITED: Rc<RefCell<Awaited>>;
}

/// Does the work, and gives it up where it takes longer than `limit`.
pub async fn within(
    limit: Option<Duration>,
    work: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    let Some(limit) = limit else {
        return work.await;
    };
    let awaited = Rc::new(RefCell::new(Awaited::Daemon));
    let work = AWAITED.scope(awaited.clone(), work);
    if let Ok(ended) = tokio::time::timeout(limit, work).await {
        return ended;
    }
    let awaited = awaited.take();
    if awaited == Awaited::Changes {
        return Ok(Exit::Fine);
    }
    Err(Failure::TookTooLong {
        awaited,
        seconds: limit.as_secs(),
    })
}

/// From here on it waits for this.
pub fn waits_for(awaited: Awaited) {
    // Where there is no limit, nobody will ask.
    let _ = AWAITED.try_with(|place| place.replace(awaited));
}

/// Waits for this, and then for what it waited for before.
pub async fn of<T>(awaited: Awaited, work: impl Future<Output = T>) -> T {
    let before = AWAITED.try_with(|place| place.replace(awaited));
    let done = work.await;
    if let Ok(before) = before {
        waits_for(before);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn given_up(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
        tokio::time::pause();
        within(Some(Duration::from_secs(5)), work).await
    }

    #[tokio::test]
    async fn what_was_waited_for_last_is_told() {
        let ended = given_up(async {
            of(Awaited::Pin, async {}).await;
            of(Awaited::Card, std::future::pending::<()>()).await;
            Ok(Exit::Fine)
        });

        let failure = ended.await.unwrap_err();

        assert_eq!(failure.exit(), Exit::Failed);
        assert!(failure.to_string().contains("within 5 s"), "{failure}");
        assert!(
            failure.to_string().contains("the card and its portals"),
            "{failure}"
        );
    }

    #[tokio::test]
    async fn of_a_pin_that_may_be_changed_it_is_said() {
        let ended = given_up(async {
            of(Awaited::PinChange, std::future::pending::<()>()).await;
            Ok(Exit::Fine)
        });

        let failure = ended.await.unwrap_err();

        assert_eq!(failure.exit(), Exit::Failed);
        assert!(
            failure.to_string().ends_with("whether the PIN was changed"),
            "{failure}"
        );
    }

    #[tokio::test]
    async fn after_an_answer_it_waits_for_the_daemon_again() {
        let ended = given_up(async {
            of(Awaited::Answer, async {}).await;
            std::future::pending().await
        });

        assert_eq!(ended.await.unwrap_err().exit(), Exit::Unreachable);
    }

    #[tokio::test]
    async fn whoever_only_watches_has_seen_enough() {
        let ended = given_up(async {
            waits_for(Awaited::Changes);
            std::future::pending().await
        });

        assert_eq!(ended.await.unwrap(), Exit::Fine);
    }

    #[tokio::test]
    async fn what_is_done_in_time_ends_as_it_does() {
        let ended = given_up(async { Ok(Exit::NeedsPerson) }).await;

        assert_eq!(ended.unwrap(), Exit::NeedsPerson);
    }
}
