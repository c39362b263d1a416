//! What is done about a registration: the PIN is asked for, the notice shown,
//! or the daemon asked to try again.

use cac_common::identity::CardId;
use cac_common::interface::Register;
use cac_common::reader::ReaderStatus;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, PinStatus, Stage};

use super::{Action, say};
use crate::app::{App, Chosen, Link, PinPrompt, PinStep, Screen, Subject};
use crate::phrase::{self, Tone};
use crate::view;

/// Opens the PIN prompt, or asks the daemon to try again, or says why not.
pub(super) fn register(app: &mut App) -> Option<Action> {
    let portal = opened(app);
    if open_notice(app, portal.as_deref()) {
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
    let (id, card) = usable(app)?;
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

/// The portal whose details are open.
pub(super) fn opened(app: &App) -> Option<String> {
    if let Screen::Details {
        of: Subject::Registration(portal),
        ..
    } = &app.screen
    {
        Some(portal.clone())
    } else {
        None
    }
}

/// The same, else the one picked in the list.
pub(super) fn picked(app: &App) -> Option<String> {
    opened(app).or_else(|| {
        let registration = app.registrations().get(app.registration_row())?;
        Some(registration.portal.clone())
    })
}

/// The card that is chosen, if something can be asked of it; else why not.
pub(super) fn usable(app: &App) -> Result<(CardId, &Card), String> {
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
    let id = card.id.clone();
    let id = id.ok_or("The card says nothing by which it could be recognised.")?;
    Ok((id, card))
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
