//! The confirmation at the end: loaded, saved, printed.

use cac_common::interface::GetConfirmation;
use cac_common::wizard::Confirmation;

use super::{dialog_mut, tell};
use crate::app::{App, Shown, WizardStep};
use crate::confirmation;
use crate::failure::Trouble;
use crate::keys::Move;
use crate::phrase::Tone;
use crate::update::moving::moved;
use crate::update::{Action, said_of};

pub(in crate::update) fn load_kept(app: &mut App) -> Option<Action> {
    let dialog = dialog_mut(app)?;
    dialog.said = None;
    Some(Action::LoadConfirmation(GetConfirmation {
        card: dialog.card.clone(),
        portal: dialog.portal.clone(),
    }))
}

pub(in crate::update) fn kept(app: &mut App, kept: Result<Option<Box<Confirmation>>, Trouble>) {
    let Some(dialog) = dialog_mut(app) else {
        return;
    };
    let is_registered = match dialog.step {
        WizardStep::Offering { .. } => None,
        WizardStep::Ended { is_registered } => Some(is_registered),
        WizardStep::Beginning
        | WizardStep::Following(_)
        | WizardStep::Stopping
        | WizardStep::Shown(_) => return,
    };
    match kept {
        Ok(Some(confirmation)) if confirmation.portal == dialog.portal => {
            dialog.step = WizardStep::Shown(Shown {
                confirmation: *confirmation,
                is_registered,
                scroll: 0,
                file: None,
            });
        }
        Ok(Some(_)) => {}
        Ok(None) => tell(
            app,
            Tone::Quiet,
            "No confirmation is kept of this card there.",
        ),
        Err(trouble) => dialog.said = Some(said_of(&trouble)),
    }
}

pub(in crate::update) fn ask_file(app: &mut App) {
    if let Some(dialog) = dialog_mut(app)
        && let WizardStep::Shown(shown) = &mut dialog.step
    {
        shown.file = Some(confirmation::file_name(&dialog.portal));
        dialog.said = None;
    }
}

pub(in crate::update) fn print(app: &mut App) -> Option<Action> {
    let dialog = dialog_mut(app)?;
    let WizardStep::Shown(shown) = &dialog.step else {
        return None;
    };
    let text = confirmation::text(&shown.confirmation);
    tell(app, Tone::Working, "It is on its way to the printer.");
    Some(Action::Print(text))
}

pub(in crate::update) fn scroll(app: &mut App, to: Move, room: u16) {
    if let Some(dialog) = dialog_mut(app)
        && let WizardStep::Shown(shown) = &mut dialog.step
    {
        let at = moved(to, usize::from(shown.scroll), usize::from(room));
        shown.scroll = u16::try_from(at).unwrap_or(u16::MAX);
    }
}
