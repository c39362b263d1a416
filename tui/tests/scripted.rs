//! What a script does with cacctl: it waits, for no longer than it wants, and
//! reads no more than it asked for.
#![expect(clippy::unwrap_used, reason = "it serves tests alone")]

#[path = "support/invented.rs"]
mod invented;
#[path = "support/place.rs"]
mod place;
#[path = "support/stand_in.rs"]
mod stand_in;

use std::os::unix::net::UnixListener;
use std::process::Output;

use cac_common::reader::ServiceStatus;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, Snapshot};
use futures_util::future::join_all;
use place::{PATIENCE, Place, calls_of};
use tokio::process::Child;

#[tokio::test]
async fn waiting_ends_at_once_where_it_holds_already() {
    let place = Place::new("holds_already");
    let (_desk, _serving) = place.serve(invented::checked());

    for (what, portal) in [
        ("registered", "ako"),
        ("card", "ako"),
        ("pin", "travel"),
        ("idle", "ako"),
    ] {
        let arguments = ["status", "--wait-for", what, "--portal", portal];
        let output = place.cacctl(&arguments, "").await;

        assert_eq!(output.status.code(), Some(0), "{what}: {output:?}");
        assert!(told(&output).contains("DOE, JANE Q"), "{output:?}");
    }
}

#[tokio::test]
async fn waiting_ends_when_it_comes_to_hold() {
    let place = Place::new("comes_to_hold");
    let (desk, _serving) = place.serve(at_all(&RegistrationStatus::SigningIn));
    let waiting = waits(&place, &["--wait-for", "registered"]);
    is_asked(&desk, 1).await;

    desk.change(|snapshot| *snapshot = at_all(&registered()));
    let output = ended(waiting).await;

    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        told(&output).contains("registered 2026-11-22"),
        "{output:?}"
    );
}

#[tokio::test]
async fn waiting_outlives_the_daemon_and_says_so_unless_it_is_to_be_quiet() {
    for is_quiet in [false, true] {
        let place = Place::new("outlives_the_daemon");
        let (desk, serving) = place.serve(invented::nothing_plugged_in());
        let mut arguments = vec!["--wait-for", "card"];
        arguments.extend(is_quiet.then_some("--quiet"));
        let waiting = waits(&place, &arguments);
        is_asked(&desk, 1).await;

        serving.abort();
        assert!(serving.await.unwrap_err().is_cancelled());
        drop(desk);
        std::fs::remove_file(&place.socket).unwrap();
        let (_desk, _serving) = place.serve(invented::desk());
        let output = ended(waiting).await;

        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let said = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(said.contains("trying again"), !is_quiet, "{said}");
        assert_eq!(output.stdout.is_empty(), is_quiet, "{output:?}");
    }
}

#[tokio::test]
async fn what_only_a_person_can_do_is_not_waited_for() {
    let place = Place::new("only_a_person");
    let (_desk, _serving) = place.serve(invented::desk());

    for (arguments, said) in [
        (
            &["--wait-for", "registered"][..],
            "Travel: needs PIN (3 left). Type your PIN.",
        ),
        (
            &["--wait-for", "registered", "--portal", "records"],
            "Records: not found. ",
        ),
        (
            &["--wait-for", "registered", "--card", "another"],
            "card another is not in a reader",
        ),
    ] {
        let arguments = [&["status"], arguments].concat();
        let output = place.cacctl(&arguments, "").await;

        assert_eq!(output.status.code(), Some(4), "{arguments:?}: {output:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(said), "{told}");
    }
}

#[tokio::test]
async fn waiting_for_a_portal_that_is_not_there_says_which_there_are() {
    let place = Place::new("a_portal_that_is_not_there");
    let (_desk, _serving) = place.serve(invented::desk());

    let arguments = ["status", "--wait-for", "registered", "--portal", "aok"];
    let output = place.cacctl(&arguments, "").await;

    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("did you mean ako? There are ako, travel and records"),
        "{told}"
    );
}

