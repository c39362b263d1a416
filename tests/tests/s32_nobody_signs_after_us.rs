//! After a sign-in another program finds every key of the card locked,
//! whatever edges it has.

use anyhow::{Context as _, ensure};
use cac_common::interface::{Clear, ClearScope};
use cac_tests::harness::{
    Lab, SECURITY_STATUS, SUCCESS, applet_key_use, jane, key_use, select_applet, select_piv,
    verify_applet_with, verify_with,
};
use cac_tests::virtual_card::cac::{Edges, certificates};
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};

/// Family of the applets with a certificate and a key each.
const PKI: u8 = 0x01;

/// Where an alternate token takes the PIN for all its applets.
const ACCESS_CONTROL: [u8; 2] = [0x03, 0x00];

const NO_SUCH_INSTRUCTION: u16 = 0x6D00;

#[test]
fn s32_after_a_sign_in_another_program_can_use_no_key_of_any_edge() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    for edges in [
        Edges::Piv,
        Edges::Dual,
        Edges::Cac,
        Edges::Alt,
        Edges::Bare,
        Edges::Cac1,
    ] {
        for model in [CardModel::T1, CardModel::T0] {
            let card = jane(CardModel { edges, ..model })?;
            lab.insert(0, &card)?;
            lab.wait_for_status(0, "needs PIN")?;
            lab.type_pin(0, samples::PIN)?;
            let shown = lab.wait_for_status(0, label(edges))?;
            let name = format!("{}, {:?}", shown.kind, model.protocol);
            assert!(!card.pin_is_verified(), "{name}");
            let uses = card.log().key_operations();
            assert_eq!((card.log().pin_attempts(), uses), (1, 1), "{name}");

            let applets: Vec<u8> = certificates(samples::jane(), edges)
                .iter()
                .map(|found| found.applet)
                .collect();
            let left = without_choosing(&lab, edges)?;
            let found = [with_piv(&lab, edges)?, with_applets(&lab, &applets)?].concat();

            println!("{name}: {left:04X}, then {found:04X?}");
            // Where a token takes the PIN there is no key.
            assert!(
                matches!(left, SECURITY_STATUS | NO_SUCH_INSTRUCTION),
                "{name}"
            );
            assert!(!found.is_empty(), "{name}");
            assert!(
                found.iter().all(|status| *status == SECURITY_STATUS),
                "{name}: {found:04X?}"
            );
            assert_eq!(card.log().key_operations(), uses, "{name}");
            // Whoever has the PIN can, so the card is as able as ever.
            sign_with_the_pin(&lab, edges, &applets)?;
            assert_eq!(card.log().key_operations(), uses + 1, "{name}");
            forget(&mut lab, &card)?;
        }
    }
    Ok(())
}

/// How the sign-in ends: the portal knows people by their UPN, which an ID
/// certificate does not have. The card has signed all the same.
fn label(edges: Edges) -> &'static str {
    match edges {
        Edges::Piv | Edges::Dual | Edges::Alt => "registered",
        Edges::Cac | Edges::Bare | Edges::Cac1 => "rejected",
    }
}

/// What is left selected is used at once.
fn without_choosing(lab: &Lab, edges: Edges) -> anyhow::Result<u16> {
    let uses = match edges {
        Edges::Piv | Edges::Dual => key_use(KeyAlgorithm::Rsa2048),
        Edges::Cac | Edges::Alt | Edges::Bare | Edges::Cac1 => applet_key_use(),
    };
    last(lab, &uses)
}

fn with_piv(lab: &Lab, edges: Edges) -> anyhow::Result<Vec<u16>> {
    if !matches!(edges, Edges::Piv | Edges::Dual) {
        return Ok(Vec::new());
    }
    let uses = key_use(KeyAlgorithm::Rsa2048);
    Ok(vec![last(lab, &[vec![select_piv()], uses].concat())?])
}

/// Each on its own, and by the way of the applet that takes the PIN.
fn with_applets(lab: &Lab, applets: &[u8]) -> anyhow::Result<Vec<u16>> {
    let mut found = Vec::new();
    for applet in applets {
        let direct = [vec![select_applet([PKI, *applet])], applet_key_use()].concat();
        let by_control = [vec![select_applet(ACCESS_CONTROL)], direct.clone()].concat();
        for way in [direct, by_control] {
            found.push(last(lab, &way)?);
        }
    }
    Ok(found)
}

fn sign_with_the_pin(lab: &Lab, edges: Edges, applets: &[u8]) -> anyhow::Result<()> {
    let select = applets.first().map(|applet| select_applet([PKI, *applet]));
    let way = match (edges, select) {
        (Edges::Alt, Some(select)) => [
            vec![
                select_applet(ACCESS_CONTROL),
                verify_applet_with(samples::PIN),
                select,
            ],
            applet_key_use(),
        ]
        .concat(),
        (Edges::Cac | Edges::Bare | Edges::Cac1, Some(select)) => [
            vec![select, verify_applet_with(samples::PIN)],
            applet_key_use(),
        ]
        .concat(),
        _ => [
            vec![select_piv(), verify_with(samples::PIN)],
            key_use(KeyAlgorithm::Rsa2048),
        ]
        .concat(),
    };
    let status = last(lab, &way)?;
    ensure!(
        status == SUCCESS || status >> 8 == 0x61,
        "{status:04X} with the PIN"
    );
    Ok(())
}

fn forget(lab: &mut Lab, card: &CardHandle) -> anyhow::Result<()> {
    let everything = Clear {
        scope: ClearScope::All {},
        dry_run: false,
    };
    lab.take_out(0)?;
    assert!(!card.is_in());
    lab.ask(async |client| client.clear(&everything).await)?;
    Ok(())
}

/// What another program gets to hear last; of a chain that is what counts.
fn last(lab: &Lab, commands: &[Vec<u8>]) -> anyhow::Result<u16> {
    let answers = lab.outsider_sends(0, commands)?;
    answers.last().copied().context("it has sent something")
}
