//! The holder's session begins, is unlocked, is left; the machine sleeps and
//! wakes: what that starts, and what becomes of the PIN.

use anyhow::ensure;
use cac_common::interface::Refusal;
use cac_tests::harness::{LIMIT, Lab, PORTAL, Plan, appears_in, jane, memory_of, pin_for, refusal};
use cac_tests::portal::Fault;
use cac_tests::system_bus::SystemBus;
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::{CardHandle, CardModel, instruction, samples};
use cac_tests::wait;

/// Its waits are longer than any test.
const SETTINGS: &str = "[pin]\nkeep = \"visit\"\n[retry]\nfirst_wait = \"1h\"\nlongest_wait = \"1h\"\n\
                        [[user]]\nname = \"jane\"\nedipi = \"1234567890\"\n";

/// Whoever runs the tests types the PINs.
const JANE: u32 = 0;
const JOHN: u32 = 1001;

/// How somebody comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Back {
    Begins,
    Unlocks,
    Wakes,
}

const EVERY: [Back; 3] = [Back::Begins, Back::Unlocks, Back::Wakes];

#[test]
fn s62_a_session_that_begins_is_unlocked_or_woken_starts_what_is_due() -> anyhow::Result<()> {
    for back in EVERY {
        let bus = with_janes_session_locked()?;
        let (mut lab, card) = lab_at(&bus)?;
        lab.portal().set_fault(Fault::Down)?;
        lab.insert(0, &card)?;
        lab.wait_for_status(0, "needs PIN")?;
        lab.type_pin(0, samples::PIN)?;
        lab.wait_for_status(0, "waiting")?;
        lab.portal().set_fault(Fault::Normal)?;

        back.happens(&bus)?;

        lab.wait_for_status(0, "registered")?;
        let log = card.log();
        assert_eq!(
            (log.pin_attempts(), log.key_operations()),
            (1, 1),
            "{back:?}"
        );
        assert_eq!(lab.portal().registrations()?.len(), 1);
    }
    Ok(())
}

#[test]
fn s62_whoever_comes_back_is_asked_for_the_pin_that_is_waited_for() -> anyhow::Result<()> {
    let bus = with_janes_session_locked()?;
    let (mut lab, card) = lab_at(&bus)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    let shown = lab.wait_for_card(0, "it is asked for the PIN", |card| card.asked == 1)?;
    assert_eq!(shown.user.as_deref(), Some("jane"));
    let output = lab.cacctl(&["status"])?;
    assert!(appears_in(b", user jane, PIN", &output.stdout));
    let read = lab.wait_until_whole(0).map(|_| card.log().count())?;

    bus.begin_session("john", JOHN, "john")?;
    for (before, back) in (1..).zip(EVERY) {
        back.happens(&bus)?;
        lab.wait_for_card(0, "it is asked for again", |card| card.asked == before + 1)?;
    }

    let told = lab.wait_for_entries(": 1 portal waits for a PIN", 3)?;
    let told: Vec<&str> = told.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(
        told,
        [
            "jane's session began: 1 portal waits for a PIN",
            "jane's session was unlocked: 1 portal waits for a PIN",
            "The machine woke: 1 portal waits for a PIN"
        ]
    );
    assert_eq!(card.log().count(), read, "the card was left alone");
    assert!(!lab.log().contains("jane's"), "the log names nobody");

    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "registered")?;
    Ok(())
}

#[test]
fn s62_nothing_is_started_and_nobody_asked_where_nothing_is_due() -> anyhow::Result<()> {
    let bus = with_janes_session_locked()?;
    let (mut lab, card) = lab_at(&bus)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "registered")?;
    let before = lab.wait_until_whole(0)?;
    let requests = lab.portal().requests();
    let read = card.log().count();

    for back in EVERY {
        back.happens(&bus)?;
    }
    // What is told of after them shows that they were taken.
    bus.lock("first")?;
    let after = lab.wait_for_card(0, "the PIN is gone", |card| !card.pin_kept)?;

    assert_eq!(after.asked, before.asked);
    assert_eq!(after.registrations, before.registrations);
    assert_eq!(lab.portal().requests(), requests);
    assert_eq!(card.log().count(), read, "the card was left alone");
    Ok(())
}

