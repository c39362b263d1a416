//! Has a card read, and tells in time how that goes.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use cac_common::identity::CardId;
use cac_common::snapshot::Visit;
use cac_common::time::UtcSeconds;
use tokio::sync::mpsc;

use super::card_work::{AndThen, Worker};
use crate::card::error::CardError;
use crate::card::facts::CardFacts;
use crate::card::habits::Habits;
use crate::card::known::KnownCard;
use crate::card::read::{Reading, read_card};
use crate::card::rest::{Missing, read_rest_until};
use crate::card::transport::TransportError;
use crate::event::Event;

/// How long the record of a card is waited for while the card is held; without
/// it, the card is read whole.
const RECALL_LIMIT: Duration = Duration::from_millis(500);

/// A card that has not been read after this long does not answer.
pub(super) const READ_LIMIT: Duration = Duration::from_mins(1);

/// What a card is read with.
pub(super) struct ReadWith {
    pub(super) at: UtcSeconds,
    pub(super) habits: Habits,
    /// Asks for what is on record of a card.
    pub(super) recall: Box<dyn FnMut(CardId, Reply) + Send>,
}

/// Where what is on record goes.
pub(super) type Reply = std::sync::mpsc::Sender<Vec<KnownCard>>;

/// Reads a card; ends in [`Event::CardRead`]. If others hold the card for
/// themselves, or the read takes longer than `limit`, that failure is told, and
/// the true result follows it in another one: nothing else would ever read the
/// card again while it stays where it is.
pub(super) fn start(
    worker: &Worker,
    visit: Visit,
    ended: Arc<AtomicBool>,
    limit: Duration,
    mut with: ReadWith,
    events: mpsc::UnboundedSender<Event>,
) {
    let at_work = worker.at_work();
    let progress = events.clone();
    let is_held = {
        let events = events.clone();
        move || {
            let _ = events.send(Event::CardRead {
                visit,
                result: Box::new(Err(TransportError::Busy.into())),
            });
            AndThen::Wait
        }
    };
    let mut finished = worker.run(ended, is_held, move |transport| {
        let mut reading = Reading {
            at: with.at,
            habits: &with.habits,
            recall: &mut |card| {
                let (reply, answer) = std::sync::mpsc::channel();
                (with.recall)(card.clone(), reply);
                answer.recv_timeout(RECALL_LIMIT).unwrap_or_default()
            },
        };
        read_card(transport, &mut reading, &mut |report| {
            let _ = progress.send(Event::Progress {
                visit,
                progress: Box::new(report),
            });
        })
    });
    tokio::spawn(async move {
        let tell = |result: Result<CardFacts, CardError>| {
            let _ = events.send(Event::CardRead {
                visit,
                result: Box::new(result),
            });
        };
        let result = if let Ok(result) = tokio::time::timeout(limit, &mut finished).await {
            result
        } else {
            tell(Err(at_work.out_of_time()));
            finished.await
        };
        // Without a result, the worker is gone, with the reader.
        tell(result.unwrap_or_else(|_| Err(TransportError::ReaderGone.into())));
    });
}

/// Reads what could wait, until other work with the card waits for it; ends in
/// [`Event::RestRead`].
pub(super) fn start_rest(
    worker: &Worker,
    visit: Visit,
    ended: Arc<AtomicBool>,
    missing: Missing,
    habits: Habits,
    events: mpsc::UnboundedSender<Event>,
) {
    // It is for when nothing else is to be done, and nobody waits for it.
    let give_up = || AndThen::GiveUp;
    let somebody_waits = worker.somebody_waits();
    let finished = worker.run(ended, give_up, move |transport| {
        read_rest_until(transport, &habits, &missing, &somebody_waits)
    });
    tokio::spawn(async move {
        let result = finished.await;
        let _ = events.send(Event::RestRead {
            visit,
            result: Box::new(result.unwrap_or_else(|_| Err(TransportError::ReaderGone.into()))),
        });
    });
}

#[cfg(test)]
mod tests {
    use super::super::desk::{Desk, reader};
    use super::*;
    use crate::activity::Activity;

    #[tokio::test]
    async fn a_card_that_is_locked_for_too_long_is_told_as_failed_and_then_as_it_is() {
        let (desk, _opened) = Desk::new();
        let lock = desk.lock();
        let worker = Worker::start(desk, reader(), Activity::default());
        let (events, mut inbox) = mpsc::unbounded_channel();

        start(
            &worker,
            Visit(1),
            Arc::default(),
            Duration::from_millis(20),
            ReadWith {
                at: UtcSeconds(0),
                habits: Habits::default(),
                recall: Box::new(|_, _| {}),
            },
            events,
        );
        let at_the_limit = next_result(&mut inbox).await;
        drop(lock);
        let later = next_result(&mut inbox).await;

        assert_eq!(at_the_limit, Err(TransportError::Busy.into()));
        // The desk's card knows no command, so that is what was truly read.
        assert_eq!(later, Err(CardError::NotPiv));
    }

    async fn next_result(
        inbox: &mut mpsc::UnboundedReceiver<Event>,
    ) -> Result<CardFacts, CardError> {
        loop {
            if let Event::CardRead { result, .. } = inbox.recv().await.unwrap() {
                return *result;
            }
        }
    }
}
