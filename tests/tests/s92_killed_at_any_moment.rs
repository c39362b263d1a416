//! A busy daemon is killed, again and again, at moments that a seed chooses.
//!
//! Cards go in and out, PINs are typed, portals are signed in to and what was
//! kept is cleared meanwhile. After each kill the database is looked at as it
//! lies there: what was shown as registered stands in it, and what stands in it
//! is known to the portal.
//!
//! `make kills KILLS=1000 SEED=7` does it for longer.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use cac_common::identity::CardId;
use cac_common::interface::{Clear, ClearScope};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Registration, Snapshot};
use cac_tests::harness::{Lab, PORTAL, Plan, jane, john, pin_for, portal_person};
use cac_tests::virtual_card::{CardHandle, CardModel, samples};
use cac_tests::{clock, wait};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};

const KILLS_VARIABLE: &str = "KILLS";
const SEED_VARIABLE: &str = "SEED";

/// So many show what a change has broken; a thousand are for those who have the time.
const KILLS: u32 = 25;

/// A daemon that did something is killed within this, and in any case within that.
const SOON: Duration = Duration::from_millis(400);
const AT_LAST: Duration = Duration::from_millis(2500);

/// Who is said to be registered at the portal, by their cards.
type Registered = BTreeSet<CardId>;

#[test]
fn s92_killed_at_any_moment_no_registration_is_lost_and_none_invented() -> anyhow::Result<()> {
    let seed = number(SEED_VARIABLE)?.unwrap_or_else(rand::random);
    let kills = number(KILLS_VARIABLE)?.map_or(Ok(KILLS), u32::try_from)?;
    println!("{SEED_VARIABLE}={seed} {KILLS_VARIABLE}={kills}");
    let begun = clock::instant();
    let mut bench = Bench::start(seed)?;

    for kill in 1..=kills {
        bench
            .live_and_die()
            .with_context(|| format!("kill {kill} of seed {seed}"))?;
        if kill % 100 == 0 {
            println!("{kill}: {}", bench.figures());
        }
    }

    let took = begun.elapsed().as_secs();
    println!(
        "{kills} kills in {took} s: {}; lost 0, invented 0",
        bench.figures()
    );
    ensure!(
        kills < KILLS || (bench.done.promised > 0 && bench.done.clears > 0),
        "too little happened to show anything"
    );
    Ok(())
}

struct Bench {
    lab: Lab,
    random: StdRng,
    cards: [CardHandle; 2],
    inserted: [bool; 2],
    /// The UPN of each card that was seen.
    holders: BTreeMap<CardId, String>,
    before: Registered,
    done: Done,
}

#[derive(Default)]
struct Done {
    insertions: u32,
    pins: u32,
    clears: u32,
    /// Kills after which somebody was registered and had to be found so.
    promised: u32,
    /// Kills between the word of the portal and the line in the database.
    unsaid: u32,
}

/// What was cleared in one life of the daemon.
#[derive(Default)]
struct Cleared {
    scopes: Vec<ClearScope>,
    /// What is seen from this revision on comes after all of them; not known
    /// while one has not answered.
    seen_from: Option<u64>,
}

impl Bench {
    fn start(seed: u64) -> anyhow::Result<Self> {
        let lab = Plan::default().readers(2).start()?;
        lab.welcome(samples::jane())?;
        lab.welcome(samples::john())?;
        Ok(Self {
            lab,
            random: StdRng::seed_from_u64(seed),
            cards: [jane(CardModel::T1)?, john(CardModel::T1)?],
            inserted: [false; 2],
            holders: BTreeMap::new(),
            before: Registered::new(),
            done: Done::default(),
        })
    }

