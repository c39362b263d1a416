//! Where a PIN lies while it is held, who could read it there, and when it is gone.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use anyhow::Context as _;
use cac_tests::harness::{LIMIT, Lab, Plan, UNLOCKED_MEMORY, appears_in, kept_in, the_card_of};
use cac_tests::system::{SERVICE, System};
use cac_tests::terminal::Size;
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::person::Person;
use cac_tests::virtual_card::{CardHandle, CardModel};
use cac_tests::wait;

/// Digits that stand nowhere by chance.
const PIN: &str = "58203947";

const WRONG_PIN: &str = "11111111";

const SIZE: Size = Size {
    columns: 100,
    rows: 24,
};

/// As long as the card is in.
const KEPT: &str = "[pin]\nkeep = \"visit\"\n";

/// What is said in the log where no memory can be locked.
const TOLD: &str = "memory cannot be locked";

#[test]
fn s96_a_pin_that_is_held_lies_in_locked_memory_alone_and_is_wiped() -> anyhow::Result<()> {
    let mut lab = Plan::default().settings(KEPT).start()?;
    hold_a_pin(&mut lab)?;

    let kept = kept_in(lab.pid()?, PIN.as_bytes())?;
    assert!(!kept.is_empty(), "it is held");
    for flags in kept {
        for flag in ["lo", "dd", "wf"] {
            assert!(has(&flags, flag), "{flag} in {flags}");
        }
    }
    assert!(locked_kilobytes(lab.pid()?)? > 0);
    assert!(!lab.log().contains(TOLD));

    is_wiped_when_the_card_is_out(&mut lab)
}

#[test]
fn s96_where_no_memory_can_be_locked_that_is_told_once_and_all_goes_on() -> anyhow::Result<()> {
    let mut lab = Plan::default().settings(KEPT).start()?;
    lab.start_again_without_locked_memory()?;
    hold_a_pin(&mut lab)?;

    assert_eq!(locked_kilobytes(lab.pid()?)?, 0);
    let kept = kept_in(lab.pid()?, PIN.as_bytes())?;
    assert!(!kept.is_empty(), "it is held");
    for flags in kept {
        assert!(!has(&flags, "lo"), "{flags}");
        for flag in ["dd", "wf"] {
            assert!(has(&flags, flag), "{flag} in {flags}");
        }
    }
    assert_eq!(lab.log().matches(TOLD).count(), 1, "once");
    let told = lab.history()?;
    let told = told
        .iter()
        .filter(|entry| entry.text.contains("cannot be locked"));
    assert_eq!(told.count(), 1, "and in the history");

    is_wiped_when_the_card_is_out(&mut lab)
}

