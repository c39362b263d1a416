//! What `--json` prints, held against the schemas that are installed with it.
#![expect(clippy::unwrap_used, reason = "it serves tests alone")]

#[path = "support/every.rs"]
mod every;
#[path = "support/invented.rs"]
mod invented;
#[path = "support/place.rs"]
mod place;
#[path = "support/stand_in.rs"]
mod stand_in;

use std::collections::BTreeSet;

use cac_common::interface::method;
use cac_common::snapshot::Snapshot;
use cac_common::wizard::WizardState;
use cacctl::print::wizard::Ended;
use jsonschema::{Registry, Validator};
use place::{Place, calls_of};
use serde::Serialize;
use serde_json::{Map, Value, json};

const BASE: &str = "schema:///";
const DEFS: &str = include_str!("../schema/defs.json");

const SETUP: &str = include_str!("../schema/setup.json");
const STATUS: &str = include_str!("../schema/status.json");
const WATCH: &str = include_str!("../schema/watch.json");
const REGISTER: &str = include_str!("../schema/register.json");
const HISTORY: &str = include_str!("../schema/history.json");
const CLEAR: &str = include_str!("../schema/clear.json");
const BACKUP: &str = include_str!("../schema/backup.json");
const CHECK: &str = include_str!("../schema/check.json");
const PORTAL_LIST: &str = include_str!("../schema/portal-list.json");
const PORTAL_SHOW: &str = include_str!("../schema/portal-show.json");
const PORTAL_TEST: &str = include_str!("../schema/portal-test.json");
const CARD_SHOW: &str = include_str!("../schema/card-show.json");
const PIN_STATUS: &str = include_str!("../schema/pin-status.json");
const TRUST_LIST: &str = include_str!("../schema/trust-list.json");
const TRUST_SHOW: &str = include_str!("../schema/trust-show.json");
const TRUST_IMPORT: &str = include_str!("../schema/trust-import.json");
const ELIGIBILITY: &str = include_str!("../schema/eligibility.json");
const WIZARD: &str = include_str!("../schema/wizard.json");

const ALL: &[&str] = &[
    STATUS,
    WATCH,
    REGISTER,
    HISTORY,
    CLEAR,
    BACKUP,
    CHECK,
    PORTAL_LIST,
    PORTAL_SHOW,
    PORTAL_TEST,
    CARD_SHOW,
    PIN_STATUS,
    TRUST_LIST,
    TRUST_SHOW,
    TRUST_IMPORT,
    ELIGIBILITY,
    WIZARD,
    SETUP,
];

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn validator(schema: &Value) -> Validator {
    let registry = Registry::new()
        .add(format!("{BASE}defs.json"), parsed(DEFS))
        .unwrap()
        .prepare()
        .unwrap();
    jsonschema::options()
        .with_registry(&registry)
        .with_base_uri(format!("{BASE}output.json"))
        .build(schema)
        .unwrap()
}

/// Of a part that outputs are made of.
fn part(name: &str) -> Validator {
    let mut schema = json!({ "$ref": format!("defs.json#/$defs/{name}") });
    schema["unevaluatedProperties"] = Value::Bool(false);
    validator(&schema)
}

fn fits(validator: &Validator, value: &Value) {
    if let Err(error) = validator.validate(value) {
        panic!("{error} at {}: {value:#}", error.instance_path());
    }
}

/// It fits; and not once any of its fields has another name, is not there, or
/// has a companion that nobody described.
fn fits_exactly(schema: &str, value: &Value) {
    let validator = validator(&parsed(schema));
    fits(&validator, value);
    for (place, key) in fields(value) {
        let renamed = with(value, &place, |fields| {
            let held = fields.remove(&key).unwrap();
            fields.insert(format!("{key}_"), held);
        });
        assert!(!validator.is_valid(&renamed), "{place}/{key} renamed fits");
    }
    for place in objects(value) {
        let more = with(value, &place, |fields| {
            fields.insert("new".into(), Value::Null);
        });
        assert!(!validator.is_valid(&more), "{place}/new fits");
    }
}

