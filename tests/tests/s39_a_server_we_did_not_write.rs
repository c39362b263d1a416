//! A card is put in and its PIN typed, and the portal is nginx as Debian ships it.

use std::fs;

use anyhow::{Context as _, bail};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::Card;
use cac_tests::clock;
use cac_tests::harness::{Lab, PORTAL, jane};
use cac_tests::portal::ServerIdentity;
use cac_tests::servers::Nginx;
use cac_tests::servers::nginx::Setup;
use cac_tests::virtual_card::certificate::Validity;
use cac_tests::virtual_card::{CardModel, samples};

/// Greets whoever comes in by the name in the certificate.
const ACCOUNT: &str = "location / {
    return 200 '<title>Account</title><main id=account><b id=name>$ssl_client_s_dn</b></main>';
}";

/// Asks for everybody's certificate and trusts, as many portals do, the root alone.
fn setup() -> anyhow::Result<Setup> {
    let authority = samples::authority();
    let certificate =
        authority.issue_server_certificate(&["localhost"], Validity::current(clock::now()))?;
    let identity = ServerIdentity {
        chain: certificate.chain_pem,
        key: certificate.key_pem,
        anchor: authority.root_pem(),
    };
    Ok(Setup::new(identity, authority.root_pem(), ACCOUNT))
}

/// In the place of the reference portal.
fn make_it_the_portal(lab: &Lab, nginx: &Nginx) -> anyhow::Result<()> {
    let anchor = lab.folder().join("nginx-ca.pem");
    fs::write(&anchor, samples::authority().root_pem())?;
    let profile = format!(
        r##"
name = "{PORTAL}"
title = "nginx"
origin = "{}"
start = "/sign-in"
trust_anchors = ["{}"]

[[outcome]]
result = "registered"
selector = "main#account"
account_selector = "#name"
"##,
        nginx.origin(),
        anchor.display()
    );
    lab.write_profile(PORTAL, &profile)?;
    lab.wait_for("the profile is in force", |snapshot| {
        snapshot
            .portals
            .iter()
            .any(|portal| portal.title == "nginx")
    })?;
    Ok(())
}

fn status(card: &Card) -> anyhow::Result<&RegistrationStatus> {
    let registration = card
        .registrations
        .iter()
        .find(|registration| registration.portal == PORTAL)
        .context("it stands somewhere")?;
    Ok(&registration.status)
}

#[test]
fn s39_a_card_is_registered_at_an_nginx_that_knows_the_root_alone() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    let nginx = Nginx::start(&setup()?)?;
    make_it_the_portal(&lab, &nginx)?;
    let card = jane(CardModel::T1)?;

    let shown = lab
        .register(0, &card, samples::PIN)
        .with_context(|| nginx.log())?;

    let RegistrationStatus::Registered {
        account: Some(account),
        ..
    } = status(&shown)?
    else {
        bail!("{:?} has no account", status(&shown)?);
    };
    assert!(
        account.starts_with("CN=DOE.JANE.Q.1234567890,OU=USAF,"),
        "{account}"
    );
    let log = card.log();
    assert_eq!((log.pin_attempts(), log.key_operations()), (1, 1));
    assert_eq!(lab.portal().connections(), 0, "nobody else was asked");
    Ok(())
}

#[test]
fn s39_the_person_is_told_why_an_nginx_refuses_the_card() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    // It trusts the root, and wants a revocation list that it does not have.
    let setup = Setup {
        crl: Some(cac_tests::portal::authority::Authority::new()?.root_revocations()?),
        ..setup()?
    };
    let nginx = Nginx::start(&setup)?;
    make_it_the_portal(&lab, &nginx)?;
    let card = jane(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;

    lab.type_pin(0, samples::PIN)?;
    let shown = lab
        .wait_for_status(0, "rejected")
        .with_context(|| nginx.log())?;

    let advice = status(&shown)?
        .advice()
        .context("there is something to do")?;
    assert_eq!(
        advice,
        "Your certificate was refused: the portal does not say why; seen from here nothing is \
         wrong with it, but it may be revoked, or the portal's lists of authorities or of revoked \
         certificates may be old or incomplete. To try again would change nothing by itself. \
         Compare with a browser; if that is refused too, ask the portal's help desk."
    );
    assert_eq!(card.log().pin_attempts(), 1, "nothing is tried again");
    Ok(())
}
