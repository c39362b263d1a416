//! The socket: who is calling, what they may do, and what they get.
//!
//! Each connection has a task of its own, and every message sent has a limit
//! of time, so that a client that never reads disturbs no one.

mod activity;
mod backup;
mod bind;
mod certificates;
mod login;
mod pin;
mod places;
mod portals;
mod refusals;
mod seen;
#[cfg(test)]
mod tests;
mod turned_away;
mod wizard;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cac_common::error_chain::Chain;
use cac_common::identity::readable;
use cac_common::interface::{
    AcceptNotice, Call, Clear, ClearReply, ConfirmationReply, DESCRIPTION, GetCertificates,
    GetHistory, LONGEST_HISTORY_PAGE, LONGEST_REQUEST, PrintedReply, Refusal, Register, Reply,
    SERVICE_DESCRIPTION, SubmitPin, method,
};
use cac_common::snapshot::Shown;
use cac_common::wire::{Connection, Descriptor, Descriptors, Message, WireError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

pub use self::bind::bind;
use self::places::{NotAdmitted, Open, Place};
use self::refusals::Refusals;
use self::seen::Seen;
use self::turned_away::TurnedAway;
use crate::access::Access;
use crate::activity::Activity;
use crate::effects::keeper::StoreOrReason;
use crate::event::{Answer, Event, Peer, RequestId};
use crate::metrics::Metrics;
use crate::supervisor::{Published, Request};

/// A client that takes longer than this to read a message is cut off.
const SEND_LIMIT: Duration = Duration::from_secs(10);

/// Descriptors of one user at a seat that are open at one time, and threads
/// for what that user sends: each may be slow to close.
const ROOM_OF_ONE_USER: usize = 16;

/// What every connection works with.
#[derive(Clone)]
pub struct Server {
    pub snapshots: watch::Receiver<Arc<Published>>,
    pub requests: mpsc::Sender<Request>,
    /// Follows the database, which may be lost and opened anew.
    pub store: watch::Receiver<StoreOrReason>,
    /// Follows the configuration.
    pub access: watch::Receiver<Access>,
    pub activity: Activity,
    /// Counts what is refused.
    pub metrics: Metrics,
    /// For those who are or were at a seat, by user; more of them there are not
    /// than users who can log in there.
    pub rooms: Arc<Mutex<HashMap<u32, Arc<Semaphore>>>>,
    pub(crate) audit: Audit,
}

/// What the log is told of those who ask.
#[derive(Clone, Default)]
pub(crate) struct Audit {
    refusals: Arc<Refusals>,
    seen: Arc<Seen>,
}

impl Server {
    /// Serves until it is dropped.
    pub async fn serve(self, listener: UnixListener) {
        let open = Open::default();
        let turned_away = Arc::new(TurnedAway::default());
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let asks = self.clone();
                    if let Err((stream, why)) = asks.admit(stream, &open, &turned_away) {
                        self.turn_away(stream, &why, &turned_away).await;
                    }
                }
                Err(error) => {
                    // Out of descriptors, most likely: others have to go first.
                    tracing::warn!(%error, "connection could not be taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Gives the connection back if it cannot be served.
    fn admit(
        self,
        stream: UnixStream,
        open: &Open,
        turned_away: &Arc<TurnedAway>,
    ) -> Result<(), (UnixStream, NotAdmitted)> {
        let uid = match stream.peer_cred() {
            Ok(peer) => peer.uid(),
            Err(error) => return Err((stream, NotAdmitted::Nameless(error))),
        };
        let place = match Place::take(open, uid) {
            Ok(place) => place,
            Err(why) => return Err((stream, why)),
        };
        let turned_away = Arc::clone(turned_away);
        tokio::spawn(async move {
            let (asks, peer) = (self.clone(), self.peer(uid).await);
            let place = match place.keep(peer.is_administrator) {
                Ok(place) => place,
                Err(why) => return self.turn_away(stream, &why, &turned_away).await,
            };
            let decide = move || asks.descriptors(peer);
            let mut connection = Connection::deciding(stream, LONGEST_REQUEST, decide);
            if let Err(error) = self.converse(&mut connection, uid).await {
                tracing::debug!(uid, error = %Chain(&error), "connection has ended");
            }
            // Its place is free again when all that came through it is closed.
            connection.close().await;
            drop(place);
        });
        Ok(())
    }

    async fn turn_away(&self, stream: UnixStream, why: &NotAdmitted, turned_away: &TurnedAway) {
        why.log();
        self.metrics.connection_refused();
        turned_away.close(stream, why.uid()).await;
    }

    async fn converse(self, connection: &mut Connection, uid: u32) -> Result<(), WireError> {
        while let Some(Message { bytes, descriptor }) = connection.receive().await? {
            let peer = self.peer(uid).await;
            let Ok(call) = serde_json::from_slice::<Call>(&bytes) else {
                // Whatever it speaks, it is not varlink.
                let refusal = Refusal::InvalidParameter {
                    parameter: "message".into(),
                };
                return send(connection, &refusal.to_reply()).await;
            };
            if call.method == method::MONITOR && call.more {
                return self.monitor(connection, peer).await;
            }
            let listens = call.method == method::MONITOR_ACTIVITY && call.more;
            if listens && peer.is_administrator {
                return self.monitor_activity(connection).await;
            }
            let (oneway, request) = (call.oneway, readable(&call.method));
            let reply = match self.answer(call, descriptor, peer).await {
                Ok(Answered::Parameters(parameters)) => encode(&Reply {
                    error: None,
                    parameters,
                    continues: false,
                }),
                Ok(Answered::Snapshot(published)) => {
                    framed(self.shown(&published, peer, method::GET_SNAPSHOT), false)
                }
                Err(refusal) => {
                    self.audit.refusals.log(&refusal, uid, &request);
                    self.metrics.request_refused(&refusal);
                    encode(&refusal.to_reply())
                }
            };
            if !oneway {
                send_bytes(connection, &reply).await?;
            }
        }
        Ok(())
    }

    /// Those who may do nothing pass no descriptor, and those at a seat a
    /// bounded number.
    fn descriptors(&self, peer: Peer) -> Descriptors {
        if peer.is_administrator {
            Descriptors::Taken
        } else if self.sight(peer).is_ok() {
            Descriptors::Bounded(self.room_of(peer.uid))
        } else {
            Descriptors::Refused
        }
    }

    /// Sends each snapshot as it comes, as far as it may be seen then; those that
    /// came while one was being sent are skipped, but for the last.
    async fn monitor(mut self, connection: &mut Connection, peer: Peer) -> Result<(), WireError> {
        self.snapshots.mark_changed();
        loop {
            tokio::select! {
                changed = self.snapshots.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    let published = Arc::clone(&self.snapshots.borrow_and_update());
                    let message = framed(self.shown(&published, peer, method::MONITOR), true);
                    send_bytes(connection, &message).await?;
                }
                // A client that follows has nothing more to say; that it went is seen here.
                received = connection.receive() => {
                    if received?.is_none() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// What they see of it, which is told if it is of others.
    fn shown<'a>(&self, published: &'a Published, peer: Peer, request: &str) -> &'a [u8] {
        let Published {
            snapshot, sight, ..
        } = published;
        self.audit.seen.picture(snapshot, sight, peer, request);
        published.encoded(peer)
    }

    async fn answer(
        &self,
        call: Call,
        descriptor: Option<Descriptor>,
        peer: Peer,
    ) -> Result<Answered, Refusal> {
        let uid = peer.uid;
        match call.method.as_str() {
            method::GET_INFO => Ok(Answered::Parameters(json!({
                "vendor": "cacd",
                "product": "cacd",
                "version": env!("CARGO_PKG_VERSION"),
                "url": "",
                "interfaces": ["org.varlink.service", "org.cacd1"],
            }))),
            method::GET_INTERFACE_DESCRIPTION => describe(&call.parameters),
            method::GET_SNAPSHOT => Ok(Answered::Snapshot(Arc::clone(&self.snapshots.borrow()))),
            method::MONITOR_ACTIVITY if call.more => Err(Refusal::PermissionDenied),
            method::MONITOR | method::MONITOR_ACTIVITY => Err(Refusal::ExpectedMore),
            method::SUBMIT_PIN => {
                self.sight(peer)?;
                let asked: SubmitPin = parameters(call.parameters)?;
                let pin = pin::read(asked, descriptor, uid).await?;
                self.ask(peer, move |request| Event::PinGiven { request, pin })
                    .await
            }
            method::LOGIN => self.login(call.parameters, descriptor, peer).await,
            method::READ_PRINTED => {
                self.sight(peer)?;
                let asked: SubmitPin = parameters(call.parameters)?;
                let pin = pin::read(asked, descriptor, uid).await?;
                self.ask(peer, move |request| Event::PrintedAsked { request, pin })
                    .await
            }
            method::CHANGE_PIN => self.change_pin(call.parameters, descriptor, peer).await,
            method::ACCEPT_NOTICE => {
                self.sight(peer)?;
                let what: AcceptNotice = parameters(call.parameters)?;
                self.ask(peer, move |request| Event::NoticeAccepted {
                    request,
                    uid,
                    what,
                })
                .await
            }
            method::START_WIZARD
            | method::ANSWER_WIZARD
            | method::MOVE_WIZARD
            | method::GET_CONFIRMATION => {
                self.sight(peer)?;
                self.by_hand(&call.method, call.parameters, descriptor, peer)
                    .await
            }
            method::GET_PORTAL => self.get_portal(call.parameters),
            method::TEST_PORTAL => {
                self.sight(peer)?;
                self.test_portal(call.parameters, descriptor, peer).await
            }
            method::REGISTER => {
                self.sight(peer)?;
                let what: Register = parameters(call.parameters)?;
                self.ask(peer, move |request| Event::Asked {
                    request,
                    by: peer,
                    what,
                })
                .await
            }
            method::GET_HISTORY => {
                self.sight(peer)?;
                self.history(parameters(call.parameters)?, peer).await
            }
            method::CLEAR => {
                only_for_administrators(peer)?;
                self.clear(parameters(call.parameters)?, peer).await
            }
            method::BACKUP => {
                only_for_administrators(peer)?;
                self.backup(descriptor, peer).await
            }
            method::GET_CERTIFICATES => {
                self.sight(peer)?;
                let asked: GetCertificates = parameters(call.parameters)?;
                let published = Arc::clone(&self.snapshots.borrow());
                let reply = certificates::of(&published, &asked.reader, peer)?;
                self.shown(&published, peer, method::GET_CERTIFICATES);
                Ok(Answered::of(&reply))
            }
            other => Err(match other.rsplit_once('.') {
                Some((interface, _))
                    if !["org.cacd1", "org.varlink.service"].contains(&interface) =>
                {
                    Refusal::InterfaceNotFound {
                        interface: readable(interface),
                    }
                }
                Some(_) | None => Refusal::MethodNotFound {
                    method: readable(other),
                },
            }),
        }
    }

    async fn history(&self, asked: GetHistory, peer: Peer) -> Result<Answered, Refusal> {
        if !(1..=LONGEST_HISTORY_PAGE).contains(&asked.limit) {
            return Err(Refusal::InvalidParameter {
                parameter: "limit".into(),
            });
        }
        let failed = |reason| Refusal::StoreFailed { reason };
        let store = self.store.borrow().clone().map_err(failed)?;
        let shown = (!peer.is_administrator)
            .then(|| Shown::in_readers(&self.snapshots.borrow().picture(peer).readers));
        let found = store
            .search_history_shown(asked, shown)
            .await
            .map_err(|error| failed(Chain(&error).to_string()))?;
        self.audit.seen.history(peer, method::GET_HISTORY);
        Ok(Answered::of(&found))
    }

    async fn clear(&self, what: Clear, by: Peer) -> Result<Answered, Refusal> {
        let uid = by.uid;
        self.ask(by, move |request| Event::ClearAsked { request, uid, what })
            .await
    }

    /// Puts a request to the supervisor and waits for its answer.
    async fn ask(
        &self,
        by: Peer,
        event: impl FnOnce(RequestId) -> Event + Send + 'static,
    ) -> Result<Answered, Refusal> {
        let (answer, answered) = oneshot::channel();
        let request = Request {
            by,
            event: Box::new(event),
            answer,
        };
        self.requests
            .send(request)
            .await
            .map_err(|_| Refusal::Stopping)?;
        match answered.await.map_err(|_| Refusal::Stopping)?? {
            Answer::Done => Ok(Answered::Parameters(json!({}))),
            Answer::Cleared(lost) => Ok(Answered::of(&ClearReply { lost })),
            Answer::Confirmation(found) => Ok(Answered::of(&ConfirmationReply {
                confirmation: found.map(|found| *found),
            })),
            Answer::Tested(reply) => Ok(Answered::of(&*reply)),
            Answer::Printed(printed) => Ok(Answered::of(&PrintedReply {
                printed: printed.map(|printed| *printed),
            })),
        }
    }

    /// Whether there is something for them at all. The state has the last word,
    /// when what they ask for comes to it.
    fn sight(&self, peer: Peer) -> Result<(), Refusal> {
        self.snapshots.borrow().sight.may_act(peer)
    }

    /// The user database may be slow, so it is asked off the runtime.
    async fn peer(&self, uid: u32) -> Peer {
        let access = self.access.borrow().clone();
        let is_administrator =
            tokio::task::spawn_blocking(move || access.is_administrator(uid)).await;
        Peer {
            uid,
            is_administrator: is_administrator.unwrap_or(false),
        }
    }

    /// What a user at a seat may take up with what they pass.
    fn room_of(&self, uid: u32) -> Arc<Semaphore> {
        let mut rooms = self.rooms.lock().expect("nobody panics holding this");
        let room = rooms.entry(uid);
        Arc::clone(room.or_insert_with(|| Arc::new(Semaphore::new(ROOM_OF_ONE_USER))))
    }
}

/// What a call is answered with.
enum Answered {
    Parameters(Value),
    /// Encoded once for all who see the same.
    Snapshot(Arc<Published>),
}

impl Answered {
    fn of(parameters: &impl Serialize) -> Self {
        Self::Parameters(serde_json::to_value(parameters).expect("replies are plain data"))
    }
}

fn describe(parameters: &Value) -> Result<Answered, Refusal> {
    let description = match parameters["interface"].as_str() {
        Some("org.cacd1") => DESCRIPTION,
        Some("org.varlink.service") => SERVICE_DESCRIPTION,
        Some(other) => {
            return Err(Refusal::InterfaceNotFound {
                interface: readable(other),
            });
        }
        None => {
            return Err(Refusal::InvalidParameter {
                parameter: "interface".into(),
            });
        }
    };
    Ok(Answered::Parameters(json!({ "description": description })))
}

/// Names the parameter that is wrong, as varlink wants it.
fn parameters<T: DeserializeOwned>(parameters: Value) -> Result<T, Refusal> {
    // A call without parameters is one with an empty object.
    let given = if parameters.is_null() {
        json!({})
    } else {
        parameters
    };
    serde_json::from_value(given).map_err(|error| {
        let text = error.to_string();
        let named = text.split('`').nth(1).unwrap_or("parameters");
        Refusal::InvalidParameter {
            parameter: readable(named),
        }
    })
}

fn encode(reply: &Reply) -> Vec<u8> {
    serde_json::to_vec(reply).expect("replies are plain data")
}

fn only_for_administrators(peer: Peer) -> Result<(), Refusal> {
    if peer.is_administrator {
        Ok(())
    } else {
        Err(Refusal::PermissionDenied)
    }
}

/// A reply around parameters that are encoded already.
fn framed(parameters: &[u8], continues: bool) -> Vec<u8> {
    let tail: &[u8] = if continues {
        b",\"continues\":true}"
    } else {
        b"}"
    };
    [b"{\"parameters\":", parameters, tail].concat()
}

async fn send(connection: &mut Connection, reply: &Reply) -> Result<(), WireError> {
    send_bytes(connection, &encode(reply)).await
}

async fn send_bytes(connection: &mut Connection, bytes: &[u8]) -> Result<(), WireError> {
    tokio::time::timeout(SEND_LIMIT, connection.send(bytes, &[]))
        .await
        .map_err(|_| WireError::Io(io::ErrorKind::TimedOut.into()))?
}
