//! What travels over the socket is what `org.cacd1.varlink` says.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which fail by panicking"
)]

mod samples;

use cac_common::certificate::Slot;
use cac_common::identity::CardId;
use cac_common::interface::{
    AcceptNotice, ActivityReply, AnswerWizard, BackupReply, CertificatesReply, Clear, ClearReply,
    ClearScope, ConfirmationReply, DESCRIPTION, ExportedCertificate, GetCertificates,
    GetConfirmation, GetHistory, GetPortal, HistoryReply, Login, Lost, MoveWizard, PortalDetails,
    PortalReply, Printed, PrintedReply, Register, SERVICE_DESCRIPTION, SnapshotReply, StartWizard,
    SubmitPin, TestPortal, TestReply, method,
};
use cac_common::profile::Profile;
use cac_common::reader::ReaderName;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{HistoryKind, PinStatus, Stage, Visit};
use cac_common::time::UtcSeconds;
use cac_common::toml_file::Source;
use cac_common::trace::Trace;
use cac_common::wizard::{Confirmation, Move};
use serde_json::{Map, Value};
use zlink_idl::{CustomType, Field, Interface, Type};

use samples::{
    BARE_PROFILE, WHOLE_PROFILE, all_printed, apdus, entry, every_status, pins, stages,
    whole_snapshot, whole_trace, wizards,
};

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
            method::MONITOR_ACTIVITY,
            method::SUBMIT_PIN,
            method::LOGIN,
            method::READ_PRINTED,
            method::CHANGE_PIN,
            method::REGISTER,
            method::GET_HISTORY,
            method::CLEAR,
            method::BACKUP,
            method::GET_CERTIFICATES,
            method::ACCEPT_NOTICE,
            method::GET_PORTAL,
            method::TEST_PORTAL,
            method::START_WIZARD,
            method::ANSWER_WIZARD,
            method::MOVE_WIZARD,
            method::GET_CONFIRMATION,
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
    for next_before in [None, Some(7)] {
        let history = HistoryReply {
            entries: vec![entry()],
            next_before,
        };
        check_reply("GetHistory", &serde_json::to_value(history).unwrap());
    }
    let cleared = ClearReply {
        lost: Lost::default(),
    };
    check_reply("Clear", &serde_json::to_value(cleared).unwrap());
    let backup = BackupReply { bytes: 1 };
    check_reply("Backup", &serde_json::to_value(backup).unwrap());
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

    for apdu in apdus() {
        let told = ActivityReply {
            apdus: vec![apdu],
            missed: 1,
        };
        check_reply("MonitorActivity", &serde_json::to_value(told).unwrap());
    }

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
    check_request("ChangePin", &serde_json::to_value(pin.clone()).unwrap());
    check_request("ReadPrinted", &serde_json::to_value(pin).unwrap());
    let login = Login {
        user: "jane".into(),
    };
    check_request("Login", &serde_json::to_value(login).unwrap());
    for register in [
        Register::default(),
        Register {
            card: Some(CardId("card".into())),
            portal: Some("reference".into()),
        },
    ] {
        check_request("Register", &serde_json::to_value(register).unwrap());
    }
    for kind in HistoryKind::ALL {
        let history = GetHistory {
            before: Some(7),
            limit: 10,
            text: Some("jane".into()),
            kind: Some(kind),
            portal: Some("reference".into()),
            card: Some(CardId("card".into())),
            since: Some(UtcSeconds(1)),
            until: Some(UtcSeconds(2)),
        };
        check_request("GetHistory", &serde_json::to_value(history).unwrap());
    }
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
        ClearScope::Sessions {},
        ClearScope::Copies {},
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

#[test]
fn all_about_registering_by_hand_is_as_described() {
    for wizard in wizards() {
        let mut snapshot = whole_snapshot(
            RegistrationStatus::NeedsWizard,
            Stage::Read,
            PinStatus::Unknown,
        );
        let card = snapshot.readers[0].card.as_mut().unwrap();
        card.wizard = Some(wizard);
        let json = serde_json::to_value(SnapshotReply { snapshot }).unwrap();
        check_reply("GetSnapshot", &json);
        serde_json::from_value::<SnapshotReply>(json).unwrap();
    }
    for confirmation in [
        None,
        Some(Confirmation {
            portal: "reference".into(),
            at: UtcSeconds(1),
            text: "Registered".into(),
            html: "<p>Registered".into(),
        }),
    ] {
        let reply = ConfirmationReply { confirmation };
        check_reply("GetConfirmation", &serde_json::to_value(reply).unwrap());
    }
    let (card, portal) = (CardId("card".into()), "reference".to_owned());
    let request = GetConfirmation {
        card: card.clone(),
        portal: portal.clone(),
    };
    check_request("GetConfirmation", &serde_json::to_value(request).unwrap());
    let start = StartWizard {
        card: card.clone(),
        visit: Visit(1),
        portal,
    };
    check_request("StartWizard", &serde_json::to_value(start).unwrap());
    let answer = AnswerWizard {
        card: card.clone(),
        visit: Visit(1),
        turn: 1,
        ask: 0,
        value: Some("jane.doe".into()),
        even_the_last_try: true,
    };
    check_request("AnswerWizard", &serde_json::to_value(answer).unwrap());
    for to in [Move::On, Move::Back, Move::Again, Move::Stop] {
        let request = MoveWizard {
            card: card.clone(),
            visit: Visit(1),
            turn: 1,
            to,
        };
        check_request("MoveWizard", &serde_json::to_value(request).unwrap());
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
