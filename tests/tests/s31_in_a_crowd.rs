//! OpenSC and a program that resets the card work with it all the time, and
//! every sign-in ends right.

use std::env;
use std::path::Path;
use std::time::Duration;

use cac_common::interface::{Clear, ClearScope};
use cac_tests::clock;
use cac_tests::harness::{LIMIT, Lab, PORTAL, john};
use cac_tests::virtual_card::habits::Speed;
use cac_tests::virtual_card::{CardModel, samples};
use cac_tests::wait::wait_until;

/// How many cards are put in, if [`COUNT_VARIABLE`] does not say.
const COUNT: usize = 100;
const COUNT_VARIABLE: &str = "CACD_CROWD_COUNT";
const SEED_VARIABLE: &str = "CACD_CROWD_SEED";

/// A tenth of what a card with contacts takes, so that others find the time to
/// come in between.
const SPEED: Speed = Speed {
    per_apdu: Duration::from_millis(2),
    per_byte: Duration::from_micros(8),
};

#[test]
fn s31_a_hundred_insertions_and_sign_ins_in_a_crowd_end_right() -> anyhow::Result<()> {
    let count = match env::var(COUNT_VARIABLE) {
        Ok(count) => count.parse()?,
        Err(_) => COUNT,
    };
    let seed = match env::var(SEED_VARIABLE) {
        Ok(seed) => seed.parse()?,
        Err(_) => rand::random(),
    };
    println!("{SEED_VARIABLE}={seed} {COUNT_VARIABLE}={count}");
    let begin = clock::instant();
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let client = Path::new(env!("CARGO_BIN_EXE_pcsc-client"));
    let card = john(CardModel {
        speed: Some(SPEED),
        ..CardModel::T1
    })?;
    let crowd = lab.crowd(0, &card, 4, client, seed)?;
    let mut repeated = 0;

    for round in 1..=count {
        let before = card.log();
        let done = crowd.done();
        lab.insert(0, &card)?;
        // At least one of each lies between the read and the sign-in, and
        // others where chance has them.
        lab.wait_for_status(0, "needs PIN")?;
        wait_until("the crowd has been at it", LIMIT, || {
            let now = crowd.done();
            now.resets > done.resets && now.whole_lists > done.whole_lists
        })?;
        lab.type_pin(0, samples::PIN)?;
        lab.wait_for_status(0, "registered")?;

        let log = card.log();
        let sent: Vec<u16> = log.entries()[before.count()..]
            .iter()
            .filter(|apdu| apdu.carries_pin)
            .map(|apdu| apdu.sw.0)
            .collect();
        // One PIN typed; sent again only if the card accepted it.
        assert!(
            !sent.is_empty() && sent.iter().all(|status| *status == 0x9000),
            "round {round}: {sent:04X?}"
        );
        assert!(!card.pin_is_verified(), "round {round}");
        assert_eq!(card.tries_left(), 3, "round {round}");
        assert_eq!(lab.portal().registrations()?.len(), 1, "round {round}");
        repeated += sent.len() - 1;
        assert!(log.key_operations() > before.key_operations());
        lab.take_out(0)?;
        // Every fourth is a card never seen before.
        let scope = if round % 4 == 0 {
            ClearScope::All {}
        } else {
            ClearScope::Portal {
                portal: PORTAL.to_owned(),
            }
        };
        let forget = Clear {
            scope,
            dry_run: false,
        };
        lab.ask(async |client| client.clear(&forget).await)?;
    }

    let done = crowd.end()?;
    let log = card.log();
    println!(
        "{count} sign-ins in {:.0?}: {} commands, {} key uses, {repeated} PINs again after 9000; \
         opened again {} times after a reset, and selected again {} times after one that nobody \
         told of; meanwhile {done:?}",
        begin.elapsed(),
        log.count(),
        log.key_operations(),
        lab.log().matches("and is opened again").count(),
        lab.log().matches("the application was gone").count()
    );
    assert!(done.whole_lists > 0 && done.resets > 0, "{done:?}");
    Ok(())
}
