//! What travels over the socket is what `org.cacd1.varlink` says.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which fail by panicking"
)]

use cac_common::cause::Cause;
use cac_common::certificate::{
    CertificateSummary, ChainStatus, LoginChoice, Revocation, Role, Slot,
};
use cac_common::eligibility::{Category, Known, Route, Sponsor, Standing, Way};
use cac_common::finding::{Finding, Weight};
use cac_common::identity::{CardId, HolderName, PersonaId};
use cac_common::interface::{
    AcceptNotice, CertificatesReply, Clear, ClearReply, ClearScope, DESCRIPTION,
    ExportedCertificate, GetCertificates, GetHistory, GetPortal, HistoryReply, Lost, PortalDetails,
    PortalReply, Printed, PrintedReply, Register, SERVICE_DESCRIPTION, SnapshotReply, SubmitPin,
    TestPortal, TestReply, method,
};
use cac_common::profile::{Profile, RuleResult};
use cac_common::reader::{ReaderName, ReaderStatus, ServiceStatus};
use cac_common::registration::{Notice, RegistrationStatus};
use cac_common::snapshot::{
    Card, Daemon, HelpDesk, HistoryEntry, HistoryKind, Holder, KnownPersona, PinStatus, Portal,
    Reader, Registration, Snapshot, Stage, Visit,
};
use cac_common::time::UtcSeconds;
use cac_common::toml_file::Source;
use cac_common::trace::{Hop, RuleTried, Trace};
use serde_json::{Map, Value};
use zlink_idl::{CustomType, Field, Interface, Type};

#[test]
fn every_method_that_is_served_is_described_and_no_other() {
    let ours: Vec<String> = [DESCRIPTION, SERVICE_DESCRIPTION]
        .into_iter()
        .flat_map(|text| {
            let interface = parse(text);
            interface
                .methods()
                .map(|method| format!("{}.{}", interface.name(), method.name()))
                .collect::<Vec<_>>()
        })
        .collect();

    assert_eq!(
        ours,
        [
            method::GET_SNAPSHOT,
            method::MONITOR,
            method::SUBMIT_PIN,
            method::READ_PRINTED,
            method::REGISTER,
            method::GET_HISTORY,
            method::CLEAR,
            method::GET_CERTIFICATES,
            method::ACCEPT_NOTICE,
            method::GET_PORTAL,
            method::TEST_PORTAL,
            method::GET_INFO,
            method::GET_INTERFACE_DESCRIPTION,
        ]
    );
}

#[test]
fn a_snapshot_with_everything_in_it_is_as_described() {
    for status in every_status() {
        for (stage, pin) in stages().into_iter().zip(pins()) {
            let reply = SnapshotReply {
                snapshot: whole_snapshot(status.clone(), stage, pin),
            };
            check_reply("GetSnapshot", &serde_json::to_value(&reply).unwrap());
        }
    }
}

#[test]
fn a_snapshot_with_nothing_in_it_is_as_described() {
    let mut snapshot = whole_snapshot(RegistrationStatus::NotSeen, Stage::Read, PinStatus::Blocked);
    snapshot.portals[0].help_desk = None;
    let snapshot = snapshot.for_a_stranger();

    check_reply(
        "Monitor",
        &serde_json::to_value(SnapshotReply { snapshot }).unwrap(),
    );
}

