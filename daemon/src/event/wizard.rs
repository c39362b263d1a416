//! Registering by hand, leg by leg.

use std::sync::Arc;

use cac_common::identity::CardId;
use cac_common::interface::{AnswerWizard, GetConfirmation, MoveWizard, StartWizard};
use cac_common::locked::Locked;
use cac_common::profile::Profile;
use cac_common::reader::ReaderName;
use cac_common::snapshot::{PinStatus, Visit};
use cac_common::wizard::Confirmation;

use super::{HeldPin, RequestId};
use crate::card::error::CardError;
use crate::card::facts::{CardCertificate, Edge};
use crate::card::piv::Ways;
use crate::portal::wizard::{Begins, Turn};

/// One leg of registering by hand.
pub struct WizardOrder {
    pub visit: Visit,
    /// Which leg of that visit.
    pub number: u32,
    pub reader: ReaderName,
    pub card: CardId,
    pub portal: Arc<Profile>,
    pub certificate: CardCertificate,
    pub edge: Edge,
    pub ways: Ways,
    pub accepted: Vec<String>,
    /// The first of a run has no session yet.
    pub is_first: bool,
    pub at: usize,
    pub begins: Begins,
    /// For the legs in which the card signs.
    pub pin: Option<HeldPin>,
}

/// What happens while somebody registers by hand.
pub enum WizardEvent {
    Started {
        request: RequestId,
        uid: u32,
        what: StartWizard,
    },
    Answered {
        request: RequestId,
        uid: u32,
        what: AnswerWizard,
        /// What came through a pipe.
        secret: Option<(Locked, usize)>,
    },
    Moved {
        request: RequestId,
        uid: u32,
        what: MoveWizard,
    },
    ConfirmationAsked {
        request: RequestId,
        what: GetConfirmation,
    },
    ConfirmationRead {
        request: RequestId,
        result: Result<Option<Confirmation>, String>,
    },
    /// The leg has come to this step.
    At {
        visit: Visit,
        number: u32,
        at: usize,
    },
    /// The leg has ended, and the PIN is gone.
    Turned {
        visit: Visit,
        number: u32,
        result: WizardResult,
        /// What the card last said of its PIN, if it was asked.
        tries: Option<PinStatus>,
    },
}

impl WizardEvent {
    pub(super) fn brings_a_secret(&self) -> Option<RequestId> {
        if let Self::Answered {
            request,
            secret: Some(_),
            ..
        } = self
        {
            return Some(*request);
        }
        None
    }
}

/// What came of a leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WizardResult {
    Turn(Turn),
    /// The card did not sign.
    Card(CardError),
    /// The PIN's time was over before the card was asked.
    PinGone,
    /// We could not even begin.
    Failed {
        cause: String,
    },
}