#[test]
fn s62_whoever_leaves_takes_their_pin_along() -> anyhow::Result<()> {
    type Leaves = fn(&SystemBus) -> anyhow::Result<()>;
    let every: [(&str, usize, Leaves); 5] = [
        ("jane's session was locked", 1, |bus| bus.lock("first")),
        ("jane's session was locked", 2, |bus| {
            bus.set_locked("second", true)
        }),
        ("Another session is in front of jane's", 1, |bus| {
            bus.leave_seat("second")
        }),
        ("jane's session has ended", 1, |bus| {
            bus.end_session("second")
        }),
        ("The machine goes to sleep", 1, |bus| bus.sleep(true)),
    ];
    let bus = SystemBus::start()?;
    bus.add_session("first", JANE, "jane")?;
    bus.add_session("second", JANE, "jane")?;
    bus.add_session("john", JOHN, "john")?;
    let (mut lab, card) = lab_at(&bus)?;
    for (told, count, leaves) in every {
        lab.register(0, &card, samples::PIN)?;
        lab.wait_for_card(0, "the PIN is kept", |card| card.pin_kept)?;

        bus.lock("john")?;
        ensure!(is_in_memory(&lab)?, "the PIN is gone before: {told}");
        leaves(&bus)?;

        lab.wait_for_card(0, "the PIN is gone", |card| !card.pin_kept)?;
        lab.wait_for_entries(&format!("{told}: the PIN is forgotten"), count)?;
        ensure!(!is_in_memory(&lab)?, "the PIN is there after: {told}");
        lab.take_out(0)?;
        // And is registered anew the next time.
        let cleared = lab.cacctl(&["clear", "--portal", PORTAL, "--yes"])?;
        ensure!(cleared.status.success(), "{cleared:?}");
    }
    // The sleep waited for that, and the next one will.
    wait::wait_until("the machine may sleep", LIMIT, || {
        bus.inhibitors().is_ok_and(|count| count == 0)
    })?;
    bus.sleep(false)?;
    bus.wait_until_followed()?;
    assert!(
        lab.history()?
            .iter()
            .all(|entry| !entry.text.contains("john"))
    );
    Ok(())
}

#[test]
fn s62_the_machine_sleeps_once_the_card_has_done_with_the_pin_and_takes_none_before_it_is_awake()
-> anyhow::Result<()> {
    let bus = SystemBus::start()?;
    bus.add_session("first", JANE, "jane")?;
    let (mut lab, card) = lab_at(&bus)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.wait_until_whole(0)?;
    let verifying = card.hold_at(Moment::next(instruction::VERIFY));
    lab.type_pin(0, samples::PIN)?;
    verifying.wait_until_reached(LIMIT)?;

    bus.sleep(true)?;
    lab.wait_for_entries("The machine goes to sleep: the PIN is forgotten", 1)?;
    let shown = lab.wait_for_card(0, "no PIN is kept", |card| !card.pin_kept)?;
    let refused = lab.submit(pin_for(&shown)?, samples::PIN);
    assert_eq!(refusal(refused)?, Refusal::MachineSleeps);
    ensure!(is_in_memory(&lab)?, "the card works with the PIN");
    assert_eq!(bus.inhibitors()?, 1, "its sleep waits for that");

    verifying.release();
    wait::wait_until("the machine may sleep", LIMIT, || {
        bus.inhibitors().is_ok_and(|count| count == 0)
    })?;
    ensure!(!is_in_memory(&lab)?, "it sleeps, and the PIN is there");

    bus.sleep(false)?;
    bus.wait_until_followed()?;
    let shown = lab.wait_for_status(0, "registered")?;
    let taken = lab.submit(pin_for(&shown)?, samples::PIN);
    assert_eq!(refusal(taken)?, Refusal::NothingToDo, "it is awake");
    assert_eq!(card.log().pin_attempts(), 1);
    Ok(())
}

#[test]
fn s62_a_bus_that_goes_away_takes_nothing_along_and_is_followed_again() -> anyhow::Result<()> {
    let mut bus = SystemBus::start()?;
    let (mut lab, card) = lab_at(&bus)?;

    bus.kill();
    lab.register(0, &card, samples::PIN)?;
    wait::wait_until("it is logged", LIMIT, || {
        lab.log().contains("logind is not followed")
    })?;
    bus.start_again()?;
    bus.wait_until_followed()?;
    bus.begin_session("first", JANE, "jane")?;
    bus.lock("first")?;

    lab.wait_for_card(0, "the PIN is gone", |card| !card.pin_kept)?;
    let log = lab.log();
    assert_eq!(log.matches("logind is not followed").count(), 1);
    assert_eq!(log.matches("logind is followed again").count(), 1);
    Ok(())
}

impl Back {
    /// To a session that was locked before.
    fn happens(self, bus: &SystemBus) -> anyhow::Result<()> {
        match self {
            Self::Begins => bus.begin_session("another", JANE, "jane"),
            Self::Unlocks => bus.set_locked("first", false),
            Self::Wakes => bus.sleep(false),
        }
    }
}

fn with_janes_session_locked() -> anyhow::Result<SystemBus> {
    let bus = SystemBus::start()?;
    bus.add_session("first", JANE, "jane")?;
    bus.set_locked("first", true)?;
    Ok(bus)
}

/// A machine with that logind, and Jane's card, whom the portal knows.
fn lab_at(bus: &SystemBus) -> anyhow::Result<(Lab, CardHandle)> {
    let lab = Plan::default().settings(SETTINGS).bus(bus).start()?;
    lab.welcome(samples::jane())?;
    bus.wait_until_followed()?;
    Ok((lab, jane(CardModel::T1)?))
}

fn is_in_memory(lab: &Lab) -> anyhow::Result<bool> {
    let memory = memory_of(lab.pid()?)?;
    Ok(memory
        .iter()
        .any(|piece| appears_in(samples::PIN.as_bytes(), piece)))
}