#[tokio::test]
async fn a_portal_is_looked_up_once_the_service_knows_them_all() {
    let place = Place::new("knows_them_all");
    let starting = Snapshot {
        service: ServiceStatus::Starting,
        ..invented::nothing_plugged_in()
    };
    let (desk, _serving) = place.serve(starting);
    let waiting = waits(&place, &["--wait-for", "idle", "--portal", "aok"]);
    is_asked(&desk, 1).await;

    desk.change(|snapshot| *snapshot = invented::desk());
    let output = ended(waiting).await;

    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[tokio::test]
async fn whoever_waits_for_too_long_is_told_how_things_stand_instead() {
    let place = Place::new("waits_for_too_long");
    let (_desk, _serving) = place.serve(at_all(&RegistrationStatus::SigningIn));

    let arguments = ["status", "--wait-for", "registered", "--timeout", "1"];
    let output = place.cacctl(&arguments, "").await;

    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("it has not become so within 1 s: Records: signing in"),
        "{told}"
    );
}

#[tokio::test]
async fn with_a_limit_a_daemon_that_is_not_there_yet_is_waited_for() {
    let place = Place::new("not_there_yet");

    let without = place.cacctl(&["status", "--wait-for", "card"], "").await;
    let too_short = place
        .cacctl(&["status", "--wait-for", "card", "--timeout", "1"], "")
        .await;
    let waiting = waits(&place, &["--wait-for", "card", "--timeout", "60"]);
    let (_desk, _serving) = place.serve(invented::desk());
    let comes = ended(waiting).await;

    assert_eq!(without.status.code(), Some(3), "{without:?}");
    assert_eq!(too_short.status.code(), Some(1), "{too_short:?}");
    let said = String::from_utf8(too_short.stderr).unwrap();
    assert!(said.contains("within 1 s: cannot connect to"), "{said}");
    assert_eq!(comes.status.code(), Some(0), "{comes:?}");
}

#[tokio::test]
async fn a_daemon_that_does_not_answer_is_waited_for_no_longer_than_wanted() {
    let place = Place::new("does_not_answer");
    // It takes nobody's call.
    let _silent = UnixListener::bind(&place.socket).unwrap();

    let commands = [
        &["status"][..],
        &["watch"],
        &["register"],
        &["card", "show"],
        &["card", "export"],
        &["portal", "list"],
        &["portal", "show", "ako"],
        &["portal", "test", "ako"],
        &["eligibility"],
        &["history"],
        &["clear", "--all", "--yes"],
        &["wizard", "--confirmation"],
    ];
    let all = commands.map(async |command| {
        let arguments = [command, &["--timeout", "1"]].concat();
        (command, place.cacctl(&arguments, "").await)
    });
    for (command, output) in join_all(all).await {
        assert_eq!(output.status.code(), Some(3), "{command:?}: {output:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            told.contains("the daemon has not answered within 1 s"),
            "{command:?}: {told}"
        );
    }
}

#[tokio::test]
async fn a_pin_that_nobody_types_is_waited_for_no_longer_than_wanted() {
    let place = Place::new("nobody_types");
    let (desk, _serving) = place.serve(invented::desk());
    let mut child = place
        .command(&["register", "--portal", "travel", "--timeout", "1"])
        .spawn()
        .unwrap();

    // Open, and nothing comes.
    let _input = child.stdin.take().unwrap();
    let output = ended(child).await;

    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("nobody typed the PIN within 1 s"), "{told}");
    assert!(desk.pins.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_portal_that_is_not_done_is_waited_for_no_longer_than_wanted() {
    let place = Place::new("not_done");
    let (_desk, _serving) = place.serve(at_all(&RegistrationStatus::NotFound));

    // The stand-in has nothing to tell of trying again.
    let output = place.cacctl(&["register", "--timeout", "1"], "").await;

    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("the card and its portals were not done within 1 s"),
        "{told}"
    );
}

