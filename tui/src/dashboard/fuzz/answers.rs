//! What the daemon may say to whatever it is asked.

use std::io;
use std::path::PathBuf;

use cac_common::activity::{Apdu, Purpose};
use cac_common::client::ClientError;
use cac_common::interface::{ActivityReply, HistoryReply, Lost, PortalDetails, Refusal};
use cac_common::reader::ReaderName;
use proptest::prelude::*;

use super::{scenes, trials};
use crate::app::{ActivityNews, Batch};
use crate::check::look::Looked;
use crate::check::{self, Outcome};
use crate::failure::Trouble;
use crate::invented;
use crate::update::{Action, Message};

/// How an answer came out. The numbers choose which of them it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Came {
    Fine(usize),
    Refused(usize),
    /// There is no daemon, or it says nothing that can be read.
    Lost(usize),
}

pub(super) fn came() -> impl Strategy<Value = Came> {
    prop_oneof![
        8 => any::<usize>().prop_map(Came::Fine),
        1 => any::<usize>().prop_map(Came::Refused),
        1 => any::<usize>().prop_map(Came::Lost),
    ]
}

impl Came {
    /// One of those that are fine, else why not.
    fn with<T, const N: usize>(self, fine: [T; N]) -> Result<T, Trouble> {
        let Self::Fine(which) = self else {
            return Err(trouble(self));
        };
        let mut fine = fine.into_iter();
        Ok(fine.nth(which % N).expect("it is one of them"))
    }
}

/// What comes of something that was asked for; `None` where it is not the daemon
/// that is asked.
pub(super) fn answered(action: &Action, came: Came) -> Option<Message> {
    let done = || came.with([()]);
    Some(match action {
        Action::Quit
        | Action::Redraw
        | Action::Suspend
        | Action::TakeMouse(_)
        | Action::FollowActivity(false) => return None,
        Action::FollowActivity(true) => Message::Activity(news(came)),
        Action::SubmitPin(_) => Message::PinTaken(done()),
        Action::Register(_) => Message::Asked(done()),
        Action::Accept(_) => Message::Accepted(done()),
        Action::BeginWizard { .. } => Message::Begun(done()),
        Action::Answer(_) | Action::AnswerWithSecret(_) | Action::MoveWizard(_) => {
            Message::Sent(done())
        }
        Action::LoadConfirmation(_) => {
            Message::Kept(came.with([Some(Box::new(invented::confirmation())), None]))
        }
        Action::LoadProfile(of) => Message::Profile {
            of: of.clone(),
            profile: came.with([invented::ako(), without_steps()]).map(Box::new),
        },
        Action::LookAround(round) => Message::Looked {
            round: *round,
            looked: looked(came),
        },
        Action::Save { file, .. } => Message::Saved(came.with([file.into()])),
        Action::Print(_) => Message::Printed(came.with(["request id is lp-1".into()])),
        Action::LoadHistory(wanted) => Message::Page {
            request: wanted.clone(),
            reply: came.with(pages(wanted.before.is_none())),
        },
        Action::Clear(wanted) => {
            let (scope, lost) = (wanted.scope.clone(), came.with([nothing_lost(), lost()]));
            if wanted.dry_run {
                Message::Counted { scope, lost }
            } else {
                Message::Cleared { scope, lost }
            }
        }
        Action::TestPortal { request, since } => Message::Tested {
            portal: request.portal.clone(),
            since: *since,
            reply: came
                .with([trials::registered(), trials::unrecognised(), trials::long()])
                .map(Box::new),
        },
    })
}

fn looked(came: Came) -> Looked {
    let (which, found) = match came {
        Came::Fine(which) => (which, Outcome::fine("it is so").found()),
        Came::Refused(which) => (
            which,
            Outcome::failed("{text}")
                .by("{text}", "true")
                .told(&[("text", &long_text())]),
        ),
        Came::Lost(which) => (
            which,
            Outcome::unknown("no answer")
                .found()
                .about("key", long_text()),
        ),
    };
    let mut checks = check::all().cycle();
    let check = checks.nth(which % 64).expect("there are some").name;
    let found = vec![found];
    Looked { check, found }
}

