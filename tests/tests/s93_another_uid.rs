//! Another user of the machine asks for everything: logged in from afar, at no
//! seat and in no group, while a card of someone else's is in.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use anyhow::{Context as _, ensure};
use cac_common::interface::{
    Call, DESCRIPTION, GetHistory, Refusal, Reply, SERVICE_DESCRIPTION, method,
};
use cac_common::snapshot::{Card, Snapshot};
use cac_tests::harness::tempers::{GARBAGE, HALF, is_served, nested, pour, say};
use cac_tests::harness::{Background, LIMIT, PORTAL, Recorded, jane, john, message, pipe_with};
use cac_tests::process::{descriptors, memory, threads};
use cac_tests::system::{Entry, SERVICE, STRANGER, System, reader_name};
use cac_tests::virtual_card::{CardHandle, CardModel, samples};
use cac_tests::wait;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};

/// Sits at the seat, in no group either.
const OWNER: &str = "carol";

/// Of `daemon/src/journal.rs`.
const REQUEST_REFUSED: &str = "e582a05bcff14a4aa51f57f53f9efb99";
const CONNECTION_TURNED_AWAY: &str = "1d4745a0dd9847ccb9ba99bbd071a648";

/// What anyone may ask, and is told nothing of a person.
const FOR_ALL: [&str; 5] = [
    method::GET_SNAPSHOT,
    method::MONITOR,
    method::GET_PORTAL,
    method::GET_INFO,
    method::GET_INTERFACE_DESCRIPTION,
];

/// What no seat makes up for.
const FOR_ADMINISTRATORS: [&str; 4] = [
    method::MONITOR_ACTIVITY,
    method::LOGIN,
    method::CLEAR,
    method::BACKUP,
];

/// Of one who wants no answer.
const UNANSWERED: &[u8] =
    b"{\"method\":\"org.cacd1.Clear\",\"parameters\":{\"scope\":{\"what\":\"all\"}},\"oneway\":true}\0";

/// Of one user, one after the other; the daemon serves few of them.
const CONNECTIONS: usize = 10_000;

/// Of one user, on one connection.
const REQUESTS: usize = 2000;

/// Rounds of the same, the first of which fills what the daemon keeps for good.
const ROUNDS: usize = 3;

/// Of the service's: for the most readers that pcscd has, each with a card that
/// signs in.
const ROOM_FOR_THREADS: usize = 2 * 16;

/// In megabytes, from the first round to the last.
const GROWTH_AT_MOST: f64 = 4.0;

/// The owner's card is in and registered, and they watch.
struct Stage {
    watch: Background,
    handle: CardHandle,
    system: System,
}

