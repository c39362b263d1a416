//! Brings the portal's client and the card together for one sign-in.
//!
//! Each has a thread of its own: the handshake waits for the card, and the
//! supervisor waits for neither.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cac_common::snapshot::{PinStatus, Visit};
use tokio::sync::mpsc;

use super::card_work::Worker;
use super::{Lent, Visiting};
use crate::card::error::{CardError, StatusWord};
use crate::card::habits::Habits;
use crate::card::piv::Algorithm;
use crate::card::sign::{Order, sign};
use crate::card::transport::TransportError;
use crate::event::{Event, HeldPin, SignInOrder, SignInResult};
use crate::portal::{self, Identity, Portal, SignInError, Signer, SignerFailed};
use crate::trust::Authorities;

/// A card that has not signed after this long does not answer.
const SIGN_LIMIT: Duration = Duration::from_mins(1);

/// How often a signature is begun anew because another program reset the card.
const TRIES: u32 = 3;

/// Starts a sign-in; it ends in [`Event::SignInEnded`], but for one whose visit has ended.
pub(super) fn start(
    order: SignInOrder,
    portal: Option<Arc<Portal>>,
    authorities: &Authorities,
    habits: &Habits,
    visiting: Arc<Visiting>,
    worker: &Worker,
    events: &mpsc::UnboundedSender<Event>,
) {
    let SignInOrder {
        visit,
        number,
        card,
        certificate,
        edge,
        ways,
        pin,
        ..
    } = order;
    let fail = |cause: &str, pin: Option<HeldPin>| Event::SignInEnded {
        visit,
        number,
        result: SignInResult::Failed {
            cause: cause.to_owned(),
        },
        pin,
        tries: None,
    };
    let Some(portal) = portal else {
        let _ = events.send(fail("The portal's profile was taken away", Some(pin)));
        return;
    };
    let Some(algorithm) = Algorithm::of_key(&certificate.summary.key) else {
        let cause = format!(
            "Keys of the kind {} are not supported",
            certificate.summary.key
        );
        let _ = events.send(fail(&cause, Some(pin)));
        return;
    };
    *visiting.lent() = Lent {
        pin: Some(pin),
        ..Lent::default()
    };
    let signer = Arc::new(CardSigner {
        worker: worker.clone(),
        visiting,
        order: Order {
            card,
            slot: certificate.summary.slot,
            algorithm,
            certificate: certificate.der.clone(),
            block: Vec::new(),
            edge,
            ways,
        },
        habits: habits.clone(),
        found: Mutex::default(),
    });
    let identity = Identity {
        intermediates: authorities.chain_for(&certificate.der),
        certificate: certificate.der,
        signer: Arc::clone(&signer) as Arc<dyn Signer>,
    };
    let spawned = std::thread::Builder::new().name("sign-in".into()).spawn({
        let events = events.clone();
        let signer = Arc::clone(&signer);
        move || {
            // A page that makes the parser panic is the portal's fault, and no
            // reason to wait for an answer that never comes.
            let result = catch_unwind(AssertUnwindSafe(|| run(&portal, identity, &signer)))
                .unwrap_or_else(|_| SignInResult::Failed {
                    cause: "The portal's answer could not be read".into(),
                });
            let _ = events.send(signer.report(visit, number, result));
        }
    });
    if spawned.is_err() {
        let result = SignInResult::Failed {
            cause: "This machine can start no more threads".into(),
        };
        let _ = events.send(signer.report(visit, number, result));
    }
}

fn run(portal: &Portal, identity: Identity, signer: &CardSigner) -> SignInResult {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = runtime.block_on(async {
                tokio::select! {
                    ended = portal::sign_in(portal, identity) => ended,
                    // Nobody waits for it any more.
                    () = signer.visiting.stop.notified() => Err(SignInError::Signer(SignerFailed)),
                }
            });
            // A name that is still being looked up is not waited for.
            runtime.shutdown_background();
            ended
        }
        Err(error) => {
            return SignInResult::Failed {
                cause: format!("This machine lacks the means to connect: {error}"),
            };
        }
    };
    match ended {
        Ok(outcome) => SignInResult::Portal(outcome),
        // The card's own word is kept by the signer, and goes first.
        Err(SignInError::Signer(_)) => SignInResult::PinGone,
        Err(error) => SignInResult::Failed {
            cause: cac_common::error_chain::Chain(&error).to_string(),
        },
    }
}

