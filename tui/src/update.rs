//! The only place where the dashboard's state changes.

mod dialogs;
#[cfg(test)]
mod tests;

use cac_common::interface::{
    AcceptNotice, Clear, ClearScope, GetHistory, Lost, Register, SubmitPin,
};
use cac_common::reader::ReaderStatus;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{HistoryEntry, PinStatus, Snapshot, Stage};

use crate::app::{
    App, Chosen, ClearStep, HistoryList, Link, Page, Pane, Pick, PinPrompt, PinStep, Said, Screen,
    Subject,
};
use crate::clearing;
use crate::failure::Trouble;
use crate::keys::Command;
use crate::phrase::{self, Tone};
use crate::view;

/// How far the keys that turn a page go.
const PAGE: usize = 10;

/// What came in: from the keyboard, already looked up, or from the daemon.
#[derive(Debug)]
pub enum Message {
    Snapshot(Box<Snapshot>),
    Away(Trouble),
    Command(Command),
    /// So many digits of a PIN stand in locked memory now.
    PinDigits(usize),
    /// Something was typed that cannot stand in a PIN.
    NotADigit,
    /// No page could be locked for the digits, and none was taken.
    NoLockedMemory,
    /// A letter of the word that insists.
    Letter(char),
    EraseLetter,
    Resized(u16, u16),
    /// Something drawn changes with time alone.
    Tick,
    PinTaken(Result<(), Trouble>),
    Asked(Result<(), Trouble>),
    Accepted(Result<(), Trouble>),
    Page {
        before: Option<i64>,
        entries: Result<Vec<HistoryEntry>, Trouble>,
    },
    Counted {
        scope: ClearScope,
        lost: Result<Lost, Trouble>,
    },
    Cleared {
        scope: ClearScope,
        lost: Result<Lost, Trouble>,
    },
}

/// What the loop is to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    Quit,
    Redraw,
    Suspend,
    /// With the digits that were typed.
    SubmitPin(SubmitPin),
    Register(Register),
    Accept(AcceptNotice),
    LoadHistory(GetHistory),
    Clear(Clear),
}

pub fn update(app: &mut App, message: Message) -> Option<Action> {
    match message {
        Message::Snapshot(snapshot) => take_snapshot(app, *snapshot),
        Message::Away(why) => lose_daemon(app, why),
        Message::Command(command) => return obey(app, command),
        Message::PinDigits(_)
        | Message::NotADigit
        | Message::NoLockedMemory
        | Message::Letter(_)
        | Message::EraseLetter => dialogs::type_pin(app, &message),
        Message::Resized(columns, rows) => app.size = (columns, rows),
        Message::Tick => {}
        Message::PinTaken(Ok(())) => app.said = None,
        Message::Asked(Ok(())) => say(app, Tone::Working, "cacd tries again what was refused."),
        Message::Accepted(Ok(())) => dialogs::accepted(app),
        Message::PinTaken(Err(trouble))
        | Message::Asked(Err(trouble))
        | Message::Accepted(Err(trouble)) => complain(app, &trouble),
        Message::Page { before, entries } => dialogs::take_page(app, before, entries),
        Message::Counted { scope, lost } => dialogs::preview(app, &scope, lost),
        Message::Cleared { scope, lost } => dialogs::cleared(app, &scope, lost),
    }
    None
}

fn take_snapshot(app: &mut App, snapshot: Snapshot) {
    app.link = Link::Connected;
    app.snapshot = Some(snapshot);
    settle(app);
    let closed = match &app.screen {
        Screen::PinPrompt(prompt) => match app.card_in_visit(&prompt.card, prompt.visit) {
            None => Some("The card was taken out; what was typed of the PIN is gone."),
            Some((_, card)) if !card.has_use_for_pin() => {
                Some("The card needs no PIN any more; what was typed of it is gone.")
            }
            Some(_) => None,
        },
        Screen::Panes
        | Screen::Details { .. }
        | Screen::Clear(_)
        | Screen::History(_)
        | Screen::Help { .. } => None,
    };
    if let Some(why) = closed {
        app.screen = Screen::Panes;
        say(app, Tone::Wanted, why);
    }
}

