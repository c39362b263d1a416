//! Follows the sessions of the machine's users, and its sleep, as logind tells
//! them on the system bus (`org.freedesktop.login1(5)`).
//!
//! The wait is one blocking read; nothing is polled. Only while the bus is
//! away is it asked for, now and then. Without logind everything else goes on.

mod acting;
mod address;
mod connection;
mod inhibitor;
pub mod message;
pub mod sessions;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cac_common::error_chain::Chain;

pub use self::acting::{NotActed, end};
pub use self::address::{Address, NoAddress};
use self::connection::{BUS, BusError, Connection, Descriptors, of_the_bus};
use self::inhibitor::Inhibitor;
use self::message::{Malformed, Message, Method};
use self::sessions::{Properties, Sessions};
use crate::event::SessionEvent;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

const LOGIND: &str = "org.freedesktop.login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
const MANAGER_PATH: &str = "/org/freedesktop/login1";
const SESSION: &str = "org.freedesktop.login1.Session";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// What we want to hear, and nothing besides: each signal wakes us.
const RULES: [&str; 7] = [
    "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='org.freedesktop.login1'",
    "type='signal',sender='org.freedesktop.login1',interface='org.freedesktop.login1.Manager',member='SessionNew'",
    "type='signal',sender='org.freedesktop.login1',interface='org.freedesktop.login1.Manager',member='SessionRemoved'",
    "type='signal',sender='org.freedesktop.login1',interface='org.freedesktop.login1.Manager',member='PrepareForSleep'",
    "type='signal',sender='org.freedesktop.login1',interface='org.freedesktop.login1.Session',member='Lock'",
    "type='signal',sender='org.freedesktop.login1',interface='org.freedesktop.login1.Session',member='Unlock'",
    "type='signal',sender='org.freedesktop.login1',member='PropertiesChanged',arg0='org.freedesktop.login1.Session'",
];

/// The watch over sessions, which another thread may end.
#[derive(Debug)]
pub struct Logind {
    address: Address,
    is_stopping: AtomicBool,
    /// The conversation that goes on.
    open: Mutex<Option<UnixStream>>,
}

/// One conversation.
struct Follower<'a> {
    bus: Connection,
    /// The unique name of logind, while it runs. Only what comes from there counts.
    logind: Option<String>,
    sessions: &'a mut Sessions,
    inhibitor: Inhibitor,
    tell: &'a mut dyn FnMut(SessionEvent),
}

impl Logind {
    pub fn new(address: Address) -> Self {
        Self {
            address,
            is_stopping: AtomicBool::new(false),
            open: Mutex::new(None),
        }
    }

