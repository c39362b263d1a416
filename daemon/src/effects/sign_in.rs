//! Brings the portal's client and the card together for one sign-in.
//!
//! Each has a thread of its own: the handshake waits for the card, and the
//! supervisor waits for neither.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cac_common::snapshot::Visit;
use cac_common::time::UtcSeconds;
use tokio::sync::mpsc;

use super::card_work::Worker;
use super::visiting::{Spent, Visiting};
use crate::card::error::CardError;
use crate::card::habits::Habits;
use crate::card::logged_in::Target;
use crate::card::piv::Algorithm;
use crate::card::sign::{Order, sign};
use crate::event::{Event, HeldPin, SignInOrder, SignInResult};
use crate::portal::{self, Identity, Portal, SignInError, Signer, SignerFailed, Standing};
use crate::trust::Authorities;

/// What a certificate is sent with, and when.
pub(super) struct Sending<'a> {
    pub(super) authorities: &'a Authorities,
    pub(super) at: UtcSeconds,
}

/// Starts a sign-in; it ends in [`Event::SignInEnded`], but for one whose visit has ended.
pub(super) fn start(
    order: SignInOrder,
    portal: Option<Arc<Portal>>,
    sending: &Sending<'_>,
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
    visiting.lend(pin);
    let signer = Arc::new(CardSigner {
        worker: worker.clone(),
        visiting,
        order: Order {
            target: Target {
                card,
                slot: certificate.summary.slot,
                certificate: certificate.der.clone(),
                edge,
                ways,
            },
            algorithm,
            block: Vec::new(),
        },
        habits: habits.clone(),
        found: Mutex::default(),
    });
    let identity = Identity {
        intermediates: sending.authorities.chain_for(&certificate.der),
        certificate: certificate.der,
        standing: Standing {
            at: sending.at,
            chain: certificate.summary.chain,
            revocation: certificate.summary.revocation,
        },
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
    spent: Spent,
}

impl CardSigner {
    fn report(&self, visit: Visit, number: u32, result: SignInResult) -> Event {
        let mut found = self.found();
        tracing::debug!(apdus = found.spent.apdus, "sign-in has ended");
        Event::SignInEnded {
            visit,
            number,
            result: match found.failure.take() {
                Some(failure) => SignInResult::Card(failure),
                None => result,
            },
            pin: self.visiting.take_back(),
            tries: found.spent.tries.take(),
        }
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signer for CardSigner {
    fn sign(&self, block: &[u8]) -> Result<Vec<u8>, SignerFailed> {
        let order = Order {
            block: block.to_vec(),
            ..self.order.clone()
        };
        let habits = self.habits.clone();
        let mut found = self.found();
        let signed =
            self.visiting
                .with_pin(&self.worker, &mut found.spent, move |transport, pin| {
                    sign(transport, &habits, &order, pin)
                });
        signed.map_err(|failure| {
            // Where there is none, an earlier one says it, or the PIN's time is over.
            if let Some(failure) = failure {
                tracing::debug!(error = %failure, "card did not sign");
                found.failure = Some(failure);
            }
            SignerFailed
        })
    }
}
