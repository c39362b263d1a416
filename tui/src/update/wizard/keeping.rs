//! The confirmation at the end: loaded, saved, printed.

use cac_common::interface::GetConfirmation;
use cac_common::wizard::Confirmation;

use super::{dialog_mut, tell};
use crate::app::{App, KeptLast, Shown, WizardStep};
use crate::confirmation;
use crate::failure::Trouble;
use crate::keys::Move;
use crate::phrase::Tone;
use crate::possible::NOTHING_KEPT;
use crate::update::moving::moved;
use crate::update::{Action, said_of};

pub(in crate::update) fn load_kept(app: &mut App) -> Option<Action> {
    let dialog = dialog_mut(app)?;
    let WizardStep::Offering { kept, .. } = &mut dialog.step else {
        return None;
    };
    dialog.said = None;
    if let KeptLast::There(confirmation) = std::mem::replace(kept, KeptLast::Wanted) {
        dialog.step = shown(*confirmation, None);
        return None;
    }
    Some(Action::LoadConfirmation(GetConfirmation {
        card: dialog.card.clone(),
        portal: dialog.portal.clone(),
    }))
}

fn shown(confirmation: Confirmation, is_registered: Option<bool>) -> WizardStep {
    WizardStep::Shown(Shown {
        confirmation,
        is_registered,
        scroll: 0,
        file: None,
    })
}

pub(in crate::update) fn kept(app: &mut App, kept: Result<Option<Box<Confirmation>>, Trouble>) {
    let Some(dialog) = dialog_mut(app) else {
        return;
    };
    let is_registered = match &mut dialog.step {
        WizardStep::Offering { kept: last, .. } if *last != KeptLast::Wanted => {
            // It is there for whoever wants it; that it could not be asked for is
            // told when it is wanted.
            match kept {
                Ok(Some(confirmation)) if confirmation.portal == dialog.portal => {
                    *last = KeptLast::There(confirmation);
                }
                Ok(None) => *last = KeptLast::Nothing,
                Ok(Some(_)) | Err(_) => {}
            }
            return;
        }
        WizardStep::Offering { kept: last, .. } => {
            *last = match &kept {
                Ok(None) => KeptLast::Nothing,
                Ok(Some(_)) | Err(_) => KeptLast::NotKnown,
            };
            None
        }
        WizardStep::Ended { is_registered } => Some(*is_registered),
        WizardStep::Beginning
        | WizardStep::Following(_)
        | WizardStep::Stopping
        | WizardStep::Shown(_) => return,
    };
    match kept {
        Ok(Some(confirmation)) if confirmation.portal == dialog.portal => {
            dialog.step = shown(*confirmation, is_registered);
        }
        Ok(Some(_)) => {}
        Ok(None) => tell(app, Tone::Quiet, NOTHING_KEPT),
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