    /// Tells of everything that happens, until it is stopped.
    pub fn watch(&self, tell: &mut dyn FnMut(SessionEvent)) {
        let mut sessions = Sessions::default();
        let mut pause = FIRST_PAUSE;
        let mut is_away = false;
        while !self.is_stopping() {
            let Err(error) = self.follow(&mut sessions, tell, &mut || {
                pause = FIRST_PAUSE;
                if std::mem::take(&mut is_away) {
                    tracing::info!("logind is followed again");
                }
            });
            self.set_open(None);
            sessions.is_told_no_more().into_iter().for_each(&mut *tell);
            sessions.no_seats().into_iter().for_each(&mut *tell);
            if self.is_stopping() {
                return;
            }
            if !std::mem::replace(&mut is_away, true) {
                tracing::info!(
                    error = %Chain(&error),
                    "logind is not followed: nobody is known to be at a seat, and sessions that begin, are locked and end are not seen"
                );
            }
            std::thread::park_timeout(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Ends the watch; its thread has to be unparked after that.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stream) = &*open {
            // It may have ended by itself.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    fn set_open(&self, stream: Option<UnixStream>) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = stream;
    }

    fn follow(
        &self,
        sessions: &mut Sessions,
        tell: &mut dyn FnMut(SessionEvent),
        is_there: &mut dyn FnMut(),
    ) -> Result<Infallible, BusError> {
        let mut bus = Connection::new(&self.address, Descriptors::Refused)?;
        self.set_open(Some(bus.handle()?));
        // A stop that came before is not to be missed.
        if self.is_stopping() {
            return Err(BusError::Ended);
        }
        bus.begin()?;
        let mut follower = Follower {
            bus,
            logind: None,
            sessions,
            inhibitor: Inhibitor::new(&self.address),
            tell,
        };
        for rule in RULES {
            follower.bus.call(&of_the_bus("AddMatch"), &[rule])?;
        }
        follower.find_logind()?;
        follower.tell_seats();
        is_there();
        loop {
            let signal = follower.bus.signal()?;
            follower.take(&signal)?;
            follower.tell_seats();
        }
    }
}

impl Follower<'_> {
    fn find_logind(&mut self) -> Result<(), BusError> {
        match self.bus.call(&of_the_bus("GetNameOwner"), &[LOGIND]) {
            Ok(answer) => {
                let owner = answer.body("s")?.text()?.to_owned();
                self.logind_is(owner)
            }
            // Nobody has the name yet; the bus tells of whoever takes it.
            Err(BusError::Refused { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Looks at every session there is.
    fn logind_is(&mut self, owner: String) -> Result<(), BusError> {
        let list = Method {
            destination: &owner,
            path: MANAGER_PATH,
            interface: MANAGER,
            member: "ListSessions",
        };
        let list = self.bus.call(&list, &[])?;
        let mut sessions = BTreeMap::new();
        for path in sessions::paths(&list)? {
            if let Some(session) = self.look_at(&owner, &path)?.session() {
                sessions.insert(path, session);
            }
        }
        self.inhibitor.ask(&owner);
        self.logind = Some(owner);
        for event in self.sessions.are(sessions) {
            (self.tell)(event);
        }
        Ok(())
    }

    fn tell_seats(&mut self) {
        let told = match self.logind {
            Some(_) => self.sessions.seats(),
            None => self.sessions.no_seats(),
        };
        told.into_iter().for_each(&mut *self.tell);
    }

    /// Nothing is told of one that has just ended.
    fn look_at(&mut self, owner: &str, path: &str) -> Result<Properties, BusError> {
        let method = Method {
            destination: owner,
            path,
            interface: PROPERTIES,
            member: "GetAll",
        };
        match self.bus.call(&method, &[SESSION]) {
            Ok(answer) => Ok(Properties::read(&mut answer.body("a{sv}")?)?),
            Err(BusError::Refused { .. }) => Ok(Properties::default()),
            Err(error) => Err(error),
        }
    }

    fn take(&mut self, signal: &Message) -> Result<(), BusError> {
        let taken = if signal.sender == BUS {
            self.take_word_of_the_bus(signal)
        } else if self.logind.as_ref() == Some(&signal.sender) {
            self.take_word_of_logind(signal)
        } else {
            tracing::debug!("a signal of a stranger came");
            Ok(())
        };
        match taken {
            // A message ends where it says; what follows is not hurt.
            Err(BusError::Malformed(error)) => {
                tracing::debug!(%error, member = signal.member, "a signal was not understood");
                Ok(())
            }
            other => other,
        }
    }

    fn take_word_of_the_bus(&mut self, signal: &Message) -> Result<(), BusError> {
        if signal.member != "NameOwnerChanged" {
            return Ok(());
        }
        let mut body = signal.body("sss")?;
        if body.text()? != LOGIND {
            return Ok(());
        }
        body.text()?;
        match body.text()? {
            "" => {
                self.logind = None;
                let awake = self.sessions.is_told_no_more();
                awake.into_iter().for_each(&mut *self.tell);
                Ok(())
            }
            owner => self.logind_is(owner.to_owned()),
        }
    }

    fn take_word_of_logind(&mut self, signal: &Message) -> Result<(), BusError> {
        let path = signal.path.as_str();
        match (signal.interface.as_str(), signal.member.as_str()) {
            (MANAGER, "SessionNew") => {
                let path = of_session(signal)?;
                let owner = signal.sender.as_str();
                if let Some(session) = self.look_at(owner, &path)?.session() {
                    let began = self.sessions.began(path, session);
                    began.into_iter().for_each(&mut *self.tell);
                }
            }
            (MANAGER, "SessionRemoved") => {
                let ended = self.sessions.ended(&of_session(signal)?);
                ended.into_iter().for_each(&mut *self.tell);
            }
            (MANAGER, "PrepareForSleep") => {
                if signal.body("b")?.bool()? {
                    self.sessions.goes_to_sleep();
                    (self.tell)(SessionEvent::GoesToSleep(self.inhibitor.take()));
                } else {
                    self.inhibitor.ask(&signal.sender);
                    (self.tell)(self.sessions.woke());
                }
            }
            (SESSION, "Lock") => {
                let locked = self.sessions.locks(path);
                locked.into_iter().for_each(&mut *self.tell);
            }
            (SESSION, "Unlock") => {
                let unlocked = self.sessions.unlocks(path);
                unlocked.into_iter().for_each(&mut *self.tell);
            }
            (PROPERTIES, "PropertiesChanged") => {
                let mut body = signal.body("sa{sv}as")?;
                if body.text()? == SESSION {
                    let change = Properties::read(&mut body)?;
                    let changes = self.sessions.changed(path, &change);
                    changes.into_iter().for_each(&mut *self.tell);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The session that a signal `(so)` is about.
fn of_session(signal: &Message) -> Result<String, Malformed> {
    let mut body = signal.body("so")?;
    body.text()?;
    Ok(body.text()?.to_owned())
}
