//! What cacctl says to a daemon, over a real socket, with a stand-in at the other end.
#![expect(clippy::unwrap_used, reason = "it serves tests alone")]

#[path = "support/invented.rs"]
mod invented;
#[path = "support/place.rs"]
mod place;
#[path = "support/stand_in.rs"]
mod stand_in;

use std::process::Stdio;
use std::time::Duration;

use cac_common::interface::method;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, PinStatus, Snapshot};
use cacctl::feed::{self, News};
use place::{PATIENCE, Place, calls_of};
use tokio::sync::mpsc;

#[tokio::test]
async fn the_feed_tells_each_state() {
    let place = Place::new("the_feed_tells_each_state");
    let (desk, _serving) = place.serve(invented::desk());
    let mut news = feed_of(&place);

    let first = next(&mut news).await;
    desk.change(|snapshot| snapshot.readers.clear());
    let second = next(&mut news).await;

    assert!(matches!(first, News::Snapshot(snapshot) if snapshot.readers.len() == 3));
    assert!(matches!(second, News::Snapshot(snapshot) if snapshot.readers.is_empty()));
}

#[tokio::test]
async fn the_feed_comes_back_when_the_daemon_does() {
    let place = Place::new("the_feed_comes_back");
    let (_, serving) = place.serve(invented::desk());
    let mut news = feed_of(&place);
    next(&mut news).await;

    serving.abort();
    std::fs::remove_file(&place.socket).unwrap();
    let away = next(&mut news).await;
    let (_desk, _serving) = place.serve(invented::nothing_plugged_in());
    let mut back = next(&mut news).await;
    // Between the two it may have told a second cause: first lost, then unreachable.
    while matches!(back, News::Away(_)) {
        back = next(&mut news).await;
    }

    assert!(matches!(away, News::Away(_)), "{away:?}");
    assert!(matches!(back, News::Snapshot(snapshot) if snapshot.readers.is_empty()));
}

#[tokio::test]
async fn the_feed_tells_that_nobody_is_there_and_waits() {
    let place = Place::new("nobody_is_there");
    let mut news = feed_of(&place);

    let away = next(&mut news).await;
    let (_desk, _serving) = place.serve(invented::desk());
    let then = next(&mut news).await;

    assert!(matches!(away, News::Away(_)), "{away:?}");
    assert!(matches!(then, News::Snapshot(_)), "{then:?}");
}

#[tokio::test]
async fn a_right_pin_registers_and_travels_in_the_pipe_alone() {
    let place = Place::new("a_right_pin_registers");
    let (desk, _serving) = place.serve(all_but_travel_registered());

    let output = place.cacctl(&["register"], "123456\n").await;

    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told, "Travel: signing in\nTravel: registered 2026-11-22\n");
    assert_eq!(*desk.pins.lock().unwrap(), [b"123456".to_vec()]);
    let asked = desk.asked.lock().unwrap();
    assert!(!format!("{asked:?}").contains("123456"), "{asked:?}");
}

#[tokio::test]
async fn a_wrong_pin_is_sent_once_and_needs_a_person() {
    let place = Place::new("a_wrong_pin_is_sent_once");
    let (desk, _serving) = place.serve(all_but_travel_registered());

    let output = place.cacctl(&["register"], "654321\n").await;

    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert_eq!(desk.pins.lock().unwrap().len(), 1);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("Travel: needs PIN (2 left)"), "{told}");
}

#[tokio::test]
async fn what_cannot_be_a_pin_is_not_sent() {
    let place = Place::new("what_cannot_be_a_pin");
    let (desk, _serving) = place.serve(all_but_travel_registered());

    for typed in ["12345\n", "123456789\n", "12345a\n", "\n", ""] {
        let output = place.cacctl(&["register"], typed).await;

        assert_eq!(output.status.code(), Some(4), "{typed:?}: {output:?}");
    }
    assert!(desk.pins.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_last_try_is_not_spent_unless_insisted() {
    for tries_left in [Some(1), None] {
        let place = Place::new("the_last_try");
        let mut desk = all_but_travel_registered();
        card(&mut desk).pin = PinStatus::Ready { tries_left };
        let (desk, _serving) = place.serve(desk);

        let refused = place.cacctl(&["register"], "123456\n").await;
        let sent_before = desk.pins.lock().unwrap().len();
        let insisted = place
            .cacctl(&["register", "--even-the-last-try"], "123456\n")
            .await;

        assert_eq!(refused.status.code(), Some(5), "{refused:?}");
        assert_eq!(sent_before, 0);
        assert_eq!(insisted.status.code(), Some(0), "{insisted:?}");
    }
}

#[tokio::test]
async fn registering_without_a_card_says_to_put_one_in() {
    let place = Place::new("registering_without_a_card");
    let (_desk, _serving) = place.serve(invented::nothing_plugged_in());

    let output = place.cacctl(&["register"], "").await;

    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("Put your card in"), "{told}");
}

#[tokio::test]
async fn a_stranger_is_told_which_group_to_join() {
    let place = Place::new("a_stranger_is_told");
    let (_desk, _serving) = place.serve(invented::desk().for_a_stranger());

    let output = place.cacctl(&["register"], "").await;

    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("cacd-admin"), "{told}");
}

#[tokio::test]
async fn registering_where_all_is_registered_says_so() {
    let place = Place::new("all_is_registered");
    let mut desk = all_but_travel_registered();
    card(&mut desk).registrations.remove(1);
    let (_desk, _serving) = place.serve(desk);

    let output = place.cacctl(&["register"], "").await;

    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told, "AKO: registered 2026-10-13\n");
}

