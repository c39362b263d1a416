//! `cacctl card`, with a stand-in for the daemon at the other end.
#![expect(clippy::unwrap_used, reason = "it serves tests alone")]

#[path = "support/invented.rs"]
mod invented;
#[path = "support/place.rs"]
mod place;
#[path = "support/stand_in.rs"]
mod stand_in;

use std::os::unix::fs::PermissionsExt as _;

use cac_common::interface::method;
use cac_common::reader::ServiceStatus;
use cac_common::snapshot::{Card, Snapshot, Stage};
use place::{Place, calls_of};

#[tokio::test]
async fn a_card_is_shown_to_a_person_and_to_a_program() {
    let place = Place::new("a_card_is_shown");
    let (_desk, _serving) = place.serve(invented::checked());

    let shown = place.cacctl(&["card", "show"], "").await;
    let json = place.cacctl(&["card", "show", "--json"], "").await;

    assert_eq!(shown.status.code(), Some(0), "{shown:?}");
    let told = String::from_utf8(shown.stdout).unwrap();
    assert!(
        told.contains("DOE, JANE Q") && !told.contains("1234567890"),
        "{told}"
    );
    assert_eq!(json.status.code(), Some(0), "{json:?}");
    let card: Card = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(Some(card), invented::checked().readers.remove(2).card);
}

#[tokio::test]
async fn where_no_card_can_be_shown_it_is_said_why_and_what_to_do() {
    let mut unreadable = invented::desk();
    card(&mut unreadable).stage = Stage::Failed {
        cause: "card was reset".into(),
    };
    let no_service = Snapshot {
        service: ServiceStatus::Away,
        ..invented::nothing_plugged_in()
    };
    for (name, snapshot, arguments, exit, advice) in [
        (
            "no_reader",
            invented::nothing_plugged_in(),
            &["card", "show"][..],
            4,
            "Plug one in",
        ),
        (
            "no_service",
            no_service,
            &["card", "show"],
            1,
            "pcscd.socket",
        ),
        (
            "empty",
            invented::desk(),
            &["card", "show", "--reader", "Broadcom"],
            4,
            "Put your card in",
        ),
        (
            "stranger",
            invented::desk().for_a_stranger(),
            &["card", "export"],
            5,
            "cacd-admin",
        ),
        (
            "no_such_reader",
            invented::desk(),
            &["card", "export", "--reader", "ACS"],
            2,
            "A part of its name is enough",
        ),
        (
            "unreadable",
            unreadable,
            &["card", "export"],
            1,
            "wipe the chip",
        ),
        (
            "no_such_certificate",
            invented::desk(),
            &["card", "export", "--slot", "82"],
            1,
            "cacctl card show",
        ),
        (
            "no_such_place",
            invented::desk(),
            &["card", "export", "--slot", "9B"],
            2,
            "82 to 95",
        ),
    ] {
        let place = Place::new(name);
        let (_desk, _serving) = place.serve(snapshot);

        let output = place.cacctl(arguments, "").await;

        assert_eq!(output.status.code(), Some(exit), "{name}: {output:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(advice), "{name}: {told}");
        assert!(output.stdout.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn certificates_are_written_to_files_that_name_nobody() {
    let place = Place::new("certificates_are_written");
    let (_desk, _serving) = place.serve(invented::checked());
    let folder = place.folder.join("new").join("certificates");
    let out = folder.display().to_string();

    let output = place.cacctl(&["card", "export", "--out", &out], "").await;

    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "0100-cac-applet.pem",
            "82-retired.pem",
            "9A-authentication.pem",
            "9C-signature.pem",
            "9D-encryption.pem",
            "9E-card.pem",
        ]
    );
    let told = String::from_utf8(output.stdout).unwrap();
    for name in names {
        let file = folder.join(&name);
        assert!(told.contains(&format!("{}: ", file.display())), "{told}");
        let pem = std::fs::read_to_string(&file).unwrap();
        assert!(pem.starts_with("-----BEGIN CERTIFICATE-----\n"), "{pem}");
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "{name}");
    }
}

#[tokio::test]
async fn what_is_there_is_written_over_only_by_force() {
    let place = Place::new("written_over_only_by_force");
    let (_desk, _serving) = place.serve(invented::desk());
    let folder = place.folder.join("certificates");
    std::fs::create_dir(&folder).unwrap();
    let elsewhere = place.folder.join("elsewhere");
    std::fs::write(&elsewhere, "precious").unwrap();
    let there = folder.join("9D-encryption.pem");
    std::os::unix::fs::symlink(&elsewhere, &there).unwrap();
    let out = folder.display().to_string();

    let refused = place.cacctl(&["card", "export", "--out", &out], "").await;
    let written = std::fs::read_dir(&folder).unwrap().count();
    let forced = place
        .cacctl(&["card", "export", "--force", "--out", &out], "")
        .await;

    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    assert_eq!(written, 1, "nothing was written beside it");
    assert_eq!(forced.status.code(), Some(0), "{forced:?}");
    assert!(there.symlink_metadata().unwrap().is_file());
    assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "precious");
}

#[tokio::test]
async fn one_certificate_goes_to_standard_output_and_nothing_with_it() {
    let place = Place::new("one_certificate");
    let (desk, _serving) = place.serve(invented::desk());

    let output = place
        .cacctl(&["card", "export", "--slot", "9a", "--out", "-"], "")
        .await;

    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let pem = String::from_utf8(output.stdout).unwrap();
    assert_eq!(pem.matches("-----BEGIN").count(), 1, "{pem}");
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----\n"), "{pem}");
    assert!(pem.ends_with("\n-----END CERTIFICATE-----\n"), "{pem}");
    let asked = calls_of(&desk, method::GET_CERTIFICATES);
    assert_eq!(asked[0]["reader"], "SCR3310 [CCID] 00 00");
}

#[tokio::test]
async fn a_card_that_is_still_being_read_gives_no_certificates_yet() {
    let place = Place::new("still_being_read");
    let mut desk = invented::desk();
    card(&mut desk).stage = Stage::Reading {
        done: 1,
        of: 9,
        what: None,
    };
    let (_desk, _serving) = place.serve(desk);

    let output = place.cacctl(&["card", "export", "--out", "-"], "").await;

    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("Try again in a moment"), "{told}");
}

fn card(snapshot: &mut Snapshot) -> &mut Card {
    snapshot.readers[2].card.as_mut().unwrap()
}
