//! Has the PIN of a card changed.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::card_work::Worker;
use super::visiting::{Spent, Visiting};
use crate::card::change::{Change, Outset, change_pin};
use crate::card::habits::Habits;
use crate::event::{Event, PinChangeEvent, PinChangeOrder};

/// Ends in [`PinChangeEvent::Ended`], and with it both PINs.
pub(super) fn start(
    order: PinChangeOrder,
    habits: Habits,
    visiting: Arc<Visiting>,
    worker: Worker,
    events: mpsc::UnboundedSender<Event>,
) {
    let PinChangeOrder {
        visit,
        request,
        target,
        pin,
        new,
        ..
    } = order;
    visiting.lend_both(pin, new);
    tokio::task::spawn_blocking(move || {
        let mut spent = Spent::default();
        let outset = Arc::new(Outset::default());
        let own = Arc::clone(&outset);
        let result = visiting.with_both(&worker, &mut spent, move |transport, pins| {
            change_pin(transport, &habits, &target, pins, &own)
        });
        visiting.forget_pin();
        // Who was waited for in vain may have done it, or may do it yet.
        let result = match result {
            Err(Some(error)) if !error.is_about_the_pin() && !outset.give_up() => {
                Ok(Change::Unknown(error))
            }
            result => result,
        };
        tracing::debug!(apdus = spent.apdus, "a PIN was to be changed");
        let _ = events.send(Event::PinChange(PinChangeEvent::Ended {
            visit,
            request,
            result,
            tries: spent.tries,
        }));
    });
}
