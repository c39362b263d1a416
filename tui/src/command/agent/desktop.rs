//! Shows notifications through the session bus (Desktop Notifications
//! Specification 1.3), and comes back by itself when bus or server were away.

mod look;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::time::Duration;

use cac_common::error_chain::Chain;
use cac_common::identity::readable;
use cac_common::time::UtcSeconds;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use zbus::Variant;
use zbus::message::Message;
use zbus::names::UniqueName;
use zbus::proxy::{OwnerChangedStream, Proxy, SignalStream};
use zbus::{Connection, fdo};

use self::look::{actions, icon, urgency, without_markup};
use super::telling::{Key, Lasts, Note};
use crate::clock;
use crate::settings::Kind;

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

const APPLICATION: &str = "cacd";

/// A bus or server that answers at all does so within this.
const ANSWER: Duration = Duration::from_secs(10);

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// News that could not be shown for so long, in seconds, are none.
const STALE: i64 = 60;

/// Notifications that may be open; of more, the first are forgotten.
const MOST_OPEN: usize = 64;

/// Bytes of a token that lets a window come to the front.
const LONGEST_TOKEN: usize = 256;

/// What is shown at a time.
pub(super) type Wanted = BTreeMap<Key, Note>;

/// What the desktop has to say.
#[derive(Debug)]
pub(super) enum Heard {
    Shown(Note),
    Invoked {
        key: Key,
        note: Note,
        action: Action,
        /// Lets a window come to the front.
        activation: Option<String>,
    },
    /// Nothing can be shown; told once for each cause.
    Trouble(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Open,
    RemindTomorrow,
}

/// Whoever shows them, until it is ended.
pub(super) struct Desktop {
    wanted: watch::Sender<Wanted>,
    heard: mpsc::Receiver<Heard>,
    task: JoinHandle<()>,
}

/// Why nothing can be shown.
#[derive(Debug, thiserror::Error)]
enum NotShown {
    #[error("the session bus does not answer")]
    SilentBus,
    #[error("the session bus cannot be used")]
    NoBus(#[source] zbus::Error),
    #[error("no notification server is there")]
    NoServer,
    #[error("the notification server does not answer")]
    SilentServer,
    #[error("the notification server refuses")]
    Refused(#[source] zbus::Error),
}

impl Desktop {
    pub(super) fn begin() -> Self {
        let (wanted, to_show) = watch::channel(Wanted::new());
        let (tell, heard) = mpsc::channel(16);
        Self {
            wanted,
            heard,
            task: tokio::spawn(follow(to_show, tell)),
        }
    }

    pub(super) fn show(&self, wanted: Wanted) {
        self.wanted.send_if_modified(|shown| {
            let is_other = *shown != wanted;
            *shown = wanted;
            is_other
        });
    }

    /// Waits for ever once it has ended.
    pub(super) async fn heard(&mut self) -> Heard {
        match self.heard.recv().await {
            Some(heard) => heard,
            None => std::future::pending().await,
        }
    }

    /// Takes back what is true only as long as somebody looks.
    pub(super) async fn end(self) {
        drop(self.wanted);
        drop(self.heard);
        // A server that does not answer is not waited for.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.task).await;
    }
}

async fn follow(mut wanted: watch::Receiver<Wanted>, heard: mpsc::Sender<Heard>) {
    let mut shown = Shown::default();
    let mut pause = FIRST_PAUSE;
    // Nobody is troubled for nothing.
    while wanted.wait_for(|wanted| !wanted.is_empty()).await.is_ok() {
        let error = match Session::open().await {
            Ok(session) => {
                pause = FIRST_PAUSE;
                match session.serve(&mut wanted, &mut shown, &heard).await {
                    Ok(()) => return,
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        shown.is_lost();
        shown.complain(&error, &heard).await;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = heard.closed() => return,
        }
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// What was shown, whichever server did.
#[derive(Debug, Default)]
struct Shown {
    /// By the server's number.
    open: BTreeMap<u32, (Key, Note)>,
    /// What is not to be shown again: the serial of each.
    done: BTreeMap<Key, u64>,
    /// The token that goes with the next action on a notification.
    activation: Option<(u32, String)>,
    /// What was last complained of.
    complaint: Option<String>,
}

impl Shown {
    /// The server has gone, and with it what it showed. What is still true is
    /// shown by the next one.
    fn is_lost(&mut self) {
        for (key, note) in std::mem::take(&mut self.open).into_values() {
            if note.lasts == Lasts::WhileTrue {
                self.done.remove(&key);
            }
        }
    }

    async fn complain(&mut self, error: &NotShown, heard: &mpsc::Sender<Heard>) {
        let complaint = readable(&Chain(error).to_string());
        if self.complaint.as_ref() != Some(&complaint) {
            // Fails only if the agent has ended.
            let _ = heard.send(Heard::Trouble(complaint.clone())).await;
            self.complaint = Some(complaint);
        }
    }

    /// Whether the note is still to be shown; news that are none are let go.
    fn is_missing(&mut self, key: &Key, note: &Note, now: UtcSeconds) -> bool {
        if self.done.get(key) == Some(&note.serial) {
            return false;
        }
        let is_stale = note.lasts == Lasts::News && now.0.saturating_sub(note.since.0) > STALE;
        if is_stale {
            self.done.insert(key.clone(), note.serial);
        }
        !is_stale
    }

    fn was_shown(&mut self, id: u32, key: Key, note: Note) {
        self.complaint = None;
        self.done.insert(key.clone(), note.serial);
        self.open.retain(|_, (other, _)| *other != key);
        self.open.insert(id, (key, note));
        while self.open.len() > MOST_OPEN {
            self.open.pop_first();
        }
    }

    fn number(&self, key: &Key) -> Option<u32> {
        let mut open = self.open.iter();
        open.find_map(|(id, (other, _))| (other == key).then_some(*id))
    }

    /// A signal of the server: what it means to us, if anything.
    fn take(&mut self, signal: &Message) -> Option<Heard> {
        let header = signal.header();
        let body = signal.body();
        match header.member()?.as_str() {
            "NotificationClosed" => {
                let (id, _reason): (u32, u32) = body.deserialize().ok()?;
                self.open.remove(&id);
                None
            }
            "ActivationToken" => {
                let (id, token): (u32, &str) = body.deserialize().ok()?;
                let is_ours = self.open.contains_key(&id) && token.len() <= LONGEST_TOKEN;
                self.activation = is_ours.then(|| (id, token.to_owned()));
                None
            }
            "ActionInvoked" => {
                let (id, name): (u32, &str) = body.deserialize().ok()?;
                let (key, note) = self.open.get(&id)?;
                let action = Action::named(name)?;
                let activation = self.activation.take().filter(|(of, _)| *of == id);
                Some(Heard::Invoked {
                    key: key.clone(),
                    note: note.clone(),
                    action,
                    activation: activation.map(|(_, token)| token),
                })
            }
            _ => None,
        }
    }
}

/// A conversation with the bus.
struct Session {
    proxy: Proxy<'static>,
    signals: SignalStream<'static>,
    owners: OwnerChangedStream<'static>,
    server: Option<Server>,
    unanswered: Option<Unanswered>,
}

/// A notification that the server has not answered for yet. It is waited for
/// again: a server that was held up would show a second one beside it.
struct Unanswered {
    key: Key,
    note: Note,
    answer: BoxFuture<'static, zbus::Result<Message>>,
}

/// The server that answered last.
struct Server {
    name: Option<String>,
    can: BTreeSet<String>,
}

impl Session {
    async fn open() -> Result<Self, NotShown> {
        let opening = async {
            let connection = Connection::session().await?;
            let proxy = Proxy::new_owned(connection, SERVICE, PATH, SERVICE).await?;
            let owners = proxy.receive_owner_changed().await?;
            let signals = proxy.receive_all_signals().await?;
            Ok(Self {
                proxy,
                signals,
                owners,
                server: None,
                unanswered: None,
            })
        };
        let opened = tokio::time::timeout(ANSWER, opening).await;
        opened
            .map_err(|_| NotShown::SilentBus)?
            .map_err(NotShown::NoBus)
    }

    /// Shows what is wanted, until the bus goes or nothing is wanted any more.
    async fn serve(
        mut self,
        wanted: &mut watch::Receiver<Wanted>,
        shown: &mut Shown,
        heard: &mpsc::Sender<Heard>,
    ) -> Result<(), NotShown> {
        let mut pause = FIRST_PAUSE;
        loop {
            let now_wanted = wanted.borrow_and_update().clone();
            let is_shown = self.reconcile(&now_wanted, shown, heard).await;
            if let Err(error) = &is_shown {
                shown.complain(error, heard).await;
            } else {
                pause = FIRST_PAUSE;
            }
            // A server that is not there is heard of when it comes.
            let again = async {
                match &is_shown {
                    Ok(()) => std::future::pending().await,
                    Err(_) => tokio::time::sleep(pause).await,
                }
            };
            tokio::select! {
                changed = wanted.changed() => if changed.is_err() {
                    // Whoever is no longer there cannot take it back.
                    return self.reconcile(&Wanted::new(), shown, heard).await.or(Ok(()));
                },
                signal = self.signals.next() => match signal {
                    Some(signal) => if let Some(told) = shown.take(&signal) {
                        // Fails only if the agent has ended.
                        let _ = heard.send(told).await;
                    },
                    None => return Err(NotShown::NoBus(zbus::Error::InvalidReply)),
                },
                owner = self.owners.next() => match owner {
                    Some(owner) => self.server_is(owner.as_ref(), shown),
                    None => return Err(NotShown::NoBus(zbus::Error::InvalidReply)),
                },
                () = again => pause = LONGEST_PAUSE.min(pause * 2),
            }
        }
    }

    /// Another server has come, or the one that was there has gone.
    fn server_is(&mut self, owner: Option<&UniqueName<'_>>, shown: &mut Shown) {
        let known = self.server.as_ref().and_then(|one| one.name.as_deref());
        if self.server.is_none() || known != owner.map(UniqueName::as_str) {
            self.server = None;
            self.unanswered = None;
            shown.is_lost();
        }
    }

    async fn reconcile(
        &mut self,
        wanted: &Wanted,
        shown: &mut Shown,
        heard: &mpsc::Sender<Heard>,
    ) -> Result<(), NotShown> {
        self.hear_answer(shown, heard).await?;
        let over: Vec<u32> = shown
            .open
            .iter()
            .filter(|(_, (key, note))| note.lasts == Lasts::WhileTrue && !wanted.contains_key(key))
            .map(|(id, _)| *id)
            .collect();
        for id in over {
            shown.open.remove(&id);
            match call(&self.proxy, "CloseNotification", &(id,)).await {
                // The server may not know it any more.
                Ok(_) | Err(NotShown::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        shown.done.retain(|key, _| wanted.contains_key(key));
        for (key, note) in wanted {
            if shown.is_missing(key, note, clock::now()) {
                self.notify(shown.number(key), key, note).await?;
                self.hear_answer(shown, heard).await?;
            }
        }
        Ok(())
    }

    async fn hear_answer(
        &mut self,
        shown: &mut Shown,
        heard: &mpsc::Sender<Heard>,
    ) -> Result<(), NotShown> {
        let Some(mut asked) = self.unanswered.take() else {
            return Ok(());
        };
        let answer = match within(ANSWER, &mut asked.answer).await {
            Err(NotShown::SilentServer) => {
                self.unanswered = Some(asked);
                return Err(NotShown::SilentServer);
            }
            answer => answer?,
        };
        let id = answer.body().deserialize().map_err(NotShown::Refused)?;
        shown.was_shown(id, asked.key, asked.note.clone());
        // Fails only if the agent has ended.
        let _ = heard.send(Heard::Shown(asked.note)).await;
        Ok(())
    }

    async fn notify(
        &mut self,
        replaces: Option<u32>,
        key: &Key,
        note: &Note,
    ) -> Result<(), NotShown> {
        let can = self.can().await?;
        let body = match (can.contains("body"), can.contains("body-markup")) {
            (false, _) => String::new(),
            (true, false) => note.body.clone(),
            (true, true) => without_markup(&note.body),
        };
        let actions = if can.contains("actions") {
            actions(note)
        } else {
            Vec::new()
        };
        let mut hints = HashMap::from([("urgency", Variant::from(urgency(note)))]);
        if note.kind == Kind::Card {
            hints.insert("transient", Variant::from(true));
        }
        // Of the server's choice, or until it is closed.
        let expires: i32 = if note.lasts == Lasts::News { -1 } else { 0 };
        let arguments = (
            APPLICATION,
            replaces.unwrap_or(0),
            icon(note.kind),
            note.summary.clone(),
            body,
            actions,
            hints,
            expires,
        );
        let proxy = self.proxy.clone();
        self.unanswered = Some(Unanswered {
            key: key.clone(),
            note: note.clone(),
            answer: Box::pin(async move { proxy.call_method("Notify", &arguments).await }),
        });
        Ok(())
    }

    /// What the server can do; it is started if it is not there and can be.
    async fn can(&mut self) -> Result<BTreeSet<String>, NotShown> {
        if let Some(server) = &self.server {
            return Ok(server.can.clone());
        }
        let answer = call(&self.proxy, "GetCapabilities", &()).await?;
        let header = answer.header();
        let can: BTreeSet<String> = answer.body().deserialize().map_err(NotShown::Refused)?;
        self.server = Some(Server {
            name: header.sender().map(ToString::to_string),
            can: can.clone(),
        });
        Ok(can)
    }
}

async fn call<B>(proxy: &Proxy<'_>, method: &str, arguments: &B) -> Result<Message, NotShown>
where
    B: serde::Serialize + zbus::zvariant::DynamicType,
{
    within(ANSWER, proxy.call_method(method, arguments)).await
}

async fn within(
    limit: Duration,
    call: impl Future<Output = zbus::Result<Message>>,
) -> Result<Message, NotShown> {
    match tokio::time::timeout(limit, call).await {
        Err(_) => Err(NotShown::SilentServer),
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(if is_absent(&error) {
            NotShown::NoServer
        } else {
            NotShown::Refused(error)
        }),
    }
}

fn is_absent(error: &zbus::Error) -> bool {
    if let zbus::Error::MethodError(name, ..) = error {
        let name = name.as_str();
        name == "org.freedesktop.DBus.Error.ServiceUnknown"
            || name == "org.freedesktop.DBus.Error.NameHasNoOwner"
            || name.starts_with("org.freedesktop.DBus.Error.Spawn.")
    } else if let zbus::Error::FDO(error) = error {
        matches!(
            **error,
            fdo::Error::ServiceUnknown(_) | fdo::Error::NameHasNoOwner(_)
        )
    } else {
        false
    }
}
