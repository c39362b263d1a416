//! What is done about a registration: the PIN is asked for, the notice shown,
//! or the daemon asked to try again.

use cac_common::interface::Register;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::Card;

use super::{Action, say};
use crate::app::{App, PinPrompt, PinStep, PinUse, Screen, Subject};
use crate::phrase::Tone;
use crate::possible::usable;

/// Opens the notice or the PIN prompt, or asks the daemon to try again.
pub(super) fn register(app: &mut App) -> Option<Action> {
    let portal = app.opened();
    if open_notice(app, portal.as_deref()) {
        return None;
    }
    match next_step(app, portal)? {
        Next::Prompt(prompt) => {
            app.picked = app.chosen().map(|chosen| chosen.pick());
            app.screen = Screen::PinPrompt(prompt);
            None
        }
        Next::Ask(request) => Some(Action::Register(request)),
    }
}

enum Next {
    Prompt(PinPrompt),
    Ask(Register),
}

fn next_step(app: &App, portal: Option<String>) -> Option<Next> {
    let (id, card) = usable(app).ok()?;
    if card.has_use_for_pin() {
        return Some(Next::Prompt(PinPrompt {
            card: id,
            visit: card.visit,
            to: PinUse::Register,
            digits: 0,
            step: PinStep::Typing,
            problem: None,
        }));
    }
    Some(Next::Ask(Register {
        card: Some(id),
        portal,
    }))
}

/// Opens the notice that the registration waits for, the first if none is named.
pub(super) fn open_notice(app: &mut App, portal: Option<&str>) -> bool {
    // The PIN goes first, unless this very notice is meant.
    let wants_pin = app.card().is_some_and(Card::has_use_for_pin);
    if portal.is_none() && wants_pin {
        return false;
    }
    let mut registrations = app.registrations().iter();
    let waiting = registrations.find(|one| {
        portal.is_none_or(|portal| portal == one.portal)
            && matches!(one.status, RegistrationStatus::NeedsConsent { .. })
    });
    let Some(of) = waiting.map(|one| Subject::Registration(one.portal.clone())) else {
        return false;
    };
    let is_open = matches!(&app.screen, Screen::Details { of: open, .. } if *open == of);
    if !is_open {
        app.screen = Screen::Details { of, scroll: 0 };
    }
    true
}

pub(super) fn accepted(app: &mut App) {
    if matches!(app.screen, Screen::Details { .. }) {
        app.screen = Screen::Panes;
    }
    let waits_for_pin = app.card().is_some_and(|card| {
        let is_shown_a_notice = card
            .registrations
            .iter()
            .any(|one| matches!(one.status, RegistrationStatus::NeedsConsent { .. }));
        !card.pin_kept && (card.needs_pin() || is_shown_a_notice)
    });
    if waits_for_pin {
        let text = "The notice is accepted; now type the PIN (r), which was not kept.";
        say(app, Tone::Wanted, text);
    } else {
        let text = "The notice is accepted; the sign-in goes on.";
        say(app, Tone::Working, text);
    }
}
