//! What cannot be done now, and why: for the keys, for the footer that dims
//! them, and for the palette.

use cac_common::identity::CardId;
use cac_common::reader::ReaderStatus;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, Hidden, PinStatus, Registration, Stage};

use crate::app::{App, Chosen, KeptLast, Link, Pane, Screen, WizardDialog, WizardStep};
use crate::failure::{JOIN_THE_GROUP, LOG_IN_THERE, PUT_IT_IN_AGAIN};
use crate::keys::Command;
use crate::outlook::Outlook;
use crate::phrase;
use crate::view;

pub const NO_STEPS: &str =
    "Its profile has no steps for this: register in a browser, or ask its help desk.";

pub const NOTHING_KEPT: &str = "No confirmation is kept of this card there.";

/// Why this does nothing now; `None` where it does something.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named here can always be done"
)]
pub fn why_not(app: &App, command: Command) -> Option<String> {
    let why: &str = match command {
        Command::Register => return why_not_register(app),
        Command::Wizard => return why_not_by_hand(app),
        Command::TestPortal => return testable(app, app.picked_portal()).err(),
        Command::Yes if has_no_steps(app) => NO_STEPS,
        Command::Kept if keeps_nothing(app) => NOTHING_KEPT,
        Command::Eligibility if app.link != Link::Connected => "cacd is away; it knows the rules.",
        Command::Eligibility if has_no_portal(app) => "No portal is configured.",
        Command::Clear | Command::History if app.link != Link::Connected => {
            "cacd is away; what is kept is with it."
        }
        Command::History if !app.may_act() => {
            return Some(format!(
                "You may not see what is kept of people. {LOG_IN_THERE}"
            ));
        }
        Command::Clear if !app.may_administer() => {
            return Some(format!(
                "You may not clear what is kept of people. {JOIN_THE_GROUP}"
            ));
        }
        Command::Activity if app.activity.is_none() && !app.may_administer() => {
            return Some(format!(
                "You may not see what goes to a card. {JOIN_THE_GROUP}"
            ));
        }
        Command::Problems if app.problems().is_empty() => "Nothing is wrong with the service.",
        Command::ShowDodId if !shows_a_person(app) => "No DoD ID is known here.",
        Command::Filter if app.screen == Screen::Panes && is_empty(app) => {
            "There is nothing in this list to look for."
        }
        Command::Open if shows_nothing(app) => "There is nothing here to open.",
        _ => return None,
    };
    Some(why.to_owned())
}

fn why_not_register(app: &App) -> Option<String> {
    let card = match usable(app) {
        Ok((_, card)) => card,
        Err(why) => return Some(why),
    };
    if shows_a_notice(app) {
        return None;
    }
    if card.pin == PinStatus::Blocked {
        return RegistrationStatus::PinBlocked.advice();
    }
    let opened = app.opened();
    let mut meant = card.registrations.iter();
    let is_meant = |one: &Registration| opened.as_ref().is_none_or(|it| *it == one.portal);
    let is_registered = |one: &Registration| {
        matches!(one.status, RegistrationStatus::Registered { .. }) || !is_meant(one)
    };
    let is_any = card.registrations.iter().any(is_meant);
    if is_any && !card.has_use_for_pin() && meant.all(is_registered) {
        return Some("Registered already; nothing is to be done.".into());
    }
    let is_signing_in = |one: &Registration| one.status == RegistrationStatus::SigningIn;
    let signs_in = card.registrations.iter().any(is_signing_in);
    (signs_in && !card.has_use_for_pin()).then(|| "The card is signing in already.".into())
}

/// A notice is read without a PIN, where none has to go first.
fn shows_a_notice(app: &App) -> bool {
    let opened = app.opened();
    let wants_pin = app.card().is_some_and(Card::has_use_for_pin);
    if opened.is_none() && wants_pin {
        return false;
    }
    app.registrations().iter().any(|one| {
        opened.as_ref().is_none_or(|portal| *portal == one.portal)
            && matches!(one.status, RegistrationStatus::NeedsConsent { .. })
    })
}

fn why_not_by_hand(app: &App) -> Option<String> {
    let card = match usable(app) {
        Ok((_, card)) => card,
        Err(why) => return Some(why),
    };
    let has_portal = card.wizard.is_some() || app.picked_portal().is_some();
    (!has_portal).then(|| "There is no portal to register at.".into())
}

/// The card that is chosen, if something can be asked of it; else why not.
pub fn usable(app: &App) -> Result<(CardId, &Card), String> {
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
            ReaderStatus::Card if reader.hidden == Some(Hidden::PutInBefore) => PUT_IT_IN_AGAIN,
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

/// The card that is chosen and the portal that it is tried at, if one can be; else why not.
pub fn testable(app: &App, portal: Option<String>) -> Result<(CardId, &Card, String), String> {
    let (id, card) = usable(app)?;
    if card.pin == PinStatus::Blocked {
        return Err(RegistrationStatus::PinBlocked.advice().unwrap_or_default());
    }
    let portals = app.snapshot.as_ref().map_or(&[][..], |it| &it.portals);
    let portal = portal.or_else(|| match portals {
        [only] => Some(only.name.clone()),
        _ => None,
    });
    let portal = portal.ok_or(if portals.is_empty() {
        "No portal is configured."
    } else if portals.iter().any(|portal| portal.enabled) {
        "It is not known yet where this card stands."
    } else {
        "No portal is enabled; cacctl portal test NAME tries any of them."
    })?;
    Ok((id, card, portal))
}

/// The wizard that is offered would ask nothing.
fn has_no_steps(app: &App) -> bool {
    matches!(&app.screen, Screen::Wizard(WizardDialog {
        step: WizardStep::Offering { profile: Some(profile), .. },
        ..
    }) if profile.wizard.is_empty())
}

/// There was no last time, as far as is kept.
fn keeps_nothing(app: &App) -> bool {
    matches!(
        &app.screen,
        Screen::Wizard(WizardDialog {
            step: WizardStep::Offering {
                kept: KeptLast::Nothing,
                ..
            },
            ..
        })
    )
}

fn has_no_portal(app: &App) -> bool {
    let snapshot = app.snapshot.as_ref();
    snapshot.is_none_or(|snapshot| snapshot.portals.is_empty()) && app.picked_portal().is_none()
}

fn shows_a_person(app: &App) -> bool {
    let Some(snapshot) = &app.snapshot else {
        return false;
    };
    let mut cards = snapshot.readers.iter().filter_map(|it| it.card.as_ref());
    cards.any(|card| card.dod_id.is_some() || card.holder.is_some()) || !snapshot.known.is_empty()
}

/// Whether there is no row that could be opened.
fn shows_nothing(app: &App) -> bool {
    if let Screen::Outlook { .. } = app.screen {
        Outlook::of(app).endings.is_empty()
    } else {
        app.screen == Screen::Panes && is_empty(app)
    }
}

/// Whether the pane that has the keys has nothing in it, found or not.
fn is_empty(app: &App) -> bool {
    match app.focus {
        Pane::Card => app.card_id().is_none(),
        pane @ (Pane::Readers | Pane::Certificates | Pane::Registration | Pane::Happened) => {
            app.length(pane) == 0
        }
    }
}
