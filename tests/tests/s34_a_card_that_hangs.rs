//! Cards that take a command and do not answer: each costs its own reader and
//! nothing else, and once it answers or is pulled, that reader works again.

use std::fs;
use std::time::Duration;

use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, Stage};
use cac_tests::harness::{LIMIT, Lab, Plan, jane, john, the_card_of};
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::person::Person;
use cac_tests::virtual_card::{CardHandle, CardModel, instruction, samples};

/// The daemon waits a minute for a card; and then it has to say so.
const A_MINUTE_AND_MORE: Duration = Duration::from_secs(75);

/// Two slots of one entry share a driver, and so a lock in pcscd: cards of
/// different entries do not.
const READS: usize = 0;
const SIGNS: usize = 2;
const WORKS: usize = 4;

#[test]
fn s34_a_card_that_hangs_costs_its_reader_alone_and_that_until_it_answers_or_is_pulled()
-> anyhow::Result<()> {
    let mut lab = Plan::default().readers(6).start()?;
    let third = the_card_of(third_person(), KeyAlgorithm::P256, samples::PIN)?;
    for file in [samples::jane(), samples::john(), &third] {
        lab.welcome(file)?;
    }
    let reads = jane(CardModel::T1)?;
    let signs = john(CardModel::T1)?;
    let works = CardHandle::new(&third, CardModel::T1)?;

    lab.insert(SIGNS, &signs)?;
    lab.wait_for_status(SIGNS, "needs PIN")?;
    lab.wait_until_whole(SIGNS)?;
    let signing = signs.hold_at(Moment::next(instruction::GENERAL_AUTHENTICATE));
    lab.type_pin(SIGNS, samples::PIN)?;
    signing.wait_until_reached(LIMIT)?;
    let reading = reads.hold_at(Moment::next_of_any().after(9));
    lab.insert(READS, &reads)?;
    reading.wait_until_reached(LIMIT)?;

    // Everything else goes on.
    lab.register(WORKS, &works, samples::PIN)?;
    lab.take_out(WORKS)?;
    lab.insert(WORKS, &works)?;
    lab.wait_for_status(WORKS, "registered")?;
    assert_eq!(lab.portal().registrations()?.len(), 1);

    let waited = lab.wait_for_at_most(A_MINUTE_AND_MORE, "both are said to hang", |snapshot| {
        let card = |reader| lab.card(snapshot, reader).ok();
        card(READS).is_some_and(|card| is_said_to_hang(&card))
            && card(SIGNS).is_some_and(|card| sign_in_is_said_to_hang(&card))
    })?;
    assert_eq!(lab.label(&waited, WORKS), Some("registered"));
    assert_eq!(card_threads(&lab)?, 3, "one a reader");

    // One answers after all, the other is pulled.
    reading.release();
    lab.wait_for_status(READS, "needs PIN")?;
    lab.type_pin(READS, samples::PIN)?;
    lab.wait_for_status(READS, "registered")?;
    lab.take_out(SIGNS)?;
    drop(signing);
    lab.insert(SIGNS, &signs)?;
    lab.wait_for_status(SIGNS, "needs PIN")?;
    assert_eq!(
        signs.log().pin_attempts(),
        1,
        "the PIN ended with the visit"
    );
    lab.type_pin(SIGNS, samples::PIN)?;
    lab.wait_for_status(SIGNS, "registered")?;

    assert_eq!(lab.portal().registrations()?.len(), 3);
    assert_eq!(card_threads(&lab)?, 3, "one a reader");
    for card in [&reads, &signs, &works] {
        assert!(!card.pin_is_verified());
        assert_eq!(card.tries_left(), 3);
    }
    assert_eq!(reads.log().pin_attempts(), 1);
    assert_eq!(signs.log().pin_attempts(), 2);
    Ok(())
}

fn third_person() -> Person {
    Person {
        last: "POE".to_owned(),
        first: "JUNE".to_owned(),
        edipi: 1_000_000_037,
        ..Person::john_roe()
    }
}

fn is_said_to_hang(card: &Card) -> bool {
    matches!(&card.stage, Stage::Failed { cause } if cause.contains("hangs"))
}

fn sign_in_is_said_to_hang(card: &Card) -> bool {
    card.registrations.iter().any(|registration| {
        matches!(
            &registration.status,
            RegistrationStatus::CardFailed { cause } if cause.detail.contains("hangs")
        )
    })
}

/// Threads of the daemon that work with cards.
fn card_threads(lab: &Lab) -> anyhow::Result<usize> {
    let mut count = 0;
    for thread in fs::read_dir(format!("/proc/{}/task", lab.pid()?))? {
        // One that has ended since is not meant.
        let name = fs::read_to_string(thread?.path().join("comm")).unwrap_or_default();
        count += usize::from(name.trim_end() == "card");
    }
    Ok(count)
}
