//! A PIN that is typed while what could wait is read does not wait for it.

use cac_tests::harness::{LIMIT, Lab};
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::habits::Speed;
use cac_tests::virtual_card::{CardHandle, CardModel, instruction, samples};
use cac_tests::wait::wait_until;

#[test]
fn s36_a_pin_typed_while_the_rest_is_read_is_used_first_and_the_rest_read_after_it()
-> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    let file = samples::jane_with_history();
    lab.welcome(file)?;
    let card = CardHandle::new(
        file,
        CardModel {
            speed: Some(Speed::CONTACT),
            ..CardModel::T1
        },
    )?;
    // SELECT comes once for the first read, and then for the rest.
    let rest = card.hold_at(Moment::next(instruction::SELECT).after(1));
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    rest.wait_until_reached(LIMIT)?;

    lab.type_pin(0, samples::PIN)?;
    wait_until("the portal is called", LIMIT, || {
        lab.portal().connections() > 0
    })?;
    rest.release();

    lab.wait_for_status(0, "registered")?;
    let whole = lab.wait_until_whole(0)?;
    let log = card.log();
    let entries = log.entries();
    let selects = |entries: &[_]| count(entries, instruction::SELECT);
    let pin = entries.iter().position(|apdu| apdu.carries_pin);
    let (before, after) = entries.split_at(pin.unwrap_or(entries.len()));
    // The first read, the rest as far as it came, the sign-in; then what was left.
    assert_eq!((selects(before), selects(after)), (3, 1));
    let certificate = 8;
    assert!(
        after.len() > certificate * 2,
        "{} of {} commands came after the PIN",
        after.len(),
        entries.len()
    );
    assert_eq!(whole.certificates.len(), 9);
    assert_eq!(whole.findings, []);
    assert_eq!(log.pin_attempts(), 1);
    Ok(())
}

fn count(entries: &[cac_tests::virtual_card::log::LoggedApdu], instruction: u8) -> usize {
    entries
        .iter()
        .filter(|apdu| apdu.ins == instruction)
        .count()
}
