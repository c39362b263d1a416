//! A card put in every second for as long as wanted, a portal that fails at
//! random, and clients that come and go: `make soak`. Fails if a card is missed, a
//! sign-in does not end as it has to, or memory or descriptors grow.

mod clients;
mod measure;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use cac_common::interface::{Clear, ClearScope};
use cac_common::snapshot::Card;
use cac_tests::clock;
use cac_tests::harness::{LIMIT, Lab, PORTAL, Plan, jane, john};
use cac_tests::portal::Fault;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};
use clap::Parser;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use self::clients::Clients;
use self::measure::Measured;

/// From one card going in to the next.
const PACE: Duration = Duration::from_secs(1);

const READERS: usize = 2;

/// What is wrong with the portal, when something is.
const FAULTS: [&str; 12] = [
    "down",
    "stale",
    "slow 200ms",
    "status 403",
    "status 503",
    "status 429 retry-after 1s",
    "alert 45 at certificate",
    "close at hello",
    "close at request",
    "reset at certificate",
    "cut 100",
    "redirect-loop",
];

/// Of a hundred insertions.
const WITH_FAULT: u32 = 40;
const WITHOUT_PIN: u32 = 20;
const PULLED: u32 = 25;
const FORGOTTEN: u32 = 40;

/// Keeps cacd busy and watches what it takes.
#[derive(Parser)]
#[command(name = "soak", version, max_term_width = 100)]
struct Arguments {
    /// How long.
    #[arg(long, value_name = "MINUTES", default_value = "60")]
    minutes: u64,

    /// What chance is made of; one of its own if not told.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

/// What was done.
#[derive(Debug, Default)]
struct Done {
    insertions: u64,
    pins: u64,
    registered: u64,
    pulled: u64,
    faults: u64,
}

/// One who puts cards in.
struct Round<'a> {
    lab: &'a mut Lab,
    chance: &'a mut StdRng,
    done: &'a mut Done,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let seed = arguments.seed.unwrap_or_else(rand::random);
    println!("--minutes {} --seed {seed}", arguments.minutes);
    let mut chance = StdRng::seed_from_u64(seed);
    let mut lab = Plan::default().readers(READERS).start()?;
    for person in [samples::jane(), samples::john()] {
        lab.welcome(person)?;
    }
    let cards = [jane(CardModel::T1)?, john(CardModel::T1)?];
    let clients = Clients::start(&lab.socket(), chance.random());
    let pid = lab.pid()?;
    let mut done = Done::default();
    let lasts = Duration::from_secs(arguments.minutes * 60);
    let mut measured = Measured::begin(pid, lab.state_folder(), lasts);
    let begun = clock::instant();
    while begun.elapsed() < lasts {
        let due = clock::instant() + PACE;
        let card = cards.choose(&mut chance).context("there are cards")?;
        let mut round = Round {
            lab: &mut lab,
            chance: &mut chance,
            done: &mut done,
        };
        round.play(card).with_context(|| {
            format!(
                "insertion {}, after {:.0?}",
                done.insertions,
                begun.elapsed()
            )
        })?;
        measured.look(begun.elapsed(), done.insertions)?;
        std::thread::sleep(due.saturating_duration_since(clock::instant()));
    }
    let came = clients.end()?;
    lab.snapshot()?;
    ensure!(lab.pid()? == pid, "cacd was started anew");
    println!(
        "{} cards put in and none missed, {} of them pulled at work; {} faults of the portal; {} \
         PINs typed, {} sign-ins with nothing wrong, all of them registered; {came} clients",
        done.insertions, done.pulled, done.faults, done.pins, done.registered,
    );
    measured.judge()
}

impl Round<'_> {
    fn play(&mut self, card: &CardHandle) -> anyhow::Result<()> {
        let reader = self.chance.random_range(0..READERS);
        if self.happens(FORGOTTEN) {
            let forget = Clear {
                scope: ClearScope::Portal {
                    portal: PORTAL.to_owned(),
                },
                dry_run: false,
            };
            self.lab.ask(async |client| client.clear(&forget).await)?;
        }
        let is_well = !self.happens(WITH_FAULT);
        self.lab.portal().set_fault(if is_well {
            Fault::Normal
        } else {
            self.done.faults += 1;
            let words = FAULTS.choose(self.chance).context("there are faults")?;
            words.parse()?
        })?;
        self.lab.insert(reader, card)?;
        self.done.insertions += 1;
        // Each insertion is a visit, and each visit has a number.
        let visit = self.done.insertions;
        let seen = self.lab.wait_for_card(reader, "the card is read", |card| {
            card.visit.0 == visit && label(card).is_some_and(|label| label != "no card seen yet")
        })?;
        let needs_pin = matches!(label(&seen), Some("needs PIN" | "out of date"));
        if needs_pin && !self.happens(WITHOUT_PIN) {
            self.sign_in(reader, is_well)?;
        }
        self.lab.take_out(reader)?;
        ensure!(card.tries_left() == 3, "a try of the card was spent");
        ensure!(!card.pin_is_verified(), "the card was left logged in");
        Ok(())
    }

    fn sign_in(&mut self, reader: usize, is_well: bool) -> anyhow::Result<()> {
        self.lab.type_pin(reader, samples::PIN)?;
        self.done.pins += 1;
        if self.happens(PULLED) {
            self.done.pulled += 1;
            return Ok(());
        }
        let what = "the sign-in has ended";
        let limit = LIMIT;
        let snapshot = self.lab.wait_for_at_most(limit, what, |snapshot| {
            !matches!(
                self.lab.label(snapshot, reader),
                None | Some("needs PIN" | "out of date" | "signing in")
            )
        })?;
        if is_well {
            let label = self.lab.label(&snapshot, reader);
            ensure!(
                label == Some("registered"),
                "with nothing wrong it ended as {label:?}"
            );
            self.done.registered += 1;
        }
        Ok(())
    }

    fn happens(&mut self, of_a_hundred: u32) -> bool {
        self.chance.random_ratio(of_a_hundred, 100)
    }
}

fn label(card: &Card) -> Option<&'static str> {
    let first = card.registrations.first()?;
    Some(first.status.label())
}
