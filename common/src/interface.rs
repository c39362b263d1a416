//! What can be asked over the socket: the requests, replies and errors of
//! `org.cacd1`, described for everyone in `org.cacd1.varlink`.

mod portal;
mod refusal;
mod wizard;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::activity::Apdu;
use crate::certificate::Slot;
use crate::finding::Finding;
use crate::identity::CardId;
use crate::reader::ReaderName;
use crate::snapshot::{HistoryEntry, HistoryKind, Snapshot, Visit};
use crate::time::UtcSeconds;
pub use portal::{
    GetPortal, PortalDetails, PortalReply, RuleDetails, StepDetails, TestPortal, TestReply,
};
pub use refusal::Refusal;
pub use wizard::{AnswerWizard, ConfirmationReply, GetConfirmation, MoveWizard, StartWizard};

/// The interface in varlink's own language, as it is served.
pub const DESCRIPTION: &str = include_str!("org.cacd1.varlink");

/// Varlink's own interface, which every service speaks.
pub const SERVICE_DESCRIPTION: &str = include_str!("org.varlink.service.varlink");

/// The most a request may be long, in bytes.
pub const LONGEST_REQUEST: usize = 64 * 1024;

/// The most a reply may be long, in bytes.
pub const LONGEST_REPLY: usize = 16 * 1024 * 1024;

/// The most entries of the history that one reply holds.
pub const LONGEST_HISTORY_PAGE: u32 = 1000;

/// A call, as it stands in the message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    pub method: String,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub parameters: Value,
    #[serde(default, skip_serializing_if = "is_false")]
    pub more: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub oneway: bool,
}

/// An answer, as it stands in the message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default)]
    pub parameters: Value,
    #[serde(default, skip_serializing_if = "is_false")]
    pub continues: bool,
}

pub mod method {
    //! Names of the methods.

    pub const GET_SNAPSHOT: &str = "org.cacd1.GetSnapshot";
    pub const MONITOR: &str = "org.cacd1.Monitor";
    pub const MONITOR_ACTIVITY: &str = "org.cacd1.MonitorActivity";
    pub const SUBMIT_PIN: &str = "org.cacd1.SubmitPin";
    pub const LOGIN: &str = "org.cacd1.Login";
    pub const READ_PRINTED: &str = "org.cacd1.ReadPrinted";
    pub const CHANGE_PIN: &str = "org.cacd1.ChangePin";
    pub const REGISTER: &str = "org.cacd1.Register";
    pub const GET_HISTORY: &str = "org.cacd1.GetHistory";
    pub const CLEAR: &str = "org.cacd1.Clear";
    pub const BACKUP: &str = "org.cacd1.Backup";
    pub const GET_CERTIFICATES: &str = "org.cacd1.GetCertificates";
    pub const ACCEPT_NOTICE: &str = "org.cacd1.AcceptNotice";
    pub const GET_PORTAL: &str = "org.cacd1.GetPortal";
    pub const TEST_PORTAL: &str = "org.cacd1.TestPortal";
    pub const START_WIZARD: &str = "org.cacd1.StartWizard";
    pub const ANSWER_WIZARD: &str = "org.cacd1.AnswerWizard";
    pub const MOVE_WIZARD: &str = "org.cacd1.MoveWizard";
    pub const GET_CONFIRMATION: &str = "org.cacd1.GetConfirmation";
    pub const GET_INFO: &str = "org.varlink.service.GetInfo";
    pub const GET_INTERFACE_DESCRIPTION: &str = "org.varlink.service.GetInterfaceDescription";
}

/// The reply to `GetSnapshot`, and each reply to `Monitor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotReply {
    pub snapshot: Snapshot,
}

/// Each reply to `MonitorActivity`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityReply {
    /// In the order of their answers.
    pub apdus: Vec<Apdu>,
    /// Lines that were lost meanwhile, since they were not read in time.
    pub missed: u64,
}

/// What a PIN was typed for; it is in a pipe whose read end travels with the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubmitPin {
    /// The card it was typed for.
    pub card: CardId,
    /// The visit it was typed in.
    pub visit: Visit,
    /// Spend the last try too, or one of a count that is not known.
    #[serde(default)]
    pub even_the_last_try: bool,
}

/// Who has logged in to the machine with a card; its PIN travels as for [`SubmitPin`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    pub user: String,
}

