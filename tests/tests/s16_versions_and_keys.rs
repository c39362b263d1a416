//! Every kind of key at portals of either TLS version.

use cac_tests::harness::{Plan, jane, john};
use cac_tests::portal::Versions;
use cac_tests::virtual_card::{CardModel, samples};

#[test]
fn s16_rsa_and_p256_are_registered_over_tls_1_2() -> anyhow::Result<()> {
    both_keys_are_registered(Versions::Tls12)
}

#[test]
fn s16_rsa_and_p256_are_registered_over_tls_1_3() -> anyhow::Result<()> {
    both_keys_are_registered(Versions::Tls13)
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
