//! Who logs in to the machine by card is registered with the PIN they have
//! typed, and no password ever reaches a card.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use cac_common::client::Client;
use cac_common::interface::{Login, Refusal};
use cac_common::locked::Locked;
use cac_tests::harness::{
    Branch, CardModule, Lab, Pam, Plan, Stack, appears_in, as_user, files_below, jane, john,
    refusal,
};
use cac_tests::virtual_card::{CardHandle, CardModel, instruction, samples};
use rustix::process::{Pid, Signal, kill_process};

/// A login waits for the service for a moment only: no other test of these is
/// to take its time meanwhile.
static ALONE: Mutex<()> = Mutex::new(());

/// On every Debian.
const USER: &str = "games";
const PASSWORD: &str = "12345678";

const BY_CARD: Stack = Stack {
    card: CardModule::Word(samples::PIN),
    password: PASSWORD,
    runs_after: Branch::Card,
    arguments: "--card-auth",
};

/// Without cacctl.
const BARE: Stack = Stack {
    runs_after: Branch::Neither,
    ..BY_CARD
};

#[test]
fn s64_a_login_by_card_registers_without_a_second_prompt() -> anyhow::Result<()> {
    let _alone = alone();
    let (lab, card) = lab_of_john()?;
    let pam = Pam::new(&lab, USER, &BY_CARD)?;

    let login = pam.log_in(USER, &[samples::PIN])?;

    assert!(login.has_succeeded, "{login:?}");
    assert!(!login.said.contains("cacctl"), "{login:?}");
    assert_eq!(login.said.matches("Password:").count(), 1, "{login:?}");
    lab.wait_for_status(0, "registered")?;
    assert_eq!(card.log().pin_attempts(), 1);
    for path in files_below(lab.folder())? {
        let is_there = appears_in(samples::PIN.as_bytes(), &std::fs::read(&path)?);
        assert!(!is_there, "the PIN is in {}", path.display());
    }

    // Where nothing is due, the PIN goes unused.
    let again = pam.log_in(USER, &[samples::PIN])?;
    assert!(again.has_succeeded, "{again:?}");
    lab.wait_for_log("nothing waits for a PIN")?;
    assert_eq!(card.log().pin_attempts(), 1);
    Ok(())
}

#[test]
fn s64_a_login_by_pam_pkcs11_registers_without_a_second_prompt() -> anyhow::Result<()> {
    let _alone = alone();
    let mut lab = lab(&[("jane", USER)])?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    let stack = Stack {
        card: CardModule::Pkcs11("DOE.JANE.Q.1234567890"),
        ..BY_CARD
    };
    let pam = Pam::new(&lab, USER, &stack)?;

    for _ in 0..2 {
        let wrong = pam.log_in(USER, &["11111111"])?;
        assert!(!wrong.has_succeeded, "{wrong:?}");
    }
    // The service reads it with one try left, which the right PIN gives it back.
    lab.take_out(0)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    assert_eq!(card.tries_left(), 1);
    let login = pam.log_in(USER, &[samples::PIN])?;

    assert!(login.has_succeeded, "{login:?}");
    assert_eq!(login.said.matches("PIN:").count(), 1, "{login:?}");
    lab.wait_for_status(0, "registered")?;
    // pam_pkcs11's three, and ours.
    assert_eq!(card.log().pin_attempts(), 4);
    Ok(())
}

#[test]
fn s64_a_login_while_the_card_is_being_read_registers_too() -> anyhow::Result<()> {
    let _alone = alone();
    let mut lab = lab(&[("john", USER)])?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    let hold = card.hold_at(cac_tests::virtual_card::fault::Moment::next(
        instruction::GET_DATA,
    ));
    let pam = Pam::new(&lab, USER, &BY_CARD)?;
    lab.insert(0, &card)?;
    hold.wait_until_reached(cac_tests::harness::LIMIT)?;

    let login = pam.log_in(USER, &[samples::PIN])?;
    hold.release();

    assert!(login.has_succeeded, "{login:?}");
    lab.wait_for_status(0, "registered")?;
    assert_eq!(card.log().pin_attempts(), 1);
    Ok(())
}

#[test]
fn s64_a_password_spends_no_try() -> anyhow::Result<()> {
    let _alone = alone();
    let (lab, card) = lab_of_john()?;
    let tries = card.tries_left();
    let stacks = [
        // Where cacctl has to stand: a password does not get there.
        BY_CARD,
        // Where it must not, and without the word that it does not.
        Stack {
            runs_after: Branch::Either,
            arguments: "",
            ..BY_CARD
        },
    ];

    for stack in stacks {
        let login = Pam::new(&lab, USER, &stack)?.log_in(USER, &[PASSWORD])?;
        assert!(login.has_succeeded, "{stack:?}: {login:?}");
    }
    // Whoever is let in by nothing is let in no more for cacctl's sake.
    let refused = Pam::new(&lab, USER, &BY_CARD)?.log_in(USER, &["11111111"])?;
    assert!(!refused.has_succeeded, "{refused:?}");

    // What could have come has come before what is asked for now.
    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "registered")?;
    assert_eq!(card.log().pin_attempts(), 1);
    assert_eq!(card.tries_left(), tries);
    Ok(())
}

