//! What stands on a card, shown and written out; and to whom.

use anyhow::{Context as _, ensure};
use cac_common::client::Client;
use cac_common::interface::{GetCertificates, Refusal};
use cac_common::reader::ReaderName;
use cac_common::snapshot::Card;
use cac_tests::harness::{Lab, as_user, jane, refusal};
use cac_tests::virtual_card::card_file::Slot;
use cac_tests::virtual_card::{CardModel, samples};

/// `nobody` and `nogroup`.
const NOBODY: (u32, u32) = (65534, 65534);

#[test]
fn s30_the_certificates_come_out_as_they_stand_on_the_card_and_no_stranger_has_them()
-> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    lab.insert(0, &card)?;
    let shown = lab.wait_until_whole(0)?;
    let folder = lab.folder().join("certificates");
    let out = folder.to_str().context("the folder has a plain name")?;

    let exported = lab.cacctl(&["card", "export", "--out", out])?;
    let json = lab.cacctl(&["card", "show", "--json"])?;
    let text = lab.cacctl(&["card", "show"])?;
    let request = GetCertificates {
        reader: ReaderName(lab.reader_name(0)),
    };
    let socket = lab.socket();
    let stranger = as_user(NOBODY.0, NOBODY.1, async || {
        let mut client = Client::connect(&socket).await?;
        refusal(client.certificates(&request).await)
    })?;

    ensure!(exported.status.success(), "{exported:?}");
    for (slot, name) in [
        (Slot::Authentication, "9A-authentication.pem"),
        (Slot::Signature, "9C-signature.pem"),
        (Slot::Encryption, "9D-encryption.pem"),
        (Slot::CardAuthentication, "9E-card.pem"),
    ] {
        let written = std::fs::read_to_string(folder.join(name))?;
        assert_eq!(written, samples::jane().certificate_pem(slot), "{name}");
    }
    let told: Card = serde_json::from_slice(&json.stdout)?;
    assert_eq!(told.id, shown.id);
    assert_eq!(told.certificates, shown.certificates);
    let text = String::from_utf8(text.stdout)?;
    let dod_id = told.dod_id.context("the card names its holder")?;
    assert!(text.contains(&dod_id.masked()), "{text}");
    assert!(!text.contains(&dod_id.to_string()), "{text}");
    assert_eq!(stranger, Refusal::NotAtTheSeat);
    Ok(())
}