/// Lets the card sign for one sign-in.
struct CardSigner {
    worker: Worker,
    visiting: Arc<Visiting>,
    order: Order,
    habits: Habits,
    found: Mutex<Found>,
}

/// What the card had to say.
#[derive(Default)]
struct Found {
    failure: Option<CardError>,
    tries: Option<PinStatus>,
    apdus: u32,
}

impl CardSigner {
    fn report(&self, visit: Visit, number: u32, result: SignInResult) -> Event {
        let mut found = self.found();
        tracing::debug!(apdus = found.apdus, "sign-in has ended");
        Event::SignInEnded {
            visit,
            number,
            result: match found.failure.take() {
                Some(failure) => SignInResult::Card(failure),
                None => result,
            },
            pin: self.visiting.lent().pin.take(),
            tries: found.tries.take(),
        }
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Signs, or says why not; nothing where an earlier failure says it, or
    /// where the PIN's time is over.
    fn try_to_sign(&self, block: &[u8], found: &mut Found) -> Result<Vec<u8>, Option<CardError>> {
        let turn = {
            let mut lent = self.visiting.lent();
            if lent.pin.is_none() {
                return Err(None);
            }
            lent.turn += 1;
            lent.turn
        };
        let order = Order {
            block: block.to_vec(),
            ..self.order.clone()
        };
        let visiting = Arc::clone(&self.visiting);
        let habits = self.habits.clone();
        // The PIN stays where it can be wiped until the card is open and locked.
        let worked = self.worker.run_once(SIGN_LIMIT, move |transport| {
            let mut lent = visiting.lent();
            if lent.turn != turn {
                return None;
            }
            let pin = lent.pin.take()?;
            drop(lent);
            Some(sign(transport, &habits, &order, pin))
        });
        // Work that was given up may still begin.
        self.visiting.lent().turn += 1;
        // Without a PIN its time, or the visit, was over before the card was open.
        let signed = worked?.ok_or(None)?;
        self.keep(signed.pin);
        found.apdus += signed.apdus;
        if signed.tries.is_some() {
            found.tries = signed.tries;
        }
        Ok(signed.signature?)
    }

    /// Keeps a PIN for later, unless its time, or the visit, is over.
    fn keep(&self, pin: Option<HeldPin>) {
        let mut lent = self.visiting.lent();
        if !lent.is_over && pin.is_some() {
            lent.pin = pin;
        }
    }
}

/// Whether another program may have reset the card: pcscd says so, or the card
/// has forgotten what was selected, or that a PIN was accepted.
fn may_be_a_reset(failure: &CardError, pin: &HeldPin) -> bool {
    if let CardError::Refused { status, .. } = failure {
        let forgot_the_pin = *status == StatusWord::SECURITY && matches!(pin, HeldPin::Accepted(_));
        return forgot_the_pin || status.is_of_another_application();
    }
    *failure == TransportError::Reset.into()
}

impl Signer for CardSigner {
    fn sign(&self, block: &[u8]) -> Result<Vec<u8>, SignerFailed> {
        let mut found = self.found();
        for number in 1..=TRIES {
            match self.try_to_sign(block, &mut found) {
                Ok(signature) => return Ok(signature),
                // The PIN is here again if it was not sent, or accepted; then
                // nothing is lost by beginning anew.
                Err(Some(failure))
                    if number < TRIES
                        && (self.visiting.lent().pin.as_ref())
                            .is_some_and(|pin| may_be_a_reset(&failure, pin)) =>
                {
                    tracing::debug!(error = %failure, "a signature is begun anew");
                }
                Err(failure) => {
                    if let Some(failure) = failure {
                        tracing::debug!(error = %failure, "card did not sign");
                        found.failure = Some(failure);
                    }
                    return Err(SignerFailed);
                }
            }
        }
        Err(SignerFailed)
    }
}