/// What a stranger called, with its answer.
struct Told {
    method: &'static str,
    more: bool,
    reply: Reply,
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s93_whoever_is_at_no_seat_is_refused_everything_and_told_of_nobody() -> anyhow::Result<()> {
    let mut stage = Stage::set()?;
    let owners = stage.system.wait_for_status(0, "registered")?;
    let before = stage.as_it_is()?;
    let calls = calls(&owners);
    let described: BTreeSet<String> = methods(DESCRIPTION, "org.cacd1")
        .chain(methods(SERVICE_DESCRIPTION, "org.varlink.service"))
        .collect();
    let called: BTreeSet<String> = calls.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(called, described, "each method is called");

    let told = stage.system.at_the_socket(STRANGER, async |socket| {
        let mut told = Vec::new();
        for (method, parameters) in &calls {
            // Also of one who knows nothing yet.
            for parameters in [parameters, &Value::Null] {
                for more in [false, true] {
                    let call = serde_json::to_string(&Call {
                        method: (*method).to_owned(),
                        parameters: parameters.clone(),
                        more,
                        oneway: false,
                    })?;
                    let pipe = pipe_with(samples::PIN)?;
                    let mut client = Recorded::connect(socket).await?;
                    let reply = client.call(&call, &[pipe.as_fd()]).await?;
                    told.push(Told {
                        method,
                        more,
                        reply,
                    });
                }
            }
        }
        let answer = say(socket, UNANSWERED)?;
        ensure!(answer.is_empty(), "{answer}");
        Ok(told)
    })?;

    for told in &told {
        told.is_as_it_should_be()?;
    }
    names_nobody(&told, &owners)?;
    let asked: BTreeSet<&str> = described
        .iter()
        .map(String::as_str)
        .filter(|method| !FOR_ALL.contains(method))
        .collect();
    let entries = stage.system.entries()?;
    let uid = stage.system.does(&["id", "--user", STRANGER])?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let refused: BTreeSet<String> = entries
        .iter()
        .filter(|entry| is_refusal(entry))
        .filter(|entry| entry.get("UID").is_some_and(|by| *by == uid))
        .filter_map(|entry| entry.get("REQUEST").map(text))
        .collect();
    let refused: BTreeSet<&str> = refused.iter().map(String::as_str).collect();
    assert_eq!(
        refused, asked,
        "each refusal is in the journal, with who asked"
    );
    stage.system.journal_names_nobody(samples::jane())?;
    assert_eq!(stage.as_it_is()?, before, "nothing came of it");
    stage.owner_is_served()?;
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s93_clients_of_every_temper_of_another_uid_keep_nobody_waiting_and_leave_nothing()
-> anyhow::Result<()> {
    let all = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: all,
        maximum: all,
    };
    setrlimit(Resource::Nofile, limit)?;
    let mut stage = Stage::set()?;
    let daemon = stage.system.process(SERVICE)?;
    let restarts = stage.system.property(SERVICE, "NRestarts")?;
    let before = stage.as_it_is()?;
    let open = descriptors(daemon)?;
    let tasks_max: usize = stage.system.property(SERVICE, "TasksMax")?.parse()?;
    let mut after_first = None;

    for round in 1..=ROUNDS {
        let (held, served) = stage.system.at_the_socket(STRANGER, async |socket| {
            let deep = nested(30_000);
            for garbage in GARBAGE.into_iter().chain([&deep[..]]) {
                let answer = say(socket, garbage)?;
                ensure!(answer.contains("InvalidParameter"), "{garbage:?}: {answer}");
            }
            pour(socket)?;
            let mut held = Vec::new();
            for temper in every_temper() {
                let mut stream = UnixStream::connect(socket)?;
                stream.write_all(&temper)?;
                held.push(stream);
            }
            let begun = held.len();
            for _ in begun..CONNECTIONS {
                held.push(UnixStream::connect(socket)?);
            }
            let mut served = 0;
            for stream in &held[begun..] {
                served += usize::from(is_served(stream)?);
            }
            ensure!(served > 0, "nobody is served");
            ensure!(
                !is_served(&UnixStream::connect(socket)?)?,
                "there is no end"
            );
            Ok((held, served))
        })?;
        println!("round {round}: {served} of {CONNECTIONS} connections are served");
        stage.owner_is_served()?;
        ensure!(descriptors(daemon)? < open + 2 * served, "few are held");
        let (has, may) = (threads(daemon)?, tasks_max);
        println!("{has} threads of {may}");
        ensure!(has + ROOM_FOR_THREADS <= may, "cards need threads too");
        drop(held);

        wait::wait_until("what was open is closed", LIMIT, || {
            descriptors(daemon).is_ok_and(|now| now <= open)
        })?;
        let used = memory(daemon)?;
        println!(
            "{:.2} MB resident, {:.2} anonymous",
            used.resident, used.anonymous
        );
        let first = *after_first.get_or_insert(used.anonymous);
        ensure!(used.anonymous - first < GROWTH_AT_MOST, "it grows");
    }

    // What others want to know is not lost in what is told of one who asks on.
    stage.system.at_the_socket(STRANGER, async |socket| {
        let call = message(method::GET_HISTORY, GetHistory::newest(1))?;
        let mut caller = Recorded::connect(socket).await?;
        for _ in 0..REQUESTS {
            let error = caller.call(&call, &[]).await?.error;
            ensure!(error == Refusal::NotAtTheSeat.to_reply().error, "{error:?}");
        }
        Ok(())
    })?;
    let entries = stage.system.entries()?;
    let refusals = entries.iter().filter(|entry| is_refusal(entry)).count();
    println!("{refusals} refusals of {REQUESTS} are in the journal");
    ensure!((1..REQUESTS / 2).contains(&refusals), "some, and not all");
    let of_a_crowd = entries.iter().filter(|entry| is_of_a_crowd(entry));
    let uid = stage.system.does(&["id", "--user", STRANGER])?;
    let is_told_whose = |entry: &&Entry| entry.get("UID").is_some_and(|of| *of == uid);
    ensure!(of_a_crowd.clone().all(|entry| is_told_whose(&entry)));
    let crowds = of_a_crowd.count();
    ensure!((1..=ROUNDS).contains(&crowds), "once a round: {crowds}");
    stage.system.journal_names_nobody(samples::jane())?;
    assert_eq!(stage.as_it_is()?, before, "nothing came of it");
    assert_eq!(stage.system.property(SERVICE, "NRestarts")?, restarts);
    Ok(())
}

impl Stage {
    fn set() -> anyhow::Result<Self> {
        let mut system = System::with_cacd()?;
        system.does(&["useradd", "--create-home", OWNER])?;
        system.welcome(samples::jane())?;
        system.wait_for("the readers are at their seat", |snapshot| {
            let mut readers = snapshot.readers.iter();
            readers.len() == 2 && readers.all(|reader| reader.seat.as_deref() == Some("seat0"))
        })?;
        let session = system.session(OWNER)?;
        system.loginctl(&["activate", &session.id])?;
        system.wait_for_session(&session, "Active", "yes")?;
        let afar = system.session_from_afar(STRANGER)?;
        // What is not at a seat is in front of none, and always active.
        system.wait_for_session(&afar, "Active", "yes")?;
        system.wait_for_session(&afar, "Seat", "")?;
        let handle = jane(CardModel::T1)?;
        system.insert(0, &handle)?;
        system.wait_for_status(0, "needs PIN")?;
        let types = format!("echo {} | cacctl register", samples::PIN);
        let registered = system.run_as(OWNER, &["sh", "-c", &types])?;
        ensure!(registered.status.success(), "{registered:?}");
        system.wait_for_status(0, "registered")?;
        let watch = system.begin_as(OWNER, &["cacctl", "watch"])?;
        watch.wait_until_it_says("registered")?;
        let mut stage = Self {
            watch,
            handle,
            system,
        };
        // So that who comes by later is known before.
        stage.owner_is_served()?;
        Ok(stage)
    }

