//! What keys and answers do while a card is registered by hand.

mod answering;
mod keeping;
#[cfg(test)]
mod tests;

use cac_common::identity::readable;
use cac_common::interface::{GetConfirmation, PortalDetails, StartWizard};
use cac_common::wizard::{Move, Wizard, WizardState};

use self::answering::{CUT, answer, go_to, left_over, moving};
pub(super) use self::answering::{ask_to_stop, sent, step_back, typed, wipe};
pub(super) use self::keeping::{ask_file, kept, load_kept, print, scroll};
use super::{Action, complain, said_of, say};
use crate::app::{App, KeptLast, Said, Screen, Shown, Typed, WizardDialog, WizardStep};
use crate::confirmation;
use crate::failure::Trouble;
use crate::phrase::Tone;
use crate::possible::usable;

/// Shows the wizard that is under way, or says what one would do.
pub(super) fn open(app: &mut App) -> Option<Action> {
    let mut candidates = app.portals_by_hand();
    let picked = candidates.first().cloned();
    let (card, visit, running) = usable(app)
        .map(|(id, card)| (id, card.visit, card.wizard.clone()))
        .ok()?;
    let is_of_another = |wizard: &Wizard| picked.as_ref().is_some_and(|it| *it != wizard.portal);
    let shown = running.filter(|wizard| !is_done(wizard) || !is_of_another(wizard));
    let is_other = shown.as_ref().is_some_and(is_of_another);
    let of_the_one_shown = shown.as_ref().map(|wizard| wizard.portal.clone());
    let portal = of_the_one_shown.or(picked)?;
    // What is open stays about the same reader, whichever card needs someone next.
    app.picked = app.chosen().map(|chosen| chosen.pick());
    let step = match shown {
        Some(_) => WizardStep::Following(Typed::default()),
        None => WizardStep::Offering {
            profile: None,
            others: candidates.drain(..).skip(1).collect(),
            kept: KeptLast::default(),
        },
    };
    let begins = matches!(step, WizardStep::Offering { .. });
    app.screen = Screen::Wizard(WizardDialog {
        card,
        visit,
        portal: portal.clone(),
        step,
        said: is_other.then(|| Said {
            tone: Tone::Wanted,
            text: "This one is under way; another can begin once it is done or stopped.".into(),
        }),
    });
    if begins {
        Some(Action::LoadProfile(portal))
    } else {
        follow(app)
    }
}

fn is_done(wizard: &Wizard) -> bool {
    matches!(wizard.state, WizardState::Done { .. })
}

/// After the picture has changed.
pub(super) fn follow(app: &mut App) -> Option<Action> {
    let dialog = dialog(app)?;
    if stays(dialog) {
        return None;
    }
    if app.card_in_visit(&dialog.card, dialog.visit).is_none() {
        close(app, "The card was taken out; what was typed is wiped.");
        return None;
    }
    let Some(wizard) = app.wizard(dialog).cloned() else {
        if matches!(dialog.step, WizardStep::Following(_) | WizardStep::Stopping) {
            close(
                app,
                "Registering by hand has ended; what was typed is wiped.",
            );
        }
        return None;
    };
    let request = GetConfirmation {
        card: dialog.card.clone(),
        portal: dialog.portal.clone(),
    };
    let dialog = dialog_mut(app)?;
    if let WizardState::Done {
        is_registered,
        has_confirmation,
    } = wizard.state
    {
        dialog.step = WizardStep::Ended { is_registered };
        dialog.said = None;
        return has_confirmation.then_some(Action::LoadConfirmation(request));
    }
    let to = (wizard.turn, wizard.next_ask().map_or(0, |(place, _)| place));
    let goes_on = match &dialog.step {
        WizardStep::Following(typed) => match &typed.sent {
            Some(sent) => **sent == wizard,
            None => typed.to == to,
        },
        WizardStep::Stopping => true,
        WizardStep::Offering { .. }
        | WizardStep::Beginning
        | WizardStep::Ended { .. }
        | WizardStep::Shown(_) => false,
    };
    if !goes_on {
        let asks = wizard.next_ask().is_some();
        let mut typed = Typed {
            to,
            ..Typed::default()
        };
        let mut entered = false;
        if let WizardStep::Following(before) = &dialog.step {
            // What was said before belongs to what was asked before.
            if before.to != (0, 0) {
                dialog.said = None;
            }
            let ahead = before.sent.as_ref().and_then(|sent| {
                let (place, _) = before.ask(sent)?;
                Some((sent.turn, place))
            });
            if asks && ahead == Some(to) {
                entered = before.entered;
                typed = Typed {
                    to,
                    sent: None,
                    entered: false,
                    ..before.clone()
                };
            } else {
                typed = left_over(before, to);
            }
        }
        let is_cut = typed.is_cut && asks;
        dialog.step = WizardStep::Following(typed);
        if entered {
            return answer(app);
        }
        if is_cut {
            tell(app, Tone::Wanted, CUT);
        }
    }
    None
}

/// What it shows does not hang on the card.
pub(super) fn stays(dialog: &WizardDialog) -> bool {
    match dialog.step {
        WizardStep::Ended { .. } | WizardStep::Shown(_) => true,
        WizardStep::Offering { .. }
        | WizardStep::Beginning
        | WizardStep::Following(_)
        | WizardStep::Stopping => false,
    }
}

