//! What the shells complete, with a stand-in for the daemon at the other end.
#![expect(clippy::unwrap_used, reason = "it serves tests alone")]

#[path = "support/invented.rs"]
mod invented;
#[path = "support/place.rs"]
mod place;
#[path = "support/stand_in.rs"]
mod stand_in;

use std::ffi::OsString;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use cac_common::interface::method;
use place::{PATIENCE, Place, calls_of};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

const CARD: &str = "4f1e7a52-9a0b-4c57-8d52-0a3c5f6e7d81";
const KNOWN: &str = "a8c3d9e0-1111-4222-8333-444455556666";

#[tokio::test]
async fn what_the_daemon_knows_is_offered_where_it_can_stand() {
    let place = Place::new("is_offered");
    let (desk, _serving) = place.serve(invented::checked());

    for (line, offered) in [
        ("card show --reader S", &["SCR3310 [CCID] 00 00"][..]),
        ("card show --reader=a", &["--reader=Alcor AU9540 01 00"]),
        ("portal show ", &["ako", "travel", "records"]),
        ("portal test r", &["records"]),
        ("eligibility t", &["travel"]),
        ("register --portal ", &["ako", "travel", "records"]),
        ("register --card ", &[CARD]),
        ("wizard --card a8", &[KNOWN]),
        ("clear --card 4f", &[CARD]),
        ("history --card ", &[CARD, KNOWN]),
        ("clear --portal ", &["ako", "travel", "records"]),
        (
            "card export --slot ",
            &["all", "9A", "9C", "9D", "9E", "82", "0100"],
        ),
        ("eligibility --category c", &["civilian", "contractor"]),
        (
            "status --wait-for ",
            &["registered", "card", "pin", "idle", "no-card"],
        ),
        ("status --wait-for pin --portal a", &["ako"]),
        ("status --wait-for pin --card ", &[CARD, KNOWN]),
        ("status --portal t", &["travel"]),
        (
            "status --theme col",
            &["colour-blind", "colour-blind-light"],
        ),
        ("check --explain hide", &["hidepid"]),
        ("check --only reader pin", &["pin-tries"]),
        ("--theme l", &["light", "list"]),
    ] {
        let output = complete(&place, line).await;

        let mut values = values(&output);
        // Beside a name an option can stand as well.
        values.retain(|value| !value.starts_with("--") || line.contains("--reader="));
        assert_eq!(values, offered, "{line}");
        assert!(output.stderr.is_empty(), "{output:?}");
    }
    assert!(!calls_of(&desk, method::GET_SNAPSHOT).is_empty());
}

#[tokio::test]
async fn a_stranger_is_offered_nobody() {
    let place = Place::new("offered_nobody");
    let (_desk, _serving) = place.serve(invented::desk().for_a_stranger());

    let readers = complete(&place, "card show --reader ").await;
    let cards = complete(&place, "register --card ").await;
    let every_card = complete(&place, "clear --card ").await;

    assert_eq!(values(&readers).len(), 3, "{readers:?}");
    assert!(values(&cards).is_empty(), "{cards:?}");
    assert!(values(&every_card).is_empty(), "{every_card:?}");
    for output in [readers, cards, every_card] {
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(!told.contains("DOE"), "{told}");
    }
}

#[tokio::test]
async fn without_a_daemon_nothing_is_offered_and_nothing_said() {
    let place = Place::new("nothing_is_offered");

    for line in [
        "card show --reader ",
        "register --card ",
        "register --portal ",
    ] {
        let output = complete(&place, line).await;

        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(values(&output).is_empty(), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
    }
    let places = complete(&place, "card export --slot 010").await;
    assert_eq!(values(&places).len(), 16, "{places:?}");
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "how long it takes is what is asked here"
)]
async fn nobody_waits_for_a_daemon_that_does_not_answer() {
    let place = Place::new("nobody_waits");
    let _silent = UnixListener::bind(&place.socket).unwrap();
    let mut quickest = Duration::MAX;

    // Others may be at work on this machine.
    for _ in 0..8 {
        let before = Instant::now();
        let output = complete(&place, "register --portal ").await;
        quickest = quickest.min(before.elapsed());

        assert!(values(&output).is_empty(), "{output:?}");
    }

    assert!(quickest < Duration::from_millis(300), "{quickest:?}");
}

#[tokio::test]
async fn a_command_is_done_whatever_the_environment_asks_to_complete() {
    let place = Place::new("is_done");
    let (_desk, _serving) = place.serve(invented::desk());

    let mut command = place.command(&["portal", "list", "--json"]);
    let output = command.env("CACCTL_COMPLETE", "bash").output().await;

    assert!(output.unwrap().stdout.starts_with(b"[{\"name\":\"ako\""));
}

#[tokio::test]
async fn bash_puts_a_name_with_spaces_and_brackets_in_so_that_it_is_one() {
    let place = Place::new("bash");
    let (_desk, _serving) = place.serve(invented::desk());
    let script = script_for(&place, "bash", "cacctl.bash").await;
    let keys = format!(
        "source {}\n\
         cacctl card show --json --reader S\t\n\
         cacctl card show --json --reader \"SCR3310 [\t\n\
         cacctl card show --json --reader=SCR3310\\ \t\n\
         cacctl register --po\tako\n\
         exit\n",
        script.display()
    );

    let told = typed(&place, "bash --norc --noprofile -i", &keys).await;

    let shown = told.matches("{\"visit\":4,\"stage\":").count();
    assert_eq!(shown, 3, "{told}");
    assert!(told.contains("AKO: registered 2026-10-13"), "{told}");
}

