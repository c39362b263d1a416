//! Brings the portal's client and the card together for one sign-in.
//!
//! Each has a thread of its own: the handshake waits for the card, and the
//! supervisor waits for neither.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cac_common::snapshot::{PinStatus, Visit};
use tokio::sync::mpsc;

use super::card_work::Worker;
use crate::card::error::CardError;
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

/// Starts a sign-in; it ends in [`Event::SignInEnded`].
pub(super) fn start(
    order: SignInOrder,
    portal: Option<Arc<Portal>>,
    authorities: &Authorities,
    ended: Arc<AtomicBool>,
    worker: &Worker,
    events: &mpsc::UnboundedSender<Event>,
) {
    let SignInOrder {
        visit,
        card,
        portal: profile,
        certificate,
        pin,
        ..
    } = order;
    let name = profile.name.clone();
    let fail = |cause: &str, pin: Option<HeldPin>| Event::SignInEnded {
        visit,
        portal: name.clone(),
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
        let _ = events.send(fail(&cause, None));
        return;
    };
    let signer = Arc::new(CardSigner {
        worker: worker.clone(),
        ended,
        order: Order {
            card,
            slot: certificate.summary.slot,
            algorithm,
            certificate: certificate.der.clone(),
            block: Vec::new(),
        },
        used: Mutex::new(Used {
            pin: Some(pin),
            failure: None,
            tries: None,
            apdus: 0,
        }),
    });
    let identity = Identity {
        intermediates: authorities.chain_for(&certificate.der),
        certificate: certificate.der,
        signer: Arc::clone(&signer) as Arc<dyn Signer>,
    };
    let spawned = std::thread::Builder::new().name("sign-in".into()).spawn({
        let events = events.clone();
        move || {
            let event = run(&portal, identity, &signer, visit);
            let _ = events.send(event);
        }
    });
    if spawned.is_err() {
        let _ = events.send(fail("This machine can start no more threads", None));
    }
}

fn run(portal: &Portal, identity: Identity, signer: &CardSigner, visit: Visit) -> Event {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(portal::sign_in(portal, identity)),
        Err(error) => {
            return signer.report(
                visit,
                portal,
                SignInResult::Failed {
                    cause: format!("This machine lacks the means to connect: {error}"),
                },
            );
        }
    };
    let result = match ended {
        Ok(outcome) => SignInResult::Portal(outcome),
        // The card's own word is kept by the signer, and goes first.
        Err(SignInError::Signer(error)) => SignInResult::Failed {
            cause: error.to_string(),
        },
        Err(error) => SignInResult::Failed {
            cause: cac_common::error_chain::Chain(&error).to_string(),
        },
    };
    signer.report(visit, portal, result)
}

/// Lets the card sign for one sign-in.
struct CardSigner {
    worker: Worker,
    ended: Arc<AtomicBool>,
    order: Order,
    used: Mutex<Used>,
}

/// The PIN, and what became of it.
struct Used {
    pin: Option<HeldPin>,
    failure: Option<CardError>,
    tries: Option<PinStatus>,
    apdus: u32,
}

impl CardSigner {
    fn report(&self, visit: Visit, portal: &Portal, result: SignInResult) -> Event {
        let mut used = self.used.lock().expect("nobody panics holding this");
        tracing::debug!(apdus = used.apdus, "sign-in has ended");
        Event::SignInEnded {
            visit,
            portal: portal.profile().name.clone(),
            result: match used.failure.take() {
                Some(failure) => SignInResult::Card(failure),
                None => result,
            },
            pin: used.pin.take(),
            tries: used.tries.take(),
        }
    }
}

impl Signer for CardSigner {
    fn sign(&self, block: &[u8]) -> Result<Vec<u8>, SignerFailed> {
        let mut used = self.used.lock().expect("nobody panics holding this");
        for _ in 0..TRIES {
            match self.try_to_sign(block, &mut used) {
                Ok(signature) => return Ok(signature),
                // Another program reset the card. The PIN is here again if it
                // was not sent, or accepted; then nothing is lost by beginning anew.
                Err(Some(CardError::Transport(TransportError::Reset))) if used.pin.is_some() => {}
                Err(failure) => {
                    if let Some(failure) = failure {
                        tracing::debug!(error = %failure, "card did not sign");
                        used.failure = Some(failure);
                    }
                    return Err(SignerFailed);
                }
            }
        }
        used.failure = Some(TransportError::Reset.into());
        Err(SignerFailed)
    }
}

impl CardSigner {
    /// Signs, or says why not; nothing where an earlier failure says it.
    fn try_to_sign(&self, block: &[u8], used: &mut Used) -> Result<Vec<u8>, Option<CardError>> {
        if self.ended.load(Ordering::SeqCst) {
            used.pin = None;
            return Err(Some(TransportError::Removed.into()));
        }
        let Some(pin) = used.pin.take() else {
            return Err(None);
        };
        let order = Order {
            block: block.to_vec(),
            ..self.order.clone()
        };
        let ended = Arc::clone(&self.ended);
        // Whoever takes the PIN out of here first has it: the card's thread to
        // use it, or we to keep it, if that thread never came to it.
        let lent = Arc::new(Mutex::new(Some(pin)));
        let to_use = Arc::clone(&lent);
        let worked = self.worker.run_once(SIGN_LIMIT, move |transport| {
            let pin = to_use.lock().expect("nobody panics holding this").take()?;
            // The card may have been taken out while others held the lock.
            (!ended.load(Ordering::SeqCst)).then(|| sign(transport, &order, pin))
        });
        used.pin = lent.lock().expect("nobody panics holding this").take();
        let signed = worked?
            .ok_or(TransportError::Removed)
            .map_err(CardError::from)?;
        used.pin = signed.pin;
        used.apdus += signed.apdus;
        if signed.tries.is_some() {
            used.tries = signed.tries;
        }
        Ok(signed.signature?)
    }
}