fn dialog(app: &App) -> Option<&WizardDialog> {
    if let Screen::Wizard(dialog) = &app.screen {
        Some(dialog)
    } else {
        None
    }
}

fn dialog_mut(app: &mut App) -> Option<&mut WizardDialog> {
    if let Screen::Wizard(dialog) = &mut app.screen {
        Some(dialog)
    } else {
        None
    }
}

fn close(app: &mut App, why: &str) {
    app.screen = Screen::Panes;
    say(app, Tone::Wanted, why);
}

fn tell(app: &mut App, tone: Tone, text: &str) {
    if let Some(dialog) = dialog_mut(app) {
        dialog.said = Some(Said {
            tone,
            text: text.into(),
        });
    }
}

pub(super) fn yes(app: &mut App) -> Option<Action> {
    match &dialog(app)?.step {
        WizardStep::Offering { .. } => begin(app),
        WizardStep::Stopping => go_to(app, Move::Stop),
        WizardStep::Beginning
        | WizardStep::Following(_)
        | WizardStep::Ended { .. }
        | WizardStep::Shown(_) => None,
    }
}

pub(super) fn enter(app: &mut App) -> Option<Action> {
    match &dialog(app)?.step {
        WizardStep::Offering { .. } => begin(app),
        WizardStep::Following(_) => answer(app),
        WizardStep::Ended { .. } => back(app),
        WizardStep::Shown(shown) => match &shown.file {
            Some(file) => {
                let file = file.trim().to_owned();
                if file.is_empty() {
                    tell(app, Tone::Bad, "Type the name of a file.");
                    return None;
                }
                let contents = confirmation::contents(&shown.confirmation, file.as_ref());
                Some(Action::Save { file, contents })
            }
            None => back(app),
        },
        WizardStep::Beginning | WizardStep::Stopping => None,
    }
}

fn begin(app: &mut App) -> Option<Action> {
    let WizardDialog {
        card,
        visit,
        portal,
        ..
    } = dialog(app)?;
    let request = StartWizard {
        card: card.clone(),
        visit: *visit,
        portal: portal.clone(),
    };
    let (_, in_reader) = app.card_in_visit(card, *visit)?;
    let done = in_reader.wizard.as_ref().filter(|wizard| is_done(wizard));
    let first = done.map(|wizard| moving(card, *visit, wizard, Move::Stop));
    let dialog = dialog_mut(app)?;
    dialog.step = WizardStep::Beginning;
    dialog.said = None;
    Some(Action::BeginWizard { first, request })
}

pub(super) fn begun(app: &mut App, begun: Result<(), Trouble>) {
    let Err(trouble) = begun else {
        return;
    };
    if dialog(app).is_some_and(|dialog| dialog.step == WizardStep::Beginning) {
        app.screen = Screen::Panes;
    }
    complain(app, &trouble);
}

/// One step back in the dialog; what the daemon does goes on.
pub(super) fn back(app: &mut App) -> Option<Action> {
    let dialog = dialog(app)?;
    let (card, visit) = (dialog.card.clone(), dialog.visit);
    let wizard = app.wizard(dialog).cloned();
    let dialog = dialog_mut(app)?;
    dialog.said = None;
    match &mut dialog.step {
        WizardStep::Following(typed) if typed.insists.is_some() => {
            *typed = Typed {
                to: typed.to,
                ..Typed::default()
            };
            None
        }
        WizardStep::Stopping => {
            dialog.step = WizardStep::Following(Typed::default());
            follow(app)
        }
        WizardStep::Shown(shown) if shown.file.is_some() => {
            shown.file = None;
            None
        }
        WizardStep::Shown(Shown {
            is_registered: None,
            ..
        })
        | WizardStep::Offering { .. } => {
            app.screen = Screen::Panes;
            None
        }
        WizardStep::Shown(_) | WizardStep::Ended { .. } => {
            app.screen = Screen::Panes;
            // It was seen: the next one begins anew.
            let done = wizard.filter(is_done)?;
            Some(Action::MoveWizard(moving(&card, visit, &done, Move::Stop)))
        }
        WizardStep::Following(_) | WizardStep::Beginning => {
            app.screen = Screen::Panes;
            say(
                app,
                Tone::Quiet,
                "Registering by hand is left as it is; w goes on with it while the card stays in.",
            );
            None
        }
    }
}

pub(super) fn profile(
    app: &mut App,
    of: &str,
    profile: Result<Box<PortalDetails>, Trouble>,
) -> Option<Action> {
    let dialog = dialog_mut(app)?;
    let WizardStep::Offering {
        profile: shown,
        others,
        ..
    } = &mut dialog.step
    else {
        return None;
    };
    // Another one was asked for meanwhile.
    if of != dialog.portal {
        return None;
    }
    match profile {
        Ok(profile) if profile.wizard.is_empty() && !others.is_empty() => {
            let next = others.remove(0);
            dialog.portal.clone_from(&next);
            let text = format!("{} has no steps for this.", readable(&profile.title));
            dialog.said = Some(Said {
                tone: Tone::Quiet,
                text,
            });
            Some(Action::LoadProfile(next))
        }
        Ok(profile) => {
            *shown = Some(profile);
            Some(Action::LoadConfirmation(GetConfirmation {
                card: dialog.card.clone(),
                portal: dialog.portal.clone(),
            }))
        }
        Err(trouble) => {
            dialog.said = Some(said_of(&trouble));
            None
        }
    }
}