    fn live_and_die(&mut self) -> anyhow::Result<()> {
        let sign_ins = self.lab.portal().sign_ins();
        let follower = self.lab.follow()?;
        let known = registered_in(&self.lab.snapshot()?);
        ensure!(
            self.before.is_subset(&known),
            "in the database: {:?}, shown after the start: {known:?}",
            self.before
        );

        let cleared = self.keep_busy_until_killed()?;
        follower.wait_until_it_ends()?;
        self.lab.kill()?;

        let seen = follower.seen();
        let last = seen.last().context("one is seen at least")?;
        let found = self.look_into_the_database()?;
        let shown = registered_in(last);
        let told_since = self.lab.portal().sign_ins() - sign_ins;
        for card in &shown {
            let may_be_gone = cleared.may_have_taken(card, last.revision);
            ensure!(
                may_be_gone || found.contains(card),
                "{card:?} was shown as registered, and is lost; cleared: {:?}, known: {:#?}",
                cleared.scopes,
                last.known
            );
        }
        let new: Vec<_> = found.difference(&self.before).collect();
        ensure!(
            new.len() <= told_since,
            "{new:?} are registered, after {told_since} sign-ins"
        );
        self.the_portal_knows(&found)?;
        self.done.promised += u32::from(!shown.is_empty());
        self.done.unsaid += u32::from(found.difference(&shown).next().is_some());
        self.before = found;
        self.lab.start_again()?;
        Ok(())
    }

    /// Until the moment has come; what fails then fails because of that.
    fn keep_busy_until_killed(&mut self) -> anyhow::Result<Cleared> {
        let pid = i32::try_from(self.lab.pid()?)?;
        let pid = Pid::from_raw(pid).context("a process has a number")?;
        let is_dead = Arc::new(AtomicBool::new(false));
        let kill_in = |span: Duration| {
            let is_dead = Arc::clone(&is_dead);
            std::thread::spawn(move || {
                let begun = clock::instant();
                let has_come = || begun.elapsed() >= span || is_dead.load(Ordering::SeqCst);
                let waited = wait::wait_until("the moment has come", 2 * span + SOON, has_come);
                let died = kill_process(pid, Signal::KILL);
                is_dead.store(true, Ordering::SeqCst);
                // What another thread has killed is no longer there, or still to be waited for.
                waited.is_ok() && (died.is_ok() || died == Err(rustix::io::Errno::SRCH))
            })
        };
        let mut killers = vec![kill_in(self.random.random_range(Duration::ZERO..AT_LAST))];
        let soon = self.random.random_range(Duration::ZERO..SOON);
        let waits_for_a_deed = self.random.random_bool(0.6);
        let mut cleared = Cleared::default();

        while !is_dead.load(Ordering::SeqCst) {
            let did = match self.act(&mut cleared) {
                Ok(did) => did,
                Err(_) if self.is_gone(&is_dead) => break,
                Err(error) => return Err(error.context("the daemon was alive")),
            };
            if did && waits_for_a_deed && killers.len() == 1 {
                killers.push(kill_in(soon));
            }
        }

        for killer in killers {
            ensure!(killer.join().is_ok_and(|did| did), "it cannot be killed");
        }
        Ok(cleared)
    }

    /// A kill is told before the daemon has gone, and after.
    fn is_gone(&self, is_dead: &AtomicBool) -> bool {
        is_dead.load(Ordering::SeqCst)
            || wait::wait_until("it is killed", SOON, || is_dead.load(Ordering::SeqCst)).is_ok()
            || self.lab.snapshot().is_err()
    }

