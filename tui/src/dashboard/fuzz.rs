//! Anything that can come in, in any order: nothing panics, nothing is drawn
//! outside or cut in half, and Esc leads home without ending the dashboard.
//!
//! The keys are looked up where the dashboard does it, and the pictures are
//! those of an invented desk with pieces of their JSON taken out, doubled, put
//! elsewhere or made absurd. So what is new is reached by itself.

mod answers;
mod mutation;
mod steps;

use std::time::{Duration, Instant};

use cac_common::registration::{Notice, RegistrationStatus};
use cac_common::snapshot::{PinStatus, Snapshot};
use cac_common::time::UtcSeconds;
use cac_common::wizard::{Ask, AskKind, Wizard, WizardState};
use crossterm::event::KeyCode;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use ratatui::Terminal;
use ratatui::backend::{Backend as _, TestBackend};
use ratatui::buffer::{Buffer, Cell};
use unicode_width::UnicodeWidthStr as _;

use self::answers::{Came, answered, trouble};
use self::mutation::{Mutation, mutated};
use self::steps::{every_key, step};
use super::*;
use crate::app::Screen as Shown;
use crate::invented;
use crate::keys::Command;

#[path = "../../tests/support/scenes.rs"]
mod scenes;
#[path = "../../tests/support/trials.rs"]
mod trials;

/// For how many seconds it goes on; without it the cases are counted.
const SECONDS: &str = "CACCTL_FUZZ_SECONDS";
const CASES: u32 = 300;
const MOST_STEPS: usize = 60;

/// So deep nothing lies: as many times Esc has to be enough.
const DEEPEST: usize = 6;

#[derive(Debug, Clone)]
enum Step {
    Event(Event),
    /// One of the keys that mean something now.
    Meant(usize),
    /// Typed and entered.
    Words(&'static str),
    Snapshot(usize, Vec<Mutation>),
    /// The picture that is shown, changed once more.
    Change(Mutation),
    Away(Came),
    Later(i64),
    /// What was asked for longest ago, or another thing, is answered.
    Answer {
        which: usize,
        came: Came,
        /// It is answered once more later.
        stays: bool,
    },
    Home,
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "it is to end after so many seconds of the clock"
)]
fn nothing_that_comes_in_breaks_the_dashboard() {
    let seconds = std::env::var(SECONDS)
        .ok()
        .and_then(|text| text.parse().ok());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(0));
    let mut cases = 0;
    loop {
        let mut runner = TestRunner::new(Config {
            cases: CASES,
            failure_persistence: None,
            ..Config::default()
        });
        let steps = prop::collection::vec(step(), 1..MOST_STEPS);
        if let Err(found) = runner.run(&(any::<usize>(), steps), |(base, steps)| {
            live(base, steps);
            Ok(())
        }) {
            panic!("{found}");
        }
        cases += CASES;
        if Instant::now() >= end {
            break;
        }
    }
    if seconds.is_some() {
        eprintln!("{cases} cases, nothing found");
    }
}

fn live(base: usize, steps: Vec<Step>) {
    let bases = bases();
    let (answer, _) = mpsc::channel(1);
    let mut desk = Desk {
        app: App::new(invented::NOW, TimeZone::UTC),
        secret: SecretEntry::default(),
        socket: PathBuf::new().into(),
        answer,
        activity: None,
    };
    let mut asked = Vec::new();
    take(
        &mut desk,
        Message::Snapshot(Box::new(bases[base % bases.len()].clone())),
        &mut asked,
    );
    for step in steps {
        match step {
            Step::Event(event) => {
                if let Some(message) = desk.message_for(&event) {
                    take(&mut desk, message, &mut asked);
                }
            }
            Step::Meant(which) => {
                let mode = desk.app.mode();
                let means = |key: &KeyEvent| match keys::pressed(mode, key) {
                    Some(Pressed::Command(command)) => command != Command::Back,
                    meaning => meaning.is_some(),
                };
                let keys: Vec<_> = every_key().filter(means).collect();
                if let Some(key) = keys.get(which % keys.len().max(1)) {
                    press(&mut desk, *key, &mut asked);
                }
            }
            Step::Words(words) => {
                for c in words.chars() {
                    press(&mut desk, KeyEvent::from(KeyCode::Char(c)), &mut asked);
                }
                press(&mut desk, KeyEvent::from(KeyCode::Enter), &mut asked);
            }
            Step::Snapshot(which, mutations) => {
                let base = bases[which % bases.len()].clone();
                let snapshot = mutations.iter().fold(base, mutated);
                take(&mut desk, Message::Snapshot(Box::new(snapshot)), &mut asked);
            }
            Step::Change(mutation) => {
                if let Some(snapshot) = desk.app.snapshot.clone() {
                    let snapshot = mutated(snapshot, &mutation);
                    take(&mut desk, Message::Snapshot(Box::new(snapshot)), &mut asked);
                }
            }
            Step::Away(came) => take(&mut desk, Message::Away(trouble(came)), &mut asked),
            Step::Later(seconds) => {
                desk.app.now = UtcSeconds(desk.app.now.0.saturating_add(seconds));
                take(&mut desk, Message::Tick, &mut asked);
            }
            Step::Answer { which, came, stays } => {
                if asked.is_empty() {
                    continue;
                }
                let at = which % asked.len();
                let message = answered(&asked[at], came);
                if !stays {
                    asked.remove(at);
                }
                if let Some(message) = message {
                    take(&mut desk, message, &mut asked);
                }
            }
            Step::Home => go_home(&mut desk),
        }
        draw(&desk.app);
    }
    go_home(&mut desk);
}

