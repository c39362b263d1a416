//! A card is put in, its PIN typed, and the portal has it on record.

use anyhow::{Context as _, ensure};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{PinStatus, Snapshot, Stage};
use cac_tests::harness::{
    Lab, PORTAL, SECURITY_STATUS, SUCCESS, jane, key_use, select_piv, verify_with,
};
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::{CardModel, samples};
use rusqlite::{Connection, OpenFlags};

/// What a first read may take of a card with four certificates that speaks T=1.
const FIRST_READ_AT_MOST: u32 = 36;

/// APDUs of one signature with the PIN in hand, logged out and proved.
const SIGN_IN_AT_MOST: usize = 10;

#[test]
fn s01_a_card_is_registered_from_insertion_to_the_database() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    let follower = lab.follow()?;

    lab.insert(0, &card)?;
    let waiting = lab.wait_for_status(0, "needs PIN")?;

    let holder = waiting.holder.as_ref().context("the holder is known")?;
    assert_eq!(holder.name.to_string(), "DOE, JANE Q");
    assert_eq!(waiting.certificates.len(), 4);
    assert_eq!(
        waiting.pin,
        PinStatus::Ready {
            tries_left: Some(3)
        }
    );
    assert!(!waiting.recognised);
    assert_eq!(
        card.log().pin_attempts(),
        0,
        "nothing is sent without a PIN"
    );
    assert_eq!(lab.portal().connections(), 0, "the portal is left alone");
    let first_read = card.log().count();
    assert!(
        waiting.read_apdus <= FIRST_READ_AT_MOST,
        "{}",
        waiting.read_apdus
    );

    lab.wait_until_whole(0)?;
    card.clear_log();
    lab.type_pin(0, samples::PIN)?;
    let registered = lab.wait_for_status(0, "registered")?;

    let in_database = registration_in(&lab.database())?;
    let login = registered.login.as_ref().context("one signs in")?;
    let certificate = registered
        .certificates
        .iter()
        .find(|certificate| certificate.slot == login.slot)
        .context("it is shown")?;
    assert_eq!(
        in_database,
        (PORTAL.to_owned(), certificate.sha256.clone()),
        "what is shown as registered is in the database"
    );
    let at_the_portal = lab.portal().registrations()?;
    assert_eq!(at_the_portal.len(), 1);
    assert!(
        at_the_portal[0]
            .serial
            .eq_ignore_ascii_case(&certificate.serial),
        "{} and {}",
        at_the_portal[0].serial,
        certificate.serial
    );
    let sign_in = card.log();
    println!(
        "first read: {} APDUs ({first_read} on the wire); sign-in: {} APDUs",
        waiting.read_apdus,
        sign_in.count()
    );
    assert_eq!(sign_in.pin_attempts(), 1, "one VERIFY with a PIN");
    assert_eq!(sign_in.key_operations(), 1, "one signature");
    assert!(sign_in.count() <= SIGN_IN_AT_MOST, "{}", sign_in.count());
    follower.wait_until_at(lab.snapshot()?.revision)?;
    shown_in_order(&follower.seen(), &lab)?;
    nobody_else_can_sign(&lab)
}

/// What was shown, from the first snapshot on: each step, and none before its time.
fn shown_in_order(seen: &[Snapshot], lab: &Lab) -> anyhow::Result<()> {
    let mut steps = Vec::new();
    for snapshot in seen {
        let step = match snapshot.readers[0].card.as_ref() {
            None => "no card",
            Some(card) if card.stage != Stage::Read => "reading",
            Some(card) if card.registrations.is_empty() => "read",
            Some(_) => lab.label(snapshot, 0).context("it stands somewhere")?,
        };
        if steps.last() != Some(&step) {
            steps.push(step);
        }
    }
    let mut all = [
        "no card",
        "reading",
        "read",
        "needs PIN",
        "signing in",
        "registered",
    ]
    .iter();
    for step in &steps {
        ensure!(
            all.any(|expected| expected == step),
            "{step} in {steps:?} is out of order"
        );
    }
    for step in ["needs PIN", "signing in", "registered"] {
        ensure!(
            steps.contains(&step),
            "{step} was never shown, but {steps:?}"
        );
    }
    Ok(())
}

/// Another program, right after: neither with PIV as it was left, nor after choosing it.
fn nobody_else_can_sign(lab: &Lab) -> anyhow::Result<()> {
    let signs = key_use(KeyAlgorithm::Rsa2048);
    let tries = [signs.clone(), vec![select_piv()], signs.clone()].concat();

    let answers = lab.outsider_sends(0, &tries)?;

    assert_eq!(
        [answers[1], answers[4]],
        [SECURITY_STATUS; 2],
        "{answers:04X?}"
    );
    // The same commands do sign for who has the PIN, so the refusals mean something.
    let with_the_pin = [vec![verify_with(samples::PIN)], signs].concat();
    let answers = lab.outsider_sends(0, &with_the_pin)?;
    assert_eq!(answers.last(), Some(&SUCCESS), "{answers:04X?}");
    Ok(())
}

fn registration_in(database: &std::path::Path) -> anyhow::Result<(String, String)> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let (portal, certificate, status): (String, String, String) = connection.query_row(
        "SELECT portal, certificate_sha256, status FROM registration",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let status: RegistrationStatus = serde_json::from_str(&status)?;
    ensure!(
        matches!(status, RegistrationStatus::Registered { .. }),
        "{status:?} is in the database"
    );
    Ok((portal, certificate))
}