#[tokio::test]
async fn watching_for_a_while_is_no_failure() {
    let place = Place::new("for_a_while");
    let (_desk, _serving) = place.serve(invented::desk());

    let output = place.cacctl(&["watch", "--timeout", "1"], "").await;

    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(told(&output).contains("card of DOE, JANE Q is read"));
}

#[tokio::test]
async fn what_goes_on_until_it_is_ended_takes_no_limit() {
    let place = Place::new("takes_no_limit");

    for command in [&[][..], &["agent"]] {
        let arguments = [command, &["--timeout", "1"]].concat();
        let output = place.cacctl(&arguments, "").await;

        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}

#[tokio::test]
async fn no_option_is_dropped_in_silence() {
    let place = Place::new("no_option_is_dropped");

    for (arguments, said) in [
        (
            &["--plain", "status"][..],
            "--plain stands for the dashboard alone",
        ),
        (&["--plain", "--card", "a"], "cannot be used with"),
        (&["--portal", "ako", "--plain"], "cannot be used with"),
        (&["--card", "a", "status"], "stand after the subcommand"),
        (
            &["--theme", "nope", "status"],
            "no theme has the name \"nope\"; there are default, light, high-contrast",
        ),
        (
            &["watch", "--theme", "dfault"],
            "did you mean default? There are default",
        ),
        (&["regsiter"], "a similar subcommand exists: 'register'"),
        (
            &["card", "show", "--raeder", "a"],
            "a similar argument exists: '--reader'",
        ),
    ] {
        let output = place.cacctl(arguments, "").await;

        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(said), "{told}");
    }
}

#[tokio::test]
async fn the_state_of_one_card_or_one_portal_is_told_alone() {
    let place = Place::new("told_alone");
    let (_desk, _serving) = place.serve(invented::desk());
    let jane = "4f1e7a52-9a0b-4c57-8d52-0a3c5f6e7d81";
    let roe = "a8c3d9e0-1111-4222-8333-444455556666";

    for (arguments, there, not_there) in [
        (&["--card", jane][..], "DOE, JANE Q", "ROE"),
        (&["--card", roe], "the card is in no reader", "DOE"),
        (&["--portal", "travel"], "Travel", "AKO"),
        (&["--portal", "travel", "--json"], "\"travel\"", "\"ako\""),
        (&["--card", roe, "--json"], "ROE", "DOE"),
    ] {
        let arguments = [&["status"], arguments].concat();
        let output = place.cacctl(&arguments, "").await;

        let told = told(&output);
        assert!(told.contains(there), "{arguments:?}: {told}");
        assert!(!told.contains(not_there), "{arguments:?}: {told}");
    }
    for (arguments, said) in [
        (["--card", "4f1e"], "card 4f1e is not"),
        (["--portal", "travle"], "did you mean travel?"),
    ] {
        let arguments = [&["status"][..], &arguments].concat();
        let output = place.cacctl(&arguments, "").await;

        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(said), "{told}");
    }
}

#[tokio::test]
async fn a_quiet_registration_says_nothing_where_all_is_well() {
    let place = Place::new("quiet_registration");
    let (desk, _serving) = place.serve(invented::desk());

    let arguments = ["register", "--quiet", "--portal"];
    let well = place
        .cacctl(&[&arguments[..], &["travel"]].concat(), "123456\n")
        .await;
    desk.change(|snapshot| *snapshot = invented::desk());
    let wrong = place
        .cacctl(&[&arguments[..], &["travel"]].concat(), "654321\n")
        .await;

    assert_eq!(well.status.code(), Some(0), "{well:?}");
    assert!(well.stdout.is_empty() && well.stderr.is_empty(), "{well:?}");
    assert_eq!(wrong.status.code(), Some(4), "{wrong:?}");
    assert!(wrong.stdout.is_empty(), "{wrong:?}");
    let told = String::from_utf8(wrong.stderr).unwrap();
    assert_eq!(told, "cacctl: Travel: needs PIN (2 left)\n");
}