/// The changed object is at `place`, a JSON pointer.
fn with(value: &Value, place: &str, change: impl FnOnce(&mut Map<String, Value>)) -> Value {
    let mut value = value.clone();
    change(value.pointer_mut(place).unwrap().as_object_mut().unwrap());
    value
}

fn objects(value: &Value) -> Vec<String> {
    fn below(place: &str, value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.push(place.to_owned());
                for (key, value) in fields {
                    below(&format!("{place}/{key}"), value, found);
                }
            }
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    below(&format!("{place}/{at}"), item, found);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = Vec::new();
    below("", value, &mut found);
    found
}

fn fields(value: &Value) -> Vec<(String, String)> {
    let of = |place: String| {
        let fields = value.pointer(&place).unwrap().as_object().unwrap();
        let keys: Vec<String> = fields.keys().cloned().collect();
        keys.into_iter().map(move |key| (place.clone(), key))
    };
    objects(value).into_iter().flat_map(of).collect()
}

/// The values that a part of the schema names.
fn named(part: &Value) -> BTreeSet<String> {
    let told = |value: &Value| value.as_str().unwrap().to_owned();
    if let Some(values) = part["enum"].as_array() {
        return values.iter().map(told).collect();
    }
    let variants = part["oneOf"].as_array().unwrap().iter();
    variants
        .map(|variant| told(&variant["properties"]["state"]["const"]))
        .collect()
}

/// Each variant is described, and nothing is that is no variant.
fn describes(defs: &Value, pointer: &str, variants: &[impl Serialize]) {
    let described = defs["$defs"].pointer(pointer).expect(pointer);
    let words = variants.iter().map(|variant| {
        let value = serde_json::to_value(variant).unwrap();
        let word = value.get("state").unwrap_or(&value);
        word.as_str().unwrap().to_owned()
    });
    assert_eq!(
        words.collect::<BTreeSet<_>>(),
        named(described),
        "{pointer}"
    );
}

#[test]
fn every_schema_is_one_and_refuses_what_is_nothing_like_it() {
    for text in ALL.iter().chain(&[DEFS]) {
        let schema = parsed(text);

        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        jsonschema::meta::validate(&schema).unwrap();
    }
    for text in ALL {
        let validator = validator(&parsed(text));
        for value in [json!({}), json!(null), json!([{}]), json!("registered")] {
            assert!(!validator.is_valid(&value), "{text} takes {value}");
        }
    }
}

#[test]
fn every_variant_there_is_stands_in_the_schema_and_no_other() {
    let defs = parsed(DEFS);

    describes(&defs, "/status", &every::status());
    describes(&defs, "/cause_kind", &every::cause_kind());
    describes(&defs, "/stage", &every::stage());
    describes(&defs, "/pin", &every::pin());
    describes(&defs, "/chain", &every::chain());
    describes(&defs, "/revocation", &every::revocation());
    describes(&defs, "/wizard_state", &every::wizard_state());
    describes(&defs, "/category", &cac_common::eligibility::Category::ALL);
    describes(&defs, "/sure", &every::sure());
    describes(&defs, "/route/properties/way", &every::way());
    describes(&defs, "/rule_result", &every::rule_result());
    describes(&defs, "/ask/properties/kind", &every::ask_kind());
    describes(&defs, "/finding/properties/weight", &every::weight());
    describes(&defs, "/certificate/properties/role", &every::role());
    describes(&defs, "/reader/properties/status", &every::reader());
    describes(&defs, "/snapshot/properties/service", &every::service());
    describes(&defs, "/authority/properties/role", &every::authority());
    describes(
        &defs,
        "/history_entry/properties/kind",
        &every::history_kind(),
    );
    describes(
        &defs,
        "/portal_details/properties/certificate",
        &every::purpose(),
    );
    describes(
        &defs,
        "/portal_details/properties/account",
        &every::account(),
    );
    let slot = part("slot");
    for place in cac_common::certificate::Slot::all() {
        fits(&slot, &serde_json::to_value(place).unwrap());
    }
    for text in ["retired_0", "retired_21", "applet_16", "9A", ""] {
        assert!(!slot.is_valid(&json!(text)), "{text}");
    }
}

