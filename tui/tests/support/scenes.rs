//! Desks on which something is out of the ordinary.

use cac_common::certificate::{CertificateSummary, ChainStatus, Retired, Revocation, Slot};
use cac_common::finding::{Finding, Weight};
use cac_common::reader::ServiceStatus;
use cac_common::snapshot::{Card, PinStatus, Snapshot, Stage};
use cac_common::time::UtcSeconds;

use crate::invented;

/// The FASC-N and the first certificate are read, and no name is known yet.
pub(crate) fn nameless() -> Snapshot {
    let mut desk = invented::desk();
    let card = card(&mut desk);
    card.stage = Stage::Reading {
        done: 2,
        of: 9,
        what: None,
    };
    card.holder = None;
    card.kind.clear();
    card.expires = None;
    card.pin = PinStatus::Unknown;
    card.certificates.truncate(1);
    card.registrations.clear();
    card.login = None;
    desk
}

/// Every retired key is in use.
pub(crate) fn many() -> Snapshot {
    let mut desk = invented::desk();
    let card = card(&mut desk);
    let like = card.certificates[2].clone();
    card.certificates
        .extend(Retired::all().map(|retired| CertificateSummary {
            slot: Slot::Retired(retired),
            ..like.clone()
        }));
    desk
}

/// Everything long, wide or out of range.
pub(crate) fn extreme() -> Snapshot {
    let mut desk = invented::desk();
    let long = "\u{65e5}\u{672c}\u{8a9e} e\u{301} \u{202e}\u{1b}[2J ".repeat(40);
    desk.daemon.host.clone_from(&long);
    desk.daemon.started_at = UtcSeconds(i64::MIN);
    desk.problems = vec![long.clone(); 5];
    for reader in &mut desk.readers {
        reader.name.0.insert_str(0, &long);
    }
    for portal in &mut desk.portals {
        portal.title.clone_from(&long);
    }
    for entry in &mut desk.happened {
        entry.text.clone_from(&long);
        entry.at = UtcSeconds(i64::MAX);
    }
    for known in &mut desk.known {
        known.name.clone_from(&long);
        known.last_seen = UtcSeconds(i64::MIN);
    }
    let card = card(&mut desk);
    card.kind.clone_from(&long);
    card.expires = Some(long.clone());
    card.inserted_at = UtcSeconds(i64::MAX);
    card.pin = PinStatus::Ready {
        tries_left: Some(255),
    };
    if let Some(holder) = &mut card.holder {
        holder.name.last.clone_from(&long);
        holder.category = Some(long.clone());
    }
    for (at, certificate) in card.certificates.iter_mut().enumerate() {
        certificate.issuer.clone_from(&long);
        certificate.upn = Some(long.clone());
        certificate.subject_dn.clone_from(&long);
        certificate.issuer_dn.clone_from(&long);
        certificate.mail = vec![long.clone(); 30];
        certificate.policies = vec![long.clone(); 30];
        certificate.chain = ChainStatus::Trusted {
            path: vec![long.clone(); 30],
        };
        certificate.revocation = Revocation::Offline { why: long.clone() };
        if at % 2 == 0 {
            certificate.not_before = UtcSeconds(i64::MAX);
            certificate.not_after = UtcSeconds(i64::MIN);
        } else {
            certificate.not_before = UtcSeconds(i64::MIN);
            certificate.not_after = UtcSeconds(i64::MAX);
        }
    }
    card.findings = vec![finding("CHUID", &long)];
    desk
}

pub(crate) fn finding(object: &str, fault: &str) -> Finding {
    Finding {
        weight: Weight::Fault,
        object: object.into(),
        fault: fault.into(),
        meaning: "It may be damaged.".into(),
    }
}

pub(crate) fn troubled() -> Snapshot {
    let mut desk = invented::desk();
    desk.service = ServiceStatus::NotAllowed;
    desk.daemon.store_problem = Some("disk is full".into());
    desk.problems = vec!["portals.d/travel.toml:12: unknown key `orgin`".into()];
    desk
}

pub(crate) fn card(snapshot: &mut Snapshot) -> &mut Card {
    snapshot.readers[2]
        .card
        .as_mut()
        .expect("the third reader of the desk has one")
}