#[test]
fn s96_who_types_a_pin_where_no_memory_can_be_locked_is_told_and_may() -> anyhow::Result<()> {
    const UNLOCKED: &str = "No memory can be locked here";
    let mut lab = Lab::start()?;
    let file = the_card_of(Person::jane_doe(), KeyAlgorithm::P256, PIN)?;
    lab.welcome(&file)?;
    let card = CardHandle::new(&file, CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    let terminal = lab.terminal(SIZE)?;

    terminal.enter("cacctl register")?;
    terminal.shows(&["PIN of DOE, JANE Q"])?;
    terminal.hides(&[UNLOCKED])?;
    terminal.enter(WRONG_PIN)?;
    terminal.shows(&["needs PIN (2 left)"])?;
    terminal.enter("clear")?;
    terminal.enter(&format!("{} cacctl register", UNLOCKED_MEMORY.join(" ")))?;
    terminal.shows(&[UNLOCKED, "PIN of DOE, JANE Q"])?;
    terminal.enter(PIN)?;
    terminal.shows(&["registered"])?;

    assert!(!terminal.all_text()?.contains(PIN));
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s96_no_process_of_its_own_user_can_look_into_the_service() -> anyhow::Result<()> {
    let mut system = System::with_cacd()?;
    system.write("/etc/cacd/cacd.toml", KEPT)?;
    system.does(&["systemctl", "restart", SERVICE])?;
    let file = the_card_of(Person::jane_doe(), KeyAlgorithm::P256, PIN)?;
    system.welcome(&file)?;
    let card = CardHandle::new(&file, CardModel::T1)?;
    system.register(0, &card, PIN)?;
    let pid = system.process(SERVICE)?;
    let inside = system.property(SERVICE, "MainPID")?;

    // As the unit has it: its own user, without rights, and pages enough.
    let kept = kept_in(pid, PIN.as_bytes())?;
    assert!(!kept.is_empty(), "it is held");
    for flags in kept {
        assert!(
            ["lo", "dd", "wf"].iter().all(|flag| has(&flags, flag)),
            "{flags}"
        );
    }
    let limits = system.does(&["cat", &format!("/proc/{inside}/limits")])?;
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let core: Vec<&str> = core.context("it has a limit")?.split_whitespace().collect();
    assert_eq!(core[4..6], ["0", "0"], "{core:?}");
    let environment = fs::read(format!("/proc/{pid}/environ"))?;
    assert!(appears_in(b"STATE_DIRECTORY=", &environment));
    assert!(!appears_in(PIN.as_bytes(), &environment));

    // What is not dumpable belongs to root, though its user is another.
    let user: u32 = system.does(&["id", "--user", "cacd"])?.parse()?;
    assert_eq!(fs::metadata(format!("/proc/{pid}"))?.uid(), user);
    assert_eq!(fs::metadata(format!("/proc/{pid}/mem"))?.uid(), 0);
    // Another process of the same user is theirs to look into, and this one is not.
    let run = [
        "systemd-run",
        "--quiet",
        "--unit=other",
        "--service-type=exec",
    ];
    let other = ["--property=User=cacd", "sleep", "infinity"];
    system.does(&[&run[..], &other].concat())?;
    let other = system.property("other.service", "MainPID")?;
    for (process, is_theirs) in [(&other, true), (&inside, false)] {
        let environment = format!("/proc/{process}/environ");
        let read = system.run_as("cacd", &["cat", &environment])?;
        assert_eq!(read.status.success(), is_theirs, "{read:?}");
        assert_eq!(system.can_be_held_by("cacd", process)?, is_theirs);
    }
    assert_eq!(system.property(SERVICE, "NRestarts")?, "0");
    Ok(())
}

/// A card is registered, after a wrong PIN, and its PIN held on.
fn hold_a_pin(lab: &mut Lab) -> anyhow::Result<()> {
    let file = the_card_of(Person::jane_doe(), KeyAlgorithm::P256, PIN)?;
    lab.welcome(&file)?;
    let card = CardHandle::new(&file, CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.type_pin(0, WRONG_PIN)?;
    lab.wait_for_entries("PIN not accepted", 1)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.type_pin(0, PIN)?;
    lab.wait_for_status(0, "registered")?;
    lab.wait_for_card(0, "its PIN is kept", |card| card.pin_kept)?;
    Ok(())
}

fn is_wiped_when_the_card_is_out(lab: &mut Lab) -> anyhow::Result<()> {
    let pid = lab.pid()?;
    lab.take_out(0)?;
    lab.wait_until_empty(0)?;
    wait::wait_until("the PIN is gone from memory", LIMIT, || {
        kept_in(pid, PIN.as_bytes()).is_ok_and(|kept| kept.is_empty())
    })?;
    Ok(())
}

fn has(flags: &str, flag: &str) -> bool {
    flags.split(' ').any(|given| given == flag)
}

fn locked_kilobytes(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let mut lines = status.lines();
    let locked = lines.find_map(|line| line.strip_prefix("VmLck:"));
    let locked = locked.and_then(|value| value.trim().strip_suffix("kB"));
    Ok(locked
        .context("the kernel says how much is locked")?
        .trim()
        .parse()?)
}