/// After the picture has changed: nothing picked or open that is not there.
fn settle(app: &mut App) {
    let gone = app
        .picked
        .as_ref()
        .is_some_and(|picked| !app.rows().iter().any(|row| row.is(picked)));
    if gone {
        app.picked = None;
    }
    app.certificate = last_of(app.certificates()).min(app.certificate);
    let Screen::Details { of, .. } = &app.screen else {
        return;
    };
    let is_there = match of {
        Subject::Reader => !gone,
        Subject::Card => !gone && app.card_id().is_some(),
        Subject::Certificate(slot) => {
            let slots = app.certificates();
            !gone && slots.iter().any(|certificate| certificate.slot == *slot)
        }
        Subject::Registration(portal) => {
            let registrations = app.registrations();
            !gone && registrations.iter().any(|one| one.portal == *portal)
        }
        Subject::Entry(_) | Subject::Problems => true,
    };
    if !is_there {
        app.screen = Screen::Panes;
    }
}

fn lose_daemon(app: &mut App, why: Trouble) {
    let since = match app.link {
        Link::Away { since, .. } => since,
        Link::Connecting | Link::Connected => app.now,
    };
    app.link = Link::Away { since, why };
    if matches!(app.screen, Screen::PinPrompt(_)) {
        app.screen = Screen::Panes;
        say(
            app,
            Tone::Wanted,
            "cacd went away; what was typed of the PIN is gone.",
        );
    }
}

fn obey(app: &mut App, command: Command) -> Option<Action> {
    match command {
        Command::Quit => return Some(Action::Quit),
        Command::Redraw => return Some(Action::Redraw),
        Command::Suspend => {
            // Nobody is there to finish typing it.
            if matches!(app.screen, Screen::PinPrompt(_)) {
                app.screen = Screen::Panes;
            }
            return Some(Action::Suspend);
        }
        Command::Up
        | Command::Down
        | Command::PageUp
        | Command::PageDown
        | Command::First
        | Command::Last
        | Command::NextPane
        | Command::PreviousPane
        | Command::Open
        | Command::Back
        | Command::Register
        | Command::Clear
        | Command::History
        | Command::Problems
        | Command::ShowDodId
        | Command::Help
        | Command::Yes => app.said = None,
    }
    match command {
        Command::NextPane => app.focus = app.focus.next(),
        Command::PreviousPane => app.focus = app.focus.previous(),
        Command::ShowDodId => app.shows_dod_id = !app.shows_dod_id,
        Command::Help => app.screen = Screen::Help { scroll: 0 },
        Command::Problems => open(app, Subject::Problems),
        Command::Clear => app.screen = Screen::Clear(ClearStep::Choosing { cursor: 0 }),
        Command::History => return Some(dialogs::open_history(app)),
        Command::Register => return register(app),
        Command::Open => return enter(app),
        Command::Back => back(app),
        Command::Yes => return dialogs::confirm(app),
        Command::Up
        | Command::Down
        | Command::PageUp
        | Command::PageDown
        | Command::First
        | Command::Last => return go(app, command),
        Command::Quit | Command::Redraw | Command::Suspend => {}
    }
    None
}

fn back(app: &mut App) {
    app.screen = match &app.screen {
        Screen::PinPrompt(
            prompt @ PinPrompt {
                step: PinStep::Insisting { .. },
                ..
            },
        ) => Screen::PinPrompt(PinPrompt {
            step: PinStep::Typing,
            digits: 0,
            problem: None,
            ..prompt.clone()
        }),
        Screen::Clear(ClearStep::Preview { .. } | ClearStep::Counting { .. }) => {
            Screen::Clear(ClearStep::Choosing { cursor: 0 })
        }
        Screen::Panes
        | Screen::Details { .. }
        | Screen::PinPrompt(_)
        | Screen::Clear(_)
        | Screen::History(_)
        | Screen::Help { .. } => Screen::Panes,
    };
}

