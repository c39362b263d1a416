//! Desks with as many readers as wanted, a card in each.

use std::fmt;
use std::time::UNIX_EPOCH;

use cac_common::certificate::{
    CertificateSummary, ChainStatus, LoginChoice, Retired, Revocation, Role, Slot,
};
use cac_common::eligibility::Standing;
use cac_common::identity::{CardId, HolderName, PersonaId};
use cac_common::reader::{ReaderName, ReaderStatus, ServiceStatus};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{
    Card, Daemon, HistoryEntry, HistoryKind, Holder, KnownPersona, PinStatus, Portal, Reader,
    Registration, Snapshot, Stage, Visit,
};
use cac_common::time::UtcSeconds;
use cac_tests::clock;

/// How much there is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) readers: u32,
    /// On each card.
    pub(super) certificates: usize,
}

pub(super) const LARGEST: Scale = Scale {
    readers: 16,
    certificates: 24,
};

pub(super) const SCALES: [Scale; 4] = [
    Scale {
        readers: 1,
        certificates: 4,
    },
    Scale {
        readers: 1,
        certificates: 24,
    },
    Scale {
        readers: 16,
        certificates: 4,
    },
    LARGEST,
];

/// How the name of every reader begins.
pub(super) const READER: &str = "Virtual PCD";

/// Part of the name on every card, a lab's among them. Without a space, which a
/// terminal may be sent as a movement.
pub(super) const HOLDER: &str = "JANE";

/// As many as a snapshot tells of.
const HAPPENED: i64 = 50;

const KNOWN: u32 = 16;
const PORTALS: u32 = 8;
const DAY: i64 = 24 * 60 * 60;

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            readers,
            certificates,
        } = self;
        write!(f, "{readers} × {certificates} certificates")
    }
}

pub(super) fn now() -> UtcSeconds {
    let since = clock::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UtcSeconds(i64::try_from(since.as_secs()).unwrap_or_default())
}

/// A desk at its `turn`th change: the newest of what happened, and the tries
/// left on the first card, are others every time.
pub(super) fn desk(scale: Scale, turn: u8, now: UtcSeconds) -> Snapshot {
    let at = |seconds: i64| UtcSeconds(now.0 + seconds);
    let mut readers: Vec<Reader> = (0..scale.readers)
        .map(|number| Reader {
            name: ReaderName(format!("{READER} {number:02X} 00")),
            status: ReaderStatus::Card,
            seat: None,
            hidden: None,
            card: Some(card(number, scale.certificates, now)),
        })
        .collect();
    if let Some(card) = readers.first_mut().and_then(|first| first.card.as_mut()) {
        card.pin = PinStatus::Ready {
            tries_left: Some(1 + turn % 9),
        };
    }
    Snapshot {
        revision: u64::from(turn),
        daemon: Daemon {
            version: "0.1.0".into(),
            host: "ws-042".into(),
            started_at: at(-3 * DAY),
            store_problem: None,
        },
        service: ServiceStatus::Running,
        readers,
        known: (0..KNOWN)
            .map(|number| KnownPersona {
                persona: PersonaId(format!("6d{number:02x}")),
                card: CardId(format!("a8c3d9e0-1111-4222-8333-44445555{number:04x}")),
                name: format!("ROE, RICHARD {number}"),
                dod_id_tail: Some(format!("{:04}", 4321 + number)),
                last_seen: at(-6 * DAY),
                registrations: registrations(now),
            })
            .collect(),
        portals: (0..PORTALS)
            .map(|number| Portal {
                name: format!("portal-{number}"),
                title: format!("Portal number {number}"),
                origin: format!("https://p{number}.example"),
                enabled: true,
                help_desk: None,
            })
            .collect(),
        problems: Vec::new(),
        happened: (0..HAPPENED)
            .map(|number| HistoryEntry {
                id: i64::from(turn) + number,
                at: at(number - HAPPENED),
                kind: HistoryKind::Registration,
                reader: None,
                card: None,
                portal: Some("portal-1".into()),
                text: format!(
                    "Portal number 1: registered to account jane.doe, time {}",
                    i64::from(turn) + number
                ),
            })
            .collect(),
        may_act: true,
        may_administer: true,
    }
}

fn card(number: u32, certificates: usize, now: UtcSeconds) -> Card {
    let at = |seconds: i64| UtcSeconds(now.0 + seconds);
    let dod_id = format!("12345{number:05}").parse().ok();
    let common_name = format!("DOE.JANE.Q.12345{number:05}");
    let slots = Slot::PIV
        .into_iter()
        .chain(Retired::all().map(Slot::Retired))
        .take(certificates);
    Card {
        visit: Visit(u64::from(number) + 1),
        stage: Stage::Read,
        id: Some(CardId(format!(
            "4f1e7a52-9a0b-4c57-8d52-0a3c5f6e{number:04x}"
        ))),
        dod_id,
        holder: Some(Holder {
            name: HolderName::from_common_name(&common_name).0,
            dod_id,
            upn: Some(format!("12345{number:05}@mil")),
            category: Some("civilian · Navy".into()),
            standing: Standing::default(),
        }),
        kind: "PIV".into(),
        expires: Some("2099-03-01".into()),
        pin: PinStatus::Ready {
            tries_left: Some(3),
        },
        pin_reference: None,
        pin_kept: false,
        user: None,
        asked: 1,
        certificates: slots
            .map(|slot| certificate(slot, &common_name, now))
            .collect(),
        login: Some(LoginChoice {
            slot: Slot::Authentication,
            reason: "the authentication certificate, valid today".into(),
        }),
        recognised: true,
        registrations: registrations(now),
        wizard: None,
        findings: Vec::new(),
        read_apdus: 36,
        inserted_at: at(-5),
    }
}

fn certificate(slot: Slot, subject: &str, now: UtcSeconds) -> CertificateSummary {
    let issuer = "DOD EMAIL CA-73";
    CertificateSummary {
        slot,
        role: Role::Encryption,
        subject: subject.into(),
        issuer: issuer.into(),
        subject_dn: format!("CN={subject},OU=USN,OU=PKI,OU=DoD,O=U.S. Government,C=US"),
        issuer_dn: format!("CN={issuer},OU=PKI,OU=DoD,O=U.S. Government,C=US"),
        serial: format!("01A2B3{:02X}", slot.number()),
        not_before: UtcSeconds(now.0 - 683 * DAY),
        not_after: UtcSeconds(now.0 + 412 * DAY),
        key: "RSA-2048".into(),
        upn: (slot == Slot::Authentication).then(|| "1234500000@mil".into()),
        mail: vec!["jane.q.doe.civ@mail.example".into()],
        key_usage: vec!["digitalSignature".into(), "nonRepudiation".into()],
        extended_key_usage: vec!["clientAuth".into(), "smartcardLogon".into()],
        policies: vec!["2.16.840.1.101.2.1.11.42".into()],
        chain: ChainStatus::Trusted {
            path: vec![issuer.into(), "DoD Root CA 6".into()],
        },
        revocation: Revocation::Good { at: now },
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
    }
}

fn registrations(now: UtcSeconds) -> Vec<Registration> {
    (0..PORTALS)
        .map(|number| {
            let since = UtcSeconds(now.0 - 40 * DAY);
            Registration {
                route: None,
                portal: format!("portal-{number}"),
                since,
                status: RegistrationStatus::Registered {
                    since,
                    checked_at: UtcSeconds(now.0 - 2 * DAY),
                    account: Some("jane.q.doe".into()),
                    recheck_due: false,
                },
            }
        })
        .collect()
}
