//! What cacd costs a card, and what OpenSC, yubico-piv-tool and curl cost the
//! same card, side by side: `make bench`. Nothing passes or fails here; the counts
//! that may not grow are in the tests.

mod counts;
mod curl;
mod dashboard;
mod history;
mod other;
mod ours;
mod place;
mod store;
mod table;
mod watchers;

use std::process::ExitCode;

use anyhow::Context as _;
use cac_tests::servers::by_card;
use cac_tests::virtual_card::cac::Edges;
use cac_tests::virtual_card::card_file::CardFile;
use cac_tests::virtual_card::habits::Speed;
use cac_tests::virtual_card::{CardModel, samples};

use self::other::{LIST, Program, SIGN, STATUS};
use self::ours::{Ours, Work};
use self::place::Place;
use self::table::{Cost, Run};

/// Each is measured so often; the median counts.
const RUNS: usize = 5;

/// A card with contacts that yubico-piv-tool accepts as one of its own, and
/// nothing else that is a YubiKey's.
const CARD: CardModel = CardModel {
    shortest_aid: CardModel::YUBIKEY.shortest_aid,
    replies: CardModel::YUBIKEY.replies,
    speed: Some(Speed::CONTACT),
    ..CardModel::T1
};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let outcome = match (arguments.next(), arguments.next()) {
        (Some(word), Some(reader)) if word == ours::WORD => {
            ours::serve(&reader, &arguments.next().unwrap_or_default())
        }
        (Some(word), None) if word == history::WORD => history::print(),
        (Some(word), None) if word == store::WORD => store::print(),
        (Some(word), None) if word == dashboard::WORD => dashboard::print(),
        (Some(word), None) if word == watchers::WORD => watchers::print(),
        _ => run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    println!(
        "A virtual card in a pcscd of our own, over T=1: {} ms an APDU and {} µs a byte.\n\
         Medians of {RUNS} runs. cacd runs already, as it does; the other programs are started.\n",
        Speed::CONTACT.per_apdu.as_millis(),
        Speed::CONTACT.per_byte.as_micros(),
    );
    table::head();
    four_certificates()?;
    nine_certificates()?;
    without_piv()?;
    whole_sign_in()?;
    counts::print()?;
    history::print()?;
    store::print()?;
    watchers::print()?;
    dashboard::print()
}

fn four_certificates() -> anyhow::Result<()> {
    let place = Place::with(samples::jane(), CARD)?;
    let certificates = certificates_of(samples::jane());
    let mut cacd = Ours::start(&place)?;

    table::title("first read, four certificates");
    let first = measure(|| place.measure(|| cacd.ask(Work::First)))?;
    table::ours("cacd", &first);
    let rest = measure(|| {
        cacd.ask(Work::First)?;
        place.measure(|| cacd.ask(Work::Rest))
    })?;
    table::ours("  and the rest, when idle", &rest);
    for program in [LIST, STATUS] {
        let cost = measure(|| other(&place, program, certificates))?;
        table::other(program.name, &cost, &first);
    }

    table::title("the same card put in again");
    let again = measure(|| {
        place.put_in_again()?;
        place.measure(|| cacd.ask(Work::Again))
    })?;
    table::ours("cacd", &again);
    for program in [LIST, STATUS] {
        // It may keep what it likes, and find it again.
        let home = tempfile::tempdir()?;
        place.run(program, certificates, home.path())?;
        let cost = measure(|| {
            place.put_in_again()?;
            place.run(program, certificates, home.path())
        })?;
        table::other(program.name, &cost, &again);
    }

    table::title("the card's part of one sign-in");
    let sign = measure(|| place.measure(|| cacd.ask(Work::Sign)))?;
    table::ours("cacd", &sign);
    let cost = measure(|| other(&place, SIGN, 0))?;
    table::other(SIGN.name, &cost, &sign);
    Ok(())
}

fn nine_certificates() -> anyhow::Result<()> {
    let file = samples::jane_with_history();
    let place = Place::with(file, CARD)?;
    table::title("nine certificates, everything read");
    let mut cacd = Ours::start(&place)?;
    let whole = measure(|| place.measure(|| cacd.ask(Work::Whole)))?;
    table::ours("cacd", &whole);
    for program in [LIST, STATUS] {
        let cost = measure(|| other(&place, program, certificates_of(file)))?;
        table::other(program.name, &cost, &whole);
    }
    Ok(())
}

fn without_piv() -> anyhow::Result<()> {
    let model = CardModel {
        edges: Edges::Cac,
        ..CARD
    };
    let place = Place::with(samples::janes_cac(), model)?;
    table::title("a CAC without PIV, three certificates");
    let mut cacd = Ours::start(&place)?;
    let first = measure(|| place.measure(|| cacd.ask(Work::First)))?;
    table::ours("cacd", &first);
    let cost = measure(|| other(&place, LIST, 3))?;
    table::other(LIST.name, &cost, &first);
    Ok(())
}

/// Both with the same nginx, which demands a certificate.
fn whole_sign_in() -> anyhow::Result<()> {
    let place = Place::with(samples::jane(), CARD)?;
    let nginx = by_card::nginx()?;
    let folder = tempfile::tempdir()?;
    let profile = by_card::profile_in(folder.path(), &nginx)?;
    let anchor = folder.path().join("root.pem");
    let mut cacd = Ours::start_for(&place, &profile)?;
    cacd.ask(Work::First)?;

    table::title("the whole sign-in to nginx, from the card going in");
    let first = measure(|| {
        place.put_in_again()?;
        place.measure(|| {
            cacd.ask(Work::First)?;
            cacd.ask(Work::SignIn)
        })
    })?;
    table::within("cacd, a card never seen", &first, 46);
    let cost = measure(|| {
        let home = tempfile::tempdir()?;
        place.put_in_again()?;
        place.measure(|| curl::sign_in(&place, &nginx, &anchor, home.path()))
    })?;
    table::other(curl::NAME, &cost, &first);

    let again = measure(|| {
        place.put_in_again()?;
        place.measure(|| {
            cacd.ask(Work::Again)?;
            cacd.ask(Work::SignIn)
        })
    })?;
    table::within("cacd, a card on record", &again, 18);
    // Before curl has its turn, which leaves the card logged in.
    let sign_in = measure(|| place.measure(|| cacd.ask(Work::SignIn)))?;
    let home = tempfile::tempdir()?;
    curl::sign_in(&place, &nginx, &anchor, home.path())?;
    let cost = measure(|| {
        place.put_in_again()?;
        place.measure(|| curl::sign_in(&place, &nginx, &anchor, home.path()))
    })?;
    table::other("curl, with what OpenSC kept", &cost, &again);
    table::within("cacd, card read before", &sign_in, 10);
    Ok(())
}

fn measure(mut once: impl FnMut() -> anyhow::Result<Run>) -> anyhow::Result<Cost> {
    let runs: Vec<Run> = (0..RUNS).map(|_| once()).collect::<Result<_, _>>()?;
    Cost::of(&runs).context("nothing was measured")
}

/// As on a machine where it never ran.
fn other(place: &Place, program: Program, certificates: usize) -> anyhow::Result<Run> {
    place.run(program, certificates, tempfile::tempdir()?.path())
}

fn certificates_of(file: &CardFile) -> usize {
    file.all_certificates().count()
}
