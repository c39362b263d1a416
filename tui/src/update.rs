//! The only place where the dashboard's state changes.

mod checklist;
mod dialogs;
mod eligibility;
mod help;
mod history;
mod message;
mod mouse;
mod moving;
mod outlook;
mod palette;
mod portal_test;
mod registering;
mod start;
#[cfg(test)]
mod tests;
mod wizard;

use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{PinStatus, Snapshot};

pub use self::message::{Action, Message, Stroke};
pub use self::mouse::{Mouse, MouseDid};
use crate::app::{
    ActivityLine, App, ClearStep, EligibilityStep, Link, Pane, PinStep, PinUse, Said, Screen,
    Subject, WizardStep,
};
use crate::failure::Trouble;
use crate::keys::Command;
use crate::phrase::Tone;
use crate::possible::why_not;

/// Bytes of a line that is typed and may be seen.
const LONGEST_LINE: usize = 255;

pub fn update(app: &mut App, message: Message) -> Option<Action> {
    let action = take(app, message);
    // Nothing lies beneath the panes.
    if app.screen == Screen::Panes {
        app.beneath.clear();
    }
    action
}

fn take(app: &mut App, message: Message) -> Option<Action> {
    match message {
        Message::Snapshot(snapshot) => return take_snapshot(app, *snapshot),
        Message::Away(why) => lose_daemon(app, why),
        Message::Command(command) => return obey(app, command),
        Message::Stroke(stroke) => return typed(app, stroke),
        Message::Mouse(mouse) => return mouse::take(app, mouse),
        Message::Resized(columns, rows) => app.size = (columns, rows),
        Message::Tick => {}
        Message::PinTaken(Ok(())) => app.said = None,
        Message::Asked(Ok(())) => say(app, Tone::Working, "cacd tries again what was refused."),
        Message::Accepted(Ok(())) => registering::accepted(app),
        Message::PinTaken(Err(trouble))
        | Message::Asked(Err(trouble))
        | Message::Accepted(Err(trouble)) => complain(app, &trouble),
        Message::Begun(begun) => wizard::begun(app, begun),
        Message::Sent(sent) => wizard::sent(app, sent),
        Message::Kept(kept) => wizard::kept(app, kept),
        Message::Profile { of, profile } => {
            if matches!(app.screen, Screen::Wizard(_)) {
                return wizard::profile(app, &of, profile);
            } else if matches!(app.screen, Screen::Eligibility(_)) {
                eligibility::profile(app, &of, profile);
            } else {
                return checklist::profile(app, &of, profile);
            }
        }
        Message::Looked { round, looked } => return checklist::looked(app, round, looked),
        Message::Saved(saved) => took_away(
            app,
            saved.map(|path| format!("Saved to {}.", path.display())),
        ),
        Message::Printed(printed) => {
            took_away(
                app,
                printed.map(|said| format!("Sent to the printer. {said}")),
            );
        }
        Message::Activity(news) => {
            // Late news of what is hidden again changes nothing.
            if let Some(line) = &mut app.activity {
                line.take(news);
            }
        }
        Message::Page { request, reply } => return history::take_page(app, &request, reply),
        Message::Counted { scope, lost } => dialogs::preview(app, &scope, lost),
        Message::Cleared { scope, lost } => dialogs::cleared(app, &scope, lost),
        Message::Tested {
            portal,
            since,
            reply,
        } => portal_test::tested(app, &portal, since, reply),
    }
    None
}

/// Something was typed that is no command.
fn typed(app: &mut App, stroke: Stroke) -> Option<Action> {
    if let Screen::History(_) = app.screen {
        return history::typed(app, stroke);
    }
    if let Screen::PinPrompt(_) = app.screen {
        dialogs::type_pin(app, stroke);
    } else if let Screen::Wizard(_) = app.screen {
        wizard::typed(app, stroke);
    } else if let Screen::Eligibility(_) = app.screen {
        eligibility::typed(app, stroke);
    } else if let Screen::PortalTest(_) = app.screen {
        portal_test::typed(app, stroke);
    } else {
        palette::typed(app, stroke);
    }
    None
}

/// A line that is typed and may be seen.
fn edit(text: &mut String, stroke: Stroke) {
    if let Stroke::Letter(letter) = stroke
        && text.len() < LONGEST_LINE
    {
        text.push(letter);
    } else if matches!(stroke, Stroke::EraseLetter) {
        text.pop();
    } else if matches!(stroke, Stroke::EraseLetters) {
        text.clear();
    }
}

/// The word `yes`: letters alone, and no more than it has.
fn edit_yes(word: &mut String, stroke: Stroke) {
    if let Stroke::Letter(letter) = stroke {
        if word.len() < "yes".len() && letter.is_ascii_alphabetic() {
            word.push(letter.to_ascii_lowercase());
        }
    } else {
        edit(word, stroke);
    }
}

