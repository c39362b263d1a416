//! The sessions of the machine's users, and what their changes mean.

use std::collections::BTreeMap;

use super::message::{Malformed, Message, Reader};
use crate::event::{Front, SessionEvent, SessionUser};

/// Sessions that are kept in mind; logind has no more unless told to
/// (`SessionsMax=`, logind.conf(5)).
const MOST: usize = 8192;

/// The classes of sessions that a person works in; others are greeters, lock
/// screens and what runs in the background (pam_systemd(8); root's are early
/// ones since systemd 256).
const OF_A_PERSON: [&str; 2] = ["user", "user-early"];

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// By which logind takes it.
    pub id: String,
    pub user: SessionUser,
    /// Where it is at the machine itself; none at the far end of a network.
    pub seat: Option<String>,
    /// In front at its seat. One without a seat always is.
    pub is_active: bool,
    pub is_locked: bool,
}

/// What is told of a session's properties, all of them or those that changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Properties {
    id: Option<String>,
    uid: Option<u32>,
    name: Option<String>,
    class: Option<String>,
    seat: Option<String>,
    is_active: Option<bool>,
    is_locked: Option<bool>,
}

/// All of them, by their object paths.
#[derive(Debug, Default)]
pub struct Sessions {
    by_path: BTreeMap<String, Session>,
    /// They were told once; what changes from then on is news.
    is_known: bool,
    /// It was told that the machine goes to sleep, and not that it woke.
    is_asleep: bool,
    /// Who was last told to be in front of which seat.
    in_front: BTreeMap<String, Front>,
}

impl Sessions {
    /// These are all there are.
    pub fn are(&mut self, mut sessions: BTreeMap<String, Session>) -> Vec<SessionEvent> {
        if !self.is_known {
            self.is_known = true;
            self.by_path = sessions;
            return Vec::new();
        }
        let gone = |path: &&String| !sessions.contains_key(*path);
        let gone: Vec<String> = self.by_path.keys().filter(gone).cloned().collect();
        let mut events: Vec<SessionEvent> =
            gone.iter().filter_map(|path| self.ended(path)).collect();
        sessions.retain(|path, session| {
            let change = Properties {
                is_active: Some(session.is_active),
                is_locked: Some(session.is_locked),
                ..Properties::default()
            };
            events.extend(self.changed(path, &change));
            !self.by_path.contains_key(path)
        });
        for (path, session) in sessions {
            events.extend(self.began(path, session));
        }
        events
    }

    /// Who is in front of each seat, if that has changed. Whose session is the
    /// active one has to be plain: of two there is none.
    pub fn seats(&mut self) -> Option<SessionEvent> {
        let mut found: BTreeMap<&str, Option<Front>> = BTreeMap::new();
        for session in self.by_path.values().filter(|session| session.is_active) {
            if let Some(seat) = &session.seat {
                let front = Front {
                    uid: session.user.uid,
                    session: session.id.clone(),
                };
                found
                    .entry(seat)
                    .and_modify(|there| *there = None)
                    .or_insert(Some(front));
            }
        }
        let in_front = found.into_iter();
        let in_front = in_front
            .filter_map(|(seat, front)| Some((seat.to_owned(), front?)))
            .collect();
        self.tell_seats(in_front)
    }

    /// The machine is about to sleep, and whoever told that tells when it is awake.
    pub fn goes_to_sleep(&mut self) {
        self.is_asleep = true;
    }

    pub fn woke(&mut self) -> SessionEvent {
        self.is_asleep = false;
        SessionEvent::Woke
    }

    /// Whoever would tell is away: a machine that we run on is awake.
    pub fn is_told_no_more(&mut self) -> Option<SessionEvent> {
        self.is_asleep.then(|| self.woke())
    }

    /// Nothing is known of any seat while logind is away.
    pub fn no_seats(&mut self) -> Option<SessionEvent> {
        self.tell_seats(BTreeMap::new())
    }

