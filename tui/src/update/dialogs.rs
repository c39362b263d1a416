//! What the keys and the answers do in the PIN prompt, and in `clear`.

use cac_common::interface::{Clear, ClearScope, Lost, SubmitPin};

use super::{Action, Stroke, complain, edit_yes, portal_test, say};
use crate::app::{App, ClearStep, PinPrompt, PinStep, PinUse, Screen, may_be_the_last_try};
use crate::clearing;
use crate::failure::Trouble;
use crate::phrase::{self, Tone};

/// A PIN has six to eight digits (SP 800-73pt2-5 §2.4.3).
pub(super) const PIN_LENGTH: std::ops::RangeInclusive<usize> = 6..=8;

pub(super) fn type_pin(app: &mut App, stroke: Stroke) {
    let Screen::PinPrompt(prompt) = &mut app.screen else {
        return;
    };
    prompt.problem = None;
    match stroke {
        Stroke::Secret(count) => {
            prompt.digits = count;
            // All of them are kept: cut off, it would be another PIN.
            if count > *PIN_LENGTH.end() {
                prompt.problem = Some("A PIN has no more than 8 digits.");
            }
        }
        Stroke::NotADigit => prompt.problem = Some("A PIN has digits only."),
        Stroke::NoLockedMemory => {
            prompt.problem =
                Some("No memory can be locked for the PIN: raise the limit with ulimit -l.");
        }
        Stroke::NoRoom => prompt.problem = Some("A PIN has no more than 8 digits."),
        Stroke::Letter(_) | Stroke::EraseLetter | Stroke::EraseLetters => {
            if let PinStep::Insisting { typed } = &mut prompt.step {
                edit_yes(typed, stroke);
            }
        }
        Stroke::TooSoon => {}
    }
}

/// Hands the PIN over, unless it cannot be one or may be the last try.
pub(super) fn send_pin(app: &mut App) -> Option<Action> {
    let Screen::PinPrompt(prompt) = &app.screen else {
        return None;
    };
    let prompt = prompt.clone();
    let (_, card) = app.card_in_visit(&prompt.card, prompt.visit)?;
    let may_be_the_last = may_be_the_last_try(&card.pin);
    let stay = |app: &mut App, step: PinStep, problem: Option<&'static str>| {
        app.screen = Screen::PinPrompt(PinPrompt {
            step,
            problem,
            ..prompt.clone()
        });
        None
    };
    let insists = match &prompt.step {
        PinStep::Typing => {
            if !PIN_LENGTH.contains(&prompt.digits) {
                let problem = "A PIN has 6 to 8 digits; the card has not been asked.";
                return stay(app, PinStep::Typing, Some(problem));
            }
            if may_be_the_last {
                let typed = String::new();
                return stay(app, PinStep::Insisting { typed }, None);
            }
            false
        }
        PinStep::Insisting { typed } if typed == "yes" => true,
        step @ PinStep::Insisting { .. } => {
            let problem = "Type the word yes, or go back with Esc.";
            return stay(app, step.clone(), Some(problem));
        }
    };
    if let PinUse::Test { portal } = &prompt.to {
        let portal = portal.clone();
        return Some(portal_test::begin(app, prompt, portal, insists));
    }
    app.screen = Screen::Panes;
    say(app, Tone::Working, "The PIN is on its way to the card.");
    Some(Action::SubmitPin(SubmitPin {
        card: prompt.card,
        visit: prompt.visit,
        even_the_last_try: insists,
    }))
}

/// Takes the scope under the cursor, and has what would be lost counted.
pub(super) fn choose(app: &mut App) -> Option<Action> {
    let Screen::Clear(ClearStep::Choosing { cursor }) = app.screen else {
        return None;
    };
    let (_, scope) = clearing::choices(app).into_iter().nth(cursor)?;
    app.screen = Screen::Clear(ClearStep::Counting {
        scope: scope.clone(),
    });
    Some(Action::Clear(Clear {
        scope,
        dry_run: true,
    }))
}

/// What is to be cleared, under the help too.
fn clear_mut(app: &mut App) -> Option<&mut ClearStep> {
    app.screens_mut().find_map(|screen| {
        if let Screen::Clear(step) = screen {
            Some(step)
        } else {
            None
        }
    })
}

pub(super) fn preview(app: &mut App, counted: &ClearScope, lost: Result<Lost, Trouble>) {
    // An answer that nobody waits for any more changes nothing.
    let Some(step) = clear_mut(app) else {
        return;
    };
    if !matches!(step, ClearStep::Counting { scope } if scope == counted) {
        return;
    }
    match lost {
        Ok(lost) => {
            *step = ClearStep::Preview {
                scope: counted.clone(),
                lost,
            };
        }
        Err(trouble) => {
            *step = ClearStep::Choosing { cursor: 0 };
            complain(app, &trouble);
        }
    }
}

pub(super) fn confirm(app: &mut App) -> Option<Action> {
    let Screen::Clear(ClearStep::Preview { scope, lost }) = &app.screen else {
        return None;
    };
    if *lost == Lost::default() {
        app.screen = Screen::Panes;
        return None;
    }
    let scope = scope.clone();
    app.screen = Screen::Clear(ClearStep::Clearing {
        scope: scope.clone(),
    });
    Some(Action::Clear(Clear {
        scope,
        dry_run: false,
    }))
}

pub(super) fn cleared(app: &mut App, scope: &ClearScope, lost: Result<Lost, Trouble>) {
    let is_done = |screen: &Screen| matches!(screen, Screen::Clear(ClearStep::Clearing { scope: shown }) if shown == scope);
    app.beneath.retain(|screen| !is_done(screen));
    if is_done(&app.screen) {
        app.screen = Screen::Panes;
    }
    match lost {
        Ok(lost) => match phrase::traces(&lost) {
            Some(traces) => say(app, Tone::Wanted, &format!("Clear: {traces}.")),
            None => say(
                app,
                Tone::Good,
                &format!("Cleared: {}.", phrase::lost(&lost)),
            ),
        },
        Err(trouble) => complain(app, &trouble),
    }
}
