//! Registering by hand, from the first step to the confirmation.

use serde::{Deserialize, Serialize};

use crate::identity::CardId;
use crate::snapshot::Visit;
use crate::wizard::{Confirmation, Move};

/// A person wants to register by hand. One wizard at a time for a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartWizard {
    pub card: CardId,
    pub visit: Visit,
    pub portal: String,
}

/// One answer to what the wizard asks for. A password and a PIN travel as with
/// [`super::SubmitPin`], and `value` is absent then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerWizard {
    pub card: CardId,
    pub visit: Visit,
    /// What was on the screen: [`crate::wizard::Wizard::turn`].
    pub turn: u64,
    /// Its place among what is asked for, from 0.
    pub ask: u32,
    #[serde(default)]
    pub value: Option<String>,
    /// As with [`super::SubmitPin`].
    #[serde(default)]
    pub even_the_last_try: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoveWizard {
    pub card: CardId,
    pub visit: Visit,
    pub turn: u64,
    pub to: Move,
}

/// What the portal showed at the end, of the card's holder; whether or not the
/// card is in a reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetConfirmation {
    pub card: CardId,
    pub portal: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmationReply {
    /// Absent if none was kept.
    pub confirmation: Option<Confirmation>,
}
