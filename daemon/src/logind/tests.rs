use std::io::{IoSlice, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tempfile::TempDir;

use super::message::tests::{Value, answer, property, refusal, signal};
use super::message::{HEAD, LONGEST};
use super::*;

const OWNER: &str = ":1.5";
const SESSIONS: &str = "/org/freedesktop/login1/session";

#[test]
fn what_happens_to_sessions_and_to_the_machine_is_told_as_it_happens() {
    let (bus, mut logind) = Bus::with(&[("1", 1000, "user")]);

    logind.session_new(("2", 1001, "user"));
    logind.session_new(("3", 42, "greeter"));
    logind.session_new(("4", 0, "user-early"));
    logind.locks("1", true);
    logind.locks("1", false);
    logind.says("1", "Lock");
    logind.says("1", "Unlock");
    logind.is_active("1", false);
    logind.says("3", "Lock");
    logind.removed("3");
    logind.removed("2");
    logind.sleeps(true);
    logind.sleeps(false);

    let told: Vec<String> = (0..10).map(|_| bus.told()).collect();
    assert_eq!(
        told,
        [
            "began user-1001",
            "began someone",
            "locked user-1000",
            "unlocked user-1000",
            "locked user-1000",
            "unlocked user-1000",
            "left user-1000",
            "ended user-1001",
            "sleeps",
            "woke"
        ]
    );
}

#[test]
fn nobody_is_in_front_while_logind_or_the_bus_is_away() {
    let (mut bus, mut logind) = Bus::with(&[("1", 1000, "user")]);
    logind.is_active("1", false);
    logind.session_new(("2", 1001, "user"));
    logind.owner_is("");
    logind.owner_is(OWNER);
    logind.list(&[("2", 1001, "user"), ("3", 42, "greeter")]);
    logind.stream.write_all(&[0xFF; 64]).unwrap();
    let mut logind = bus.accept_again();
    logind.serve(&[("2", 1001, "user")]);

    let in_front = std::iter::from_fn(|| bus.events.recv().ok()).filter_map(|event| {
        if let SessionEvent::Seats(in_front) = event {
            Some(in_front.values().map(|front| front.uid).collect::<Vec<_>>())
        } else {
            None
        }
    });
    let told: Vec<_> = in_front.take(7).collect();
    let expected: [&[u32]; 7] = [&[1000], &[], &[1001], &[], &[1001], &[], &[1001]];
    assert_eq!(told, expected);
}

#[test]
fn what_a_stranger_says_counts_for_nothing() {
    let (bus, mut logind) = Bus::with(&[("1", 1000, "user")]);

    let path = format!("{SESSIONS}/1");
    logind.send(&signal(":1.9", &path, (SESSION, "Lock"), &[]));
    let owner = [LOGIND, OWNER, ":1.9"].map(Value::Text);
    let changed = (BUS, "NameOwnerChanged");
    logind.send(&signal(":1.9", "/org/freedesktop/DBus", changed, &owner));
    // Longer than anything that is listened to.
    let much = Value::Text("x".repeat(2 * LONGEST).leak());
    logind.send(&signal(":1.9", &path, (SESSION, "Lock"), &[much]));
    logind.sleeps(true);

    assert_eq!(bus.told(), "sleeps");
}

#[test]
fn a_signal_that_is_not_understood_hurts_no_other() {
    let (bus, mut logind) = Bus::with(&[("1", 1000, "user")]);

    let path = format!("{SESSIONS}/1");
    for values in [vec![], vec![Value::U32(7)], vec![Value::Text("x")]] {
        for (interface, member) in [
            (MANAGER, "SessionNew"),
            (MANAGER, "SessionRemoved"),
            (MANAGER, "PrepareForSleep"),
            (PROPERTIES, "PropertiesChanged"),
        ] {
            logind.send(&signal(OWNER, &path, (interface, member), &values));
        }
    }
    logind.says("1", "Lock");

    assert_eq!(bus.told(), "locked user-1000");
}

#[test]
fn logind_may_come_later_and_again() {
    let mut bus = Bus::begin();
    let mut logind = bus.accept();
    logind.let_in();
    let serial = logind.called("GetNameOwner");
    logind.send(&refusal(
        BUS,
        serial,
        "org.freedesktop.DBus.Error.NameHasNoOwner",
    ));

    logind.owner_is(OWNER);
    logind.list(&[("1", 1000, "user")]);
    logind.owner_is("");
    logind.owner_is(OWNER);
    logind.list(&[("1", 1000, "user"), ("2", 1001, "user")]);

    assert_eq!(bus.told(), "began user-1001");
}

#[test]
fn what_changed_while_the_bus_was_away_is_told_once_it_is_back() {
    let mut bus = Bus::begin();
    let mut logind = bus.accept();
    logind.serve(&[("1", 1000, "user"), ("2", 1001, "user")]);

    // It ends in the middle of a message.
    logind.stream.write_all(b"l\x04\0\x01").unwrap();
    drop(logind);
    let mut logind = bus.accept_again();
    logind.serve(&[("1", 1000, "user")]);

    assert_eq!(bus.told(), "ended user-1001");
}

#[test]
fn a_bus_that_says_what_is_no_message_is_left() {
    let (mut bus, mut logind) = Bus::with(&[]);

    logind.stream.write_all(&[0xFF; 64]).unwrap();
    let mut logind = bus.accept_again();
    logind.serve(&[("1", 1000, "user")]);

    assert_eq!(bus.told(), "began user-1000");
}

#[test]
fn the_machine_waits_with_its_sleep_until_the_event_is_done_with() {
    let (mut bus, mut logind) = Bus::with(&[]);
    let (mut watched, given) = UnixStream::pair().unwrap();
    bus.accept_inhibitor(&given);
    drop(given);

    logind.sleeps(true);
    let event = bus.events.recv().unwrap();

    assert!(matches!(event, SessionEvent::GoesToSleep(Some(_))));
    watched.set_nonblocking(true).unwrap();
    assert!(watched.read(&mut [0]).is_err(), "it was closed too early");
    watched.set_nonblocking(false).unwrap();
    drop(event);
    assert_eq!(watched.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_machine_whose_logind_has_gone_is_awake() {
    let (bus, mut logind) = Bus::with(&[]);

    logind.sleeps(true);
    logind.owner_is("");
    assert_eq!([bus.told(), bus.told()], ["sleeps", "woke"]);
    logind.owner_is(OWNER);
    logind.list(&[]);
    logind.sleeps(true);
    drop(logind);

    assert_eq!([bus.told(), bus.told()], ["sleeps", "woke"]);
}

#[test]
fn a_bus_that_does_not_let_us_in_is_left() {
    let mut bus = Bus::begin();
    let (mut stream, _) = bus.listener.accept().unwrap();

    stream.write_all(b"REJECTED EXTERNAL\r\n").unwrap();
    let mut logind = bus.accept_again();
    logind.serve(&[]);
    logind.sleeps(true);

    assert_eq!(bus.told(), "sleeps");
}

/// A bus that says what it is told to, and a watch over it.
struct Bus {
    listener: UnixListener,
    events: Receiver<SessionEvent>,
    logind: Arc<Logind>,
    watching: Option<JoinHandle<()>>,
    _folder: TempDir,
}

/// The bus's end of one conversation, and logind behind it.
struct Conversation {
    stream: UnixStream,
}

impl Bus {
    /// Followed, with these sessions.
    fn with(sessions: &[(&'static str, u32, &'static str)]) -> (Self, Conversation) {
        let mut bus = Self::begin();
        let mut logind = bus.accept();
        logind.serve(sessions);
        (bus, logind)
    }

    fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bus");
        let listener = UnixListener::bind(&path).unwrap();
        let address = Address::parse(&format!("unix:path={}", path.display())).unwrap();
        let logind = Arc::new(Logind::new(address));
        let (sender, events): (Sender<SessionEvent>, _) = channel();
        let watch = Arc::clone(&logind);
        let watching = std::thread::spawn(move || {
            watch.watch(&mut |event| {
                let _ = sender.send(event);
            });
        });
        Self {
            listener,
            events,
            logind,
            watching: Some(watching),
            _folder: folder,
        }
    }

    /// Takes the next conversation that is for signals.
    fn accept(&mut self) -> Conversation {
        loop {
            let mut one = Conversation {
                stream: self.listener.accept().unwrap().0,
            };
            // The other kind is for an inhibitor, which may be asked for any time.
            if !one.authenticated() {
                return one;
            }
        }
    }

    /// The same, without the pause before it.
    fn accept_again(&mut self) -> Conversation {
        self.listener.set_nonblocking(true).unwrap();
        let watching = self.watching.as_ref().unwrap();
        let mut one = loop {
            watching.thread().unpark();
            if let Ok((stream, _)) = self.listener.accept() {
                stream.set_nonblocking(false).unwrap();
                let mut one = Conversation { stream };
                if !one.authenticated() {
                    break one;
                }
            }
            std::thread::yield_now();
        };
        self.listener.set_nonblocking(false).unwrap();
        one.stream.flush().unwrap();
        one
    }

    fn accept_inhibitor(&mut self, given: &UnixStream) {
        let mut one = Conversation {
            stream: self.listener.accept().unwrap().0,
        };
        assert!(one.authenticated());
        let serial = one.called("Hello");
        one.send(&answer(BUS, serial, &[Value::Text(":1.8")]));
        let serial = one.called("Inhibit");
        let answer = answer(OWNER, serial, &[Value::Handle(0)]);
        let descriptors = [given.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)));
        let whole = [IoSlice::new(&answer)];
        sendmsg(&one.stream, &whole, &mut ancillary, SendFlags::empty()).unwrap();
        // It is over once the answer was taken.
        let _ = one.stream.read(&mut [0]);
    }

    /// The next thing that is told beside who is in front.
    fn told(&self) -> String {
        match self.events.recv().unwrap() {
            SessionEvent::Seats(_) => self.told(),
            SessionEvent::Began(user) => format!("began {}", user.name),
            SessionEvent::Unlocked(user) => format!("unlocked {}", user.name),
            SessionEvent::Locked(user) => format!("locked {}", user.name),
            SessionEvent::LeftSeat(user) => format!("left {}", user.name),
            SessionEvent::Ended(user) => format!("ended {}", user.name),
            SessionEvent::GoesToSleep(_) => "sleeps".into(),
            SessionEvent::Woke => "woke".into(),
        }
    }
}

