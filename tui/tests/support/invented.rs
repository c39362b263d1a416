//! An invented moment at an invented workstation.

use cac_common::certificate::{
    Applet, CertificateSummary, ChainStatus, LoginChoice, Retired, Revocation, Role, Slot,
};
use cac_common::eligibility::Standing;
use cac_common::finding::Finding;
use cac_common::identity::{CardId, HolderName, PersonaId};
use cac_common::interface::PortalDetails;
use cac_common::profile::Profile;
use cac_common::reader::{ReaderName, ReaderStatus, ServiceStatus};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{
    Card, Daemon, HelpDesk, HistoryEntry, HistoryKind, Holder, KnownPersona, PinReference,
    PinStatus, Portal, Reader, Registration, Snapshot, Stage, Visit,
};
use cac_common::time::UtcSeconds;
use cac_common::toml_file::Source;
use cac_common::wizard::{Confirmation, Wizard, WizardState};

/// 2026-11-22 14:02:09 UTC.
pub(crate) const NOW: UtcSeconds = UtcSeconds(1_795_356_129);

const DAY: i64 = 24 * 60 * 60;

/// Three readers, one with a card that needs its PIN at one of three portals.
pub(crate) fn desk() -> Snapshot {
    Snapshot {
        readers: vec![
            reader("Alcor AU9540 01 00", ReaderStatus::NoAnswer, None),
            reader("Broadcom 5880 02 00", ReaderStatus::Empty, None),
            reader("SCR3310 [CCID] 00 00", ReaderStatus::Card, Some(card())),
        ],
        known: vec![roe()],
        portals: vec![
            portal("ako", "AKO", "https://portal.example"),
            portal("travel", "Travel", "https://travel.example"),
            portal("records", "Records", "https://records.example"),
        ],
        happened: vec![
            happened(1, -DAY, HistoryKind::Service, "cacd 0.1.0 started"),
            happened(2, -5, HistoryKind::Reader, "card put into SCR3310"),
            happened(
                3,
                -4,
                HistoryKind::Card,
                "recognised DOE, JANE Q, seen before",
            ),
            happened(
                4,
                -3,
                HistoryKind::Registration,
                "AKO: still registered, checked 2 days ago",
            ),
            happened(5, -2, HistoryKind::Registration, "Travel: needs the PIN"),
            happened(
                6,
                -1,
                HistoryKind::Registration,
                "Records: the portal does not know this person",
            ),
        ],
        ..nothing_plugged_in()
    }
}

/// The same, after every certificate was checked, each with another verdict,
/// and the card found to have faults of every weight.
pub(crate) fn checked() -> Snapshot {
    let mut desk = desk();
    for card in desk.readers.iter_mut().filter_map(|one| one.card.as_mut()) {
        card.certificates = Slot::PIV
            .into_iter()
            .chain(Retired::new(1).map(Slot::Retired))
            .chain(Applet::new(0).map(Slot::Applet))
            .zip(verdicts())
            .map(|(slot, (chain, revocation))| CertificateSummary {
                mail: vec!["jane.q.doe.civ@mail.example".into()],
                key_usage: vec!["digitalSignature".into(), "nonRepudiation".into()],
                extended_key_usage: vec!["clientAuth".into(), "smartcardLogon".into()],
                policies: vec![
                    "id-fpki-common-authentication".into(),
                    "2.16.840.1.101.2.1.11.42".into(),
                ],
                chain,
                revocation,
                ..certificate(slot)
            })
            .collect();
        card.findings = vec![
            Finding::note(
                "Key History",
                "names one key that is kept elsewhere",
                "Older mail may need that key: the issuer's recovery service has it.",
            ),
            Finding::warning(
                "Security Object",
                "has no hash of the CHUID",
                "Whether the CHUID was changed cannot be told.",
            ),
            Finding::fault(
                "Signature certificate",
                "was revoked",
                "What is signed with it is refused: have an ID card office renew the card.",
            ),
        ];
    }
    desk
}