/// What came of saving or printing, told in the dialog that is open, if one is.
fn took_away(app: &mut App, done: Result<String, Trouble>) {
    let said = match done {
        Ok(text) => Said {
            tone: Tone::Good,
            text,
        },
        Err(trouble) => said_of(&trouble),
    };
    let is_done = said.tone == Tone::Good;
    if let Screen::Wizard(dialog) = &mut app.screen {
        if let WizardStep::Shown(shown) = &mut dialog.step
            && is_done
        {
            shown.file = None;
        }
        dialog.said = Some(said);
    } else if let Screen::Eligibility(dialog) = &mut app.screen {
        if let EligibilityStep::Open(open) = &mut dialog.step
            && is_done
        {
            open.file = None;
        }
        dialog.said = Some(said);
    } else if let Screen::PortalTest(dialog) = &mut app.screen {
        if is_done {
            portal_test::saved(dialog);
        }
        dialog.said = Some(said);
    } else {
        app.said = Some(said);
    }
}

fn take_snapshot(app: &mut App, snapshot: Snapshot) -> Option<Action> {
    app.link = Link::Connected;
    let visit = |app: &App| app.card().map(|card| card.visit);
    let before = visit(app);
    app.snapshot = Some(snapshot);
    // Why a key did nothing was said of the card that was there, or of none.
    if before != visit(app) && app.said.as_ref().is_some_and(|it| it.tone == Tone::Wanted) {
        app.said = None;
    }
    start::go(app);
    settle(app);
    if let Screen::Wizard(_) = app.screen {
        return wizard::follow(app);
    }
    if let Screen::Checklist(_) = app.screen {
        return checklist::next(app);
    }
    if let Some(why) = why_the_prompt_closes(app) {
        app.screen = Screen::Panes;
        say(app, Tone::Wanted, why);
    }
    None
}

fn why_the_prompt_closes(app: &App) -> Option<&'static str> {
    let Screen::PinPrompt(prompt) = &app.screen else {
        return None;
    };
    match app.card_in_visit(&prompt.card, prompt.visit) {
        None => Some("The card was taken out; what was typed of the PIN is gone."),
        Some((_, card)) if prompt.to == PinUse::Register && !card.has_use_for_pin() => {
            Some("The card needs no PIN any more; what was typed of it is gone.")
        }
        Some(_) => None,
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
    app.certificate = moving::last_of(app.certificates()).min(app.certificate);
    // Details stay about what they were opened on.
    if app.screen == Screen::Panes {
        palette::stay_among_the_found(app);
    }
    outlook::settle(app);
    let is_lost =
        |screen: &Screen| matches!(screen, Screen::Details { of, .. } if !is_there(app, of, gone));
    let top_is_lost = is_lost(&app.screen);
    let beneath: Vec<bool> = app.beneath.iter().map(is_lost).collect();
    let mut beneath = beneath.into_iter();
    app.beneath.retain(|_| beneath.next() != Some(true));
    if top_is_lost {
        app.take_off_top();
    }
}

/// Whether what the details are of is there, where what was picked has `gone` or not.
fn is_there(app: &App, of: &Subject, gone: bool) -> bool {
    match of {
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
    }
}

fn lose_daemon(app: &mut App, why: Trouble) {
    let since = match app.link {
        Link::Away { since, .. } => since,
        Link::Connecting | Link::Connected => app.now,
    };
    app.link = Link::Away { since, why };
    checklist::forget(app);
    let is_typing = if let Screen::Wizard(dialog) = &app.screen {
        !wizard::stays(dialog)
    } else {
        matches!(app.screen, Screen::PinPrompt(_))
    };
    if is_typing {
        app.screen = Screen::Panes;
        say(app, Tone::Wanted, "cacd went away; what was typed is gone.");
    }
}

fn obey(app: &mut App, command: Command) -> Option<Action> {
    let is_of_the_terminal = matches!(command, Command::Quit | Command::Redraw | Command::Suspend);
    if !is_of_the_terminal {
        app.start = None;
        app.said = None;
    }
    if let Some(why) = why_not(app, command) {
        say(app, Tone::Wanted, &why);
        return None;
    }
    match command {
        Command::Quit => return Some(Action::Quit),
        Command::Redraw => return Some(Action::Redraw),
        Command::Suspend => {
            // Nobody is there to finish typing it.
            if let Screen::PinPrompt(_) = app.screen {
                app.screen = Screen::Panes;
            } else {
                wizard::wipe(app);
            }
            return Some(Action::Suspend);
        }
        Command::NextPane if matches!(app.screen, Screen::Help(_)) => help::turn(app, 1),
        Command::PreviousPane if matches!(app.screen, Screen::Help(_)) => help::turn(app, -1),
        Command::NextPane => app.focus = app.focus.next(),
        Command::PreviousPane => app.focus = app.focus.previous(),
        Command::ShowDodId => app.shows_dod_id = !app.shows_dod_id,
        Command::Help => help::open(app),
        Command::Mouse => return Some(toggle_mouse(app)),
        Command::Activity => {
            let shows = app.activity.is_none();
            app.activity = shows.then(ActivityLine::default);
            return Some(Action::FollowActivity(shows));
        }
        Command::Palette => palette::show(app),
        Command::Filter if app.screen == Screen::Panes => palette::search(app),
        Command::Filter => history::search(app),
        Command::Problems => open(app, Subject::Problems),
        Command::Clear => app.screen = Screen::Clear(ClearStep::Choosing { cursor: 0 }),
        Command::History => return history::show(app),
        Command::Register => return registering::register(app),
        Command::Wizard => return wizard::open(app),
        Command::Eligibility => return eligibility::open(app),
        Command::Outlook => app.screen = Screen::Outlook { cursor: 0 },
        Command::Open => return enter(app),
        Command::Back => return back(app),
        Command::Yes => return yes(app),
        Command::No => eligibility::answer(app, 1),
        Command::StepBack => return wizard::step_back(app),
        Command::Stop => wizard::ask_to_stop(app),
        Command::Kept => return wizard::load_kept(app),
        Command::Print => return wizard::print(app),
        Command::Save if matches!(app.screen, Screen::Eligibility(_)) => eligibility::ask_file(app),
        Command::Save if matches!(app.screen, Screen::PortalTest(_)) => portal_test::ask_file(app),
        Command::Save => wizard::ask_file(app),
        Command::Move(to) => return moving::go(app, to),
        Command::TestPortal => portal_test::open(app),
        Command::Checklist => return checklist::open(app),
        Command::CheckAnew => return checklist::run_anew(app),
        Command::Tick => checklist::tick(app),
    }
    None
}