#[tokio::test]
async fn a_quiet_failure_is_one_line() {
    let place = Place::new("quiet_failure");
    let (_desk, _serving) = place.serve(invented::nothing_plugged_in());

    let output = place.cacctl(&["-q", "card", "show"], "").await;

    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(told, "cacctl: no reader is plugged in\n");
}

#[tokio::test]
async fn on_a_terminal_lines_fit_and_are_coloured_and_in_a_pipe_neither() {
    let place = Place::new("on_a_terminal");
    let (_desk, _serving) = place.serve(invented::checked());

    let piped = told(&place.cacctl(&["status"], "").await);
    let plain = on_a_terminal(&place, "TERM=xterm", "--no-color status").await;
    let coloured = on_a_terminal(&place, "TERM=xterm", "status").await;
    let dumb = on_a_terminal(&place, "TERM=dumb", "status").await;
    let old = on_a_terminal(&place, "TERM=vt220", "status").await;
    let unknown = on_a_terminal(&place, "TERM=", "status").await;
    let unwanted = on_a_terminal(&place, "TERM=xterm NO_COLOR=1", "status").await;

    assert!(piped.lines().any(|line| line.len() > 100), "{piped}");
    assert!(!piped.contains('\u{1b}'), "{piped}");
    assert!(coloured.contains("\u{1b}[1;33mneeds PIN (3 left)\u{1b}[0m"));
    for text in [&plain, &dumb, &old, &unknown, &unwanted] {
        assert!(!text.contains('\u{1b}'), "{text}");
        assert!(text.contains("needs PIN (3 left)"), "{text}");
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|wide| wide <= 60), "{text}");
    }
}

#[tokio::test]
async fn on_a_terminal_what_happened_is_broken_between_words() {
    let place = Place::new("what_happened");
    let (_desk, _serving) = place.serve(invented::desk());
    let widest = |text: &str| text.lines().map(|line| line.chars().count()).max();

    let piped = told(&place.cacctl(&["history"], "").await);
    let shown = on_a_terminal(&place, "TERM=xterm", "history").await;

    assert!(widest(&piped).is_some_and(|wide| wide > 60), "{piped}");
    assert!(widest(&shown).is_some_and(|wide| wide <= 60), "{shown}");
    let words = |text: &str| text.split_whitespace().collect::<String>();
    assert_eq!(words(&piped), words(&shown));
}

/// What it shows on one of sixty columns.
async fn on_a_terminal(place: &Place, environment: &str, arguments: &str) -> String {
    let line = format!(
        "stty cols 60 && exec env {environment} '{}' --socket '{}' {arguments}",
        env!("CARGO_BIN_EXE_cacctl"),
        place.socket.display()
    );
    let output = tokio::process::Command::new("script")
        .args(["-q", "-f", "-c", &line, "/dev/null"])
        .env_remove("NO_COLOR")
        .env("TZ", "UTC")
        .env("SHELL", "/bin/sh")
        .output();
    let output = tokio::time::timeout(PATIENCE, output).await.unwrap();
    told(&output.unwrap()).replace("\r\n", "\n")
}

fn waits(place: &Place, arguments: &[&str]) -> Child {
    let arguments = [&["status"], arguments].concat();
    place.command(&arguments).spawn().unwrap()
}

/// So many conversations have begun.
async fn is_asked(desk: &stand_in::Desk, times: usize) {
    let asked = async {
        while calls_of(desk, cac_common::interface::method::MONITOR).len() < times {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap();
}

async fn ended(child: Child) -> Output {
    tokio::time::timeout(PATIENCE, child.wait_with_output())
        .await
        .unwrap()
        .unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn registered() -> RegistrationStatus {
    RegistrationStatus::Registered {
        since: invented::NOW,
        checked_at: invented::NOW,
        account: None,
        recheck_due: false,
    }
}

fn at_all(status: &RegistrationStatus) -> Snapshot {
    let mut desk = invented::desk();
    let card: &mut Card = desk.readers[2].card.as_mut().unwrap();
    for one in &mut card.registrations {
        one.status = status.clone();
    }
    desk
}
