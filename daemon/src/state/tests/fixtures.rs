//! Invented readers, cards and portals.

use std::sync::Arc;

use cac_common::certificate::{
    CertificateSummary, ChainStatus, LoginChoice, Revocation, Role, Slot,
};
use cac_common::eligibility::Standing;
use cac_common::identity::{CardId, HolderName};
use cac_common::profile::Profile;
use cac_common::reader::ReaderName;
use cac_common::snapshot::{Holder, PinReference, PinStatus};
use cac_common::time::UtcSeconds;
use cac_common::toml_file::Source;

use crate::card::chuid::Chuid;
use crate::card::facts::{CardCertificate, CardFacts, Edge};
use crate::card::known::Objects;
use crate::card::piv::Ways;
use crate::card::purpose::Purposes;

pub(crate) fn reader_name(reader: usize) -> ReaderName {
    ReaderName(format!("Reader {reader}"))
}

pub(super) fn card_id(card: usize) -> CardId {
    CardId(format!("card-{card}"))
}

const WIZARD: &str = r##"
[lockout]
tries = 3

[[wizard]]
title = "Log in"
page = "/login"
form = "#login"
fields = [
    { name = "user", label = "User name" },
    { name = "password", label = "Password", kind = "password" },
]
proof = "#in"

[[wizard]]
title = "Look at the help"

[[wizard]]
title = "Register"
page = "/register"
form = "#register"
fields = [{ name = "password", label = "Password", kind = "password" }]
proof = "#done"
certificate = true

[[wizard]]
title = "Print it"
"##;

/// The second one has every registration checked again with each PIN.
pub(crate) fn portal(name: &str, start: &str) -> Arc<Profile> {
    let recheck = if name == "second" { "0s" } else { "30d" };
    let text = format!(
        "name = \"{name}\"\ntitle = \"{name}\"\norigin = \"https://{name}.example\"\nstart = \"{start}\"\nrecheck = \"{recheck}\"\n"
    );
    let wizard = if name == "first" { WIZARD } else { "" };
    let source = Source::new(std::path::Path::new("/p.toml"), text + wizard);
    Arc::new(Profile::check(&source).unwrap())
}

/// Whom a card belongs to, as its certificates name them. The third one is
/// another card of the first one's holder.
pub(super) fn holder(card: usize) -> &'static str {
    match card {
        1 => "ROE.JOHN.A.9876543210",
        _ => "DOE.JANE.Q.1234567890",
    }
}

/// The hash of the certificate that a card signs in with.
pub(super) fn certificate_of(card: usize) -> String {
    format!("{card:064x}")
}

/// The account that a portal has for whoever signs in with that certificate.
pub(super) fn account_of(certificate: &str) -> String {
    format!("account of {certificate}")
}

pub(super) fn persona_of(card: usize) -> String {
    format!("persona-{card}")
}

pub(crate) fn facts(card: usize, tries: u64) -> CardFacts {
    let (name, dod_id) = HolderName::from_common_name(holder(card));
    let upn = dod_id.map(|dod_id| format!("{dod_id}157004@mil"));
    let tries_left = [Some(3), Some(2), Some(1), None][usize::try_from(tries).unwrap().min(3)];
    let summary = CertificateSummary {
        slot: Slot::Authentication,
        role: Role::Authentication,
        subject: holder(card).into(),
        issuer: "DOD ID CA-9901".into(),
        subject_dn: format!("CN={}", holder(card)),
        issuer_dn: "CN=DOD ID CA-9901".into(),
        serial: format!("{card:02x}"),
        not_before: UtcSeconds(0),
        not_after: UtcSeconds(1_000_000),
        key: "RSA-2048".into(),
        upn,
        mail: Vec::new(),
        key_usage: Vec::new(),
        extended_key_usage: Vec::new(),
        policies: Vec::new(),
        chain: ChainStatus::NotChecked,
        revocation: Revocation::NotChecked,
        sha256: certificate_of(card),
    };
    CardFacts {
        id: card_id(card),
        edge: Edge::Piv,
        expires: None,
        holder: Some(Holder {
            name,
            dod_id,
            upn: summary.upn.clone(),
            category: None,
            standing: Standing::default(),
        }),
        persona_key: persona_of(card),
        certificates: vec![CardCertificate {
            summary,
            der: vec![0x30, 0],
            purposes: Purposes::default(),
        }],
        objects: Objects::new(),
        ways: Ways {
            pin: PinReference::Application,
            is_dual: false,
        },
        is_contactless: false,
        login: Some(LoginChoice {
            slot: Slot::Authentication,
            reason: "made for it".into(),
        }),
        pin: PinStatus::Ready { tries_left },
        chuid: Chuid::default(),
        unread: Vec::new(),
        judged: Vec::new(),
        findings: Vec::new(),
        apdus: 36,
    }
}