    /// Does what can be done next, or nothing; says whether it is something
    /// that leads to a line in the database.
    fn act(&mut self, cleared: &mut Cleared) -> anyhow::Result<bool> {
        let reader = self.random.random_range(0..self.cards.len());
        if !self.inserted[reader] {
            self.lab.insert(reader, &self.cards[reader])?;
            self.inserted[reader] = true;
            self.done.insertions += 1;
            return Ok(false);
        }
        let snapshot = self.lab.snapshot()?;
        let Some(card) = self.lab.card(&snapshot, reader).ok() else {
            return Ok(false);
        };
        if let Some(id) = &card.id {
            let file = [samples::jane(), samples::john()][reader];
            self.holders.insert(id.clone(), portal_person(file).upn);
        }
        match self.lab.label(&snapshot, reader) {
            Some("needs PIN") => {
                // It may be taken out, or the PIN be there already.
                if self.lab.submit(pin_for(&card)?, samples::PIN).is_err() {
                    self.lab.snapshot()?;
                    return Ok(false);
                }
                self.done.pins += 1;
                Ok(true)
            }
            Some("registered") if self.random.random_bool(0.5) => {
                let scope = match (self.random.random_range(0..4), card.id) {
                    (0, Some(card)) => ClearScope::Card { card },
                    (1, _) => ClearScope::Portal {
                        portal: PORTAL.into(),
                    },
                    (2, _) => ClearScope::History { before: None },
                    _ => ClearScope::All {},
                };
                self.clear(scope, cleared)?;
                Ok(true)
            }
            Some("registered") => {
                self.inserted[reader] = false;
                self.lab.take_out(reader)?;
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    fn clear(&mut self, scope: ClearScope, cleared: &mut Cleared) -> anyhow::Result<()> {
        cleared.scopes.push(scope.clone());
        cleared.seen_from = None;
        let what = Clear {
            scope,
            dry_run: false,
        };
        self.lab.ask(async |client| client.clear(&what).await)?;
        cleared.seen_from = Some(self.lab.snapshot()?.revision);
        self.done.clears += 1;
        Ok(())
    }

    /// As the kill left it; a copy, so that the daemon finds it untouched.
    fn look_into_the_database(&self) -> anyhow::Result<Registered> {
        let copy = tempfile::tempdir()?;
        for file in fs::read_dir(self.lab.state_folder())? {
            let file = file?;
            let name = file.file_name().into_string().ok();
            let name = name.context("its files have names")?;
            ensure!(!name.contains("corrupt"), "{name} was kept aside");
            fs::copy(file.path(), copy.path().join(name))?;
        }
        let database = Connection::open(copy.path().join("cacd.db"))?;
        let verdict: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        ensure!(verdict == "ok", "{verdict}");
        let mut orphans = database.prepare("PRAGMA foreign_key_check")?;
        ensure!(
            !orphans.exists([])?,
            "a row refers to one that is not there"
        );
        let mut rows = database
            .prepare("SELECT card FROM registration WHERE portal = ? AND state = 'registered'")?;
        let cards = rows.query_map([PORTAL], |row| Ok(CardId(row.get(0)?)))?;
        Ok(cards.collect::<Result<_, _>>()?)
    }

    fn the_portal_knows(&self, found: &Registered) -> anyhow::Result<()> {
        let told = self.lab.portal().registrations()?;
        for card in found {
            let upn = self.holders.get(card);
            ensure!(
                upn.is_some_and(|upn| told.iter().any(|one| one.upn == *upn)),
                "the portal does not know {card:?}"
            );
        }
        Ok(())
    }

    fn figures(&self) -> String {
        let Done {
            insertions,
            pins,
            clears,
            promised,
            unsaid,
        } = self.done;
        format!(
            "{insertions} insertions, {pins} PINs, {} sign-ins, {clears} clears; \
             {promised} times a registration had been shown, {unsaid} times it was written and not shown yet",
            self.lab.portal().sign_ins()
        )
    }
}

impl Cleared {
    /// Whether a card that the last snapshot shows as registered may be gone
    /// all the same.
    fn may_have_taken(&self, card: &CardId, last: u64) -> bool {
        let is_after = self.seen_from.is_some_and(|from| last >= from);
        let takes = |scope: &ClearScope| match scope {
            ClearScope::All {} | ClearScope::Portal { .. } => true,
            ClearScope::Card { card: taken } => taken == card,
            ClearScope::History { .. } | ClearScope::Sessions {} | ClearScope::Copies {} => false,
        };
        !is_after && self.scopes.iter().any(takes)
    }
}

fn registered_in(snapshot: &Snapshot) -> Registered {
    let is_registered = |registrations: &[Registration]| {
        registrations.iter().any(|registration| {
            registration.portal == PORTAL
                && matches!(registration.status, RegistrationStatus::Registered { .. })
        })
    };
    let readers = snapshot.readers.iter();
    let in_readers = readers
        .filter_map(|reader| reader.card.as_ref())
        .filter(|card| is_registered(&card.registrations))
        .filter_map(|card| card.id.clone());
    let known = snapshot.known.iter();
    let on_record = known
        .filter(|known| is_registered(&known.registrations))
        .map(|known| known.card.clone());
    in_readers.chain(on_record).collect()
}

fn number(variable: &str) -> anyhow::Result<Option<u64>> {
    match std::env::var(variable) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => Ok(Some(text.parse().with_context(|| variable.to_owned())?)),
        Err(_) => Ok(None),
    }
}
