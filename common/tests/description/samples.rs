//! Everything that travels, with everything in it.

use cac_common::activity::{Apdu, Purpose};
use cac_common::cause::Cause;
use cac_common::certificate::{
    CertificateSummary, ChainStatus, LoginChoice, Revocation, Role, Slot,
};
use cac_common::eligibility::{Category, Known, Route, Sponsor, Standing, Way};
use cac_common::finding::{Finding, Weight};
use cac_common::identity::{CardId, HolderName, PersonaId};
use cac_common::interface::Printed;
use cac_common::profile::RuleResult;
use cac_common::reader::{ReaderName, ReaderStatus, ServiceStatus};
use cac_common::registration::{Notice, RegistrationStatus};
use cac_common::snapshot::{
    Card, Daemon, HelpDesk, Hidden, HistoryEntry, HistoryKind, Holder, KnownPersona, PinReference,
    PinStatus, Portal, Reader, Registration, Snapshot, Stage, Visit,
};
use cac_common::time::UtcSeconds;
use cac_common::trace::{Hop, RuleTried, Trace};
use cac_common::wizard::{Ask, AskKind, Wizard, WizardState};

pub(super) const BARE_PROFILE: &str = r#"
name = "bare"
title = "Bare"
origin = "https://bare.example"
start = "/"
"#;

pub(super) const WHOLE_PROFILE: &str = r##"
name = "whole"
title = "Whole"
origin = "https://whole.example"
start = "/sign-in"
trust_anchors = ["ca.pem"]
revocation_lists = ["ca.crl"]
redirect_origins = ["https://other.example"]

[help_desk]
phone = "555-0100"

[consent]
selector = "#notice"
form = "#accept"

[lockout]
tries = 3
wait = "15m"

[[outcome]]
result = "registered"
selector = "#account"

[[eligibility]]
categories = ["contractor"]
way = "sponsor"
text = "Ask your sponsor."

[[wizard]]
title = "Sign in"
page = "/login"
form = "form"
fields = [{ name = "user", label = "User name" }]
proof = "#in"

[[links]]
title = "Help"
url = "https://whole.example/help"
"##;

pub(super) fn whole_trace() -> Trace {
    let text = || Some("text".to_owned());
    Trace {
        hops: vec![Hop {
            method: "GET".into(),
            url: "https://whole.example/sign-in".into(),
            status: Some(200),
            took: 12,
            protocol: text(),
            asked: true,
            signed: true,
            cookies: 1,
            redirect: text(),
            failure: text(),
            fields: vec!["SAMLResponse".into()],
            doubt: text(),
        }],
        rules: vec![RuleTried {
            number: 1,
            result: RuleResult::Registered,
            misses: text(),
        }],
    }
}

pub(super) fn all_printed() -> Printed {
    let text = || Some("text".to_owned());
    Printed {
        name: text(),
        affiliation: text(),
        expires: text(),
        serial: text(),
        issuer: text(),
        organisation: vec!["one".into(), "two".into()],
        findings: vec![Finding::note("Printed Information", "fault", "Meaning.")],
    }
}
pub(super) fn every_status() -> Vec<RegistrationStatus> {
    let text = || "why".to_owned();
    vec![
        RegistrationStatus::NotSeen,
        RegistrationStatus::NeedsPin {
            tries_left: Some(3),
        },
        RegistrationStatus::SigningIn,
        RegistrationStatus::Registered {
            since: UtcSeconds(1),
            checked_at: UtcSeconds(2),
            account: Some("jane.doe".into()),
            recheck_due: true,
        },
        RegistrationStatus::RegisteredNotSaved {
            account: None,
            reason: text(),
        },
        RegistrationStatus::OutOfDate { tries_left: None },
        RegistrationStatus::NeedsConsent {
            notice: Notice {
                text: text(),
                sha256: text(),
            },
        },
        RegistrationStatus::NeedsWizard,
        RegistrationStatus::NotEligible,
        RegistrationStatus::NeedsSponsor,
        RegistrationStatus::NotFound,
        RegistrationStatus::Forbidden {
            cause: text().into(),
        },
        RegistrationStatus::Rejected {
            cause: text().into(),
        },
        RegistrationStatus::Waiting {
            until: UtcSeconds(3),
            attempt: 2,
            cause: text().into(),
        },
        RegistrationStatus::PinBlocked,
        RegistrationStatus::LockedOut {
            until: Some(UtcSeconds(4)),
        },
        RegistrationStatus::Unsupported {
            cause: text().into(),
        },
        RegistrationStatus::Unrecognised {
            cause: Cause::from(text()).on_page(200, text()),
        },
        RegistrationStatus::CardFailed {
            cause: text().into(),
        },
    ]
}