    /// What a stranger could have changed.
    fn as_it_is(&self) -> anyhow::Result<impl PartialEq + Debug + use<>> {
        let shown = self.system.wait_for_status(0, "registered")?;
        let known = self.system.wait_for("it is shown", |_| true)?.known.len();
        let tries = self.handle.log().pin_attempts();
        let sign_ins = self.system.portal().sign_ins();
        let card = (shown.visit, shown.pin, shown.registrations);
        Ok((card, known, tries, sign_ins))
    }

    /// A card is put in, and shown to the one who watches at the seat.
    fn owner_is_served(&mut self) -> anyhow::Result<()> {
        let system = &mut self.system;
        let before = self.watch.said()?.len();
        system.insert(1, &john(CardModel::T1)?)?;
        wait::wait_until("the one at the seat sees the card", LIMIT, || {
            let said = self.watch.said().unwrap_or_default();
            let said = String::from_utf8_lossy(&said[before..]).into_owned();
            said.contains("ROE")
        })?;
        let status = system.run_as(OWNER, &["cacctl", "status", "--json"])?;
        let seen: Snapshot = serde_json::from_slice(&status.stdout)?;
        let mut readers = seen.readers.iter();
        let reader = readers.find(|reader| reader.name.0 == reader_name(1));
        let reader = reader.context("the reader is shown")?;
        ensure!(reader.card.is_some(), "{reader:?}");
        system.take_out(1);
        system.wait_for("the card is out", |snapshot| {
            let mut readers = snapshot.readers.iter();
            readers.all(|reader| reader.name.0 != reader_name(1) || reader.card.is_none())
        })?;
        Ok(())
    }
}

impl Told {
    /// It names what may be asked by anyone, or is refused by the name that
    /// the description has.
    fn is_as_it_should_be(&self) -> anyhow::Result<()> {
        let streams = [method::MONITOR, method::MONITOR_ACTIVITY].contains(&self.method);
        let error = self.reply.error.as_deref();
        let expected = if streams && !self.more {
            vec![Refusal::ExpectedMore]
        } else if FOR_ADMINISTRATORS.contains(&self.method) {
            vec![Refusal::PermissionDenied]
        } else if FOR_ALL.contains(&self.method) {
            Vec::new()
        } else {
            vec![Refusal::NotAtTheSeat]
        };
        let expected = expected
            .first()
            .and_then(|refusal| refusal.to_reply().error);
        // One who does not say which portal or interface is told so.
        let lacks = Refusal::InvalidParameter {
            parameter: String::new(),
        };
        let may_lack = FOR_ALL.contains(&self.method) && error == lacks.to_reply().error.as_deref();
        ensure!(
            may_lack || error == expected.as_deref(),
            "{}: {error:?}",
            self.method
        );
        Ok(())
    }
}

/// Each method of the interface, with what it takes, for the card of another.
fn calls(owners: &Card) -> Vec<(&'static str, Value)> {
    let card = owners.id.as_ref().map(|id| id.0.as_str());
    let visit = owners.visit.0;
    let for_card = json!({ "card": card, "visit": visit });
    let at_portal = json!({ "card": card, "visit": visit, "portal": PORTAL });
    vec![
        (method::GET_SNAPSHOT, Value::Null),
        (method::MONITOR, Value::Null),
        (method::MONITOR_ACTIVITY, Value::Null),
        (method::SUBMIT_PIN, for_card.clone()),
        (method::LOGIN, json!({ "user": OWNER })),
        (method::READ_PRINTED, for_card.clone()),
        (method::CHANGE_PIN, for_card),
        (method::REGISTER, json!({ "card": card })),
        (method::GET_HISTORY, json!({ "limit": 1000 })),
        (method::CLEAR, json!({ "scope": { "what": "all" } })),
        (method::BACKUP, Value::Null),
        (
            method::GET_CERTIFICATES,
            json!({ "reader": reader_name(0) }),
        ),
        (
            method::ACCEPT_NOTICE,
            json!({ "card": card, "visit": visit, "portal": PORTAL, "sha256": "00" }),
        ),
        (method::GET_PORTAL, json!({ "name": PORTAL })),
        (method::TEST_PORTAL, at_portal.clone()),
        (method::START_WIZARD, at_portal),
        (
            method::ANSWER_WIZARD,
            json!({ "card": card, "visit": visit, "turn": 1, "ask": 0, "value": "x" }),
        ),
        (
            method::MOVE_WIZARD,
            json!({ "card": card, "visit": visit, "turn": 1, "to": "stop" }),
        ),
        (
            method::GET_CONFIRMATION,
            json!({ "card": card, "portal": PORTAL }),
        ),
        (method::GET_INFO, Value::Null),
        (
            method::GET_INTERFACE_DESCRIPTION,
            json!({ "interface": "org.cacd1" }),
        ),
    ]
}

/// Of a description in varlink's own language, by their whole names.
fn methods<'a>(description: &'a str, interface: &'a str) -> impl Iterator<Item = String> + 'a {
    description
        .lines()
        .filter_map(|line| line.strip_prefix("method ")?.split_once('('))
        .map(move |(name, _)| format!("{interface}.{name}"))
}

fn is_refusal(entry: &Entry) -> bool {
    let id = entry.get("MESSAGE_ID");
    id.is_some_and(|id| id == REQUEST_REFUSED)
}

fn is_of_a_crowd(entry: &Entry) -> bool {
    let id = entry.get("MESSAGE_ID");
    id.is_some_and(|id| id == CONNECTION_TURNED_AWAY)
}

/// What is begun on a connection that then stays as it is.
fn every_temper() -> Vec<Vec<u8>> {
    let monitor = format!("{{\"method\":\"{}\",\"more\":true}}\0", method::MONITOR);
    let asks = format!("{{\"method\":\"{}\"}}\0", method::GET_SNAPSHOT);
    vec![
        HALF.to_vec(),
        HALF.repeat(1000),
        // These never read what they are told.
        monitor.clone().into_bytes(),
        asks.repeat(500).into_bytes(),
        [monitor.as_bytes(), HALF].concat(),
    ]
}

/// Nothing by which the holder of the card could be known was told.
fn names_nobody(told: &[Told], owners: &Card) -> anyhow::Result<()> {
    let holder = owners.holder.as_ref().context("the holder is known")?;
    let person = &samples::jane().person;
    let mut words = vec![
        person.last.clone(),
        person.first.clone(),
        format!("{:010}", person.edipi),
        holder.upn.clone().context("she has a UPN")?,
        owners.id.as_ref().context("the card is known")?.0.clone(),
    ];
    words.extend(owners.certificates.iter().map(|one| one.sha256.clone()));
    for Told { method, reply, .. } in told {
        let text = serde_json::to_string(reply)?;
        for word in &words {
            ensure!(!text.contains(word), "{word} in the answer to {method}");
        }
    }
    Ok(())
}
