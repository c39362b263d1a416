//! Another program opens the card exclusively: that is said, with what may
//! hold it, and everything goes on once it lets go.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use cac_common::interface::{Clear, ClearScope, Register};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, Stage};
use cac_tests::harness::{Lab, john};
use cac_tests::virtual_card::{CardHandle, CardModel, samples};

/// GnuPG's, which is known for it.
const NAME: &str = "scdaemon";

#[test]
fn s33_a_card_that_another_program_holds_is_told_with_who_may_and_read_once_it_is_free()
-> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.kill()?;
    lab.insert(0, &card)?;
    let mut holder = lab.neighbour(&under_another_name(&lab)?, 0)?;
    holder.hold()?;
    lab.start_again()?;

    let held = lab.wait_for_card(0, "held by another program", |card| {
        card.stage == Stage::Held
    })?;
    let status = lab.cacctl(&["status"])?;
    let shown = lab.cacctl(&["card", "show"])?;
    let register = lab.cacctl_with_input(&["register"], b"24681357\n")?;

    let named = format!("possibly {NAME} (process {})", holder.pid());
    for said in [&status.stdout, &shown.stdout, &register.stderr] {
        let said = String::from_utf8_lossy(said);
        println!("{said}");
        assert!(said.contains("another program holds it"), "{said}");
        assert!(said.contains(&named), "{said}");
    }
    assert_eq!(shown.status.code(), Some(1));
    assert_eq!(register.status.code(), Some(1));
    assert_eq!(held.id, None);
    assert_eq!(card.log().count(), 0, "nothing reached the card");

    holder.tell("close")?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "registered")?;
    let status = lab.cacctl(&["status"])?;
    assert!(!String::from_utf8_lossy(&status.stdout).contains(NAME));
    Ok(())
}

#[test]
fn s33_a_sign_in_waits_for_a_held_card_and_spends_nothing_on_it() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    let mut holder = lab.neighbour(Path::new(env!("CARGO_BIN_EXE_pcsc-client")), 0)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.wait_until_whole(0)?;

    // For a moment: it goes on by itself.
    holder.hold()?;
    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "signing in")?;
    holder.tell("close")?;
    lab.wait_for_status(0, "registered")?;
    assert_eq!(pins(&card), 1);

    // For longer than anyone waits: it is said, and the PIN was not sent.
    lab.take_out(0)?;
    forget(&lab)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    holder.hold()?;
    lab.type_pin(0, samples::PIN)?;
    let failed = lab.wait_for_status(0, "card failed")?;
    assert_eq!(
        cause(&failed)?,
        "another program holds the card for itself; close it, or wait"
    );
    assert_eq!(pins(&card), 1);

    holder.tell("close")?;
    lab.ask(async |client| client.register(&Register::default()).await)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "registered")?;
    assert_eq!(pins(&card), 2);
    assert_eq!(card.tries_left(), 3);
    Ok(())
}

/// A process is called as its file is.
fn under_another_name(lab: &Lab) -> anyhow::Result<PathBuf> {
    let copy = lab.folder().join(NAME);
    fs::copy(env!("CARGO_BIN_EXE_pcsc-client"), &copy).context("cannot copy pcsc-client")?;
    Ok(copy)
}

fn forget(lab: &Lab) -> anyhow::Result<()> {
    let everything = Clear {
        scope: ClearScope::All {},
        dry_run: false,
    };
    lab.ask(async |client| client.clear(&everything).await)?;
    Ok(())
}

fn cause(card: &Card) -> anyhow::Result<&str> {
    let failed = card.registrations.iter().find_map(|registration| {
        if let RegistrationStatus::CardFailed { cause } = &registration.status {
            Some(cause.detail.as_str())
        } else {
            None
        }
    });
    failed.context("the card has failed")
}

fn pins(card: &CardHandle) -> usize {
    card.log().pin_attempts()
}
