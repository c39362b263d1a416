//! What keys and answers do while it is asked who may register.

#[cfg(test)]
mod tests;

use cac_common::eligibility::{Answer, Answers, Question};
use cac_common::interface::PortalDetails;
use cac_common::snapshot::Snapshot;

use super::moving::moved;
use super::{Action, Stroke, edit, said_of};
use crate::app::{App, EligibilityDialog, EligibilityStep, OpenEligibility, Said, Screen};
use crate::confirmation;
use crate::failure::Trouble;
use crate::keys::Move;
use crate::phrase::Tone;

/// Of the holder of the card that is chosen, at the portal that is picked.
pub(super) fn open(app: &mut App) -> Option<Action> {
    let names = names(app.snapshot.as_ref());
    let portal = app.picked_portal().or_else(|| match names.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    });
    let step = match &portal {
        Some(portal) => EligibilityStep::Loading {
            portal: portal.clone(),
        },
        None => EligibilityStep::Choosing { cursor: 0 },
    };
    app.screen = Screen::Eligibility(EligibilityDialog {
        holder: app.card().and_then(|card| card.holder.clone()),
        step,
        said: None,
    });
    portal.map(Action::LoadProfile)
}

fn names(snapshot: Option<&Snapshot>) -> Vec<String> {
    let portals = snapshot.map_or(&[][..], |snapshot| &snapshot.portals);
    portals.iter().map(|portal| portal.name.clone()).collect()
}

fn dialog_mut(app: &mut App) -> Option<&mut EligibilityDialog> {
    if let Screen::Eligibility(dialog) = &mut app.screen {
        Some(dialog)
    } else {
        None
    }
}

fn open_mut(app: &mut App) -> Option<&mut OpenEligibility> {
    if let EligibilityStep::Open(open) = &mut dialog_mut(app)?.step {
        Some(open)
    } else {
        None
    }
}

pub(super) fn profile(app: &mut App, of: &str, profile: Result<Box<PortalDetails>, Trouble>) {
    let Some(dialog) = dialog_mut(app) else {
        return;
    };
    let EligibilityStep::Loading { portal } = &dialog.step else {
        return;
    };
    // Another one was asked for meanwhile.
    if of != portal {
        return;
    }
    match profile {
        Ok(profile) => {
            let open = OpenEligibility::new(*profile, dialog.holder.as_ref());
            dialog.step = EligibilityStep::Open(Box::new(open));
        }
        Err(trouble) => dialog.said = Some(said_of(&trouble)),
    }
}

pub(super) fn typed(app: &mut App, stroke: Stroke) {
    if let Some(file) = open_mut(app).and_then(|open| open.file.as_mut()) {
        edit(file, stroke);
    }
}

pub(super) fn enter(app: &mut App) -> Option<Action> {
    let names = names(app.snapshot.as_ref());
    let dialog = dialog_mut(app)?;
    match &dialog.step {
        EligibilityStep::Choosing { cursor } => {
            let portal = names.into_iter().nth(*cursor)?;
            dialog.step = EligibilityStep::Loading {
                portal: portal.clone(),
            };
            Some(Action::LoadProfile(portal))
        }
        EligibilityStep::Loading { .. } => None,
        EligibilityStep::Open(open) => {
            let Some(file) = &open.file else {
                let cursor = open.cursor;
                answer(app, cursor);
                return None;
            };
            let contents = open.letter(dialog.holder.as_ref())?;
            let file = file.trim().to_owned();
            if file.is_empty() {
                dialog.said = Some(Said {
                    tone: Tone::Bad,
                    text: "Type the name of a file.".into(),
                });
                return None;
            }
            Some(Action::Save { file, contents })
        }
    }
}

/// Gives one of the answers that are offered.
pub(super) fn answer(app: &mut App, choice: usize) {
    let Some(open) = open_mut(app) else {
        return;
    };
    let Some(question) = open.question() else {
        return;
    };
    let mut answers: Answers = open.said();
    match question {
        Question::Category(offered) => {
            let chosen = offered.get(choice).copied();
            answers.category = Some(chosen.map_or(Answer::NoneOfThese, Answer::Is));
        }
        Question::Component(offered) => {
            let chosen = offered.get(choice).map(|it| (*it).to_owned());
            answers.component = Some(chosen.map_or(Answer::NoneOfThese, Answer::Is));
        }
        Question::YesOrNo(text) => {
            answers.said.insert(text.to_owned(), choice == 0);
        }
    }
    open.answers.push(answers);
    open.cursor = 0;
    open.scroll = 0;
}

/// Takes the last answer back; before the first the dialog closes.
pub(super) fn back(app: &mut App) {
    if let Some(dialog) = dialog_mut(app) {
        dialog.said = None;
    }
    if let Some(open) = open_mut(app) {
        if open.file.take().is_some() {
            return;
        }
        if open.answers.len() > 1 {
            open.answers.pop();
            open.cursor = 0;
            open.scroll = 0;
            return;
        }
    }
    app.screen = Screen::Panes;
}

pub(super) fn ask_file(app: &mut App) {
    let Some(dialog) = dialog_mut(app) else {
        return;
    };
    let EligibilityStep::Open(open) = &mut dialog.step else {
        return;
    };
    if open.letter(dialog.holder.as_ref()).is_some() {
        open.file = Some(confirmation::letter_name(&open.profile.name));
        dialog.said = None;
    } else {
        dialog.said = Some(Said {
            tone: Tone::Wanted,
            text: "No sponsor is needed, so there is no letter.".into(),
        });
    }
}

pub(super) fn go(app: &mut App, to: Move, room: u16) {
    let portals = names(app.snapshot.as_ref()).len();
    let Some(dialog) = dialog_mut(app) else {
        return;
    };
    match &mut dialog.step {
        EligibilityStep::Choosing { cursor } => {
            *cursor = moved(to, *cursor, portals.saturating_sub(1));
        }
        EligibilityStep::Loading { .. } => {}
        EligibilityStep::Open(open) if open.question().is_some() => {
            let last = open.choices().len().saturating_sub(1);
            open.cursor = moved(to, open.cursor, last);
        }
        EligibilityStep::Open(open) => {
            let at = moved(to, usize::from(open.scroll), usize::from(room));
            open.scroll = u16::try_from(at).unwrap_or(u16::MAX);
        }
    }
}