/// The watch ends when it is told to, wherever it is.
impl Drop for Bus {
    fn drop(&mut self) {
        self.logind.stop();
        if let Some(watching) = self.watching.take() {
            watching.thread().unpark();
            watching.join().unwrap();
        }
    }
}

impl Conversation {
    /// Whether descriptors are to be passed.
    fn authenticated(&mut self) -> bool {
        let own = rustix::process::geteuid().as_raw().to_string();
        let line = self.line();
        let told = line.strip_prefix("\0AUTH EXTERNAL ").unwrap().trim_end();
        let told = (0..told.len() / 2)
            .map(|at| u8::from_str_radix(&told[at * 2..at * 2 + 2], 16).unwrap())
            .collect();
        assert_eq!(String::from_utf8(told).unwrap(), own);
        self.stream.write_all(b"OK 1234\r\n").unwrap();
        let mut line = self.line();
        let passes = line == "NEGOTIATE_UNIX_FD\r\n";
        if passes {
            self.stream.write_all(b"AGREE_UNIX_FD\r\n").unwrap();
            line = self.line();
        }
        assert_eq!(line, "BEGIN\r\n");
        passes
    }

    fn line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).unwrap();
            line.extend(byte);
        }
        String::from_utf8(line).unwrap()
    }

    /// Greets, takes every rule, and says which sessions there are.
    fn serve(&mut self, sessions: &[(&'static str, u32, &'static str)]) {
        self.let_in();
        let serial = self.called("GetNameOwner");
        self.send(&answer(BUS, serial, &[Value::Text(OWNER)]));
        self.list(sessions);
    }

    fn let_in(&mut self) {
        let serial = self.called("Hello");
        self.send(&answer(BUS, serial, &[Value::Text(":1.7")]));
        for _ in RULES {
            let serial = self.called("AddMatch");
            self.send(&answer(BUS, serial, &[]));
        }
    }

    fn list(&mut self, sessions: &[(&'static str, u32, &'static str)]) {
        let rows = sessions.iter().map(|(id, uid, _)| {
            Value::Struct(vec![
                Value::Text(id),
                Value::U32(*uid),
                Value::Text("someone"),
                Value::Text("seat0"),
                Value::Path(format!("{SESSIONS}/{id}")),
            ])
        });
        let list = Value::Array("(susso)", rows.collect());
        let serial = self.called("ListSessions");
        self.send(&answer(OWNER, serial, &[list]));
        for session in sessions {
            self.looked_at(*session);
        }
    }

    fn looked_at(&mut self, (id, uid, class): (&'static str, u32, &'static str)) {
        let name: &'static str = match uid {
            1000 => "user-1000",
            1001 => "user-1001",
            _ => "someone",
        };
        let path = |path: &str| Value::Path(path.into());
        let user = Value::Struct(vec![Value::U32(uid), path("/user")]);
        let seat = Value::Struct(vec![Value::Text("seat0"), path("/seat")]);
        let properties = vec![
            property("Id", Value::Text(id)),
            property("User", user),
            property("Seat", seat),
            property("Name", Value::Text(name)),
            property("Class", Value::Text(class)),
            property("Active", Value::Bool(true)),
            property("LockedHint", Value::Bool(false)),
        ];
        let serial = self.called("GetAll");
        let all = Value::Array("{sv}", properties);
        self.send(&answer(OWNER, serial, &[all]));
    }

    /// Waits for a call of that method; gives its serial.
    fn called(&mut self, member: &str) -> u32 {
        let mut head = [0; HEAD];
        self.stream.read_exact(&mut head).unwrap();
        let mut whole = vec![0; Message::length(&head).unwrap()];
        whole[..HEAD].copy_from_slice(&head);
        self.stream.read_exact(&mut whole[HEAD..]).unwrap();
        assert_eq!(Message::parse(&whole).unwrap().member, member);
        u32::from_le_bytes(whole[8..12].try_into().unwrap())
    }

    fn send(&mut self, message: &[u8]) {
        // In two parts, as it may come.
        let (first, second) = message.split_at(message.len() / 2);
        self.stream.write_all(first).unwrap();
        self.stream.write_all(second).unwrap();
    }

    fn owner_is(&mut self, owner: &'static str) {
        let changed = (BUS, "NameOwnerChanged");
        let values = [LOGIND, "", owner].map(Value::Text);
        self.send(&signal(BUS, "/org/freedesktop/DBus", changed, &values));
    }

    fn session_new(&mut self, session: (&'static str, u32, &'static str)) {
        let path = Value::Path(format!("{SESSIONS}/{}", session.0));
        let values = [Value::Text(session.0), path];
        self.send(&signal(
            OWNER,
            MANAGER_PATH,
            (MANAGER, "SessionNew"),
            &values,
        ));
        self.looked_at(session);
    }

    fn removed(&mut self, id: &'static str) {
        let values = [Value::Text(id), Value::Path(format!("{SESSIONS}/{id}"))];
        let removed = (MANAGER, "SessionRemoved");
        self.send(&signal(OWNER, MANAGER_PATH, removed, &values));
    }

    fn says(&mut self, id: &str, member: &str) {
        let path = format!("{SESSIONS}/{id}");
        self.send(&signal(OWNER, &path, (SESSION, member), &[]));
    }

    fn locks(&mut self, id: &str, is_locked: bool) {
        self.changes(id, property("LockedHint", Value::Bool(is_locked)));
    }

    fn is_active(&mut self, id: &str, is_active: bool) {
        self.changes(id, property("Active", Value::Bool(is_active)));
    }

    fn changes(&mut self, id: &str, property: Value) {
        let values = [
            Value::Text(SESSION),
            Value::Array("{sv}", vec![property]),
            Value::Array("s", Vec::new()),
        ];
        let path = format!("{SESSIONS}/{id}");
        self.send(&signal(
            OWNER,
            &path,
            (PROPERTIES, "PropertiesChanged"),
            &values,
        ));
    }

    fn sleeps(&mut self, begins: bool) {
        let values = [Value::Bool(begins)];
        let sleeps = (MANAGER, "PrepareForSleep");
        self.send(&signal(OWNER, MANAGER_PATH, sleeps, &values));
    }
}