fn enter(app: &mut App) -> Option<Action> {
    match &app.screen {
        Screen::Panes => {}
        Screen::PinPrompt(_) => return dialogs::send_pin(app),
        Screen::Clear(_) => return dialogs::choose(app),
        Screen::Details { .. } | Screen::History(_) | Screen::Help { .. } => return None,
    }
    let subject = match app.focus {
        Pane::Readers => app.chosen().map(|_| Subject::Reader),
        Pane::Card if app.card().is_some_and(needs_pin_now) => return register(app),
        Pane::Card => app.card_id().map(|_| Subject::Card),
        Pane::Certificates => app
            .certificates()
            .get(app.certificate)
            .map(|certificate| Subject::Certificate(certificate.slot)),
        Pane::Registration => {
            let registration = app.registrations().get(app.registration_row())?;
            let waits_for_pin = matches!(
                registration.status,
                RegistrationStatus::NeedsPin { .. } | RegistrationStatus::OutOfDate { .. }
            );
            if waits_for_pin && app.card().is_some() {
                return register(app);
            }
            Some(Subject::Registration(registration.portal.clone()))
        }
        Pane::Happened => app
            .happened()
            .get(app.happened_row())
            .map(|entry| Subject::Entry(entry.clone())),
    };
    if let Some(subject) = subject {
        open(app, subject);
    }
    None
}

fn needs_pin_now(card: &cac_common::snapshot::Card) -> bool {
    card.needs_pin() && card.pin != PinStatus::Blocked
}

fn open(app: &mut App, of: Subject) {
    // What is open stays about the same reader, whichever card needs someone next.
    app.picked = app.chosen().map(|chosen| chosen.pick());
    app.screen = Screen::Details { of, scroll: 0 };
}

/// Opens the PIN prompt, or asks the daemon to try again, or says why not.
fn register(app: &mut App) -> Option<Action> {
    let portal = match &app.screen {
        Screen::Details {
            of: Subject::Registration(portal),
            ..
        } => Some(portal.clone()),
        Screen::Panes
        | Screen::Details { .. }
        | Screen::PinPrompt(_)
        | Screen::Clear(_)
        | Screen::History(_)
        | Screen::Help { .. } => None,
    };
    if dialogs::open_notice(app, portal.as_deref()) {
        return None;
    }
    match next_step(app, portal) {
        Ok(Next::Prompt(prompt)) => {
            app.picked = app.chosen().map(|chosen| chosen.pick());
            app.screen = Screen::PinPrompt(prompt);
            None
        }
        Ok(Next::Ask(request)) => Some(Action::Register(request)),
        Err(why) => {
            say(app, Tone::Wanted, &why);
            None
        }
    }
}

enum Next {
    Prompt(PinPrompt),
    Ask(Register),
}

fn next_step(app: &App, portal: Option<String>) -> Result<Next, String> {
    if app.link != Link::Connected {
        return Err("cacd is away; nothing can be registered now.".into());
    }
    let reader = match app.chosen() {
        Some(Chosen::Reader(reader)) => reader,
        Some(Chosen::Known(_)) => return Err("That card is in no reader; put it in.".into()),
        None => return Err("No reader is plugged in.".into()),
    };
    let Some(card) = &reader.card else {
        return Err(match reader.status {
            ReaderStatus::Empty => "No card is in this reader; put yours in, chip first.",
            ReaderStatus::NoAnswer => view::NO_ANSWER,
            ReaderStatus::Card => "You may not see or use the card in this reader.",
        }
        .into());
    };
    match &card.stage {
        Stage::Reading { .. } => return Err("The card is still being read.".into()),
        Stage::Held => return Err(format!("The card cannot be read: {}.", phrase::HELD)),
        Stage::Failed { cause } => return Err(format!("The card cannot be read: {cause}.")),
        Stage::Read => {}
    }
    let Some(id) = card.id.clone() else {
        return Err("The card says nothing by which it could be recognised.".into());
    };
    if card.pin == PinStatus::Blocked {
        return Err(RegistrationStatus::PinBlocked.advice().unwrap_or_default());
    }
    if card.has_use_for_pin() {
        return Ok(Next::Prompt(PinPrompt {
            card: id,
            visit: card.visit,
            digits: 0,
            step: PinStep::Typing,
            problem: None,
        }));
    }
    let is_signing_in =
        |one: &cac_common::snapshot::Registration| one.status == RegistrationStatus::SigningIn;
    if card.registrations.iter().any(is_signing_in) {
        return Err("The card is signing in already.".into());
    }
    Ok(Next::Ask(Register {
        card: Some(id),
        portal,
    }))
}