/// Printed Information, which a card shows to whoever gives its PIN; kept nowhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Printed {
    pub name: Option<String>,
    /// `CIVILIAN`, in words of the issuer's own.
    pub affiliation: Option<String>,
    /// `2030-12-31`.
    pub expires: Option<String>,
    /// The number that the agency gave the card.
    pub serial: Option<String>,
    pub issuer: Option<String>,
    /// Up to two lines.
    pub organisation: Vec<String>,
    /// What is wrong with it, or does not fit the rest of the card.
    pub findings: Vec<Finding>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrintedReply {
    /// Absent if the card has none.
    pub printed: Option<Printed>,
}

/// A person wants to be registered now, whatever was refused before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// One card, or every card in a reader.
    #[serde(default)]
    pub card: Option<CardId>,
    /// One portal, or every one.
    #[serde(default)]
    pub portal: Option<String>,
}

/// A person accepts the notice that a portal shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptNotice {
    pub card: CardId,
    pub visit: Visit,
    pub portal: String,
    /// Of the text that was read.
    pub sha256: String,
}

/// Which entries of the history are wanted: those to which all of it applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetHistory {
    /// Entries older than the one with this id; from the newest if absent.
    #[serde(default)]
    pub before: Option<i64>,
    /// At most [`LONGEST_HISTORY_PAGE`].
    pub limit: u32,
    /// Stands in the text of the entry. Letters may differ in case, in every
    /// script that has it; an accent that stands by itself is another text than
    /// one that is part of its letter.
    #[serde(default)]
    pub text: Option<String>,
    #[serde(default)]
    pub kind: Option<HistoryKind>,
    #[serde(default)]
    pub portal: Option<String>,
    #[serde(default)]
    pub card: Option<CardId>,
    /// Not before this moment.
    #[serde(default)]
    pub since: Option<UtcSeconds>,
    /// Before this moment.
    #[serde(default)]
    pub until: Option<UtcSeconds>,
}

impl GetHistory {
    /// The newest entries, whatever they are.
    pub const fn newest(limit: u32) -> Self {
        Self {
            before: None,
            limit,
            text: None,
            kind: None,
            portal: None,
            card: None,
            since: None,
            until: None,
        }
    }
}

/// Newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryReply {
    pub entries: Vec<HistoryEntry>,
    /// Where to go on: `before` of the next request, also where nothing was
    /// found, since a reply looks at no more than so many entries. Absent at
    /// the end.
    #[serde(default)]
    pub next_before: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clear {
    pub scope: ClearScope,
    /// Only count what would be lost.
    #[serde(default)]
    pub dry_run: bool,
}

/// What is to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClearScope {
    /// Every card, persona, registration and history entry.
    All {},
    /// One card: its certificates, the registrations made with it and the
    /// history that names it; its persona too if that has no other card.
    Card { card: CardId },
    /// One portal: every registration there, and the history that names it.
    Portal { portal: String },
    /// The history, or what is older than a moment.
    History { before: Option<UtcSeconds> },
    /// What is in memory only: registering by hand where it goes on, with the
    /// session at the portal and what was typed. Sign-ins leave no session.
    Sessions {},
    /// Copies in the state folder: corrupt databases that were kept aside, and
    /// backups that were put there. They go with everything, too.
    Copies {},
}

/// How much was lost, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    pub cards: u64,
    pub certificates: u64,
    pub personas: u64,
    pub registrations: u64,
    pub history: u64,
    /// Notices of portals that people have accepted.
    #[serde(default)]
    pub consents: u64,
    /// Confirmations of portals, of cards that were registered by hand.
    #[serde(default)]
    pub confirmations: u64,
    /// Sessions with portals, of people who register by hand.
    #[serde(default)]
    pub sessions: u64,
    /// Names of files in the state folder.
    #[serde(default)]
    pub copies: Vec<String>,
    /// Deleted, but the bytes stay on disk for as long as another program
    /// reads the database: clear again then.
    #[serde(default)]
    pub traces_remain: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearReply {
    pub lost: Lost,
}

/// A copy of everything that is kept was written into the pipe that came with the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupReply {
    /// How much.
    pub bytes: u64,
}

/// The certificates of the card in one reader, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetCertificates {
    pub reader: ReaderName,
}

/// By their place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificatesReply {
    pub certificates: Vec<ExportedCertificate>,
}

/// A certificate as another program takes it. It names its holder, and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedCertificate {
    pub slot: Slot,
    /// SHA-256 of the certificate, hexadecimal.
    pub sha256: String,
    /// One CERTIFICATE block (RFC 7468 §5).
    pub pem: String,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}
