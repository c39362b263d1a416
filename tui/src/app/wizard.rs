//! Registering by hand, as far as the screen goes: how far it is and what is
//! asked is told by the snapshot.

use cac_common::identity::CardId;
use cac_common::interface::PortalDetails;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Registration, Visit};
use cac_common::wizard::{Ask, Confirmation, Wizard, WizardState};

use super::{App, Link, Said, Screen};
use crate::phrase::{self, Tone};

/// Up to here how long a card or a portal is at work is told in seconds.
const IN_SECONDS: u64 = 60;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WizardDialog {
    pub card: CardId,
    pub visit: Visit,
    pub portal: String,
    pub step: WizardStep,
    /// Why the last key did nothing, or what came of it.
    pub said: Option<Said>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WizardStep {
    /// Says what it would do, and wants a yes.
    Offering {
        /// With the steps; absent until it has come.
        profile: Option<Box<PortalDetails>>,
        /// Portals to turn to where this one has no steps.
        others: Vec<String>,
        kept: KeptLast,
    },
    /// The daemon was asked to begin.
    Beginning,
    /// Shows what the daemon does and asks.
    Following(Typed),
    /// Wants a yes before all is thrown away.
    Stopping,
    /// All steps are done. What the portal showed is on its way, if it was kept.
    Ended {
        is_registered: bool,
    },
    Shown(Shown),
}

/// What the portal showed at the end of the last time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum KeptLast {
    #[default]
    NotKnown,
    /// It is to be shown as soon as it has come.
    Wanted,
    Nothing,
    There(Box<Confirmation>),
}

/// What is being typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    /// For which turn of the wizard, and which of the things it asks for.
    pub to: (u64, u32),
    /// What may be seen.
    pub text: String,
    /// How many characters of what may not.
    pub secret: usize,
    /// It may be the last try of the PIN: wants `yes`, of which this was typed.
    pub insists: Option<String>,
    /// Some of what was typed is missing in it: nothing is sent until it is emptied.
    pub is_cut: bool,
    /// What the wizard was like when an answer or a move went on its way.
    pub sent: Option<Box<Wizard>>,
    /// Enter was pressed before that was taken.
    pub entered: bool,
}

impl Typed {
    /// What is typed now, and its place: what is asked for, or what will be once
    /// the answer that is on its way is taken.
    pub fn ask<'a>(&self, wizard: &'a Wizard) -> Option<(u32, &'a Ask)> {
        let WizardState::Asking { asks } = &wizard.state else {
            return None;
        };
        let (_, place) = self.to;
        (0..)
            .zip(asks)
            .filter(|(at, _)| self.sent.is_none() || *at > place)
            .find(|(_, ask)| !ask.is_answered)
    }

    /// Whether nothing of an answer is there.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.secret == 0
    }
}

/// What the portal showed at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub confirmation: Confirmation,
    /// What came of it, where it has just been done.
    pub is_registered: Option<bool>,
    pub scroll: u16,
    /// The name of the file to save it to, while that is typed.
    pub file: Option<String>,
}

impl App {
    /// What the daemon tells of the wizard that the dialog is about.
    pub fn wizard(&self, dialog: &WizardDialog) -> Option<&Wizard> {
        let (_, card) = self.card_in_visit(&dialog.card, dialog.visit)?;
        let wizard = card.wizard.as_ref()?;
        (wizard.portal == dialog.portal).then_some(wizard)
    }

    /// The wizard of the card that is chosen, if it is at this portal.
    pub fn wizard_at(&self, portal: &str) -> Option<&Wizard> {
        let wizard = self.card()?.wizard.as_ref()?;
        (wizard.portal == portal).then_some(wizard)
    }

    /// Where registering by hand begins: at the portal that is picked, else at
    /// those where the card is not registered, what needs it first; at the one
    /// under the cursor if there is none.
    pub fn portals_by_hand(&self) -> Vec<String> {
        let registrations = self.registrations();
        let is_moved_to = |portal: &String| registrations.iter().any(|one| one.portal == *portal);
        let is_picked =
            self.opened().is_some() || self.registration.as_ref().is_some_and(is_moved_to);
        if is_picked {
            return self.picked_portal().into_iter().collect();
        }
        let mut waiting: Vec<&Registration> = registrations
            .iter()
            .filter(|one| one.status != RegistrationStatus::SigningIn)
            .filter(|one| phrase::tone(&one.status) != Tone::Good)
            .collect();
        if waiting.is_empty() {
            return self.picked_portal().into_iter().collect();
        }
        waiting.sort_by_key(|one| one.status != RegistrationStatus::NeedsWizard);
        waiting.iter().map(|one| one.portal.clone()).collect()
    }

    /// Whether a second changes what is drawn.
    pub(super) fn counts_seconds(&self) -> bool {
        if self.link != Link::Connected {
            return false;
        }
        let Screen::Wizard(dialog) = &self.screen else {
            return self.is_signing_in();
        };
        let wizard = self.wizard(dialog);
        wizard.is_some_and(|wizard| {
            wizard.state == WizardState::Working
                && self.now.since(wizard.since).as_secs() < IN_SECONDS
        })
    }

    /// For so short a time that it is told in seconds.
    fn is_signing_in(&self) -> bool {
        self.registrations().iter().any(|one| {
            one.status == RegistrationStatus::SigningIn
                && self.now.since(one.since).as_secs() < IN_SECONDS
        })
    }
}

/// It waits for a person.
pub(super) fn waits(wizard: &Wizard) -> bool {
    match wizard.state {
        WizardState::Asking { .. } | WizardState::Telling | WizardState::Stopped { .. } => true,
        WizardState::Working | WizardState::Done { .. } => false,
    }
}