fn verdicts() -> [(ChainStatus, Revocation); 6] {
    let trusted = || ChainStatus::Trusted {
        path: vec!["DOD ID CA-73".into(), "DoD Root CA 6".into()],
    };
    let since = later(-9 * DAY);
    let at = later(-60);
    [
        (trusted(), Revocation::Good { at }),
        (
            trusted(),
            Revocation::Revoked {
                since,
                reason: Some("keyCompromise".into()),
            },
        ),
        (
            ChainStatus::NotTrusted {
                reason: "its issuer is not known here".into(),
            },
            Revocation::NotChecked,
        ),
        (
            trusted(),
            Revocation::Offline {
                why: "no route to ocsp.example".into(),
            },
        ),
        (
            ChainStatus::NotConfigured,
            Revocation::Unknown {
                why: "the responder does not know it".into(),
            },
        ),
        (
            ChainStatus::Test {
                authority: "DoD JITC Root CA 6".into(),
            },
            Revocation::NotChecked,
        ),
    ]
}

/// The service runs, with no reader and no portal.
pub(crate) fn nothing_plugged_in() -> Snapshot {
    Snapshot {
        revision: 7,
        daemon: Daemon {
            version: "0.1.0".into(),
            host: "ws-042".into(),
            started_at: later(-3 * DAY - 100),
            store_problem: None,
        },
        service: ServiceStatus::Running,
        readers: Vec::new(),
        known: Vec::new(),
        portals: Vec::new(),
        problems: Vec::new(),
        happened: Vec::new(),
        may_act: true,
        may_administer: true,
    }
}

fn card() -> Card {
    Card {
        visit: Visit(4),
        stage: Stage::Read,
        id: Some(CardId("4f1e7a52-9a0b-4c57-8d52-0a3c5f6e7d81".into())),
        dod_id: "1234567890".parse().ok(),
        holder: Some(Holder {
            name: HolderName::from_common_name("DOE.JANE.Q.1234567890").0,
            dod_id: "1234567890".parse().ok(),
            upn: Some("1234567890@mil".into()),
            category: Some("civilian · Navy".into()),
            standing: Standing::default(),
        }),
        kind: "PIV".into(),
        expires: Some("2027-03-01".into()),
        pin: PinStatus::Ready {
            tries_left: Some(3),
        },
        pin_reference: Some(PinReference::Application),
        pin_kept: false,
        user: None,
        asked: 1,
        certificates: Slot::PIV.into_iter().map(certificate).collect(),
        login: Some(LoginChoice {
            slot: Slot::Authentication,
            reason: "the authentication certificate, valid today".into(),
        }),
        recognised: true,
        registrations: vec![
            registration(
                "ako",
                RegistrationStatus::Registered {
                    since: later(-40 * DAY),
                    checked_at: later(-2 * DAY),
                    account: Some("jane.q.doe".into()),
                    recheck_due: false,
                },
            ),
            registration(
                "travel",
                RegistrationStatus::NeedsPin {
                    tries_left: Some(3),
                },
            ),
            registration("records", RegistrationStatus::NotFound),
        ],
        wizard: None,
        findings: Vec::new(),
        read_apdus: 36,
        inserted_at: later(-5),
    }
}

/// At the second of seven steps.
pub(crate) fn wizard(portal: &str, state: WizardState) -> Wizard {
    let steps = [
        "Open the portal",
        "Sign in with user name and password",
        "Open My Account",
        "Choose CAC/Certificate Registration",
        "Register the certificate",
        "Enter the password again",
        "See the confirmation",
    ];
    let at = match state {
        WizardState::Done { .. } => 7,
        WizardState::Working
        | WizardState::Asking { .. }
        | WizardState::Telling
        | WizardState::Stopped { .. } => 1,
    };
    Wizard {
        portal: portal.into(),
        steps: steps.map(str::to_owned).into(),
        at,
        turn: 3,
        state,
        problem: None,
        caution: None,
        since: later(-12),
    }
}

