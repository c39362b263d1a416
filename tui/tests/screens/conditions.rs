//! Every screen over every scene, at every usual size, in ASCII and without colour.
//!
//! One file a screen. Where it cannot be opened, what is drawn says why.

use cacctl::keys::{Command, Mode};
use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthStr as _;

use super::checked::machine_is_sound;
use super::hard::{buffer, cell_of, long_named, row_with, scenes, sized, text_of};
use super::*;

/// The usual ones, and one that is too small for all of a dashboard.
const SIZES: [(u16, u16); 4] = [(60, 20), (80, 24), (120, 36), (200, 60)];

const USUAL: (u16, u16) = (80, 24);

/// A screen, and how one gets there.
#[derive(Clone, Copy)]
struct Opened {
    name: &'static str,
    mode: Mode,
    open: fn(&mut App),
    /// A row of it is the one that the keys are about.
    has_cursor: bool,
}

const SCREENS: [Opened; 18] = [
    Opened {
        name: "outlook",
        mode: Mode::Outlook,
        open: |app| go(app, &[Command::Outlook]),
        has_cursor: true,
    },
    Opened {
        name: "checklist",
        mode: Mode::Checklist,
        open: |app| go(app, &[Command::Checklist]),
        has_cursor: true,
    },
    Opened {
        name: "checklist_line",
        mode: Mode::CheckShown,
        open: |app| go(app, &[Command::Checklist, Command::Open]),
        has_cursor: false,
    },
    Opened {
        name: "portal_test",
        mode: Mode::TestOffer,
        open: |app| go(app, &[Command::TestPortal]),
        has_cursor: false,
    },
    Opened {
        name: "portal_test_pin",
        mode: Mode::Pin,
        open: |app| go(app, &[Command::TestPortal, Command::Yes]),
        has_cursor: false,
    },
    Opened {
        name: "portal_test_told",
        mode: Mode::Tested,
        open: |app| {
            go(app, &[Command::TestPortal, Command::Yes]);
            six_digits(app);
            go(app, &[Command::Open]);
        },
        has_cursor: false,
    },
    Opened {
        name: "palette",
        mode: Mode::Palette,
        open: |app| go(app, &[Command::Palette]),
        has_cursor: true,
    },
    Opened {
        name: "palette_searched",
        mode: Mode::Palette,
        open: |app| {
            go(app, &[Command::Palette]);
            letters(app, "reg");
        },
        has_cursor: true,
    },
    Opened {
        name: "history",
        mode: Mode::History,
        open: |app| go(app, &[Command::History]),
        has_cursor: true,
    },
    Opened {
        name: "history_searched",
        mode: Mode::Filter,
        open: |app| {
            go(app, &[Command::History, Command::Filter]);
            letters(app, "needs");
        },
        has_cursor: true,
    },
    Opened {
        name: "help",
        mode: Mode::Help,
        open: |app| go(app, &[Command::Help]),
        has_cursor: false,
    },
    Opened {
        name: "glossary",
        mode: Mode::Help,
        open: |app| {
            go(app, &[Command::Help]);
            go(app, &[Command::NextPane; 3]);
        },
        has_cursor: false,
    },
    Opened {
        name: "certificate",
        mode: Mode::Details,
        open: |app| {
            app.focus = Pane::Certificates;
            go(app, &[Command::Open]);
        },
        has_cursor: false,
    },
    Opened {
        name: "card",
        mode: Mode::Details,
        open: |app| {
            app.focus = Pane::Readers;
            go(app, &[Command::Open]);
        },
        has_cursor: false,
    },
    Opened {
        name: "eligibility",
        mode: Mode::Answer,
        open: |app| go(app, &[Command::Eligibility]),
        has_cursor: true,
    },
    Opened {
        name: "wizard",
        mode: Mode::Offer,
        open: |app| go(app, &[Command::Wizard]),
        has_cursor: false,
    },
    Opened {
        name: "clear",
        mode: Mode::Choose,
        open: |app| go(app, &[Command::Clear]),
        has_cursor: true,
    },
    Opened {
        name: "pin",
        mode: Mode::Pin,
        open: |app| {
            go(app, &[Command::Register]);
            six_digits(app);
        },
        has_cursor: false,
    },
];

