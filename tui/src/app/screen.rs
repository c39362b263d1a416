//! What has the keyboard, and what the keys mean there.

use cac_common::certificate::Slot;
use cac_common::eligibility::Question;
use cac_common::identity::CardId;
use cac_common::interface::{AcceptNotice, ClearScope, Lost};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{HistoryEntry, Visit};
use cac_common::wizard::{AskKind, WizardState};

use super::{
    App, ChecklistScreen, EligibilityDialog, EligibilityStep, HelpPage, HistoryList, Palette,
    PortalTestDialog, TestStep, Typed, WizardDialog, WizardStep,
};
use crate::keys::Mode;

/// One thing has the keyboard. An enum, so that two dialogs cannot be open at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    Panes,
    Details {
        of: Subject,
        scroll: u16,
    },
    PinPrompt(PinPrompt),
    Wizard(WizardDialog),
    Eligibility(EligibilityDialog),
    Clear(ClearStep),
    History(HistoryList),
    Help(HelpPage),
    Palette(Palette),
    /// What ends when.
    Outlook {
        cursor: usize,
    },
    PortalTest(PortalTestDialog),
    Checklist(ChecklistScreen),
}

/// What the details are of, within what is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Reader,
    Card,
    Certificate(Slot),
    Registration(String),
    Entry(HistoryEntry),
    Problems,
}

/// A PIN being typed for one card in one visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinPrompt {
    pub card: CardId,
    pub visit: Visit,
    pub to: PinUse,
    /// How many digits were typed.
    pub digits: usize,
    pub step: PinStep,
    /// Why the last key did nothing.
    pub problem: Option<&'static str>,
}

/// What a PIN is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinUse {
    /// Wherever the card is to be registered.
    Register,
    /// A sign-in that is tried there.
    Test { portal: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinStep {
    Typing,
    /// The digits are there, but it may be the last try: wants `yes`.
    Insisting {
        typed: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClearStep {
    Choosing { cursor: usize },
    Counting { scope: ClearScope },
    Preview { scope: ClearScope, lost: Lost },
    Clearing { scope: ClearScope },
}

impl App {
    /// What the keys mean now.
    pub fn mode(&self) -> Mode {
        match &self.screen {
            Screen::Panes if self.types_filter() => Mode::Filter,
            Screen::Panes => Mode::Panes,
            Screen::Details { .. } if self.notice().is_some() => Mode::Notice,
            Screen::Details { .. } => Mode::Details,
            Screen::Help(_) => Mode::Help,
            Screen::Palette(_) => Mode::Palette,
            Screen::PinPrompt(PinPrompt {
                step: PinStep::Typing,
                ..
            }) => Mode::Pin,
            Screen::PinPrompt(PinPrompt {
                step: PinStep::Insisting { .. },
                ..
            }) => Mode::Insist,
            Screen::Wizard(dialog) => self.wizard_mode(dialog),
            Screen::Eligibility(dialog) => eligibility_mode(dialog),
            Screen::Clear(ClearStep::Preview { .. }) => Mode::Confirm,
            Screen::Clear(_) => Mode::Choose,
            Screen::History(list) if list.types_search() => Mode::Filter,
            Screen::History(_) => Mode::History,
            Screen::Outlook { .. } => Mode::Outlook,
            Screen::PortalTest(dialog) => test_mode(dialog),
            Screen::Checklist(list) if list.opened.is_some() => Mode::CheckShown,
            Screen::Checklist(_) => Mode::Checklist,
        }
    }

    /// The portal whose details are open.
    pub fn opened(&self) -> Option<String> {
        if let Screen::Details {
            of: Subject::Registration(portal),
            ..
        } = &self.screen
        {
            Some(portal.clone())
        } else {
            None
        }
    }

    /// The same, else the one picked in the list.
    pub fn picked_portal(&self) -> Option<String> {
        self.opened().or_else(|| {
            let registration = self.registrations().get(self.registration_row())?;
            Some(registration.portal.clone())
        })
    }

    /// The notice that is open, and whose: what accepting it says.
    pub fn notice(&self) -> Option<AcceptNotice> {
        let portal = self.opened()?;
        let card = self.card()?;
        let mut registrations = card.registrations.iter();
        let registration = registrations.find(|one| one.portal == portal)?;
        let RegistrationStatus::NeedsConsent { notice } = &registration.status else {
            return None;
        };
        Some(AcceptNotice {
            card: card.id.clone()?,
            visit: card.visit,
            portal,
            sha256: notice.sha256.clone(),
        })
    }

    fn wizard_mode(&self, dialog: &WizardDialog) -> Mode {
        match &dialog.step {
            WizardStep::Offering { .. } => Mode::Offer,
            WizardStep::Following(Typed {
                insists: Some(_), ..
            }) => Mode::Insist,
            WizardStep::Following(typed) => {
                let wizard = self.wizard(dialog);
                let ask = wizard.and_then(|wizard| typed.ask(wizard));
                let is_at_work = wizard.is_some_and(|it| it.state == WizardState::Working);
                match ask.filter(|_| !typed.entered) {
                    Some((_, ask)) => match ask.kind {
                        AskKind::Text => Mode::Text,
                        AskKind::Password => Mode::Password,
                        AskKind::Pin => Mode::WizardPin,
                    },
                    None if typed.sent.is_some() || is_at_work => Mode::TooSoon,
                    None => Mode::Wizard,
                }
            }
            WizardStep::Beginning => Mode::Wizard,
            WizardStep::Stopping => Mode::Stop,
            WizardStep::Ended { .. } => Mode::Ended,
            WizardStep::Shown(shown) if shown.file.is_some() => Mode::FileName,
            WizardStep::Shown(_) => Mode::Shown,
        }
    }

    /// How many characters of a PIN or password may be kept; none where none is typed.
    pub fn secret_length(&self) -> usize {
        if let Screen::PinPrompt(prompt) = &self.screen {
            prompt.digits
        } else if let Screen::Wizard(WizardDialog {
            step: WizardStep::Following(typed),
            ..
        }) = &self.screen
        {
            typed.secret
        } else {
            0
        }
    }
}

impl ClearStep {
    /// What is to be cleared was chosen, and can be chosen anew.
    pub fn was_chosen(&self) -> bool {
        matches!(self, Self::Counting { .. } | Self::Preview { .. })
    }
}

fn eligibility_mode(dialog: &EligibilityDialog) -> Mode {
    match &dialog.step {
        EligibilityStep::Choosing { .. } | EligibilityStep::Loading { .. } => Mode::Answer,
        EligibilityStep::Open(open) => match open.question() {
            Some(Question::YesOrNo(_)) => Mode::YesOrNo,
            Some(Question::Category(_) | Question::Component(_)) => Mode::Answer,
            None if open.file.is_some() => Mode::FileName,
            None => Mode::Verdict,
        },
    }
}

fn test_mode(dialog: &PortalTestDialog) -> Mode {
    match &dialog.step {
        TestStep::Offering => Mode::TestOffer,
        TestStep::Waiting { .. } => Mode::Testing,
        TestStep::Told(told) if told.file.is_some() => Mode::FileName,
        TestStep::Told(_) => Mode::Tested,
        TestStep::Failed(_) => Mode::TestFailed,
    }
}
