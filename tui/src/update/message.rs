//! What comes in, and what is to be done then.

use std::path::PathBuf;

use cac_common::interface::{
    AcceptNotice, AnswerWizard, Clear, ClearScope, GetConfirmation, GetHistory, HistoryReply, Lost,
    MoveWizard, PortalDetails, Register, StartWizard, SubmitPin, TestPortal, TestReply,
};
use cac_common::snapshot::Snapshot;
use cac_common::time::UtcSeconds;
use cac_common::wizard::Confirmation;

use super::mouse::Mouse;
use crate::app::ActivityNews;
use crate::check::look::Looked;
use crate::failure::Trouble;
use crate::keys::Command;

/// What came in: from the keyboard, already looked up, or from the daemon.
#[derive(Debug)]
pub enum Message {
    Snapshot(Box<Snapshot>),
    Away(Trouble),
    Command(Command),
    Stroke(Stroke),
    Mouse(Mouse),
    Resized(u16, u16),
    /// Something drawn changes with time alone.
    Tick,
    PinTaken(Result<(), Trouble>),
    Asked(Result<(), Trouble>),
    Accepted(Result<(), Trouble>),
    /// Whether the wizard has begun.
    Begun(Result<(), Trouble>),
    /// Whether the wizard took an answer or a move.
    Sent(Result<(), Trouble>),
    /// What was kept of the last time somebody registered by hand.
    Kept(Result<Option<Box<Confirmation>>, Trouble>),
    /// Of the portal with this name.
    Profile {
        of: String,
        profile: Result<Box<PortalDetails>, Trouble>,
    },
    /// What came of looking around for that time.
    Looked {
        round: u64,
        looked: Looked,
    },
    /// Where to.
    Saved(Result<PathBuf, Trouble>),
    /// With what the printer service says.
    Printed(Result<String, Trouble>),
    /// What goes between readers and cards.
    Activity(ActivityNews),
    Page {
        request: GetHistory,
        reply: Result<HistoryReply, Trouble>,
    },
    Counted {
        scope: ClearScope,
        lost: Result<Lost, Trouble>,
    },
    Cleared {
        scope: ClearScope,
        lost: Result<Lost, Trouble>,
    },
    /// How a sign-in went that was tried.
    Tested {
        portal: String,
        since: UtcSeconds,
        reply: Result<Box<TestReply>, Trouble>,
    },
}

/// Something was typed that is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    /// So many characters of a PIN or password stand in locked memory now.
    Secret(usize),
    /// Something was typed that cannot stand in a PIN.
    NotADigit,
    /// No page could be locked for it, and nothing was taken.
    NoLockedMemory,
    /// It is as long as it may be, and this was not taken.
    NoRoom,
    /// A character came that nothing asks for yet; it was not taken.
    TooSoon,
    /// A character of what may be seen.
    Letter(char),
    EraseLetter,
    EraseLetters,
}

/// What the loop is to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    Quit,
    Redraw,
    Suspend,
    /// Takes the mouse, or leaves it to the terminal.
    TakeMouse(bool),
    /// Follows what goes between readers and cards, or ends that.
    FollowActivity(bool),
    /// With the digits that were typed.
    SubmitPin(SubmitPin),
    Register(Register),
    Accept(AcceptNotice),
    BeginWizard {
        /// Ends another that is done.
        first: Option<MoveWizard>,
        request: StartWizard,
    },
    Answer(AnswerWizard),
    /// With the password or PIN that was typed.
    AnswerWithSecret(AnswerWizard),
    MoveWizard(MoveWizard),
    LoadConfirmation(GetConfirmation),
    /// Of the portal with this name.
    LoadProfile(String),
    /// On this machine, for the checklist; so often it was done.
    LookAround(u64),
    Save {
        /// As it was typed.
        file: String,
        contents: String,
    },
    Print(String),
    LoadHistory(GetHistory),
    Clear(Clear),
    /// With the digits that were typed.
    TestPortal {
        request: TestPortal,
        since: UtcSeconds,
    },
}
