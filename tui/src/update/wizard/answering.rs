//! What is typed for the wizard, and sent.

use cac_common::identity::CardId;
use cac_common::interface::{AnswerWizard, MoveWizard};
use cac_common::snapshot::Visit;
use cac_common::wizard::{AskKind, Move, Wizard, WizardState};

use super::{dialog, dialog_mut, tell};
use crate::app::{App, Typed, WizardStep, may_be_the_last_try};
use crate::failure::Trouble;
use crate::phrase::Tone;
use crate::update::{Action, Stroke, dialogs, edit, edit_yes, said_of};

pub(super) const CUT: &str =
    "Some of what was typed is missing in it, and nothing is sent: Ctrl-U, and type it again.";
const TOO_LONG: &str = "There is no room for more, so none of it is sent: empty it with Ctrl-U.";

/// Wipes what is half typed.
pub(in crate::update) fn wipe(app: &mut App) {
    if let Some(dialog) = dialog_mut(app)
        && let WizardStep::Following(typed) = &mut dialog.step
    {
        *typed = Typed {
            to: typed.to,
            sent: typed.sent.take(),
            ..Typed::default()
        };
    }
}

pub(in crate::update) fn typed(app: &mut App, stroke: Stroke) {
    let Some(dialog) = dialog_mut(app) else {
        return;
    };
    dialog.said = None;
    match (&mut dialog.step, stroke) {
        (WizardStep::Following(typed), Stroke::Secret(count)) => {
            typed.secret = count;
            typed.is_cut &= count > 0;
        }
        (WizardStep::Following(typed), Stroke::TooSoon) => typed.is_cut = true,
        (WizardStep::Following(typed), Stroke::NoRoom) => {
            typed.is_cut = true;
            tell(app, Tone::Bad, TOO_LONG);
        }
        (WizardStep::Following(typed), letter) if typed.insists.is_some() => {
            if let Some(word) = &mut typed.insists {
                edit_yes(word, letter);
            }
        }
        (WizardStep::Following(_), Stroke::NotADigit) => {
            tell(app, Tone::Bad, "A PIN has digits only.");
        }
        (step, Stroke::NoLockedMemory) => {
            if let WizardStep::Following(typed) = step {
                typed.is_cut = true;
            }
            let text = "No memory can be locked for it: raise the limit with ulimit -l.";
            tell(app, Tone::Bad, text);
        }
        (WizardStep::Following(typed), letter) => {
            edit(&mut typed.text, letter);
            typed.is_cut &= !typed.text.is_empty();
        }
        (WizardStep::Shown(shown), letter) => {
            if let Some(file) = &mut shown.file {
                edit(file, letter);
            }
        }
        (
            WizardStep::Offering { .. }
            | WizardStep::Beginning
            | WizardStep::Stopping
            | WizardStep::Ended { .. },
            _,
        ) => {}
    }
}

/// What is typed for `to`, after what was typed for something else: nothing. If
/// there was anything, the rest of it may follow.
pub(super) fn left_over(typed: &Typed, to: (u64, u32)) -> Typed {
    Typed {
        to,
        is_cut: typed.is_cut || !typed.is_empty(),
        ..Typed::default()
    }
}

/// What came of an answer or a move.
pub(in crate::update) fn sent(app: &mut App, sent: Result<(), Trouble>) {
    let Err(trouble) = sent else {
        return;
    };
    // Where nothing is open, it was one that is over.
    if let Some(dialog) = dialog_mut(app) {
        dialog.said = Some(said_of(&trouble));
        if let WizardStep::Following(typed) = &mut dialog.step
            && typed.sent.is_some()
        {
            *typed = left_over(typed, typed.to);
        }
    }
}