#[test]
fn every_screen_in_every_condition() {
    for screen in SCREENS {
        let mut all = String::new();
        for (scene, snapshot) in scenes() {
            for size in SIZES {
                let app = opened(&screen, snapshot.clone(), size);
                picture(&mut all, scene, size, &app, MONOCHROME);
            }
            let app = opened(&screen, snapshot, USUAL);
            let ascii = Theme::DEFAULT.in_ascii();
            picture(&mut all, &format!("{scene} in ASCII"), USUAL, &app, ascii);
        }

        let app = opened(&screen, non_latin(), USUAL);
        picture(&mut all, "non_latin", USUAL, &app, MONOCHROME);

        insta::assert_snapshot!(screen.name, all);
    }
}

#[test]
fn what_cannot_be_opened_says_why() {
    for (screen, scene, snapshot) in each() {
        let app = opened(&screen, snapshot, USUAL);
        if app.mode() == screen.mode {
            continue;
        }
        let said = app.said.as_ref().map(|said| said.text.clone());
        let said = said.unwrap_or_default();
        let beginning = said.split(['.', ';', ':']).next().unwrap_or_default();

        assert!(!said.is_empty(), "{} over {scene}", screen.name);
        let text = drawn(&app, USUAL, MONOCHROME);
        assert!(text.contains(beginning), "{beginning} is not on {text}");
    }
}

#[test]
fn where_a_person_and_a_portal_are_every_screen_opens() {
    for (screen, scene, snapshot) in each() {
        if scene == "empty" || scene == "everything_wrong" {
            continue;
        }
        let app = opened(&screen, snapshot, USUAL);

        assert_eq!(app.mode(), screen.mode, "{} over {scene}", screen.name);
    }
}

#[test]
fn without_colour_one_row_is_reversed_where_there_is_a_cursor() {
    for (screen, scene, snapshot) in each() {
        for size in SIZES {
            let app = opened(&screen, snapshot.clone(), size);
            if app.mode() != screen.mode {
                continue;
            }
            let drawn = buffer(&app, size, MONOCHROME);

            for cell in &drawn.content {
                assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
            }
            let reversed = rows_with(&drawn, Modifier::REVERSED);
            let wanted = usize::from(screen.has_cursor && has_rows(&app));
            let of = format!("{} over {scene} at {size:?}: {reversed:?}", screen.name);
            assert_eq!(reversed.len(), wanted, "{of}");
        }
    }
}

#[test]
fn without_colour_the_same_words_are_told_and_in_ascii_nothing_else_than_ascii() {
    for (screen, scene, snapshot) in each() {
        for size in SIZES {
            let app = opened(&screen, snapshot.clone(), size);
            let of = format!("{} over {scene} at {size:?}", screen.name);

            let coloured = drawn(&app, size, Theme::DEFAULT);
            assert_eq!(coloured, drawn(&app, size, MONOCHROME), "{of}");
            let ascii = buffer(&app, size, Theme::DEFAULT.in_ascii());
            for cell in &ascii.content {
                let is_shown = |byte| (b' '..=b'~').contains(&byte);
                assert!(cell.symbol().bytes().all(is_shown), "{of}: {cell:?}");
            }
        }
    }
}

#[test]
fn what_is_not_possible_is_dimmed_without_colour_too() {
    let nothing = || sized(app(invented::nothing_plugged_in()), (120, 36));
    let mut actions = nothing();
    press(&mut actions, &[Command::Palette]);
    let mut away = nothing();
    update(&mut away, Message::Away(unreachable()));
    for theme in [Theme::DEFAULT, MONOCHROME] {
        for (app, possible, impossible) in [
            (&nothing(), "? help", "r register"),
            (&away, "? help", "c clear"),
            (&actions, "the whole history", "wizard: register by hand"),
        ] {
            let drawn = buffer(app, (120, 36), theme);
            let dims = |text| {
                let cell = cell_of(&row_with(&drawn, text), text);
                cell.modifier.contains(Modifier::DIM)
            };

            assert!(dims(impossible), "{impossible}");
            assert!(!dims(possible), "{possible}");
        }
    }
}

#[test]
fn without_colour_a_status_that_wants_someone_is_bold_and_one_that_does_not_is_not() {
    let wrong = app(invented::desk());
    let drawn = buffer(&sized(wrong, (120, 36)), (120, 36), MONOCHROME);

    for (status, is_bold) in [
        ("! needs PIN", true),
        ("✖ not found", true),
        ("✔ registered", false),
    ] {
        let cell = cell_of(&row_with(&drawn, status), status);

        assert_eq!(cell.modifier.contains(Modifier::BOLD), is_bold, "{status}");
    }
}