    fn tell_seats(&mut self, in_front: BTreeMap<String, Front>) -> Option<SessionEvent> {
        (self.in_front != in_front).then(|| {
            self.in_front.clone_from(&in_front);
            SessionEvent::Seats(in_front)
        })
    }

    /// A session that begins at the machine counts, and whoever's first it is.
    pub fn began(&mut self, path: String, session: Session) -> Option<SessionEvent> {
        if self.by_path.contains_key(&path) || self.by_path.len() == MOST {
            return None;
        }
        let counts = self.counts(&session);
        let user = session.user.clone();
        self.by_path.insert(path, session);
        counts.then_some(SessionEvent::Began(user))
    }

    /// And so does one that ends there, and whoever's last it was.
    pub fn ended(&mut self, path: &str) -> Option<SessionEvent> {
        let session = self.by_path.remove(path)?;
        let counts = self.counts(&session);
        counts.then_some(SessionEvent::Ended(session.user))
    }

    /// It was told to lock itself. That it is, not every desktop says.
    pub fn locks(&mut self, path: &str) -> Option<SessionEvent> {
        let session = self.by_path.get_mut(path)?;
        session.is_locked = true;
        Some(SessionEvent::Locked(session.user.clone()))
    }

    /// It was told to unlock itself.
    pub fn unlocks(&mut self, path: &str) -> Option<SessionEvent> {
        let session = self.by_path.get_mut(path)?;
        let was_locked = std::mem::replace(&mut session.is_locked, false);
        was_locked.then(|| SessionEvent::Unlocked(session.user.clone()))
    }

    pub fn changed(&mut self, path: &str, change: &Properties) -> Vec<SessionEvent> {
        let mut events = Vec::new();
        let Some(session) = self.by_path.get_mut(path) else {
            return events;
        };
        if let Some(is_active) = change.is_active {
            let was_active = std::mem::replace(&mut session.is_active, is_active);
            if was_active && !is_active {
                events.push(SessionEvent::LeftSeat(session.user.clone()));
            }
        }
        match change.is_locked {
            Some(true) if !session.is_locked => events.extend(self.locks(path)),
            Some(false) => events.extend(self.unlocks(path)),
            Some(true) | None => {}
        }
        events
    }

    /// Each copy over a network and each command in passing is a session too.
    fn counts(&self, session: &Session) -> bool {
        let mut others = self.by_path.values();
        session.seat.is_some() || !others.any(|other| other.user.uid == session.user.uid)
    }
}

impl Properties {
    /// Reads a dictionary `a{sv}`.
    pub fn read(body: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut properties = Self::default();
        let mut entries = body.array(8)?;
        while !entries.is_at_end() {
            entries.align(8)?;
            let name = entries.text()?;
            match (name, entries.signature()?) {
                ("User", "(uo)") => {
                    entries.align(8)?;
                    properties.uid = Some(entries.u32()?);
                    entries.text()?;
                }
                ("Seat", "(so)") => {
                    entries.align(8)?;
                    let seat = entries.text()?;
                    properties.seat = (!seat.is_empty()).then(|| seat.to_owned());
                    entries.text()?;
                }
                ("Id", "s") => properties.id = Some(entries.text()?.to_owned()),
                ("Name", "s") => properties.name = Some(entries.text()?.to_owned()),
                ("Class", "s") => properties.class = Some(entries.text()?.to_owned()),
                ("Active", "b") => properties.is_active = Some(entries.bool()?),
                ("LockedHint", "b") => properties.is_locked = Some(entries.bool()?),
                (_, other) => entries.skip(other)?,
            }
        }
        Ok(properties)
    }

    /// The session, if it is one of a person.
    pub fn session(self) -> Option<Session> {
        if !self
            .class
            .as_deref()
            .is_some_and(|class| OF_A_PERSON.contains(&class))
        {
            return None;
        }
        Some(Session {
            id: self.id?,
            user: SessionUser {
                uid: self.uid?,
                name: self.name?,
            },
            seat: self.seat,
            is_active: self.is_active?,
            is_locked: self.is_locked.unwrap_or(false),
        })
    }
}