#[test]
fn other_replies_and_every_request_are_as_described() {
    let history = HistoryReply {
        entries: vec![entry()],
    };
    check_reply("GetHistory", &serde_json::to_value(history).unwrap());
    let cleared = ClearReply {
        lost: Lost::default(),
    };
    check_reply("Clear", &serde_json::to_value(cleared).unwrap());
    let certificates = CertificatesReply {
        certificates: Slot::all()
            .map(|slot| ExportedCertificate {
                slot,
                sha256: "00".into(),
                pem: "-----BEGIN CERTIFICATE-----".into(),
            })
            .collect(),
    };
    check_reply(
        "GetCertificates",
        &serde_json::to_value(certificates).unwrap(),
    );

    for printed in [None, Some(Printed::default()), Some(all_printed())] {
        let reply = PrintedReply { printed };
        check_reply("ReadPrinted", &serde_json::to_value(reply).unwrap());
    }

    let certificates = GetCertificates {
        reader: ReaderName("Reader".into()),
    };
    check_request(
        "GetCertificates",
        &serde_json::to_value(certificates).unwrap(),
    );
    let pin = SubmitPin {
        card: CardId("card".into()),
        visit: Visit(1),
        even_the_last_try: true,
    };
    check_request("SubmitPin", &serde_json::to_value(&pin).unwrap());
    check_request("ReadPrinted", &serde_json::to_value(pin).unwrap());
    for register in [
        Register::default(),
        Register {
            card: Some(CardId("card".into())),
            portal: Some("reference".into()),
        },
    ] {
        check_request("Register", &serde_json::to_value(register).unwrap());
    }
    let history = GetHistory {
        before: Some(7),
        limit: 10,
    };
    check_request("GetHistory", &serde_json::to_value(history).unwrap());
    for scope in [
        ClearScope::All {},
        ClearScope::Card {
            card: CardId("card".into()),
        },
        ClearScope::Portal {
            portal: "reference".into(),
        },
        ClearScope::History {
            before: Some(UtcSeconds(1)),
        },
    ] {
        let clear = Clear {
            scope,
            dry_run: true,
        };
        check_request("Clear", &serde_json::to_value(clear).unwrap());
    }
}

#[test]
fn all_about_portals_is_as_described() {
    for text in [BARE_PROFILE, WHOLE_PROFILE] {
        let source = Source::new(std::path::Path::new("/p.toml"), text.into());
        let portal = PortalDetails::from(&Profile::check(&source).unwrap());
        check_reply(
            "GetPortal",
            &serde_json::to_value(PortalReply { portal }).unwrap(),
        );
    }
    for outcome in every_status() {
        for trace in [Trace::default(), whole_trace()] {
            let reply = TestReply {
                outcome: outcome.clone(),
                trace,
                page: Some("<title>Welcome</title>".into()),
            };
            check_reply("TestPortal", &serde_json::to_value(reply).unwrap());
        }
    }
    let accept = AcceptNotice {
        card: CardId("card".into()),
        visit: Visit(1),
        portal: "reference".into(),
        sha256: "00".into(),
    };
    check_request("AcceptNotice", &serde_json::to_value(accept).unwrap());
    let name = "reference".to_owned();
    check_request(
        "GetPortal",
        &serde_json::to_value(GetPortal { name }).unwrap(),
    );
    let test = TestPortal {
        portal: "reference".into(),
        card: CardId("card".into()),
        visit: Visit(1),
        even_the_last_try: true,
        with_page: true,
    };
    check_request("TestPortal", &serde_json::to_value(test).unwrap());
}

const BARE_PROFILE: &str = r#"
name = "bare"
title = "Bare"
origin = "https://bare.example"
start = "/"
"#;

const WHOLE_PROFILE: &str = r##"
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

fn whole_trace() -> Trace {
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

fn all_printed() -> Printed {
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

#[test]
#[should_panic(expected = "is not described")]
fn a_field_that_is_not_described_is_noticed() {
    let mut reply = serde_json::to_value(ClearReply {
        lost: Lost::default(),
    })
    .unwrap();
    reply["lost"]["pins"] = 1.into();

    check_reply("Clear", &reply);
}

fn check_reply(method: &str, value: &Value) {
    let interface = parse(DESCRIPTION);
    let described = interface
        .methods()
        .find(|described| described.name().as_str() == method)
        .unwrap();
    check_fields(&interface, method, described.outputs(), value);
}

fn check_request(method: &str, value: &Value) {
    let interface = parse(DESCRIPTION);
    let described = interface
        .methods()
        .find(|described| described.name().as_str() == method)
        .unwrap();
    check_fields(&interface, method, described.inputs(), value);
}

fn parse(text: &str) -> Interface<'_> {
    Interface::try_from(text).unwrap()
}

fn check_fields<'a, 'b: 'a>(
    interface: &Interface<'_>,
    place: &str,
    fields: impl Iterator<Item = &'a Field<'b>>,
    value: &Value,
) {
    let Value::Object(object) = value else {
        panic!("{place} is no object: {value}");
    };
    let mut left: Map<String, Value> = object.clone();
    for field in fields {
        let name = field.name().as_str();
        let given = left.remove(name).unwrap_or_default();
        check(interface, &format!("{place}.{name}"), field.ty(), &given);
    }
    assert!(left.is_empty(), "{place}: {left:?} is not described");
}