#[tokio::test]
async fn status_prints_the_snapshot_as_it_is() {
    let place = Place::new("status_prints");
    let (_desk, _serving) = place.serve(invented::checked());

    let output = place.cacctl(&["status", "--json"], "").await;

    let snapshot: Snapshot = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(snapshot, invented::checked());
    assert_eq!(output.status.code(), Some(4));
}

#[tokio::test]
async fn without_a_daemon_every_command_says_so_and_ends_with_three() {
    let place = Place::new("without_a_daemon");

    for command in [
        &["status"][..],
        &["watch"],
        &["register"],
        &["card", "show"],
        &["card", "export"],
        &["history"],
        &["clear", "--all", "--yes"],
    ] {
        let output = place.cacctl(command, "").await;

        assert_eq!(output.status.code(), Some(3), "{command:?}: {output:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("cannot connect"), "{told}");
    }
}

#[tokio::test]
async fn clearing_is_counted_first_and_not_done_unless_someone_says_yes() {
    let place = Place::new("clearing_is_counted");
    let (desk, _serving) = place.serve(invented::desk());

    let not_confirmed = place.cacctl(&["clear", "--all"], "").await;
    let asked = calls_of(&desk, method::CLEAR);

    assert_eq!(not_confirmed.status.code(), Some(5), "{not_confirmed:?}");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0]["dry_run"], true);
}

#[tokio::test]
async fn with_yes_what_was_lost_is_told() {
    let place = Place::new("with_yes");
    let (desk, _serving) = place.serve(invented::desk());

    let output = place.cacctl(&["clear", "--all", "--yes"], "").await;
    let calls = calls_of(&desk, method::CLEAR).len();
    let quiet = place.cacctl(&["clear", "--all", "--yes", "-q"], "").await;

    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(quiet.status.code(), Some(0), "{quiet:?}");
    assert!(quiet.stdout.is_empty(), "{quiet:?}");
    assert_eq!(calls, 2);
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        told,
        "everything: cleared: 1 card, 4 certificates, 1 person, 3 registrations and 2 accepted notices\n"
    );
}

#[tokio::test]
async fn who_comes_back_after_a_clear_is_told() {
    let place = Place::new("who_comes_back");
    let mut kept = invented::desk();
    let mut cards = kept.readers.iter_mut().filter_map(|it| it.card.as_mut());
    cards.next().unwrap().pin_kept = true;
    let (_desk, _serving) = place.serve(kept);

    for arguments in [
        &["clear", "--all", "--yes"][..],
        &["clear", "--all", "--dry-run", "--json"],
    ] {
        let output = place.cacctl(arguments, "").await;

        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            told.starts_with(
                "The PIN of the card of DOE, JANE Q is kept: it is signed in again at once"
            ),
            "{told}"
        );
    }
}

#[tokio::test]
async fn the_history_stops_at_its_limit() {
    let place = Place::new("the_history_stops");
    let (_desk, _serving) = place.serve(invented::desk());

    let output = place.cacctl(&["history", "--limit", "2"], "").await;

    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told.lines().count(), 2, "{told}");
    assert!(told.contains("Records: the portal does not know"), "{told}");
}

#[tokio::test]
async fn watching_ends_quietly_when_nobody_reads_any_more() {
    let place = Place::new("watching_ends");
    let (desk, _serving) = place.serve(invented::desk());
    let mut child = place
        .command(&["watch", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();

    drop(child.stdout.take());
    let ended = loop {
        // One of the changes is written to the closed pipe.
        desk.change(|snapshot| snapshot.readers.truncate(1));
        let soon = Duration::from_millis(50);
        if let Ok(ended) = tokio::time::timeout(soon, child.wait()).await {
            break ended.unwrap();
        }
    };

    assert_eq!(ended.code(), Some(0));
}

#[tokio::test]
async fn the_dashboard_without_a_terminal_names_another_way() {
    let place = Place::new("without_a_terminal");

    let output = place.cacctl(&[], "").await;

    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("cacctl status"), "{told}");
}

#[tokio::test]
async fn manual_pages_and_completions_are_written() {
    let place = Place::new("manual_pages");
    let folder = place.folder.join("man");

    let pages = place
        .cacctl(&["man", &folder.display().to_string()], "")
        .await;
    let completions = place.cacctl(&["completions", "bash"], "").await;

    assert_eq!(pages.status.code(), Some(0), "{pages:?}");
    assert!(folder.join("cacctl.1").is_file());
    assert!(folder.join("cacctl-register.1").is_file());
    assert!(folder.join("cacctl-card-show.1").is_file());
    assert!(folder.join("cacctl-card-export.1").is_file());
    let script = String::from_utf8(completions.stdout).unwrap();
    assert!(script.contains("_cacctl()"), "{script}");
}

fn feed_of(place: &Place) -> mpsc::Receiver<News> {
    let (tell, news) = mpsc::channel(4);
    tokio::spawn(feed::follow(place.socket.clone(), tell));
    news
}

async fn next(news: &mut mpsc::Receiver<News>) -> News {
    tokio::time::timeout(PATIENCE, news.recv())
        .await
        .unwrap()
        .unwrap()
}

/// Travel needs the PIN, and nothing else stands in the way.
fn all_but_travel_registered() -> Snapshot {
    let mut desk = invented::desk();
    card(&mut desk)
        .registrations
        .retain(|one| one.status != RegistrationStatus::NotFound);
    desk
}

fn card(snapshot: &mut Snapshot) -> &mut Card {
    snapshot.readers[2].card.as_mut().unwrap()
}