/// For every purpose, with everything and with as little as there can be.
pub(super) fn apdus() -> Vec<Apdu> {
    let purposes = [
        Purpose::Read,
        Purpose::Rest,
        Purpose::SignIn,
        Purpose::Test,
        Purpose::Wizard,
        Purpose::Printed,
        Purpose::PinChange,
    ];
    let apdu = |purpose| Apdu {
        reader: ReaderName("Reader".into()),
        purpose,
        number: 1,
        instruction: "GET DATA".into(),
        sent: Some(11),
        received: 258,
        status: Some("6100".into()),
        milliseconds: 20,
    };
    let unanswered = Apdu {
        instruction: "VERIFY".into(),
        sent: None,
        received: 0,
        status: None,
        ..apdu(Purpose::SignIn)
    };
    let all = purposes.map(apdu).into_iter();
    all.chain([unanswered]).collect()
}

pub(super) fn stages() -> [Stage; 4] {
    [
        Stage::Reading {
            done: 1,
            of: 5,
            what: Some("9A Authentication certificate".into()),
        },
        Stage::Read,
        Stage::Failed {
            cause: "bent".into(),
        },
        Stage::Held,
    ]
}

pub(super) fn pins() -> [PinStatus; 4] {
    [
        PinStatus::Unknown,
        PinStatus::Ready {
            tries_left: Some(3),
        },
        PinStatus::Blocked,
        PinStatus::OtherProgram,
    ]
}

pub(super) fn entry() -> HistoryEntry {
    HistoryEntry {
        id: 1,
        at: UtcSeconds(5),
        kind: HistoryKind::Registration,
        reader: Some(ReaderName("Reader".into())),
        card: Some(CardId("card".into())),
        portal: Some("reference".into()),
        text: "Reference portal: registered".into(),
    }
}

/// Each verdict on a certificate that there is.
fn verdicts() -> Vec<(ChainStatus, Revocation)> {
    let why = String::from("no route");
    vec![
        (ChainStatus::NotChecked, Revocation::NotChecked),
        (
            ChainStatus::NotConfigured,
            Revocation::Good { at: UtcSeconds(8) },
        ),
        (
            ChainStatus::Trusted {
                path: vec!["DOD ID CA-9901".into(), "DoD Root CA 99".into()],
            },
            Revocation::Revoked {
                since: UtcSeconds(8),
                reason: Some("keyCompromise".into()),
            },
        ),
        (
            ChainStatus::Test {
                authority: "DoD JITC Root CA 99".into(),
            },
            Revocation::Unknown { why: why.clone() },
        ),
        (
            ChainStatus::NotTrusted {
                reason: why.clone(),
            },
            Revocation::Offline { why },
        ),
    ]
}

pub(super) fn wizards() -> Vec<Wizard> {
    let ask = |label: &str, kind| Ask {
        label: label.into(),
        kind,
        is_answered: kind == AskKind::Text,
    };
    let asks = vec![
        ask("User name", AskKind::Text),
        ask("Password", AskKind::Password),
        ask("PIN", AskKind::Pin),
    ];
    let cause = Cause::from("an unknown page");
    [
        WizardState::Asking { asks },
        WizardState::Working,
        WizardState::Telling,
        WizardState::Stopped { cause },
        WizardState::Done {
            is_registered: true,
            has_confirmation: true,
        },
    ]
    .map(|state| Wizard {
        portal: "reference".into(),
        steps: vec!["Log in".into()],
        at: 0,
        turn: 1,
        state,
        problem: Some("The portal did not take it.".into()),
        caution: Some("Three wrong passwords lock the account.".into()),
        since: UtcSeconds(1),
    })
    .into()
}