/// Sends what was typed, unless it cannot be right or may be the last try.
pub(super) fn answer(app: &mut App) -> Option<Action> {
    let dialog = dialog(app)?;
    let WizardStep::Following(typed) = &dialog.step else {
        return None;
    };
    if typed.sent.is_some() {
        if let WizardStep::Following(typed) = &mut dialog_mut(app)?.step {
            typed.entered = !typed.is_empty();
        }
        return None;
    }
    let wizard = app.wizard(dialog)?.clone();
    let Some((place, ask)) = wizard.next_ask() else {
        return match wizard.state {
            WizardState::Telling => go_to(app, Move::On),
            WizardState::Stopped { .. } => go_to(app, Move::Again),
            WizardState::Working | WizardState::Asking { .. } | WizardState::Done { .. } => None,
        };
    };
    let (_, card) = app.card_in_visit(&dialog.card, dialog.visit)?;
    let problem = match ask.kind {
        _ if typed.is_cut => Some(CUT),
        AskKind::Text if typed.text.trim().is_empty() => Some("Type something first."),
        AskKind::Password if typed.secret == 0 => {
            Some("Type the password first; nothing was sent.")
        }
        AskKind::Pin if !dialogs::PIN_LENGTH.contains(&typed.secret) => {
            Some("A PIN has 6 to 8 digits; the card has not been asked.")
        }
        AskKind::Text | AskKind::Password | AskKind::Pin => None,
    };
    if let Some(problem) = problem {
        tell(app, Tone::Bad, problem);
        return None;
    }
    let may_be_the_last = ask.kind == AskKind::Pin && may_be_the_last_try(&card.pin);
    let insists = match typed.insists.as_deref() {
        Some("yes") => true,
        Some(_) => {
            tell(app, Tone::Bad, "Type the word yes, or go back with Esc.");
            return None;
        }
        None if may_be_the_last => {
            if let WizardStep::Following(typed) = &mut dialog_mut(app)?.step {
                typed.insists = Some(String::new());
            }
            return None;
        }
        None => false,
    };
    let is_seen = ask.kind == AskKind::Text;
    let request = AnswerWizard {
        card: dialog.card.clone(),
        visit: dialog.visit,
        turn: wizard.turn,
        ask: place,
        value: is_seen.then(|| typed.text.trim().to_owned()),
        even_the_last_try: insists,
    };
    mark_sent(app, wizard);
    Some(if is_seen {
        Action::Answer(request)
    } else {
        Action::AnswerWithSecret(request)
    })
}

/// Until the daemon shows another wizard than this, nothing more is sent.
fn mark_sent(app: &mut App, wizard: Wizard) {
    if let Some(dialog) = dialog_mut(app) {
        dialog.said = None;
        let to = match &dialog.step {
            WizardStep::Following(typed) => typed.to,
            WizardStep::Offering { .. }
            | WizardStep::Beginning
            | WizardStep::Stopping
            | WizardStep::Ended { .. }
            | WizardStep::Shown(_) => (wizard.turn, 0),
        };
        dialog.step = WizardStep::Following(Typed {
            to,
            sent: Some(Box::new(wizard)),
            ..Typed::default()
        });
    }
}

pub(super) fn go_to(app: &mut App, to: Move) -> Option<Action> {
    let dialog = dialog(app)?;
    let wizard = app.wizard(dialog)?.clone();
    let request = moving(&dialog.card, dialog.visit, &wizard, to);
    mark_sent(app, wizard);
    Some(Action::MoveWizard(request))
}

pub(super) fn moving(card: &CardId, visit: Visit, wizard: &Wizard, to: Move) -> MoveWizard {
    MoveWizard {
        card: card.clone(),
        visit,
        turn: wizard.turn,
        to,
    }
}

pub(in crate::update) fn step_back(app: &mut App) -> Option<Action> {
    let wizard = app.wizard(dialog(app)?)?;
    match wizard.state {
        WizardState::Asking { .. } | WizardState::Telling | WizardState::Stopped { .. } => {
            go_to(app, Move::Back)
        }
        WizardState::Working | WizardState::Done { .. } => {
            tell(app, Tone::Wanted, "Not while the portal is at work.");
            None
        }
    }
}

pub(in crate::update) fn ask_to_stop(app: &mut App) {
    if let Some(dialog) = dialog_mut(app)
        && matches!(dialog.step, WizardStep::Following(_))
    {
        dialog.step = WizardStep::Stopping;
        dialog.said = None;
    }
}