fn each() -> impl Iterator<Item = (Opened, &'static str, Snapshot)> {
    SCREENS.into_iter().flat_map(|screen| {
        let over = move |(scene, snapshot)| (screen, scene, snapshot);
        let scenes = scenes().into_iter();
        scenes.chain([("non_latin", non_latin())]).map(over)
    })
}

/// Names and issuers of 64 columns, each character of which takes two.
fn non_latin() -> Snapshot {
    long_named(&"\u{65e5}\u{672c}".repeat(16))
}

fn opened(screen: &Opened, snapshot: Snapshot, size: (u16, u16)) -> App {
    let mut app = sized(app(snapshot), size);
    (screen.open)(&mut app);
    app
}

/// Obeys, and answers what is asked of the daemon then. Nothing comes after a refusal.
fn go(app: &mut App, commands: &[Command]) {
    for command in commands {
        if app.said.is_some() {
            return;
        }
        let asked = update(app, Message::Command(*command));
        answer(app, asked);
    }
}

fn letters(app: &mut App, text: &str) {
    for letter in text.chars() {
        let asked = update(app, Message::Stroke(Stroke::Letter(letter)));
        answer(app, asked);
    }
}

fn six_digits(app: &mut App) {
    update(app, Message::Stroke(Stroke::Secret(6)));
}

fn answer(app: &mut App, mut asked: Option<Action>) {
    while let Some(action) = asked {
        if matches!(action, Action::LookAround(1)) {
            asked = machine_is_sound(app);
            continue;
        }
        asked = update(app, answer_to(app, action));
    }
}

fn answer_to(app: &App, action: Action) -> Message {
    if let Action::LoadProfile(of) = action {
        let profile = Ok(Box::new(invented::ako()));
        Message::Profile { of, profile }
    } else if let Action::LoadConfirmation(_) = action {
        Message::Kept(Ok(None))
    } else if let Action::LoadHistory(request) = action {
        let happened = app.happened().iter().rev().cloned();
        let wanted = request.text.clone().unwrap_or_default();
        let entries = happened.filter(|it| it.text.contains(&wanted)).collect();
        let next_before = None;
        Message::Page {
            request,
            reply: Ok(HistoryReply {
                entries,
                next_before,
            }),
        }
    } else if let Action::TestPortal { request, since } = action {
        Message::Tested {
            portal: request.portal,
            since,
            reply: Ok(Box::new(trials::registered())),
        }
    } else {
        panic!("nothing answers {action:?}");
    }
}

/// Whether there is a row for the cursor to stand on.
fn has_rows(app: &App) -> bool {
    if let Screen::History(list) = &app.screen {
        !list.entries.is_empty()
    } else if let Screen::Palette(palette) = &app.screen {
        palette.chosen().is_some()
    } else if let Screen::Outlook { .. } = app.screen {
        app.card().is_some()
    } else {
        true
    }
}

fn rows_with(drawn: &Buffer, modifier: Modifier) -> Vec<String> {
    let columns = usize::from(drawn.area.width);
    let rows = drawn.content.chunks(columns);
    rows.filter(|row| row.iter().any(|cell| cell.modifier.contains(modifier)))
        .map(text_of)
        .collect()
}

/// Adds what is drawn, beneath a heading. A row that stands out has beside it how,
/// and of rows that are alike it is told how many there are.
fn picture(all: &mut String, heading: &str, size: (u16, u16), app: &App, theme: Theme) {
    let drawn = buffer(app, size, theme);
    all.extend(["== ", heading, &format!(", {}x{}\n", size.0, size.1)]);
    let rows: Vec<String> = drawn
        .content
        .chunks(usize::from(size.0))
        .map(|row| {
            let has = |modifier| row.iter().any(|cell| cell.modifier.contains(modifier));
            let mark = if has(Modifier::REVERSED) {
                " <- reversed"
            } else {
                ""
            };
            format!("{}{mark}\n", told(row).trim_end())
        })
        .collect();
    for alike in rows.chunk_by(|one, next| one == next) {
        all.push_str(&alike[0]);
        if alike.len() > 1 {
            all.extend([format!("   {} more of these\n", alike.len() - 1)]);
        }
    }
    all.push('\n');
}

/// The row as a terminal shows it: of what takes two columns, the second is not there.
fn told(row: &[Cell]) -> String {
    let mut text = String::new();
    let mut at = 0;
    while let Some(cell) = row.get(at) {
        text.push_str(cell.symbol());
        at += cell.symbol().width().max(1);
    }
    text
}
