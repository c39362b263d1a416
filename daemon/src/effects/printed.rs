//! Has read what is printed on a card, for whoever gave its PIN.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::card_work::Worker;
use super::visiting::{Spent, Visiting};
use crate::card::habits::Habits;
use crate::card::printed::read_printed;
use crate::event::{Event, PrintedOrder};

/// Ends in [`Event::PrintedRead`], and with it the PIN.
pub(super) fn start(
    order: PrintedOrder,
    habits: Habits,
    visiting: Arc<Visiting>,
    worker: Worker,
    events: mpsc::UnboundedSender<Event>,
) {
    let PrintedOrder {
        visit,
        request,
        target,
        pin,
        ..
    } = order;
    visiting.lend(pin);
    tokio::task::spawn_blocking(move || {
        let mut spent = Spent::default();
        let result = visiting.with_pin(&worker, &mut spent, move |transport, pin| {
            read_printed(transport, &habits, &target, pin)
        });
        drop(visiting.take_back());
        tracing::debug!(apdus = spent.apdus, "Printed Information was asked for");
        let _ = events.send(Event::PrintedRead {
            visit,
            request,
            result,
            tries: spent.tries,
        });
    });
}
