//! Sessions at the seat, and a machine that sleeps, as logind itself tells of
//! them: what each starts, and what becomes of the PIN.

use cac_common::snapshot::{Card, Snapshot};
use cac_tests::harness::{jane, john};
use cac_tests::portal::Fault;
use cac_tests::system::{ADMINISTRATOR, Session, System, reader_name};
use cac_tests::virtual_card::{CardHandle, CardModel, samples};

/// Its waits are longer than any test.
const SETTINGS: &str = "[pin]\nkeep = \"visit\"\n[retry]\nfirst_wait = \"1h\"\nlongest_wait = \"1h\"\n\
                        [[user]]\nname = \"alice\"\nedipi = \"1234567890\"\n";

/// How somebody comes back.
#[derive(Debug, Clone, Copy)]
enum Back {
    Begins,
    Unlocks,
    Wakes,
}

const EVERY: [Back; 3] = [Back::Begins, Back::Unlocks, Back::Wakes];

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s73_whoever_comes_back_is_asked_for_the_pin_that_is_waited_for() -> anyhow::Result<()> {
    let (system, _card) = with_janes_card()?;
    let session = system.session(ADMINISTRATOR)?;

    for (before, back) in (2..).zip(EVERY) {
        wait_for_card(&system, "it is asked for", |card| card.asked == before)?;
        back.happens(&system, &session)?;
    }

    let asked = wait_for_card(&system, "it is asked for", |card| card.asked == 5)?;
    assert_eq!(asked.user.as_deref(), Some(ADMINISTRATOR));
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s73_a_session_that_begins_starts_what_is_due_and_afterwards_nothing_does() -> anyhow::Result<()>
{
    let (mut system, card) = with_janes_card()?;
    system.portal().set_fault(Fault::Down)?;
    // A PIN serves the one who typed it.
    let types = format!("echo {} | cacctl register", samples::PIN);
    system.run_as(ADMINISTRATOR, &["sh", "-c", &types])?;
    system.wait_for_status(0, "waiting")?;
    system.portal().set_fault(Fault::Normal)?;

    let session = system.session(ADMINISTRATOR)?;
    let registered = system.wait_for_status(0, "registered")?;

    let (requests, signed) = (system.portal().requests(), card.log().key_operations());
    // Another card, which is nobody's and waits for its PIN, is called for each time.
    system.welcome(samples::john())?;
    let johns = john(CardModel::T1)?;
    system.insert(1, &johns)?;
    for (before, back) in (1..).zip(EVERY) {
        wait_for_card_in(&system, 1, "it is asked for", |card| card.asked == before)?;
        back.happens(&system, &session)?;
    }
    wait_for_card_in(&system, 1, "it is asked for", |card| card.asked == 4)?;
    let after = wait_for_card(&system, "the PIN is gone", |card| !card.pin_kept)?;
    assert_eq!(after.registrations, registered.registrations);
    assert_eq!(after.asked, registered.asked);
    assert_eq!(system.portal().requests(), requests);
    assert_eq!((signed, card.log().key_operations()), (1, 1));
    Ok(())
}

/// Before anybody has a session.
fn with_janes_card() -> anyhow::Result<(System, CardHandle)> {
    let mut system = System::boot()?;
    system.install()?;
    system.introduce_portal()?;
    system.write("/etc/cacd/cacd.toml", SETTINGS)?;
    system.start()?;
    system.welcome(samples::jane())?;
    system.wait_for("the readers are seen", |snapshot| {
        snapshot.readers.len() == 2
    })?;
    let card = jane(CardModel::T1)?;
    system.insert(0, &card)?;
    system.wait_for_status(0, "needs PIN")?;
    Ok((system, card))
}

impl Back {
    fn happens(self, system: &System, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Begins => drop(system.session(ADMINISTRATOR)?),
            Self::Unlocks => {
                system.loginctl(&["lock-session", &session.id])?;
                system.loginctl(&["unlock-session", &session.id])?;
            }
            Self::Wakes => system.sleep_and_wake()?,
        }
        Ok(())
    }
}

fn wait_for_card(
    system: &System,
    what: &str,
    condition: impl Fn(&Card) -> bool,
) -> anyhow::Result<Card> {
    wait_for_card_in(system, 0, what, condition)
}

fn wait_for_card_in(
    system: &System,
    reader: usize,
    what: &str,
    condition: impl Fn(&Card) -> bool,
) -> anyhow::Result<Card> {
    let name = reader_name(reader);
    let snapshot = system.wait_for(what, |snapshot| {
        card_in(snapshot, &name).is_some_and(&condition)
    })?;
    let card = card_in(&snapshot, &name).cloned();
    card.ok_or_else(|| anyhow::anyhow!("it was there"))
}

fn card_in<'a>(snapshot: &'a Snapshot, name: &str) -> Option<&'a Card> {
    let mut readers = snapshot.readers.iter();
    readers.find(|reader| reader.name.0 == name)?.card.as_ref()
}
