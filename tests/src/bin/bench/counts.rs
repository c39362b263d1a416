//! APDUs over T=0 and T=1, in process, against what they may be at most. vpcd
//! shows T=1 only.

use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use cac_common::time::UtcSeconds;
use cac_tests::clock;
use cac_tests::virtual_card::cac::Edges;
use cac_tests::virtual_card::card_file::CardFile;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};
use cacd::card::facts::CardFacts;
use cacd::card::habits::Habits;
use cacd::card::read::{Reading, read_card};
use cacd::card::rest::{Missing, read_rest};

use crate::ours::{block, on_record, read, sign_with};

/// One line: what it is, and APDUs over T=1 and over T=0.
struct Line {
    what: &'static str,
    budget: [u32; 2],
    count: [u32; 2],
}

/// What is counted of one card over one protocol.
struct Counts {
    first: u32,
    until_dod_id: u32,
    until_name: u32,
    rest: u32,
    again: u32,
    sign: u32,
}

pub(crate) fn print() -> anyhow::Result<()> {
    let both = |count: &dyn Fn(CardModel) -> anyhow::Result<u32>| -> anyhow::Result<[u32; 2]> {
        Ok([count(CardModel::T1)?, count(CardModel::T0)?])
    };
    let [t1, t0] = [Counts::of(CardModel::T1)?, Counts::of(CardModel::T0)?];
    let lines = [
        line(
            "first read, four certificates",
            [36, 45],
            [t1.first, t0.first],
        ),
        line(
            "  until the DoD ID",
            [2, 4],
            [t1.until_dod_id, t0.until_dod_id],
        ),
        line("  until the name", [4, 7], [t1.until_name, t0.until_name]),
        line("  the rest, when idle", [20, 20], [t1.rest, t0.rest]),
        line("the same card again", [8, 15], [t1.again, t0.again]),
        line(
            "nine certificates, everything read",
            [70 + 20, 84 + 20],
            both(&|model| whole(samples::jane_with_history(), model))?,
        ),
        line(
            "a CAC without PIV",
            [50, 80],
            both(&|model| {
                first(CardModel {
                    edges: Edges::Cac,
                    ..model
                })
            })?,
        ),
        line("one handshake", [10, 14], [t1.sign, t0.sign]),
        line(
            "  on a card that takes no P1 = FF",
            [12, 18],
            both(&|model| {
                Ok(Counts::of(CardModel {
                    refuses_logout: true,
                    ..model
                })?
                .sign)
            })?,
        ),
    ];
    println!(
        "\n{:<36} {:>14} {:>14}",
        "APDUs, and the most there may be", "T=1", "T=0"
    );
    for Line {
        what,
        budget,
        count,
    } in lines
    {
        let cell = |at: usize| {
            let mark = if count[at] > budget[at] { '!' } else { ' ' };
            format!("{mark}{:>4} of {:>4}", count[at], budget[at])
        };
        println!("{what:<36} {:>14} {:>14}", cell(0), cell(1));
    }
    Ok(())
}

/// The moment, as cards are read with.
pub(crate) fn now() -> UtcSeconds {
    let since = clock::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UtcSeconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

impl Counts {
    fn of(model: CardModel) -> anyhow::Result<Self> {
        let card = CardHandle::new(samples::jane(), model)?;
        let habits = Habits::default();
        let (mut until_dod_id, mut until_name) = (None, None);
        let mut reading = Reading {
            at: now(),
            habits: &habits,
            recall: &mut |_| Vec::new(),
        };
        let mut facts = read_card(&mut card.transport(), &mut reading, &mut |progress| {
            let so_far = card.log().count();
            if progress.dod_id.is_some() {
                until_dod_id.get_or_insert(so_far);
            }
            if progress.holder.is_some() {
                until_name.get_or_insert(so_far);
            }
        })?;
        let first = facts.apdus;
        let rest = rest_of(&card, &habits, &mut facts)?;
        let again = read(&mut card.transport(), &habits, &[on_record(&facts)])?.apdus;
        let signed = sign_with(&mut card.transport(), &habits, &facts, &block())?;
        signed.result?;
        let count = |so_far: Option<usize>| {
            u32::try_from(so_far.context("the card says nobody's name")?).context("few APDUs")
        };
        Ok(Self {
            first,
            until_dod_id: count(until_dod_id)?,
            until_name: count(until_name)?,
            rest,
            again,
            sign: signed.apdus,
        })
    }
}

fn first(model: CardModel) -> anyhow::Result<u32> {
    let card = CardHandle::new(samples::janes_cac(), model)?;
    Ok(read(&mut card.transport(), &Habits::default(), &[])?.apdus)
}

fn whole(file: &CardFile, model: CardModel) -> anyhow::Result<u32> {
    let card = CardHandle::new(file, model)?;
    let habits = Habits::default();
    let mut facts = read(&mut card.transport(), &habits, &[])?;
    rest_of(&card, &habits, &mut facts)?;
    Ok(facts.apdus)
}

fn rest_of(card: &CardHandle, habits: &Habits, facts: &mut CardFacts) -> anyhow::Result<u32> {
    let missing = Missing::of(facts).context("everything is read")?;
    let rest = read_rest(&mut card.transport(), habits, &missing)?;
    let apdus = rest.apdus;
    facts.take_rest(rest, now());
    Ok(apdus)
}

fn line(what: &'static str, budget: [u32; 2], count: [u32; 2]) -> Line {
    Line {
        what,
        budget,
        count,
    }
}
