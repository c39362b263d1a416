//! `cacctl wizard`, with a stand-in for the daemon at the other end.
#![expect(clippy::unwrap_used, reason = "it serves tests alone")]

#[path = "support/invented.rs"]
mod invented;
#[path = "support/place.rs"]
mod place;
#[path = "support/stand_in.rs"]
mod stand_in;

use std::os::unix::fs::PermissionsExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::Ordering;

use cac_common::interface::method;
use cac_common::wizard::{Confirmation, WizardState};
use place::{PATIENCE, Place, calls_of};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

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
async fn nobody_is_waited_for_longer_than_wanted() {
    let place = Place::new("longer_than_wanted");
    let (desk, _serving) = place.serve(invented::checked());
    let mut terminal = Terminal::run(&place, &["wizard", "ako", "--timeout", "3"]);

    terminal.shows("User name: ").await;
    let ended = terminal.ends().await;

    assert_eq!(ended.code(), Some(4), "{}", terminal.seen);
    let said = "nobody has answered within 3 s";
    assert!(terminal.seen.contains(said), "{}", terminal.seen);
    assert!(calls_of(&desk, method::ANSWER_WIZARD).is_empty());
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

#[tokio::test]
async fn once_it_is_done_it_is_put_away_though_nothing_can_be_saved() {
    let place = Place::new("nothing_can_be_saved");
    let (desk, _serving) = place.serve(invented::checked());
    let file = place.folder.join("no folder").join("it.txt");
    let mut terminal = Terminal::run(&place, &["wizard", "ako", "--save", file.to_str().unwrap()]);

    let status = terminal.go_through().await;

    assert_eq!(status.code(), Some(1), "{}", terminal.seen);
    assert!(terminal.seen.contains("4711-0815"), "{}", terminal.seen);
    assert!(
        terminal.seen.contains("it.txt cannot be written"),
        "{}",
        terminal.seen
    );
    desk.change(|snapshot| {
        let mut cards = snapshot.readers.iter().filter_map(|it| it.card.as_ref());
        assert!(cards.all(|card| card.wizard.is_none()));
    });
}

#[tokio::test]
async fn who_takes_the_card_out_at_the_end_is_registered_all_the_same() {
    let place = Place::new("taken_out_at_the_end");
    let (desk, _serving) = place.serve(invented::checked());
    desk.takes_out.store(true, Ordering::Relaxed);
    let file = place.folder.join("it.txt");
    let mut terminal = Terminal::run(&place, &["wizard", "ako", "--save", file.to_str().unwrap()]);

    let status = terminal.go_through().await;

    assert_eq!(status.code(), Some(0), "{}", terminal.seen);
    let saved = std::fs::read_to_string(&file).unwrap();
    assert!(saved.contains("4711-0815"), "{saved}");
}

#[tokio::test]
async fn what_is_typed_instead_of_an_answer_does_not_become_one() {
    let place = Place::new("instead_of_an_answer");
    let (desk, _serving) = place.serve(invented::checked());
    let mut terminal = Terminal::run(&place, &["wizard", "ako"]);
    terminal.answers("User name: ", "\u{3}").await;
    terminal.answers("What now? ", "s").await;

    desk.change(|snapshot| {
        let cards = snapshot
            .readers
            .iter_mut()
            .filter_map(|it| it.card.as_mut());
        for wizard in cards.filter_map(|card| card.wizard.as_mut()) {
            wizard.turn += 1;
            wizard.state = WizardState::Telling;
        }
    });
    terminal.shows("to be done elsewhere now").await;
    terminal.answers("What now? ", "l\n").await;

    let status = terminal.ends().await;
    assert_eq!(status.code(), Some(4), "{}", terminal.seen);
    assert!(terminal.seen.contains("left as it is"), "{}", terminal.seen);
}

/// What runs in a terminal of its own, which script (of util-linux) makes.
struct Terminal {
    script: Child,
    seen: String,
    /// So much of it was looked at.
    read: usize,
}

impl Terminal {
    fn run(place: &Place, arguments: &[&str]) -> Self {
        let command = place.command(arguments);
        let command = command.as_std();
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let quoted: Vec<String> = words
            .map(|word| format!("'{}'", word.to_str().unwrap()))
            .collect();
        let script = Command::new("script")
            .args([
                "-q",
                "-e",
                "-f",
                "-c",
                &format!("exec {}", quoted.join(" ")),
                "/dev/null",
            ])
            .env("TZ", "UTC")
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            script,
            seen: String::new(),
            read: 0,
        }
    }

    /// Waits until this is shown after all that was waited for before.
    async fn shows(&mut self, text: &str) {
        let seen = async {
            loop {
                if let Some(at) = self.seen[self.read..].find(text) {
                    self.read += at + text.len();
                    return;
                }
                assert!(self.read_on().await, "no {text}: {}", self.seen);
            }
        };
        tokio::time::timeout(PATIENCE, seen).await.unwrap();
    }

    async fn read_on(&mut self) -> bool {
        let mut bytes = [0; 4096];
        let screen = self.script.stdout.as_mut().unwrap();
        let read = screen.read(&mut bytes).await.unwrap();
        self.seen.push_str(&String::from_utf8_lossy(&bytes[..read]));
        read > 0
    }

    async fn answers(&mut self, question: &str, keys: &str) {
        self.shows(question).await;
        let keyboard = self.script.stdin.as_mut().unwrap();
        keyboard.write_all(keys.as_bytes()).await.unwrap();
        keyboard.flush().await.unwrap();
    }

    async fn ends(&mut self) -> ExitStatus {
        let ended = async {
            while self.read_on().await {}
            self.script.wait().await.unwrap()
        };
        tokio::time::timeout(PATIENCE, ended).await.unwrap()
    }

    /// Registers at AKO from the first step to the last.
    async fn go_through(&mut self) -> ExitStatus {
        self.answers("User name: ", "jane\n").await;
        self.answers("Password (not shown", "open sesame\n").await;
        self.answers("tries left): ", "123456\n").await;
        self.answers("press Enter when it is done: ", "\n").await;
        self.ends().await
    }
}
