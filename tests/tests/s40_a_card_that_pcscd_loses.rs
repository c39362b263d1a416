//! A reset that fails has pcscd take a reader for empty, with a card in it.

use std::path::Path;

use anyhow::ensure;
use cac_tests::harness::{LIMIT, Lab, john};
use cac_tests::virtual_card::{CardModel, samples};
use cac_tests::wait::wait_until;

/// pcscd looks by itself now and then, which may be just between.
const ATTEMPTS: usize = 10;

const FOUND: &str = "smart card service looked for a card found=Ok(())";

#[test]
fn s40_a_card_that_pcscd_lost_sight_of_is_found_and_signs_in() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    let mut other = lab.neighbour(Path::new(env!("CARGO_BIN_EXE_pcsc-client")), 0)?;
    let mut attempts = 0;

    while !lab.log().contains(FOUND) {
        attempts += 1;
        ensure!(
            attempts <= ATTEMPTS,
            "pcscd never lost a card: {}",
            lab.log()
        );
        lab.insert(0, &card)?;
        lab.wait_for_status(0, "needs PIN")?;
        lab.wait_until_whole(0)?;
        other.tell("shared")?;
        card.take_out();
        // The card is gone for pcscd before it has looked, and so is not counted.
        let answer = other.ask("reset")?;
        ensure!(answer != "ok", "a card was reset that is gone");
        let before = lab.snapshot()?.revision;
        lab.insert(0, &card)?;
        wait_until("the card is seen", LIMIT, || {
            let shown = lab.snapshot();
            shown.is_ok_and(|shown| shown.revision > before && lab.card(&shown, 0).is_ok())
        })?;
        if !lab.log().contains(FOUND) {
            lab.take_out(0)?;
        }
    }

    lab.wait_for_status(0, "needs PIN")?;
    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "registered")?;
    Ok(())
}
