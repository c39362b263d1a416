//! Invented readers, cards and portals.

use std::sync::Arc;

use cac_common::certificate::{CertificateSummary, LoginChoice, Slot};
use cac_common::identity::{CardId, HolderName};
use cac_common::profile::Profile;
use cac_common::reader::ReaderName;
use cac_common::registration::{Outcome, RegistrationStatus};
use cac_common::snapshot::{Holder, PinStatus, Visit};
use cac_common::time::UtcSeconds;
use cac_common::toml_file::Source;

use crate::card::facts::{CardCertificate, CardFacts};
use crate::event::{Event, SignInResult};

pub(super) fn reader_name(reader: usize) -> ReaderName {
    ReaderName(format!("Reader {reader}"))
}

pub(super) fn card_id(card: usize) -> CardId {
    CardId(format!("card-{card}"))
}

pub(super) fn portal(name: &str) -> Arc<Profile> {
    let text = format!(
        "name = \"{name}\"\ntitle = \"{name}\"\norigin = \"https://{name}.example\"\nstart = \"/\"\n"
    );
    let source = Source::new(std::path::Path::new("/p.toml"), text);
    Arc::new(Profile::check(&source).unwrap())
}

pub(super) fn facts(card: usize, tries: u64) -> CardFacts {
    let tries_left = [Some(3), Some(2), Some(1), None][usize::try_from(tries).unwrap().min(3)];
    let summary = CertificateSummary {
        slot: Slot::Authentication,
        subject: "DOE.JANE.Q.1234567890".into(),
        issuer: "DOD ID CA-9901".into(),
        serial: format!("{card:02x}"),
        not_before: UtcSeconds(0),
        not_after: UtcSeconds(1_000_000),
        key: "RSA-2048".into(),
        upn: Some("1234567890157004@mil".into()),
        sha256: format!("{card:064x}"),
    };
    CardFacts {
        id: card_id(card),
        kind: "PIV".into(),
        expires: None,
        holder: Some(Holder {
            name: HolderName::from_common_name("DOE.JANE.Q.1234567890").0,
            dod_id: "1234567890".parse().ok(),
            upn: summary.upn.clone(),
            category: None,
        }),
        persona_key: format!("persona-{card}"),
        certificates: vec![CardCertificate {
            summary,
            der: vec![0x30, 0],
            may_sign: true,
            is_for_the_card_alone: false,
            is_piv_authentication: true,
        }],
        login: Some(LoginChoice {
            slot: Slot::Authentication,
            reason: "made for it".into(),
        }),
        pin: PinStatus::Ready { tries_left },
        findings: Vec::new(),
        apdus: 36,
    }
}

/// Statuses from which a sign-in may start without a person asking for it.
pub(super) fn may_go_on(status: &RegistrationStatus) -> bool {
    matches!(
        status,
        RegistrationStatus::NeedsPin { .. }
            | RegistrationStatus::OutOfDate { .. }
            | RegistrationStatus::Waiting { .. }
            | RegistrationStatus::SigningIn
            | RegistrationStatus::Registered { .. }
    )
}

/// Where the portal has just said yes.
pub(super) fn registered_by(event: &Event) -> Option<(Visit, String)> {
    if let Event::SignInEnded {
        visit,
        portal,
        result: SignInResult::Portal(Outcome::Registered { .. }),
        ..
    } = event
    {
        Some((*visit, portal.clone()))
    } else {
        None
    }
}
