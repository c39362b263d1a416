//! `cacctl wizard`, with a stand-in for the daemon at the other end.

#[path = "support/invented.rs"]
mod invented;
#[path = "support/place.rs"]
mod place;
#[path = "support/stand_in.rs"]
mod stand_in;

use std::os::unix::fs::PermissionsExt as _;

use cac_common::interface::method;
use cac_common::wizard::Confirmation;
use place::{Place, calls_of};

#[tokio::test]
async fn without_a_terminal_nothing_begins() {
    let place = Place::new("without_a_terminal");
    let (desk, _serving) = place.serve(invented::checked());

    let output = place.cacctl(&["wizard", "ako"], "jane\n").await;

    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("Run it in a terminal"), "{told}");
    assert!(calls_of(&desk, method::START_WIZARD).is_empty());
}

#[tokio::test]
async fn a_confirmation_is_shown_again_to_a_person_and_to_a_program() {
    let place = Place::new("shown_again");
    let (_desk, _serving) = place.serve(invented::desk());

    let shown = place.cacctl(&["wizard", "--confirmation"], "").await;
    let json = place
        .cacctl(&["wizard", "--confirmation", "ako", "--json"], "")
        .await;

    assert_eq!(shown.status.code(), Some(0), "{shown:?}");
    insta::assert_snapshot!(String::from_utf8(shown.stdout).unwrap());
    assert_eq!(json.status.code(), Some(0), "{json:?}");
    let told: Confirmation = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(told, invented::confirmation());
}

#[tokio::test]
async fn a_confirmation_is_saved_as_text_and_as_page_over_nothing_that_is_there() {
    let place = Place::new("saved_twice");
    let (_desk, _serving) = place.serve(invented::desk());
    let (text, page) = (place.folder.join("it.txt"), place.folder.join("it.html"));
    let save = [
        "wizard",
        "--confirmation",
        "--save",
        text.to_str().unwrap(),
        "--save",
        page.to_str().unwrap(),
    ];

    let first = place.cacctl(&save, "").await;
    let second = place.cacctl(&save, "").await;
    let third = place.cacctl(&[&save[..], &["--force"]].concat(), "").await;

    assert_eq!(first.status.code(), Some(0), "{first:?}");
    let told = String::from_utf8(first.stdout).unwrap();
    assert!(told.contains("Saved to "), "{told}");
    let saved = std::fs::read_to_string(&text).unwrap();
    assert!(saved.contains("Reference: 4711-0815"), "{saved}");
    assert_eq!(
        std::fs::read_to_string(&page).unwrap(),
        invented::confirmation().html
    );
    let mode = std::fs::metadata(&text).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(second.status.code(), Some(5), "{second:?}");
    assert_eq!(third.status.code(), Some(0), "{third:?}");
}

#[tokio::test]
async fn where_nothing_is_kept_it_is_said() {
    let place = Place::new("nothing_kept");
    let (_desk, _serving) = place.serve(invented::desk());
    for (arguments, exit, told) in [
        (&["travel"][..], 1, "no confirmation is kept"),
        (&["oka"], 2, "no portal has the name"),
    ] {
        let output = place
            .cacctl(&[&["wizard", "--confirmation"], arguments].concat(), "")
            .await;

        assert_eq!(output.status.code(), Some(exit), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(told), "{said}");
    }
}