/// What AKO showed at the end.
pub(crate) fn confirmation() -> Confirmation {
    Confirmation {
        portal: "ako".into(),
        at: later(-30),
        text: "CAC/Certificate Registration\nYour certificate is registered.\n\nAccount: jane.q.doe\nReference: 4711-0815".into(),
        html: "<html><h1>CAC/Certificate Registration</h1><p>Your certificate is registered.</html>".into(),
    }
}

/// The profile of AKO/DKO, as it comes with the sources.
pub(crate) fn ako() -> PortalDetails {
    let text = include_str!("../../../systemd/portals.d/ako.toml.sample");
    let source = Source::new(std::path::Path::new("/etc/ako.toml"), text.into());
    let profile = Profile::check(&source).expect("the sample is a profile");
    PortalDetails::from(&profile)
}

fn roe() -> KnownPersona {
    KnownPersona {
        persona: PersonaId("6d1f".into()),
        card: CardId("a8c3d9e0-1111-4222-8333-444455556666".into()),
        name: "ROE, RICHARD".into(),
        dod_id_tail: Some("4321".into()),
        last_seen: later(-6 * DAY),
        registrations: vec![registration(
            "ako",
            RegistrationStatus::Registered {
                since: later(-90 * DAY),
                checked_at: later(-6 * DAY),
                account: None,
                recheck_due: false,
            },
        )],
    }
}

fn certificate(slot: Slot) -> CertificateSummary {
    let issuer = match slot {
        Slot::Authentication | Slot::CardAuthentication | Slot::Applet(_) => "DOD ID CA-73",
        Slot::Signature | Slot::KeyManagement | Slot::Retired(_) => "DOD EMAIL CA-73",
    };
    let role = match slot {
        Slot::Authentication => Role::Authentication,
        Slot::Signature => Role::Signature,
        Slot::KeyManagement | Slot::Retired(_) => Role::Encryption,
        Slot::CardAuthentication => Role::Card,
        Slot::Applet(_) => Role::Identity,
    };
    CertificateSummary {
        slot,
        role,
        subject: "DOE.JANE.Q.1234567890".into(),
        issuer: issuer.into(),
        subject_dn: "CN=DOE.JANE.Q.1234567890,OU=USN,OU=PKI,OU=DoD,O=U.S. Government,C=US".into(),
        issuer_dn: format!("CN={issuer},OU=PKI,OU=DoD,O=U.S. Government,C=US"),
        serial: format!("01A2B3{:02X}", slot.number()),
        not_before: later(-683 * DAY),
        not_after: later(412 * DAY + 3600),
        key: "RSA-2048".into(),
        upn: (slot == Slot::Authentication).then(|| "1234567890@mil".into()),
        mail: Vec::new(),
        key_usage: vec!["digitalSignature".into()],
        extended_key_usage: Vec::new(),
        policies: Vec::new(),
        chain: ChainStatus::NotChecked,
        revocation: Revocation::NotChecked,
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
    }
}

fn reader(name: &str, status: ReaderStatus, card: Option<Card>) -> Reader {
    Reader {
        name: ReaderName(name.into()),
        status,
        seat: Some("seat0".into()),
        card,
        hidden: None,
    }
}

/// One that says itself since when, or since its card was put in.
fn registration(portal: &str, status: RegistrationStatus) -> Registration {
    Registration {
        route: None,
        portal: portal.into(),
        since: status.began_at().unwrap_or(later(-3)),
        status,
    }
}

fn portal(name: &str, title: &str, origin: &str) -> Portal {
    Portal {
        name: name.into(),
        title: title.into(),
        origin: origin.into(),
        enabled: true,
        help_desk: Some(HelpDesk {
            name: Some(format!("{title} help desk")),
            phone: Some("555-0100".into()),
            email: Some("help@portal.example".into()),
            url: None,
        }),
    }
}

fn happened(id: i64, seconds: i64, kind: HistoryKind, text: &str) -> HistoryEntry {
    HistoryEntry {
        id,
        at: later(seconds),
        kind,
        reader: None,
        card: None,
        portal: None,
        text: text.into(),
    }
}

fn later(seconds: i64) -> UtcSeconds {
    UtcSeconds(NOW.0 + seconds)
}
