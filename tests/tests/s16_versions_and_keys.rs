//! Every kind of key at portals of either TLS version.

use cac_tests::clock;
use cac_tests::harness::{Lab, Plan, jane, john};
use cac_tests::portal::Versions;
use cac_tests::virtual_card::certificate::Validity;
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::person::Person;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};

#[test]
fn s16_rsa_and_p256_are_registered_over_tls_1_2() -> anyhow::Result<()> {
    both_keys_are_registered(Versions::Tls12)
}

#[test]
fn s16_rsa_and_p256_are_registered_over_tls_1_3() -> anyhow::Result<()> {
    both_keys_are_registered(Versions::Tls13)
}

#[test]
fn s16_larger_keys_are_registered_over_tls_1_2() -> anyhow::Result<()> {
    larger_keys_are_registered(Versions::Tls12)
}

#[test]
fn s16_larger_keys_are_registered_over_tls_1_3() -> anyhow::Result<()> {
    larger_keys_are_registered(Versions::Tls13)
}

#[test]
fn s16_tokens_of_other_families_are_registered() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    for model in [
        CardModel::YUBIKEY,
        CardModel::NEO,
        CardModel::PIV_APPLET,
        CardModel::GLOBAL_PIN,
    ] {
        let card = jane(model)?;
        lab.register(0, &card, samples::PIN)?;
        assert_eq!(card.log().pin_attempts(), 1, "{model:?}");
        assert!(!card.pin_is_verified(), "{model:?}");
        lab.take_out(0)?;
        // As if it had never been here.
        let cleared = lab.cacctl(&["clear", "--all", "--yes"])?;
        anyhow::ensure!(cleared.status.success(), "{cleared:?}");
    }
    Ok(())
}

fn larger_keys_are_registered(versions: Versions) -> anyhow::Result<()> {
    let mut lab = Plan::default().tls(versions).start()?;
    for (algorithm, name) in [
        (KeyAlgorithm::Rsa3072, "RSA-3072"),
        (KeyAlgorithm::P384, "P-384"),
    ] {
        let validity = Validity::current(clock::now());
        let order = samples::order(Person::john_roe(), algorithm, validity);
        let file = samples::authority().issue_card(&order)?;
        lab.welcome(&file)?;
        let card = CardHandle::new(&file, CardModel::T1)?;

        let shown = lab.register(0, &card, samples::PIN)?;

        assert_eq!(shown.certificates[0].key, name);
        let log = card.log();
        assert_eq!((log.pin_attempts(), log.key_operations()), (1, 1));
        lab.take_out(0)?;
        let cleared = lab.cacctl(&["clear", "--all", "--yes"])?;
        anyhow::ensure!(cleared.status.success(), "{cleared:?}");
    }
    Ok(())
}

fn both_keys_are_registered(versions: Versions) -> anyhow::Result<()> {
    let mut lab = Plan::default().readers(2).tls(versions).start()?;
    lab.welcome(samples::jane())?;
    lab.welcome(samples::john())?;
    let (rsa, p256) = (jane(CardModel::T1)?, john(CardModel::T1)?);

    let janes = lab.register(0, &rsa, samples::PIN)?;
    let johns = lab.register(1, &p256, samples::PIN)?;

    assert_eq!(janes.certificates[0].key, "RSA-2048");
    assert_eq!(johns.certificates[0].key, "P-256");
    assert_eq!(lab.portal().registrations()?.len(), 2);
    for card in [rsa, p256] {
        let log = card.log();
        assert_eq!((log.pin_attempts(), log.key_operations()), (1, 1));
    }
    Ok(())
}