#[test]
fn a_snapshot_fits_with_each_variant_in_its_place() {
    for snapshot in every::snapshots() {
        let value = serde_json::to_value(&snapshot).unwrap();

        fits(&validator(&parsed(STATUS)), &value);
        fits(&validator(&parsed(WATCH)), &value);
        for reader in snapshot.readers {
            if let Some(card) = reader.card {
                let card = serde_json::to_value(card).unwrap();
                fits(&validator(&parsed(REGISTER)), &card);
                fits(&validator(&parsed(CARD_SHOW)), &card);
            }
        }
    }
}

#[test]
fn how_signing_in_by_hand_and_registering_by_hand_end_fits() {
    for reply in every::test_replies() {
        fits_exactly(PORTAL_TEST, &serde_json::to_value(reply).unwrap());
    }
    let kept = invented::confirmation();
    for confirmation in [None, Some(&kept)] {
        let ended = Ended {
            portal: "ako",
            is_registered: true,
            confirmation,
        };
        fits_exactly(WIZARD, &serde_json::to_value(ended).unwrap());
    }
}

#[tokio::test]
async fn what_each_command_prints_fits_exactly() {
    let place = Place::new("what_each_command_prints");
    let (desk, _serving) = place.serve(with_a_wizard());

    for (arguments, input, schema) in [
        (&["status"][..], "", STATUS),
        (&["register"], "123456\n", REGISTER),
        (&["history"], "", HISTORY),
        (&["clear", "--all", "--dry-run"], "", CLEAR),
        (&["clear", "--all", "--yes"], "", CLEAR),
        (&["clear", "--copies", "--dry-run"], "", CLEAR),
        (&["check", "--only", "pcscd", "portal"], "", CHECK),
        (&["portal", "list"], "", PORTAL_LIST),
        (&["portal", "show", "ako"], "", PORTAL_SHOW),
        (&["portal", "test", "ako"], "123456\n", PORTAL_TEST),
        (&["card", "show"], "", CARD_SHOW),
        (&["card", "show", "--printed"], "123456\n", CARD_SHOW),
        (&["pin", "status"], "", PIN_STATUS),
        (&["eligibility", "ako"], "", ELIGIBILITY),
        (
            &["eligibility", "ako", "--category", "contractor"],
            "",
            ELIGIBILITY,
        ),
        (
            &[
                "eligibility",
                "ako",
                "--category",
                "civilian",
                "--component",
                "Army",
            ],
            "",
            ELIGIBILITY,
        ),
        (&["wizard", "--confirmation", "ako"], "", WIZARD),
    ] {
        let arguments = [arguments, &["--json"]].concat();
        let output = place.cacctl(&arguments, input).await;

        let text = String::from_utf8(output.stdout.clone()).unwrap();
        assert!(!text.is_empty(), "{arguments:?}: {output:?}");
        for line in text.lines() {
            fits_exactly(schema, &parsed(line));
        }
    }
    assert_eq!(calls_of(&desk, method::CLEAR).len(), 4);
}