#[tokio::test]
async fn bash_puts_nothing_in_that_would_be_run() {
    let place = Place::new("nothing_is_run");
    let mut desk = invented::desk();
    let hostile = ["x$(touch made)", "y;touch made", "z`touch made`"];
    for (reader, name) in desk.readers.iter_mut().zip(hostile) {
        reader.name.0 = name.into();
    }
    let (_desk, _serving) = place.serve(desk);
    let script = script_for(&place, "bash", "cacctl.bash").await;

    for (word, offered) in [
        ("x", "x\\$\\(touch\\ made\\)\n"),
        ("y", "y\\;touch\\ made\n"),
        ("z", "z\\`touch\\ made\\`\n"),
        ("\"x", ""),
        ("'x", ""),
        ("\"y", "y;touch made\n"),
        ("'y", "y;touch made\n"),
        ("\"y\"", ""),
        ("''y", ""),
        ("\"z", ""),
    ] {
        let mut bash = with_the_place(Command::new("bash"), &place);
        let output = bash
            .args([
                "-c",
                "source \"$0\"; COMP_WORDS=(cacctl card show --reader \"$1\"); COMP_CWORD=4; \
                 _cacctl; printf '%s\\n' ${COMPREPLY+\"${COMPREPLY[@]}\"}",
            ])
            .arg(&script)
            .arg(word)
            .output()
            .await
            .unwrap();

        let told = String::from_utf8(output.stdout).unwrap();
        assert_eq!(told.trim_start_matches('\n'), offered, "{word}");
    }
}

#[tokio::test]
async fn zsh_puts_nothing_in_that_would_be_run() {
    let place = Place::new("nothing_is_run_by_zsh");
    let mut desk = invented::desk();
    let made = place.folder.join("made");
    desk.readers[2].name.0 = format!("x$(touch {})", made.display());
    let (_desk, _serving) = place.serve(desk);
    let script = script_for(&place, "zsh", "_cacctl").await;
    let keys = format!(
        "fpath=({} $fpath); autoload -U compinit; compinit -u -D\n\
         cacctl card show --json --reader x\t\n\
         cacctl card show --json --reader \"x\t\n\
         exit\n",
        script.parent().unwrap().display()
    );

    let told = typed(&place, "zsh -f -i", &keys).await;

    let shown = told.matches("{\"visit\":4,\"stage\":").count();
    assert_eq!(shown, 2, "{told}");
    assert!(!made.exists(), "{told}");
}

#[tokio::test]
async fn zsh_completes_the_first_time_it_is_asked() {
    let place = Place::new("zsh");
    let (_desk, _serving) = place.serve(invented::desk());
    let script = script_for(&place, "zsh", "_cacctl").await;
    let keys = format!(
        "fpath=({} $fpath); autoload -U compinit; compinit -u -D\n\
         cacctl card show --json --reader S\t\n\
         exit\n",
        script.parent().unwrap().display()
    );

    let told = typed(&place, "zsh -f -i", &keys).await;

    assert!(told.contains("{\"visit\":4,\"stage\":"), "{told}");
}

#[tokio::test]
async fn fish_offers_each_value_with_what_it_is() {
    let place = Place::new("fish");
    let (_desk, _serving) = place.serve(invented::desk());
    let script = script_for(&place, "fish", "cacctl.fish").await;
    let asked = format!(
        "source {}; complete -C 'cacctl card show --reader Alcor\\ '; complete -C 'cacctl register --card 4'",
        script.display()
    );

    let mut fish = with_the_place(Command::new("fish"), &place);
    let output = fish.args(["-N", "-c", &asked]).output().await.unwrap();

    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        told,
        format!("Alcor AU9540 01 00\tno answer\n{CARD}\tDOE, JANE Q in SCR3310 [CCID] 00 00\n")
    );
}

/// As bash asks: the words of the line, of which the last is being typed.
async fn complete(place: &Place, line: &str) -> Output {
    let words: Vec<&str> = std::iter::once("cacctl").chain(line.split(' ')).collect();
    let mut command = with_the_place(Command::new(env!("CARGO_BIN_EXE_cacctl")), place);
    command
        .env("CACCTL_COMPLETE", "bash")
        .env("_CLAP_IFS", "\n")
        .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
        .arg("--")
        .args(words);
    tokio::time::timeout(PATIENCE, command.output())
        .await
        .unwrap()
        .unwrap()
}

fn values(output: &Output) -> Vec<String> {
    let told = String::from_utf8(output.stdout.clone()).unwrap();
    told.lines().map(str::to_owned).collect()
}

async fn script_for(place: &Place, shell: &str, file: &str) -> std::path::PathBuf {
    let output = place.cacctl(&["completions", shell], "").await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let path = place.folder.join(file);
    std::fs::write(&path, output.stdout).unwrap();
    path
}

/// Finds this cacctl, and asks the stand-in.
fn with_the_place(mut command: Command, place: &Place) -> Command {
    let programs = Path::new(env!("CARGO_BIN_EXE_cacctl")).parent().unwrap();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(
        std::iter::once(programs.to_owned()).chain(std::env::split_paths(&others)),
    );
    command
        .env("PATH", path.unwrap_or(OsString::new()))
        .env("CACD_SOCKET", &place.socket)
        .env("HOME", &place.folder)
        .env("TZ", "UTC")
        .env("TERM", "dumb")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// What a shell shows at a terminal while these keys are pressed.
async fn typed(place: &Place, shell: &str, keys: &str) -> String {
    let mut script = with_the_place(Command::new("script"), place);
    let mut child = script
        .args(["-q", "-e", "-f", "-c", shell, "/dev/null"])
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keyboard = child.stdin.take().unwrap();
    keyboard.write_all(keys.as_bytes()).await.unwrap();
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output());
    let output = output.await.unwrap().unwrap();
    drop(keyboard);
    String::from_utf8_lossy(&output.stdout).into_owned()
}