#[test]
fn s64_a_login_never_waits_for_the_service_and_never_fails_because_of_it() -> anyhow::Result<()> {
    let _alone = alone();
    let (mut lab, card) = lab_of_john()?;
    let (bare, pam) = (
        Pam::new(&lab, USER, &BARE)?,
        Pam::new(&lab, USER, &BY_CARD)?,
    );
    let log_in = |what: &str| {
        let without = bare.log_in(USER, &[samples::PIN])?;
        let with = pam.log_in(USER, &[samples::PIN])?;
        println!(
            "{what}: {:?} without us, {:?} with us",
            without.took, with.took
        );
        ensure!(without.has_succeeded && with.has_succeeded, "{with:?}");
        ensure!(!with.said.contains("cacctl"), "{with:?}");
        // Whoever waits for an answer of the service waits three times as long.
        ensure!(with.took < Duration::from_secs(10), "{with:?}");
        anyhow::Ok(())
    };

    // Hung: what it did not take is taken back, and not used when it goes on.
    let daemon = i32::try_from(lab.pid()?).ok().and_then(Pid::from_raw);
    let daemon = daemon.context("a process has a number")?;
    kill_process(daemon, Signal::STOP)?;
    let hung = log_in("hung");
    kill_process(daemon, Signal::CONT)?;
    hung?;
    lab.wait_for_log("no PIN came with the call")?;
    assert_eq!(lab.label(&lab.snapshot()?, 0), Some("needs PIN"));

    lab.take_out(0)?;
    log_in("no card")?;
    lab.wait_for_log("no card of that user is in a reader")?;

    lab.stop()?;
    log_in("stopped")?;
    assert_eq!(card.log().pin_attempts(), 0);

    lab.start_again()?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    log_in("all well")?;
    lab.wait_for_status(0, "registered")?;
    Ok(())
}

#[test]
fn s64_a_pin_that_is_not_for_one_card_is_used_for_none() -> anyhow::Result<()> {
    let _alone = alone();
    let mut lab = lab(&[("john", USER), ("jane", USER)])?;
    for card in [samples::jane(), samples::john()] {
        lab.welcome(card)?;
    }
    let (doe, roe) = (jane(CardModel::T1)?, john(CardModel::T1)?);
    let pam = Pam::new(&lab, USER, &BY_CARD)?;
    lab.insert(0, &doe)?;
    lab.insert(1, &roe)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.wait_for_status(1, "needs PIN")?;

    assert!(pam.log_in(USER, &[samples::PIN])?.has_succeeded);
    lab.wait_for_log("several cards in readers are that user's, or may be")?;
    lab.reconfigure("")?;
    assert!(pam.log_in(USER, &[samples::PIN])?.has_succeeded);
    lab.wait_for_log("no card of that user is in a reader")?;
    // Root alone says who has logged in.
    lab.reconfigure(&settings(&[("john", USER)], "games"))?;
    let socket = lab.socket();
    let refused = as_user(5, 60, async || {
        let mut digits = Locked::new()?;
        digits.bytes_mut()[..8].copy_from_slice(samples::PIN.as_bytes());
        let request = Login { user: USER.into() };
        let mut client = Client::connect(&socket).await?;
        refusal(client.login(request, digits, 8).await)
    })?;

    assert_eq!(refused, Refusal::PermissionDenied);
    assert_eq!(doe.log().pin_attempts() + roe.log().pin_attempts(), 0);
    Ok(())
}

#[test]
fn s64_a_card_that_is_nobodys_beside_the_users_own_holds_the_pin_back() -> anyhow::Result<()> {
    let _alone = alone();
    let (mut lab, roe) = lab_of_john()?;
    let doe = jane(CardModel::T1)?;
    lab.insert(1, &doe)?;
    lab.wait_for_status(1, "needs PIN")?;

    // Either of them may be the one that was used to log in.
    let login = Pam::new(&lab, USER, &BY_CARD)?.log_in(USER, &[samples::PIN])?;

    assert!(login.has_succeeded);
    lab.wait_for_log("several cards in readers are that user's, or may be")?;
    assert_eq!(doe.log().pin_attempts() + roe.log().pin_attempts(), 0);
    Ok(())
}

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// John's card, which is the user's and needs its PIN.
fn lab_of_john() -> anyhow::Result<(Lab, CardHandle)> {
    let mut lab = lab(&[("john", USER)])?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    Ok((lab, card))
}

fn lab(holders: &[(&str, &str)]) -> anyhow::Result<Lab> {
    Plan::default()
        .readers(2)
        .settings(&settings(holders, "cacd-admin"))
        .start()
}

/// Whose cards are whose.
fn settings(holders: &[(&str, &str)], group: &str) -> String {
    let users = holders.iter().map(|(holder, user)| {
        let card = if *holder == "jane" {
            samples::jane()
        } else {
            samples::john()
        };
        let edipi = card.person.edipi;
        format!("[[user]]\nname = \"{user}\"\nedipi = \"{edipi:010}\"\n")
    });
    let users: String = users.collect();
    format!("{users}[access]\ngroup = \"{group}\"\n")
}
