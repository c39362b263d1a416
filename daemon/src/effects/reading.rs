//! Has a card read, and tells in time how that goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cac_common::snapshot::Visit;
use tokio::sync::mpsc;

use super::card_work::{Worker, out_of_time};
use crate::card::error::CardError;
use crate::card::facts::CardFacts;
use crate::card::read::read_card;
use crate::card::transport::TransportError;
use crate::event::Event;

/// A card that has not been read after this long does not answer.
pub(super) const READ_LIMIT: Duration = Duration::from_mins(1);

/// Reads a card; ends in [`Event::CardRead`]. If that takes longer than `limit`
/// a failure is told, and the true result follows it in a second one: nothing
/// else would ever read the card again while it stays where it is.
pub(super) fn start(
    worker: &Worker,
    visit: Visit,
    ended: Arc<AtomicBool>,
    limit: Duration,
    events: mpsc::UnboundedSender<Event>,
) {
    let has_card = Arc::new(AtomicBool::new(false));
    let progress = events.clone();
    let mut finished = worker.run(ended, {
        let has_card = Arc::clone(&has_card);
        move |transport| {
            has_card.store(true, Ordering::SeqCst);
            read_card(transport, &mut |report| {
                let _ = progress.send(Event::Progress {
                    visit,
                    progress: Box::new(report),
                });
            })
        }
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
            tell(Err(out_of_time(&has_card)));
            finished.await
        };
        // Without a result, the worker is gone, with the reader.
        tell(result.unwrap_or_else(|_| Err(TransportError::ReaderGone.into())));
    });
}

#[cfg(test)]
mod tests {
    use super::super::desk::{Desk, reader};
    use super::*;

    #[tokio::test]
    async fn a_card_that_is_locked_for_too_long_is_told_as_failed_and_then_as_it_is() {
        let (desk, _opened) = Desk::new();
        let lock = desk.lock();
        let worker = Worker::start(desk, reader());
        let (events, mut inbox) = mpsc::unbounded_channel();

        start(
            &worker,
            Visit(1),
            Arc::default(),
            Duration::from_millis(20),
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
