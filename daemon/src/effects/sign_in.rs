//! Brings the portal's client and the card together for one sign-in.
//!
//! Each has a thread of its own: the handshake waits for the card, and the
//! supervisor waits for neither.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cac_common::identity::CardId;
use cac_common::snapshot::PinStatus;
use cac_common::time::UtcSeconds;
use cac_common::trace::Trace;

use super::card_work::Worker;
use super::visiting::{Spent, Visiting};
use crate::card::error::CardError;
use crate::card::facts::{CardCertificate, Edge};
use crate::card::habits::Habits;
use crate::card::logged_in::Target;
use crate::card::piv::{Algorithm, Ways};
use crate::card::sign::{Order, sign};
use crate::event::{HeldPin, SignInOrder, SignInResult};
use crate::portal::{self, Identity, Portal, SignInError, Signer, SignerFailed, Standing};
use crate::trust::Authorities;

pub(super) const PROFILE_GONE: &str = "The portal's profile was taken away";

/// What a certificate is sent with, and when.
pub(super) struct Sending<'a> {
    pub(super) authorities: &'a Authorities,
    pub(super) at: UtcSeconds,
}

/// How a sign-in has ended.
pub(super) struct Ended {
    pub(super) result: SignInResult,
    /// Given back if it was not sent, or accepted.
    pub(super) pin: Option<HeldPin>,
    /// What the card last said of its PIN, if it was asked.
    pub(super) tries: Option<PinStatus>,
    pub(super) trace: Trace,
    /// The last page, if one came.
    pub(super) page: Vec<u8>,
}

impl Ended {
    fn failed(cause: String, pin: HeldPin) -> Self {
        Self {
            result: SignInResult::Failed { cause },
            pin: Some(pin),
            tries: None,
            trace: Trace::default(),
            page: Vec::new(),
        }
    }
}

/// Which certificate signs, of which card.
pub(super) struct Signs {
    pub(super) card: CardId,
    pub(super) certificate: CardCertificate,
    pub(super) edge: Edge,
    pub(super) ways: Ways,
    pub(super) accepted: Vec<String>,
}

/// Starts a sign-in, and tells how it has ended.
pub(super) fn start(
    order: SignInOrder,
    portal: Option<Arc<Portal>>,
    sending: &Sending<'_>,
    habits: &Habits,
    visiting: &Arc<Visiting>,
    worker: &Worker,
    tell: impl FnOnce(Ended) + Send + 'static,
) {
    let SignInOrder {
        card,
        accepted,
        certificate,
        edge,
        ways,
        pin,
        ..
    } = order;
    let Some(portal) = portal else {
        return tell(Ended::failed(PROFILE_GONE.into(), pin));
    };
    let signs = Signs {
        card,
        certificate,
        edge,
        ways,
        accepted,
    };
    let (signer, identity) = match CardSigner::new(signs, sending, habits, visiting, worker) {
        Ok(made) => made,
        Err(cause) => return tell(Ended::failed(cause, pin)),
    };
    visiting.lend(pin);
    let tell = Arc::new(Mutex::new(Some(tell)));
    let report = {
        let signer = Arc::clone(&signer);
        move |result, trace, page| {
            let mut tell = tell.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(tell) = tell.take() {
                tell(signer.ended(result, trace, page));
            }
        }
    };
    let spawned = std::thread::Builder::new().name("sign-in".into()).spawn({
        let report = report.clone();
        move || {
            let mut trace = Trace::default();
            let mut page = Vec::new();
            // A page that makes the parser panic is the portal's fault, and no
            // reason to wait for an answer that never comes.
            let result = catch_unwind(AssertUnwindSafe(|| {
                run(&portal, identity, &signer, &mut trace, &mut page)
            }))
            .unwrap_or_else(|_| SignInResult::Failed {
                cause: "The portal's answer could not be read".into(),
            });
            report(result, trace, page);
        }
    });
    if spawned.is_err() {
        let cause = "This machine can start no more threads".into();
        report(SignInResult::Failed { cause }, Trace::default(), Vec::new());
    }
}

fn run(
    portal: &Portal,
    identity: Identity,
    signer: &CardSigner,
    trace: &mut Trace,
    page: &mut Vec<u8>,
) -> SignInResult {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = runtime.block_on(async {
                tokio::select! {
                    ended = portal::sign_in_with_page(portal, identity, trace, page) => ended,
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
pub(super) struct CardSigner {
    worker: Worker,
    visiting: Arc<Visiting>,
    order: Order,
    habits: Habits,
    found: Mutex<Found>,
}

/// What the card had to say.
#[derive(Default)]
pub(super) struct Found {
    pub(super) failure: Option<CardError>,
    pub(super) spent: Spent,
}

impl CardSigner {
    /// With who it signs for. It signs with the PIN that is lent to the visit.
    pub(super) fn new(
        signs: Signs,
        sending: &Sending<'_>,
        habits: &Habits,
        visiting: &Arc<Visiting>,
        worker: &Worker,
    ) -> Result<(Arc<Self>, Identity), String> {
        let Signs {
            card,
            certificate,
            edge,
            ways,
            accepted,
        } = signs;
        let key = certificate.summary.key;
        let algorithm = Algorithm::of_key(&key)
            .ok_or_else(|| format!("Keys of the kind {key} are not supported"))?;
        let signer = Arc::new(Self {
            worker: worker.clone(),
            visiting: Arc::clone(visiting),
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
            accepted,
            standing: Standing {
                at: sending.at,
                chain: certificate.summary.chain,
                revocation: certificate.summary.revocation,
            },
            signer: Arc::clone(&signer) as Arc<dyn Signer>,
        };
        Ok((signer, identity))
    }

    fn ended(&self, result: SignInResult, trace: Trace, page: Vec<u8>) -> Ended {
        let mut found = self.found();
        tracing::debug!(apdus = found.spent.apdus, "sign-in has ended");
        Ended {
            result: match found.failure.take() {
                Some(failure) => SignInResult::Card(failure),
                None => result,
            },
            pin: self.visiting.take_back(),
            tries: found.spent.tries.take(),
            trace,
            page,
        }
    }

    pub(super) fn found(&self) -> MutexGuard<'_, Found> {
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