fn take(desk: &mut Desk, message: Message, asked: &mut Vec<Action>) {
    let action = desk.take(message);
    // What is sent takes along what was typed, as in the loop.
    if !matches!(
        action,
        None | Some(
            Action::Quit
                | Action::Redraw
                | Action::Suspend
                | Action::TakeMouse(_)
                | Action::FollowActivity(_)
        )
    ) {
        drop(desk.secret.take());
    }
    asked.extend(action);
}

fn press(desk: &mut Desk, key: KeyEvent, asked: &mut Vec<Action>) {
    if let Some(message) = desk.message_for(&Event::Key(key)) {
        take(desk, message, asked);
    }
}

fn go_home(desk: &mut Desk) {
    let escape = Event::Key(KeyEvent::from(KeyCode::Esc));
    for _ in 0..DEEPEST {
        if let Some(message) = desk.message_for(&escape) {
            let action = desk.take(message);
            assert_ne!(action, Some(Action::Quit));
        }
        draw(&desk.app);
    }
    assert_eq!(desk.app.screen, Shown::Panes);
    assert_eq!(desk.secret.count(), 0);
}

fn draw(app: &App) {
    let (columns, rows) = app.size;
    let theme = if app.now.0 % 2 == 0 {
        Theme::DEFAULT
    } else {
        Theme::MONOCHROME.in_ascii()
    };
    let mut screen = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    screen
        .draw(|frame| {
            view::draw(frame, app, theme);
            is_whole(frame.buffer_mut());
        })
        .unwrap();
    let cursor = screen.backend_mut().get_cursor_position().unwrap();
    assert!(cursor.x < columns && cursor.y < rows, "{cursor:?}");
}

/// Each cell has what one or two columns hold, and the second of two is blank.
fn is_whole(buffer: &Buffer) {
    for row in buffer.content.chunks(usize::from(buffer.area.width)) {
        let mut at = 0;
        while let Some(cell) = row.get(at) {
            let symbol = cell.symbol();
            let wide = symbol.width();
            assert!(!symbol.chars().any(char::is_control), "{symbol:?}");
            assert!((1..=2).contains(&wide), "{symbol:?}");
            if wide == 2 {
                assert_eq!(row.get(at + 1).map(Cell::symbol), Some(" "));
            }
            at += wide;
        }
    }
}

/// What pictures begin with.
fn bases() -> Vec<Snapshot> {
    let ask = |kind| Ask {
        label: "\u{65e5}\u{672c} Password".into(),
        kind,
        is_answered: false,
    };
    let asks = [AskKind::Text, AskKind::Password, AskKind::Pin];
    let states = [
        WizardState::Working,
        WizardState::Asking {
            asks: asks.map(ask).into(),
        },
        WizardState::Asking {
            asks: vec![ask(AskKind::Pin)],
        },
        WizardState::Telling,
        WizardState::Stopped {
            cause: "the portal shows another page".into(),
        },
        WizardState::Done {
            is_registered: true,
            has_confirmation: true,
        },
    ];
    let by_hand = states.into_iter().enumerate().map(|(turn, state)| {
        let mut desk = invented::desk();
        scenes::card(&mut desk).wizard = Some(Wizard {
            turn: turn as u64,
            ..invented::wizard("ako", state)
        });
        desk
    });
    let mut bases = vec![
        invented::desk(),
        invented::nothing_plugged_in(),
        invented::checked(),
        invented::desk().for_a_stranger(),
        scenes::nameless(),
        scenes::many(),
        scenes::extreme(),
        scenes::troubled(),
        last_try(),
        with_notice(),
    ];
    bases.extend(by_hand);
    bases
}

fn last_try() -> Snapshot {
    let mut desk = invented::desk();
    scenes::card(&mut desk).pin = PinStatus::Ready {
        tries_left: Some(1),
    };
    desk
}

fn with_notice() -> Snapshot {
    let mut desk = invented::desk();
    scenes::card(&mut desk).registrations[1].status = RegistrationStatus::NeedsConsent {
        notice: Notice {
            text: "Communications on it may be monitored, recorded and searched. ".repeat(30),
            sha256: "00ff".into(),
        },
    };
    desk
}