fn toggle_mouse(app: &mut App) -> Action {
    app.takes_mouse = !app.takes_mouse;
    let text = if app.takes_mouse {
        "The mouse is the dashboard's: click and wheel work. Shift marks text."
    } else {
        "The mouse is the terminal's again: mark and copy text with it."
    };
    say(app, Tone::Quiet, text);
    Action::TakeMouse(app.takes_mouse)
}

fn yes(app: &mut App) -> Option<Action> {
    if let Some(notice) = app.notice() {
        return Some(Action::Accept(notice));
    }
    if let Screen::Wizard(_) = app.screen {
        return wizard::yes(app);
    }
    if let Screen::Eligibility(_) = app.screen {
        eligibility::answer(app, 0);
        return None;
    }
    if let Screen::PortalTest(_) = app.screen {
        return portal_test::enter(app);
    }
    dialogs::confirm(app)
}

fn back(app: &mut App) -> Option<Action> {
    if let Screen::Wizard(_) = app.screen {
        return wizard::back(app);
    }
    if let Screen::Eligibility(_) = app.screen {
        eligibility::back(app);
        return None;
    }
    if let Screen::PortalTest(_) = app.screen {
        portal_test::back(app);
        return None;
    }
    if checklist::closes_line(app) {
        return None;
    }
    if let Screen::PinPrompt(prompt) = &mut app.screen
        && matches!(prompt.step, PinStep::Insisting { .. })
    {
        prompt.step = PinStep::Typing;
        prompt.digits = 0;
        prompt.problem = None;
        return None;
    }
    if app.screen == Screen::Panes {
        app.filter = None;
    }
    if matches!(&app.screen, Screen::History(list) if list.search.is_some()) {
        return history::drop_search(app);
    }
    if matches!(&app.screen, Screen::Clear(step) if step.was_chosen()) {
        app.screen = Screen::Clear(ClearStep::Choosing { cursor: 0 });
        return None;
    }
    app.take_off_top();
    settle(app);
    None
}

fn enter(app: &mut App) -> Option<Action> {
    match &app.screen {
        Screen::Panes if app.types_filter() => {
            palette::keep_filter(app);
            return None;
        }
        Screen::Panes => {}
        Screen::Palette(_) => return palette::choose(app),
        Screen::PinPrompt(_) => return dialogs::send_pin(app),
        Screen::Clear(_) => return dialogs::choose(app),
        Screen::Wizard(_) => return wizard::enter(app),
        Screen::Eligibility(_) => return eligibility::enter(app),
        Screen::Outlook { cursor } => {
            outlook::enter(app, *cursor);
            return None;
        }
        Screen::PortalTest(_) => return portal_test::enter(app),
        Screen::Checklist(_) => {
            checklist::enter(app);
            return None;
        }
        Screen::History(_) => {
            history::keep_search(app);
            return None;
        }
        Screen::Details { .. } | Screen::Help(_) => return None,
    }
    let subject = match app.focus {
        Pane::Readers => app.chosen().map(|_| Subject::Reader),
        Pane::Card if app.card().is_some_and(needs_pin_now) => return registering::register(app),
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
                return registering::register(app);
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

fn say(app: &mut App, tone: Tone, text: &str) {
    app.said = Some(Said {
        tone,
        text: text.into(),
    });
}

fn complain(app: &mut App, trouble: &Trouble) {
    app.said = Some(said_of(trouble));
}

fn said_of(trouble: &Trouble) -> Said {
    let text = match trouble.advice {
        Some(advice) => format!("{}. {advice}", trouble.what),
        None => trouble.what.clone(),
    };
    Said {
        tone: Tone::Bad,
        text,
    }
}
