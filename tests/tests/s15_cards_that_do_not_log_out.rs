//! Cards that make it hard to log out: after the sign-in nobody else can sign, all the same.

use cac_common::interface::{Clear, ClearScope};
use cac_tests::harness::{Lab, SUCCESS, key_use, select_piv, verify_with};
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};

#[test]
fn s15_after_a_sign_in_nobody_else_can_sign_whatever_the_card() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let everything = Clear {
        scope: ClearScope::All {},
        dry_run: false,
    };
    for model in [
        CardModel::DUAL,
        CardModel {
            refuses_logout: true,
            ..CardModel::T1
        },
        CardModel {
            refuses_logout: true,
            ..CardModel::DUAL
        },
        CardModel {
            refuses_logout: true,
            ..CardModel::T0
        },
        CardModel::T0,
    ] {
        let card = CardHandle::new(samples::john(), model)?;
        lab.register(0, &card, samples::PIN)?;
        println!("{model:?}: {} APDUs in all", card.log().count());
        assert!(!card.pin_is_verified(), "{model:?}");
        assert_eq!(card.log().key_operations(), 1, "{model:?}");

        let signs = key_use(KeyAlgorithm::P256);
        let tries = [signs.clone(), vec![select_piv()], signs.clone()].concat();
        let answers = lab.outsider_sends(0, &tries)?;

        assert!(
            answers[0] != SUCCESS && answers[2] != SUCCESS,
            "{model:?}: {answers:04X?}"
        );
        assert_eq!(card.log().key_operations(), 1, "{model:?}");
        // Whoever has the PIN can, so the card is as able as ever.
        let with_the_pin = [vec![select_piv(), verify_with(samples::PIN)], signs].concat();
        lab.outsider_sends(0, &with_the_pin)?;
        assert_eq!(card.log().key_operations(), 2, "{model:?}");

        lab.take_out(0)?;
        lab.ask(async |client| client.clear(&everything).await)?;
    }
    Ok(())
}