/// Moves in whatever has the keyboard.
fn go(app: &mut App, command: Command) -> Option<Action> {
    let room = view::scroll_room(app);
    match &mut app.screen {
        Screen::Details { scroll, .. } | Screen::Help { scroll } => {
            let at = moved(command, usize::from(*scroll), usize::from(room));
            *scroll = u16::try_from(at).unwrap_or(u16::MAX);
        }
        Screen::History(_) => return dialogs::go_in_history(app, command),
        Screen::Clear(ClearStep::Choosing { cursor }) => {
            let at = *cursor;
            let last = clearing::choices(app).len().saturating_sub(1);
            app.screen = Screen::Clear(ClearStep::Choosing {
                cursor: moved(command, at, last),
            });
        }
        Screen::Clear(_) | Screen::PinPrompt(_) => {}
        Screen::Panes => go_in_pane(app, command),
    }
    None
}

fn go_in_pane(app: &mut App, command: Command) {
    match app.focus {
        Pane::Readers | Pane::Card => {
            let row = moved(
                command,
                app.chosen_row(),
                app.rows().len().saturating_sub(1),
            );
            let pick = app.rows().get(row).map(Chosen::pick);
            pick_row(app, pick);
        }
        Pane::Certificates => {
            app.certificate = moved(command, app.certificate, last_of(app.certificates()));
        }
        Pane::Registration => {
            let registrations = app.registrations();
            let row = moved(command, app.registration_row(), last_of(registrations));
            app.registration = registrations.get(row).map(|one| one.portal.clone());
        }
        Pane::Happened => {
            let last = last_of(app.happened());
            let row = moved(command, app.happened_row(), last);
            // On the newest the list follows what happens next.
            app.happened = app
                .happened()
                .get(row)
                .map(|entry| entry.id)
                .filter(|_| row < last);
        }
    }
}

fn pick_row(app: &mut App, pick: Option<Pick>) {
    if pick != app.picked {
        app.certificate = 0;
        app.registration = None;
    }
    app.picked = pick;
}

/// Where a cursor comes to that may stand at 0 to `last`.
fn moved(command: Command, at: usize, last: usize) -> usize {
    let to = match command {
        Command::Up => at.saturating_sub(1),
        Command::Down => at + 1,
        Command::PageUp => at.saturating_sub(PAGE),
        Command::PageDown => at + PAGE,
        Command::First => 0,
        Command::Last => last,
        Command::NextPane
        | Command::PreviousPane
        | Command::Open
        | Command::Back
        | Command::Register
        | Command::Clear
        | Command::History
        | Command::Problems
        | Command::ShowDodId
        | Command::Help
        | Command::Yes
        | Command::Quit
        | Command::Redraw
        | Command::Suspend => at,
    };
    to.min(last)
}

fn last_of<T>(list: &[T]) -> usize {
    list.len().saturating_sub(1)
}

fn say(app: &mut App, tone: Tone, text: &str) {
    app.said = Some(Said {
        tone,
        text: text.into(),
    });
}

fn complain(app: &mut App, trouble: &Trouble) {
    let text = match trouble.advice {
        Some(advice) => format!("{}. {advice}", trouble.what),
        None => trouble.what.clone(),
    };
    say(app, Tone::Bad, &text);
}

/// An empty history that its first page is on the way to.
fn loading() -> Screen {
    Screen::History(HistoryList {
        entries: Vec::new(),
        cursor: 0,
        page: Page::Loading,
        starts_later: false,
    })
}