pub(super) fn trouble(came: Came) -> Trouble {
    let error = match came {
        Came::Refused(which) => ClientError::Refused(refusal(which)),
        Came::Fine(which) | Came::Lost(which) => failure(which),
    };
    Trouble::from(&error)
}

fn refusal(which: usize) -> Refusal {
    let all = [
        Refusal::PermissionDenied,
        Refusal::MethodNotFound {
            method: long_text(),
        },
        Refusal::InvalidParameter {
            parameter: "visit".into(),
        },
        Refusal::NoSuchCard,
        Refusal::NotRead,
        Refusal::NoSuchPortal,
        Refusal::NoPin,
        Refusal::MalformedPin,
        Refusal::NoLockedMemory,
        Refusal::LastTry,
        Refusal::PinBlocked,
        Refusal::WrongPin {
            tries_left: Some(2),
        },
        Refusal::CardFailed { cause: long_text() },
        Refusal::NoLogin,
        Refusal::NoContact,
        Refusal::PinForgotten,
        Refusal::MachineSleeps,
        Refusal::PinInUse,
        Refusal::NothingToDo,
        Refusal::NoSteps,
        Refusal::WizardRuns,
        Refusal::NotAsked,
        Refusal::NotYours,
        Refusal::MalformedPassword,
        Refusal::StoreFailed {
            reason: long_text(),
        },
        Refusal::Stopping,
    ];
    let at = which % all.len();
    all.into_iter().nth(at).expect("it is one of them")
}

fn failure(which: usize) -> ClientError {
    let all = [
        ClientError::Unreachable {
            path: PathBuf::from("/run/cacd/socket"),
            source: io::ErrorKind::ConnectionRefused.into(),
        },
        ClientError::Closed,
        ClientError::Silent,
        ClientError::UnknownError(long_text()),
    ];
    let at = which % all.len();
    all.into_iter().nth(at).expect("it is one of them")
}

/// Wide, combining, turning the direction, and with an escape sequence.
fn long_text() -> String {
    "\u{65e5}\u{672c}\u{8a9e} e\u{301} \u{202e}\u{1b}[2J ".repeat(40)
}

fn news(came: Came) -> ActivityNews {
    let mut batch = Batch::default();
    batch.add(ActivityReply {
        apdus: vec![Apdu {
            reader: ReaderName(long_text()),
            purpose: Purpose::Read,
            number: u32::MAX,
            instruction: long_text(),
            sent: None,
            received: 256,
            status: Some("9000".into()),
            milliseconds: u32::MAX,
        }],
        missed: u64::MAX,
    });
    came.with([ActivityNews::Listening, ActivityNews::Told(batch)])
        .unwrap_or_else(ActivityNews::Away)
}

fn without_steps() -> PortalDetails {
    let mut profile = invented::ako();
    profile.wizard.clear();
    profile
}

/// The last goes on, where it is the first that is asked for.
fn pages(is_first: bool) -> [HistoryReply; 3] {
    let page = |entries, next_before| HistoryReply {
        entries,
        next_before,
    };
    let of = |mut entries: Vec<_>| {
        entries.reverse();
        entries
    };
    [
        page(Vec::new(), None),
        page(of(scenes::extreme().happened), None),
        page(of(invented::desk().happened), is_first.then_some(1)),
    ]
}

fn nothing_lost() -> Lost {
    Lost {
        cards: 0,
        certificates: 0,
        personas: 0,
        registrations: 0,
        history: 0,
        consents: 0,
        confirmations: 0,
        sessions: 0,
        copies: Vec::new(),
        traces_remain: false,
    }
}

fn lost() -> Lost {
    Lost {
        cards: 2,
        certificates: 8,
        personas: 2,
        registrations: 4,
        history: u64::MAX,
        consents: 3,
        confirmations: 1,
        sessions: 1,
        copies: Vec::new(),
        traces_remain: true,
    }
}