fn check(interface: &Interface<'_>, place: &str, described: &Type<'_>, value: &Value) {
    let fits = match described {
        Type::Bool => value.is_boolean(),
        Type::Int => value.is_i64(),
        Type::Float => value.is_number(),
        Type::String => value.is_string(),
        Type::ForeignObject => value.is_object(),
        Type::Any => true,
        Type::Optional(inner) => {
            if !value.is_null() {
                check(interface, place, inner.inner(), value);
            }
            true
        }
        Type::Array(inner) => {
            for each in value.as_array().unwrap() {
                check(interface, place, inner.inner(), each);
            }
            true
        }
        Type::Map(inner) => {
            for each in value.as_object().unwrap().values() {
                check(interface, place, inner.inner(), each);
            }
            true
        }
        Type::Enum(variants) => variants
            .iter()
            .any(|variant| value == variant.name().as_str()),
        Type::Object(fields) => {
            check_fields(interface, place, fields.iter(), value);
            true
        }
        Type::Custom(name) => {
            let described = interface
                .custom_types()
                .find(|described| described.name() == name)
                .unwrap();
            match described {
                CustomType::Object(object) => {
                    check_fields(interface, place, object.fields(), value);
                    true
                }
                CustomType::Enum(variants) => variants
                    .variants()
                    .any(|variant| value == variant.name().as_str()),
            }
        }
    };
    assert!(fits, "{place} is described as {described}, and is {value}");
}

fn every_status() -> Vec<RegistrationStatus> {
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

fn stages() -> [Stage; 4] {
    [
        Stage::Reading { done: 1, of: 5 },
        Stage::Read,
        Stage::Failed {
            cause: "bent".into(),
        },
        Stage::Held,
    ]
}

fn pins() -> [PinStatus; 4] {
    [
        PinStatus::Unknown,
        PinStatus::Ready {
            tries_left: Some(3),
        },
        PinStatus::Blocked,
        PinStatus::OtherProgram,
    ]
}

fn entry() -> HistoryEntry {
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

fn whole_snapshot(status: RegistrationStatus, stage: Stage, pin: PinStatus) -> Snapshot {
    let registrations = vec![Registration {
        route: Some(route()),
        portal: "reference".into(),
        status,
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
    let (name, dod_id) = HolderName::from_common_name("DOE.JANE.Q.JR.1234567890");
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
            card: Some(Card {
                visit: Visit(1),
                stage,
                id: Some(CardId("card".into())),
                dod_id: "1234567890".parse().ok(),
                holder: Some(Holder {
                    name,
                    dod_id,
                    upn: Some("1234567890157004@mil".into()),
                    category: Some("civilian".into()),
                    standing: Standing {
                        category: Some(Known::good(Category::Civilian, "FASC-N")),
                        component: Some(Known::hint("Navy".into(), "mail address")),
                    },
                }),
                kind: "PIV".into(),
                expires: Some("2030-12-31".into()),
                pin,
                pin_kept: true,
                certificates,
                login: Some(LoginChoice {
                    slot: Slot::Authentication,
                    reason: "made for it".into(),
                }),
                recognised: true,
                registrations: registrations.clone(),
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