#[tokio::test]
async fn what_trust_prints_fits_exactly() {
    const DOD: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/data/dod/dod-ca-certs-2019.der.p7b"
    );
    const DIGEST: &str = "68fb0c41ce252f699ffaa00092065af0e8a1edc15318199f6aae844ac51f5f78";

    let place = Place::new("what_trust_prints");
    let (_desk, _serving) = place.serve(invented::checked());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("odd.pem"), "nothing").unwrap();
    let folder = folder.path().to_str().unwrap();
    for (arguments, schema) in [
        (&["import", DOD, "--digest", DIGEST][..], TRUST_IMPORT),
        (&["import", DOD, "--digest", DIGEST], TRUST_IMPORT),
        (&["show", DOD], TRUST_SHOW),
        (&["show", "anchors/dod-ca-certs-2019.der.pem"], TRUST_SHOW),
        (&["list"], TRUST_LIST),
    ] {
        let arguments = [&["trust"], arguments, &["--json", "--folder", folder]].concat();

        let output = place.cacctl(&arguments, "").await;

        assert!(output.status.code().is_some_and(|it| it == 0), "{output:?}");
        fits_exactly(schema, &serde_json::from_slice(&output.stdout).unwrap());
    }
}

#[tokio::test]
async fn what_backup_prints_fits_and_its_file_is_whole_and_nobody_elses() {
    let place = Place::new("what_backup_prints");
    let (_desk, _serving) = place.serve(invented::desk());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cacd.tar");
    let arguments = ["backup", file.to_str().unwrap(), "--json"];

    let first = place.cacctl(&arguments, "").await;
    let again = place.cacctl(&arguments, "").await;
    let passed_on = place.cacctl(&["backup", "-"], "").await;

    fits_exactly(BACKUP, &serde_json::from_slice(&first.stdout).unwrap());
    let metadata = std::fs::metadata(&file).unwrap();
    assert_eq!(metadata.len(), 1024);
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(again.status.code(), Some(5), "{again:?}");
    assert_eq!(passed_on.stdout, [0; 1024]);
}

#[tokio::test]
async fn what_setup_plans_does_and_undoes_fits() {
    let place = Place::new("what_setup_plans");
    let roots = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/data/openssl/root.der"
    );
    let home = place.folder.join("home");
    std::fs::create_dir_all(home.join(".config/chromium")).unwrap();
    let told = async |arguments: &[&str]| {
        let mut command = place.command(&[&["setup", "--json"], arguments].concat());
        for name in ["CONFIG", "DATA", "STATE"] {
            command.env_remove(format!("XDG_{name}_HOME"));
        }
        let output = command
            .env("HOME", &home)
            .stdin(std::process::Stdio::null());
        let output = output.output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };

    let planned = told(&["--only", "authorities", "--dry-run", "--roots", roots]).await;
    let done = told(&["--only", "browsers", "--yes"]).await;
    let undone = told(&["--undo", "--yes"]).await;

    let schema = parsed(SETUP);
    let known = schema.pointer("/properties/steps/items/properties/step/enum");
    assert_eq!(known, Some(&json!(cacctl::setup::STEPS)));
    let state = |told: &Value| told["steps"][0]["state"].as_str().unwrap().to_owned();
    assert_eq!(
        [&planned, &done, &undone].map(state),
        ["to_do", "done", "undone"]
    );
    for told in [planned, done, undone] {
        fits_exactly(SETUP, &told);
    }
}

#[tokio::test]
async fn what_a_stranger_is_told_and_what_changes_fits_too() {
    let place = Place::new("what_a_stranger_is_told");
    let (desk, _serving) = place.serve(invented::desk().for_a_stranger());
    let mut watching = place.command(&["watch", "--json"]).spawn().unwrap();
    let lines = watching.stdout.take().unwrap();
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(lines));

    let stranger = place.cacctl(&["status", "--json"], "").await;
    let first = lines.next_line().await.unwrap().unwrap();
    desk.change(|snapshot| *snapshot = invented::checked());
    let second = lines.next_line().await.unwrap().unwrap();

    let stranger: Value = serde_json::from_slice(&stranger.stdout).unwrap();
    fits_exactly(STATUS, &stranger);
    fits_exactly(WATCH, &parsed(&first));
    fits_exactly(WATCH, &parsed(&second));
}

fn with_a_wizard() -> Snapshot {
    let mut desk = invented::checked();
    let card = desk.readers[2].card.as_mut().unwrap();
    card.wizard = Some(invented::wizard("ako", WizardState::Telling));
    desk
}