/// The object paths of a list `a(susso)`.
pub fn paths(list: &Message) -> Result<Vec<String>, Malformed> {
    let mut paths = Vec::new();
    let mut sessions = list.body("a(susso)")?.array(8)?;
    while !sessions.is_at_end() && paths.len() < MOST {
        sessions.align(8)?;
        sessions.text()?;
        sessions.u32()?;
        sessions.text()?;
        sessions.text()?;
        paths.push(sessions.text()?.to_owned());
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_glib_has_written_is_read() {
        let list = Message::parse(include_bytes!("../../../tests/data/logind/list")).unwrap();
        let all = Message::parse(include_bytes!("../../../tests/data/logind/properties")).unwrap();
        let change = Message::parse(include_bytes!("../../../tests/data/logind/changed")).unwrap();

        let paths = paths(&list).unwrap();
        let session = Properties::read(&mut all.body("a{sv}").unwrap()).unwrap();
        let mut body = change.body("sa{sv}as").unwrap();
        let interface = body.text().unwrap();
        let changed = Properties::read(&mut body).unwrap();

        assert_eq!(
            paths,
            [
                "/org/freedesktop/login1/session/_31",
                "/org/freedesktop/login1/session/c2"
            ]
        );
        let jane = Session {
            id: "1".into(),
            user: SessionUser {
                uid: 1000,
                name: "jane".into(),
            },
            seat: Some("seat0".into()),
            is_active: true,
            is_locked: true,
        };
        assert_eq!(session.session(), Some(jane));
        assert_eq!(interface, "org.freedesktop.login1.Session");
        assert_eq!(changed.is_active, Some(false));
        assert_eq!(changed.is_locked, None);
    }

    #[test]
    fn those_that_are_there_already_are_no_news() {
        let mut sessions = Sessions::default();

        let events = sessions.are(table(&[("/1", jane())]));

        assert!(events.is_empty());
    }

    #[test]
    fn what_changed_while_nobody_listened_is_told_afterwards() {
        let mut sessions = Sessions::default();
        sessions.are(table(&[("/1", jane()), ("/2", john())]));
        let locked = Session {
            is_locked: true,
            ..jane()
        };
        let third = Session {
            user: user(1002),
            ..jane()
        };

        let events = sessions.are(table(&[("/1", locked), ("/3", third)]));

        assert_eq!(told(&events), ["ended 1001", "locked 1000", "began 1002"]);
    }

    #[test]
    fn a_lock_is_told_each_time_and_an_unlock_once() {
        let mut sessions = Sessions::default();
        sessions.are(table(&[("/1", jane())]));
        let hint = |is_locked| Properties {
            is_locked: Some(is_locked),
            ..Properties::default()
        };

        let mut events: Vec<_> = sessions.locks("/1").into_iter().collect();
        events.extend(sessions.changed("/1", &hint(true)));
        events.extend(sessions.locks("/1"));
        events.extend(sessions.unlocks("/1"));
        events.extend(sessions.changed("/1", &hint(false)));
        events.extend(sessions.changed("/1", &hint(true)));
        events.extend(sessions.changed("/1", &hint(false)));
        events.extend(sessions.unlocks("/1"));

        assert_eq!(
            told(&events),
            [
                "locked 1000",
                "locked 1000",
                "unlocked 1000",
                "locked 1000",
                "unlocked 1000"
            ]
        );
    }

    #[test]
    fn a_session_leaves_the_seat_once() {
        let mut sessions = Sessions::default();
        sessions.are(table(&[("/1", jane())]));
        let active = |is_active| Properties {
            is_active: Some(is_active),
            ..Properties::default()
        };

        let mut events = sessions.changed("/1", &active(false));
        events.extend(sessions.changed("/1", &active(false)));
        events.extend(sessions.changed("/1", &active(true)));

        assert_eq!(told(&events), ["left 1000"]);
    }

    #[test]
    fn in_front_of_a_seat_is_whoever_has_its_one_active_session_there() {
        let mut sessions = Sessions::default();
        let elsewhere = Session {
            seat: None,
            ..john()
        };
        let behind = Session {
            is_active: false,
            ..john()
        };
        sessions.are(table(&[("/1", jane()), ("/2", elsewhere), ("/3", behind)]));
        let active = |is_active| Properties {
            is_active: Some(is_active),
            ..Properties::default()
        };

        let mut told = vec![in_front(sessions.seats()), in_front(sessions.seats())];
        sessions.changed("/1", &active(false));
        told.push(in_front(sessions.seats()));
        sessions.changed("/3", &active(true));
        told.push(in_front(sessions.seats()));
        // Both say so: whoever is told of last may be the one who is not.
        sessions.changed("/1", &active(true));
        told.push(in_front(sessions.seats()));
        sessions.ended("/1");
        told.push(in_front(sessions.seats()));
        told.push(in_front(sessions.no_seats()));
        told.push(in_front(sessions.seats()));

        let seat0 = |uid| Some(BTreeMap::from([("seat0".to_owned(), uid)]));
        let nobody = Some(BTreeMap::new());
        let expected = [
            seat0(1000),
            None,
            nobody.clone(),
            seat0(1001),
            nobody.clone(),
            seat0(1001),
            nobody,
            seat0(1001),
        ];
        assert_eq!(told, expected);
    }

    fn in_front(event: Option<SessionEvent>) -> Option<BTreeMap<String, u32>> {
        event.map(|event| {
            let SessionEvent::Seats(in_front) = event else {
                panic!("{event:?}");
            };
            let uids = in_front.into_iter();
            uids.map(|(seat, front)| (seat, front.uid)).collect()
        })
    }

    #[test]
    fn of_sessions_elsewhere_a_users_first_and_last_count() {
        let mut sessions = Sessions::default();
        sessions.are(BTreeMap::new());
        let remote = || Session {
            seat: None,
            ..jane()
        };

        let mut events: Vec<_> = sessions.began("/1".into(), remote()).into_iter().collect();
        events.extend(sessions.began("/2".into(), remote()));
        events.extend(sessions.ended("/1"));
        events.extend(sessions.began("/3".into(), jane()));
        events.extend(sessions.ended("/3"));
        events.extend(sessions.ended("/2"));
        events.extend(sessions.ended("/2"));

        assert_eq!(
            told(&events),
            ["began 1000", "began 1000", "ended 1000", "ended 1000"]
        );
    }

    fn table(sessions: &[(&str, Session)]) -> BTreeMap<String, Session> {
        let sessions = sessions.iter();
        sessions
            .map(|(path, session)| ((*path).to_owned(), session.clone()))
            .collect()
    }

    fn user(uid: u32) -> SessionUser {
        SessionUser {
            uid,
            name: format!("user-{uid}"),
        }
    }

    fn jane() -> Session {
        Session {
            id: "1".into(),
            user: user(1000),
            seat: Some("seat0".into()),
            is_active: true,
            is_locked: false,
        }
    }

    fn john() -> Session {
        Session {
            id: "2".into(),
            user: user(1001),
            ..jane()
        }
    }

    fn told(events: &[SessionEvent]) -> Vec<String> {
        let told = |event: &SessionEvent| match event {
            SessionEvent::Began(user) => format!("began {}", user.uid),
            SessionEvent::Unlocked(user) => format!("unlocked {}", user.uid),
            SessionEvent::Locked(user) => format!("locked {}", user.uid),
            SessionEvent::LeftSeat(user) => format!("left {}", user.uid),
            SessionEvent::Ended(user) => format!("ended {}", user.uid),
            SessionEvent::GoesToSleep(_) => "sleeps".into(),
            SessionEvent::Woke => "woke".into(),
            SessionEvent::Seats(_) => "seats".into(),
        };
        events.iter().map(told).collect()
    }
}
