//! Registering by hand at a portal, step by step, as the socket and the screen
//! show it.

use serde::{Deserialize, Serialize};

use crate::cause::Cause;
use crate::time::UtcSeconds;

/// One run of the wizard with the card in a reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wizard {
    pub portal: String,
    /// What each step does, in their order.
    pub steps: Vec<String>,
    /// The step at hand, counted from 0; as many as there are once all is done.
    pub at: u32,
    /// Another number whenever something else is asked for.
    pub turn: u64,
    #[serde(flatten)]
    pub state: WizardState,
    /// Why the step is asked for again: a sentence or two.
    pub problem: Option<String>,
    /// How the portal locks accounts, once it has refused a password.
    pub caution: Option<String>,
    /// Since when it is in this state.
    pub since: UtcSeconds,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum WizardState {
    /// The portal is asked.
    Working,
    /// What a person has to type; the step is sent with the last of it.
    Asking { asks: Vec<Ask> },
    /// A person has to do the step elsewhere, and say so.
    Telling,
    /// It cannot go on from here by itself.
    Stopped { cause: Cause },
    /// All steps are done.
    Done {
        /// The portal's last word names this certificate as registered.
        is_registered: bool,
        /// The portal's last page was kept.
        has_confirmation: bool,
    },
}

/// One thing to type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    pub label: String,
    pub kind: AskKind,
    /// It was typed.
    pub is_answered: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskKind {
    Text,
    /// Through a pipe, sent at most once.
    Password,
    /// Through a pipe, to the card.
    Pin,
}

/// Where a person wants to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// On, after a step that was done elsewhere.
    On,
    /// At the step before that asks for something.
    Back,
    /// At this step once more.
    Again,
    /// Nowhere: what was typed is wiped, and the session with the portal is forgotten.
    Stop,
}

/// What a portal showed when the card was registered by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    pub portal: String,
    pub at: UtcSeconds,
    /// For people to read and to print.
    pub text: String,
    /// The page, as it came.
    pub html: String,
}

impl Wizard {
    /// What is to be typed next, and its place among what is asked for.
    pub fn next_ask(&self) -> Option<(u32, &Ask)> {
        let WizardState::Asking { asks } = &self.state else {
            return None;
        };
        (0..).zip(asks).find(|(_, ask)| !ask.is_answered)
    }
}
