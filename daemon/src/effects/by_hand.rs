//! Brings the portal's client, what was typed and the card together for one leg
//! of registering by hand.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cac_common::error_chain::Chain;
use cac_common::snapshot::PinStatus;
use cac_common::trace::Trace;
use tokio::sync::{Notify, mpsc};

use super::card_work::Worker;
use super::sign_in::{CardSigner, PROFILE_GONE, Sending, Signs};
use super::visiting::Visiting;
use crate::card::habits::Habits;
use crate::event::{Event, WizardEvent, WizardOrder, WizardResult};
use crate::portal::wizard::{Leg, Session};
use crate::portal::{Portal, SignInError, SignerFailed};

/// The session with a portal, between legs and while one goes on.
#[derive(Default)]
pub(super) struct ByHand(Mutex<Place>);

#[derive(Default)]
struct Place {
    session: Option<Box<Session>>,
    /// The leg that goes on, and what stops it.
    leg: Option<(u32, Arc<Notify>)>,
}

impl ByHand {
    /// Forgets the session, and stops the leg that goes on.
    pub(super) fn end(&self) {
        let mut place = self.place();
        place.session = None;
        if let Some((_, stop)) = place.leg.take() {
            stop.notify_one();
        }
    }

    fn begin(&self, number: u32) -> (Option<Box<Session>>, Arc<Notify>) {
        let mut place = self.place();
        let stop = Arc::new(Notify::new());
        place.leg = Some((number, Arc::clone(&stop)));
        (place.session.take(), stop)
    }

    /// Keeps the session for the next leg, unless it was to be forgotten.
    fn keep(&self, number: u32, session: Box<Session>) {
        let mut place = self.place();
        if place.leg.take_if(|(leg, _)| *leg == number).is_some() {
            place.session = Some(session);
        }
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends in [`WizardEvent::Turned`], and with it the PIN and what was typed.
pub(super) fn start(
    order: WizardOrder,
    portal: Option<Arc<Portal>>,
    sending: &Sending<'_>,
    habits: &Habits,
    visiting: Arc<Visiting>,
    worker: &Worker,
    events: mpsc::UnboundedSender<Event>,
) {
    let WizardOrder {
        visit,
        number,
        card,
        certificate,
        edge,
        ways,
        accepted,
        is_first,
        at,
        begins,
        pin,
        ..
    } = order;
    let turned = {
        let events = events.clone();
        move |result, tries: Option<PinStatus>| {
            let turned = WizardEvent::Turned {
                visit,
                number,
                result,
                tries,
            };
            let _ = events.send(Event::Wizard(Box::new(turned)));
        }
    };
    let failed = |cause: String| WizardResult::Failed { cause };
    let Some(portal) = portal else {
        return turned(failed(PROFILE_GONE.into()), None);
    };
    let signs = Signs {
        card,
        certificate,
        edge,
        ways,
        accepted,
    };
    let made = CardSigner::new(signs, sending, habits, &visiting, worker);
    let (signer, identity) = match made {
        Ok(made) => made,
        Err(cause) => return turned(failed(cause), None),
    };
    let (before, stop) = visiting.by_hand.begin(number);
    let before = before.filter(|_| !is_first);
    let mut session = before.unwrap_or_else(|| Box::new(Session::new(portal)));
    let has_pin = pin.is_some();
    if let Some(pin) = pin {
        visiting.lend(pin);
    }
    let leg = Leg {
        at,
        begins,
        identity,
        signs: has_pin,
    };
    let tell = move |at| {
        let at = WizardEvent::At { visit, number, at };
        let _ = events.send(Event::Wizard(Box::new(at)));
    };
    let turned = Arc::new(Mutex::new(Some(turned)));
    let report = {
        let turned = Arc::clone(&turned);
        move |result, tries| {
            let mut turned = turned.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(turned) = turned.take() {
                turned(result, tries);
            }
        }
    };
    let lent = Arc::clone(&visiting);
    let spawned = std::thread::Builder::new().name("wizard".into()).spawn({
        let report = report.clone();
        move || {
            // A page that makes the parser panic is the portal's fault.
            let result = catch_unwind(AssertUnwindSafe(|| run(&mut session, leg, &stop, tell)))
                .unwrap_or_else(|_| WizardResult::Failed {
                    cause: "The portal's answer could not be read".into(),
                });
            visiting.by_hand.keep(number, session);
            let mut found = signer.found();
            let (failure, tries) = (found.failure.take(), found.spent.tries.take());
            drop(found);
            if has_pin {
                drop(visiting.take_back());
            }
            report(failure.map_or(result, WizardResult::Card), tries);
        }
    });
    if spawned.is_err() {
        if has_pin {
            drop(lent.take_back());
        }
        report(
            failed("This machine can start no more threads".into()),
            None,
        );
    }
}

fn run(session: &mut Session, leg: Leg, stop: &Notify, tell: impl FnMut(usize)) -> WizardResult {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => {
            let mut trace = Trace::default();
            let ended = runtime.block_on(async {
                tokio::select! {
                    ended = session.go(leg, &mut trace, tell) => ended,
                    // Nobody waits for it any more.
                    () = stop.notified() => Err(SignInError::Signer(SignerFailed)),
                }
            });
            // A name that is still being looked up is not waited for.
            runtime.shutdown_background();
            ended
        }
        Err(error) => {
            return WizardResult::Failed {
                cause: format!("This machine lacks the means to connect: {error}"),
            };
        }
    };
    match ended {
        Ok(turn) => WizardResult::Turn(turn),
        // The card's own word is kept by the signer, and goes first.
        Err(SignInError::Signer(_)) => WizardResult::PinGone,
        Err(error) => WizardResult::Failed {
            cause: Chain(&error).to_string(),
        },
    }
}