pub(super) fn whole_snapshot(status: RegistrationStatus, stage: Stage, pin: PinStatus) -> Snapshot {
    let registrations = vec![Registration {
        route: Some(route()),
        portal: "reference".into(),
        status,
        since: UtcSeconds(1),
    }];
    let certificates = Slot::all()
        .zip(verdicts().into_iter().cycle())
        .map(|(slot, (chain, revocation))| CertificateSummary {
            slot,
            role: Role::Authentication,
            subject: "DOE.JANE.Q.1234567890".into(),
            issuer: "DOD ID CA-9901".into(),
            subject_dn: "CN=DOE.JANE.Q.1234567890,OU=USAF".into(),
            issuer_dn: "CN=DOD ID CA-9901".into(),
            serial: "0a".into(),
            not_before: UtcSeconds(0),
            not_after: UtcSeconds(9),
            key: "RSA-2048".into(),
            upn: Some("1234567890157004@mil".into()),
            mail: vec!["jane.q.doe.mil@mail.example".into()],
            key_usage: vec!["digitalSignature".into()],
            extended_key_usage: vec!["clientAuth".into()],
            policies: vec!["id-fpki-common-authentication".into()],
            chain,
            revocation,
            sha256: "00".into(),
        })
        .collect();
    Snapshot {
        revision: 1,
        daemon: Daemon {
            version: "0".into(),
            host: "ws-042".into(),
            started_at: UtcSeconds(0),
            store_problem: Some("disk is full".into()),
        },
        service: ServiceStatus::NotAllowed,
        readers: vec![Reader {
            name: ReaderName("Reader".into()),
            status: ReaderStatus::NoAnswer,
            seat: Some("seat0".into()),
            hidden: Some(Hidden::PutInBefore),
            card: Some(Card {
                visit: Visit(1),
                stage,
                id: Some(CardId("card".into())),
                dod_id: "1234567890".parse().ok(),
                holder: Some(holder()),
                kind: "PIV".into(),
                expires: Some("2030-12-31".into()),
                pin,
                pin_reference: Some(PinReference::Global),
                pin_kept: true,
                user: Some("jane".into()),
                asked: 1,
                certificates,
                login: Some(LoginChoice {
                    slot: Slot::Authentication,
                    reason: "made for it".into(),
                }),
                recognised: true,
                registrations: registrations.clone(),
                wizard: wizards().into_iter().next(),
                findings: vec![Finding {
                    weight: Weight::Fault,
                    object: "CHUID".into(),
                    fault: "it is cut short".into(),
                    meaning: "The card cannot be told from others.".into(),
                }],
                read_apdus: 36,
                inserted_at: UtcSeconds(6),
            }),
        }],
        known: vec![KnownPersona {
            persona: PersonaId("ab".into()),
            card: CardId("card".into()),
            name: "DOE, JANE Q".into(),
            dod_id_tail: Some("7890".into()),
            last_seen: UtcSeconds(7),
            registrations,
        }],
        portals: vec![Portal {
            name: "reference".into(),
            title: "Reference portal".into(),
            origin: "https://portal.example".into(),
            enabled: true,
            help_desk: Some(HelpDesk {
                name: Some("Help desk".into()),
                phone: None,
                email: None,
                url: None,
            }),
        }],
        problems: vec!["cacd.toml:1:1: wrong".into()],
        happened: vec![entry()],
        may_act: true,
        may_administer: true,
    }
}

fn holder() -> Holder {
    let (name, dod_id) = HolderName::from_common_name("DOE.JANE.Q.JR.1234567890");
    Holder {
        name,
        dod_id,
        upn: Some("1234567890157004@mil".into()),
        category: Some("civilian".into()),
        standing: Standing {
            category: Some(Known::good(Category::Civilian, "FASC-N")),
            component: Some(Known::hint("Navy".into(), "mail address")),
        },
    }
}

fn route() -> Route {
    Route {
        categories: vec![Category::Contractor],
        components: vec!["Army".into()],
        question: Some("Have you a sponsor?".into()),
        way: Way::Sponsor,
        text: "Ask.".into(),
        sponsor: Some(Sponsor {
            who: "your Task Monitor".into(),
            needs: Some("an account".into()),
            limits: Some("contractors of the own programme".into()),
            pays: Some("the Service of the sponsor".into()),
        }),
    }
}
