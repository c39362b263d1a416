//! Why `cacctl` could not do something, and what a person can do about it.

mod advice;
mod daemon;
mod like;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use cac_common::bundle::archive::ArchiveFault;
use cac_common::certificate::Slot;
use cac_common::client::ClientError;
use cac_common::error_chain::Chain;
use cac_common::identity::CardId;
use cac_common::reader::ServiceStatus;
use cac_common::snapshot::{Card, Hidden, Visit};
use cac_common::toml_file::FileError;

use self::daemon::{advice_for, exit_of};
pub(crate) use self::like::there_are;
use crate::ascii;
use crate::holders::{Suspect, held_by};
use crate::patience::Awaited;
use crate::phrase;
use crate::setup::SetupFault;
use crate::theme::ThemeError;

/// How `cacctl` ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    Fine = 0,
    Failed = 1,
    Usage = 2,
    Unreachable = 3,
    NeedsPerson = 4,
    Refused = 5,
}

impl Exit {
    pub const ALL: [Self; 6] = [
        Self::Fine,
        Self::Failed,
        Self::Usage,
        Self::Unreachable,
        Self::NeedsPerson,
        Self::Refused,
    ];

    pub fn meaning(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Failed => "failed, or not within --timeout",
            Self::Usage => "the command line is wrong, or names what is not there",
            Self::Unreachable => "the daemon cannot be reached",
            Self::NeedsPerson => {
                "something needs a person: a PIN, registering by hand, the help desk"
            }
            Self::Refused => "refused",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("nothing can be written to standard output")]
    Output(#[source] io::Error),
    #[error("terminal cannot be used")]
    Terminal(#[source] io::Error),
    #[error(transparent)]
    Theme(#[from] ThemeError),
    #[error("the dashboard needs a terminal")]
    NoTerminal,
    #[error(
        "--card and --portal stand after the subcommand; before it they say where the dashboard opens"
    )]
    PlaceElsewhere,
    #[error("--plain stands for the dashboard alone, and with no subcommand")]
    PlainElsewhere,
    #[error("settings cannot be used")]
    Settings(#[source] FileError),
    #[error("runtime cannot be started")]
    Runtime(#[source] io::Error),
    #[error("{} cannot be written", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} cannot be read", path.display())]
    NotReadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{}: {fault}", path.display())]
    NotABundle { path: PathBuf, fault: ArchiveFault },
    #[error("{} is not what was named: its SHA-256 is {sha256}{}", path.display(), not_named(roots))]
    OtherDigest {
        path: PathBuf,
        sha256: String,
        /// Of its roots, those that were not named.
        roots: Vec<String>,
    },
    #[error("its roots would be trusted, and nobody has compared them")]
    RootsNotCompared,
    #[error("nobody said that its roots are the right ones; nothing was written")]
    RootsNotConfirmed,
    #[error("{} is there already, and was not imported", path.display())]
    NotImported { path: PathBuf },
    #[error("{} was imported before, from another file", path.display())]
    WouldReplace { path: PathBuf },
    #[error("only its owner may write to {}", path.display())]
    NotYourFolder { path: PathBuf },
    #[error("no card is in a reader")]
    NoCard,
    #[error("the service does not show you the card in {reader}")]
    CardHidden { reader: String, why: Option<Hidden> },
    #[error("the smart card service cannot be used")]
    NoService(ServiceStatus),
    #[error("no reader is plugged in")]
    NoReader,
    #[error("no reader has the name {name:?}{}", there_are("reader", name, there))]
    NoSuchReader { name: String, there: Vec<String> },
    #[error("several readers could be meant: {}", names.join(", "))]
    SeveralReaders { names: Vec<String> },
    #[error("no card is in {reader}")]
    ReaderEmpty { reader: String },
    #[error("the card in {reader} does not answer")]
    NoAnswer { reader: String },
    #[error("the card holds no certificate")]
    NoCertificate,
    #[error("the card holds no certificate at {0}")]
    NoSuchCertificate(Slot),
    #[error("what came as the certificate at {0} is none")]
    NotPem(Slot),
    #[error("{} is there already", path.display())]
    FileExists { path: PathBuf },
    #[error("card {id} is not in a reader{}", there_are("card", &id.0, there))]
    OtherCard { id: CardId, there: Vec<String> },
    #[error("several cards are in readers: {}", names.join(", "))]
    SeveralCards { names: Vec<String> },
    #[error("card cannot be read: {cause}")]
    CardUnreadable { cause: String },
    #[error("card cannot be read: {}", held_by(suspects))]
    CardHeld { suspects: Vec<Suspect> },
    #[error("card was taken out")]
    CardGone,
    #[error("no portal has the name {name:?}{}", there_are("portal", name, there))]
    NoSuchPortal { name: String, there: Vec<String> },
    #[error("no check has the name {name:?}{}", there_are("check", name, there))]
    NoSuchCheck { name: String, there: Vec<String> },
    #[error("no portal is enabled")]
    NoPortal,
    #[error("several portals could be meant: {}", names.join(", "))]
    SeveralPortals { names: Vec<String> },
    #[error("no portal waits for registering by hand{}", known(names))]
    NoneNeedsWizard { names: Vec<String> },
    #[error("registering by hand asks questions, and there is no terminal")]
    NobodyToAsk,
    #[error("the card is being registered by hand at {portal}")]
    OtherWizard { portal: String },
    #[error(
        "registering by hand has ended: it was stopped elsewhere, had waited for too long, the session was locked or left, the machine slept, or the portal's profile has changed"
    )]
    WizardEnded,
    #[error("no confirmation is kept")]
    NoConfirmation,
    #[error("there is no lp on this machine")]
    NoLp(#[source] io::Error),
    #[error("lp does not print it: {said}")]
    NotPrinted { said: String },
    #[error("which way is open is not clear yet, so there is nothing to write")]
    NotClear,
    #[error("no sponsor is needed, so there is nothing to write")]
    NoSponsorNeeded,
    #[error("the PIN is blocked")]
    PinBlocked,
    /// Who says yes to it means this card, as long as it is not taken out.
    #[error("one try is left, or the card does not say how many")]
    LastTry { card: Option<CardId>, visit: Visit },
    #[error("{0}; the card has not been asked")]
    NotAPin(NotAPin),
    #[error("the new PIN was typed in two ways; the card has not been asked")]
    NewPinsDiffer,
    #[error("it is not known whether the PIN was changed")]
    PinChangeUnheard(#[source] ClientError),
    #[error("interrupted; it is not known whether the PIN was changed")]
    PinChangeLeft,
    #[error("no PIN was typed; the card has not been asked")]
    NoPin,
    #[error("the prompt was cancelled; the card has not been asked")]
    PinCancelled,
    #[error("nobody typed the PIN within {seconds} s; the card has not been asked")]
    PinTooLate { seconds: u64 },
    #[error("nobody gave the PIN ({reason}); the card has not been asked")]
    PinNotGiven { reason: String },
    #[error("{program} cannot be started")]
    NoPrompter {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("{program} cannot ask for the PIN: {reason}")]
    PrompterFailed { program: String, reason: String },
    #[error(
        "this systemd-ask-password asks no agents but the system's, and those answer root alone"
    )]
    NoUserAgents,
    #[error("no memory can be locked for the PIN")]
    NoLockedMemory(#[source] io::Error),
    #[error("PIN cannot be read")]
    PinUnreadable(#[source] io::Error),
    #[error("interrupted")]
    Interrupted,
    #[error("nothing has changed for {seconds} s")]
    NoNews { seconds: u64 },
    #[error("{}", too_long(awaited, *seconds))]
    TookTooLong { awaited: Awaited, seconds: u64 },
    #[error("the dashboard and the agent go on until they are ended")]
    Endless,
    #[error("it does not become so by itself: {what}")]
    NeedsPerson { what: String },
    #[error("nobody said yes")]
    NotConfirmed,
    #[error("the notice was not accepted")]
    NoticeNotAccepted,
    #[error("a backup does not go to a terminal, nor to standard output with --json")]
    BackupOutput,
    #[error("the backup was cut short, and removed")]
    BackupCutShort,
    #[error(transparent)]
    Setup(#[from] SetupFault),
    #[error("the day {0} cannot be told as a moment")]
    NoSuchDay(jiff::civil::Date),
}

/// Why what was typed cannot be a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAPin {
    #[error("a PIN has digits alone")]
    NotDigits,
    #[error("a PIN has no fewer than six digits")]
    TooShort,
    #[error("a PIN has no more than eight digits")]
    TooLong,
}

/// A failure as the dashboard shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub what: String,
    pub advice: Option<&'static str>,
}

impl Failure {
    pub fn exit(&self) -> Exit {
        match self {
            Self::Client(error) => exit_of(error),
            Self::Setup(fault) => fault.exit(),
            Self::TookTooLong { awaited, .. } => match awaited {
                Awaited::Daemon => Exit::Unreachable,
                Awaited::Pin | Awaited::Answer => Exit::NeedsPerson,
                Awaited::Card
                | Awaited::PinChange
                | Awaited::Printer
                | Awaited::Changes
                | Awaited::State(_) => Exit::Failed,
            },
            Self::Output(_)
            | Self::Terminal(_)
            | Self::Runtime(_)
            | Self::File { .. }
            | Self::NotReadable { .. }
            | Self::NotABundle { .. }
            | Self::NoService(_)
            | Self::NoCertificate
            | Self::NoSuchCertificate(_)
            | Self::NotPem(_)
            | Self::CardUnreadable { .. }
            | Self::CardHeld { .. }
            | Self::CardGone
            | Self::NoLockedMemory(_)
            | Self::PinUnreadable(_)
            | Self::PinChangeUnheard(_)
            | Self::PinChangeLeft
            | Self::NoPrompter { .. }
            | Self::PrompterFailed { .. }
            | Self::Interrupted
            | Self::WizardEnded
            | Self::NoConfirmation
            | Self::BackupCutShort
            | Self::NoLp(_)
            | Self::NotPrinted { .. }
            | Self::NoNews { .. } => Exit::Failed,
            Self::NoTerminal
            | Self::Theme(_)
            | Self::Endless
            | Self::BackupOutput
            | Self::PlaceElsewhere
            | Self::PlainElsewhere
            | Self::Settings(_)
            | Self::OtherCard { .. }
            | Self::SeveralCards { .. }
            | Self::NoSuchReader { .. }
            | Self::SeveralReaders { .. }
            | Self::NoSuchPortal { .. }
            | Self::NoSuchCheck { .. }
            | Self::SeveralPortals { .. }
            | Self::NoneNeedsWizard { .. }
            | Self::NoSuchDay(_) => Exit::Usage,
            Self::NoCard
            | Self::NeedsPerson { .. }
            | Self::NotClear
            | Self::NobodyToAsk
            | Self::NoReader
            | Self::ReaderEmpty { .. }
            | Self::NoAnswer { .. }
            | Self::NotAPin(_)
            | Self::NewPinsDiffer
            | Self::RootsNotCompared
            | Self::NoPin
            | Self::PinCancelled
            | Self::PinTooLate { .. }
            | Self::PinNotGiven { .. }
            | Self::CardHidden {
                why: Some(Hidden::PutInBefore),
                ..
            } => Exit::NeedsPerson,
            Self::CardHidden { .. }
            | Self::FileExists { .. }
            | Self::OtherDigest { .. }
            | Self::RootsNotConfirmed
            | Self::NotImported { .. }
            | Self::WouldReplace { .. }
            | Self::NotYourFolder { .. }
            | Self::NoPortal
            | Self::NoSponsorNeeded
            | Self::OtherWizard { .. }
            | Self::PinBlocked
            | Self::LastTry { .. }
            | Self::NoUserAgents
            | Self::NoticeNotAccepted
            | Self::NotConfirmed => Exit::Refused,
        }
    }

    pub(crate) fn last_try_of(card: &Card) -> Self {
        Self::LastTry {
            card: card.id.clone(),
            visit: card.visit,
        }
    }

    /// Whoever read our output has gone, which is no failure.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// One line with every cause.
    pub fn tell_briefly(&self, out: &mut impl Write) {
        // Where standard error is closed too, nobody is left to be told.
        let told = Chain(self).to_string();
        let told = if ascii::is_wanted() {
            ascii::text(&told)
        } else {
            told
        };
        let _ = writeln!(out, "cacctl: {told}");
    }

    /// One line with every cause, and one with what to do next.
    pub fn tell(&self, out: &mut impl Write) {
        self.tell_briefly(out);
        if let Some(advice) = self.advice() {
            let _ = writeln!(out, "{advice}");
        }
    }
}

impl From<&Failure> for Trouble {
    fn from(failure: &Failure) -> Self {
        Self {
            what: phrase::capitalised(&Chain(failure).to_string()),
            advice: failure.advice(),
        }
    }
}

impl From<&ClientError> for Trouble {
    fn from(error: &ClientError) -> Self {
        Self {
            what: phrase::capitalised(&Chain(error).to_string()),
            advice: Some(advice_for(error)),
        }
    }
}

/// For whoever may not see every card, or clear.
pub(crate) const JOIN_THE_GROUP: &str = "Ask your administrator to add you to the group that may (cacd-admin, unless another is configured; then log in again), or run it with sudo.";
/// For whoever is at no seat where a card could be shown to them.
pub(crate) const LOG_IN_THERE: &str = "Log in at the machine itself, or ask your administrator to add you to the group that may (cacd-admin, unless another is configured; then log in again), or run it with sudo.";
/// For whoever is in front of a card that another put in.
pub(crate) const PUT_IT_IN_AGAIN: &str =
    "It was put in before you came to the seat: take it out and put it in again.";
const ID_CARD_OFFICE: &str =
    "An ID card office (RAPIDS) can reset the PIN; bring the card and another photo ID.";

fn too_long(awaited: &Awaited, seconds: u64) -> String {
    let late = format!("within {seconds} s");
    match awaited {
        Awaited::Daemon => format!("the daemon has not answered {late}"),
        Awaited::Card => format!("the card and its portals were not done {late}"),
        Awaited::PinChange => {
            format!("the card has not answered {late}; it is not known whether the PIN was changed")
        }
        Awaited::Pin => format!("nobody typed the PIN {late}; the card has not been asked"),
        Awaited::Answer => format!("nobody has answered {late}"),
        Awaited::Printer => format!("lp has not taken it {late}"),
        Awaited::Changes => format!("nothing more was told {late}"),
        Awaited::State(instead) => format!("it has not become so {late}: {instead}"),
    }
}

fn not_named(roots: &[String]) -> String {
    if roots.is_empty() {
        return String::new();
    }
    format!(
        ", and these roots of it were not named: {}",
        roots.join(", ")
    )
}

/// The names, where there are any, for the end of a message.
fn known(names: &[String]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!(" ({})", names.join(", "))
    }
}

#[cfg(test)]
mod tests;
