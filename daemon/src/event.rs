//! What happens, and what is to be done about it: the words between the
//! supervisor, the state machine and the effects.

mod pin_change;
mod session;
mod wizard;

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use cac_common::config::Config;
use cac_common::identity::{CardId, Edipi};
use cac_common::interface::{
    AcceptNotice, Clear, ClearScope, GetConfirmation, Lost, Printed, Refusal, Register, TestReply,
};
use cac_common::pin::{AcceptedPin, Pin, PinFor};
use cac_common::profile::Profile;
use cac_common::reader::ReaderName;
use cac_common::registration::{Outcome, RegistrationStatus};
use cac_common::snapshot::{HistoryEntry, HistoryKind, KnownPersona, PinStatus, Visit};
use cac_common::time::UtcSeconds;
use cac_common::trace::Trace;
use cac_common::wizard::Confirmation;

use crate::card::error::CardError;
use crate::card::facts::{CardFacts, Edge};
use crate::card::logged_in::Target;
use crate::card::piv::Ways;
use crate::card::read::Progress;
use crate::card::rest::{Missing, Rest};
use crate::card::transport::Report;
use crate::journal::Facts;
use crate::judgement::Judgement;
use crate::store::{Acquaintance, Consent};

pub use pin_change::{PinChangeEvent, PinChangeOrder};
pub use session::{FoundSeat, Front, Peer, SessionEvent, SessionToEnd, SessionUser};
pub use wizard::{WizardEvent, WizardOrder, WizardResult};

/// The moment of a step. Waits are measured by `monotonic`, which no one can
/// set; `utc` is what is shown and written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    pub utc: UtcSeconds,
    /// Since the daemon started.
    pub monotonic: Duration,
    /// A number that is another one in every step.
    pub random: u64,
}

/// Names a request whose answer is still owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// A PIN that may be sent.
pub enum HeldPin {
    /// Typed, and not sent yet.
    Unsent(Pin),
    /// The card's last answer to it was 9000.
    Accepted(AcceptedPin),
}

impl HeldPin {
    pub fn typed_for(&self) -> &PinFor {
        match self {
            Self::Unsent(pin) => pin.typed_for(),
            Self::Accepted(pin) => pin.typed_for(),
        }
    }
}

/// Something that happened. Whatever answers an effect says for which visit.
pub enum Event {
    /// The readers as they are now.
    Readers(Report),
    Progress {
        visit: Visit,
        progress: Box<Progress>,
    },
    CardRead {
        visit: Visit,
        result: Box<Result<CardFacts, CardError>>,
    },
    /// What could wait was read too.
    RestRead {
        visit: Visit,
        result: Box<Result<Rest, CardError>>,
    },
    /// Who vouches for a card; again when more is known.
    Judged {
        visit: Visit,
        /// Which judging of that visit.
        number: u32,
        judgement: Box<Judgement>,
    },
    /// The database knows the card now.
    CardRemembered {
        visit: Visit,
        memory: Memory,
    },
    PinGiven {
        request: RequestId,
        pin: Pin,
    },
    /// A PIN was typed to see what is printed on a card.
    PrintedAsked {
        request: RequestId,
        pin: Pin,
    },
    /// What the card showed for that PIN, which is gone; nothing is said of a
    /// failure where the PIN's time was over before the card was asked.
    PrintedRead {
        visit: Visit,
        request: RequestId,
        result: Result<Option<Vec<u8>>, Option<CardError>>,
        /// What the card last said of its PIN, if it was asked.
        tries: Option<PinStatus>,
    },
    PinChange(PinChangeEvent),
    /// A PIN was typed to see how signing in at a portal goes.
    TestAsked {
        request: RequestId,
        portal: String,
        pin: Pin,
        /// The last page is wanted too.
        with_page: bool,
    },
    /// How it went; the PIN is gone.
    PortalTested {
        visit: Visit,
        request: RequestId,
        result: SignInResult,
        /// What the card last said of its PIN, if it was asked.
        tries: Option<PinStatus>,
        trace: Box<Trace>,
        /// The last page, if it was wanted.
        page: Option<String>,
    },
    /// A person has read a notice and accepts it.
    NoticeAccepted {
        request: RequestId,
        uid: u32,
        what: AcceptNotice,
    },
    /// A person wants what was refused tried again.
    Asked {
        request: RequestId,
        by: Peer,
        what: Register,
    },
    SignInEnded {
        visit: Visit,
        /// Which sign-in of that visit.
        number: u32,
        result: SignInResult,
        /// Given back if it was not sent, or accepted.
        pin: Option<HeldPin>,
        /// What the card last said of its PIN, if it was asked.
        tries: Option<PinStatus>,
    },
    /// A status was written down, or could not be.
    Recorded {
        visit: Visit,
        portal: String,
        status: RegistrationStatus,
        result: Result<(), String>,
    },
    Session(SessionEvent),
    SeatFound(FoundSeat),
    /// What logind made of a session whose card was taken out; why nothing, if so.
    SessionEnded(SessionToEnd, Result<(), String>),
    Known(Vec<KnownPersona>),
    Noted(HistoryEntry),
    ClearAsked {
        request: RequestId,
        uid: u32,
        what: Clear,
    },
    Cleared {
        request: RequestId,
        uid: u32,
        what: Clear,
        result: Result<Lost, String>,
    },
    /// A copy of everything that is kept is handed over.
    BackedUp {
        request: RequestId,
        uid: u32,
    },
    Configured {
        config: Box<Config>,
        portals: Vec<Arc<Profile>>,
        problems: Vec<String>,
    },
    /// Whether the database can be used.
    Store {
        problem: Option<String>,
    },
    /// Registering by hand.
    Wizard(Box<WizardEvent>),
    /// A moment that [`crate::state::State::next_deadline`] named has come.
    Tick,
}

impl Event {
    /// The request that brought something that a person has typed, and nobody
    /// else may see.
    pub(crate) fn brings_a_secret(&self) -> Option<RequestId> {
        if let Self::Wizard(event) = self {
            return event.brings_a_secret();
        }
        if let Self::PinGiven { request, .. }
        | Self::PrintedAsked { request, .. }
        | Self::PinChange(PinChangeEvent::Asked { request, .. })
        | Self::TestAsked { request, .. } = self
        {
            return Some(*request);
        }
        None
    }
}

/// What came of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInResult {
    /// The portal's word.
    Portal(Outcome),
    /// The card did not sign.
    Card(CardError),
    /// The PIN's time was over before the card was asked.
    PinGone,
    /// We could not even begin.
    Failed { cause: String },
}

/// What the database knew of a persona when its card was put in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    pub acquaintance: Acquaintance,
    pub registrations: Vec<Remembered>,
    /// Notices that were accepted.
    pub consents: Vec<Consent>,
}

/// A status that was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    pub portal: String,
    pub status: RegistrationStatus,
    pub proof: Proof,
    /// When it was written down.
    pub at: UtcSeconds,
}

/// What a portal's word was given to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proof {
    /// Of the certificate that signed in.
    pub certificate_sha256: String,
    /// Names the profile's contents.
    pub profile: String,
}

/// Something to be done. Each but `Answer`, `Note`, `KeepCard`, `KeepConsent`,
/// `KeepConfirmation`, `EndVisit`, `EndWizard`, `ForgetPin`, `LetSleep` and
/// `EndReader` ends in an event.
pub enum Effect {
    ReadCard {
        reader: ReaderName,
        visit: Visit,
    },
    ReadRest {
        reader: ReaderName,
        visit: Visit,
        missing: Missing,
    },
    /// Ask who vouches for a card.
    Judge {
        visit: Visit,
        /// An earlier one has no more use.
        number: u32,
        facts: Arc<CardFacts>,
    },
    /// Stop what still goes on for a visit, and wipe a PIN that it holds; its
    /// answers will not be heard.
    EndVisit(Visit),
    /// Wipe a PIN that a sign-in still holds: its time is over.
    ForgetPin(Visit),
    /// Close this once nothing is left that somebody typed: the machine may go
    /// to sleep.
    LetSleep(OwnedFd),
    /// Ask which seat a reader belongs to.
    FindSeat {
        reader: ReaderName,
        arrival: u64,
    },
    /// Have logind lock or end a session; nothing more is heard of one that has
    /// ended meanwhile.
    EndSession(SessionToEnd),
    /// Keep nothing for a reader that has left.
    EndReader(ReaderName),
    RememberCard {
        visit: Visit,
        card: Box<CardToRemember>,
    },
    /// The same for what was read later; nobody waits for it.
    KeepCard(Box<CardToRemember>),
    /// What a person has accepted; nobody waits for it.
    KeepConsent {
        card: Box<CardToRemember>,
        consent: Consent,
    },
    SignIn(Box<SignInOrder>),
    /// Go one leg of registering by hand; ends in [`WizardEvent::Turned`].
    Wizard(Box<WizardOrder>),
    /// Forget the session with the portal, and stop the leg that goes on.
    EndWizard(Visit),
    /// What a portal showed at the end; nobody waits for it.
    KeepConfirmation {
        card: Box<CardToRemember>,
        confirmation: Confirmation,
    },
    /// After what was to be kept before; ends in [`WizardEvent::ConfirmationRead`].
    ReadConfirmation {
        request: RequestId,
        what: GetConfirmation,
    },
    ReadPrinted(Box<PrintedOrder>),
    ChangePin(Box<PinChangeOrder>),
    /// Sign in, and tell how that went.
    TestPortal {
        request: RequestId,
        order: Box<SignInOrder>,
        with_page: bool,
    },
    Record {
        visit: Visit,
        card: Box<CardToRemember>,
        portal: String,
        proof: Proof,
        status: RegistrationStatus,
    },
    Note(NewNote),
    Answer {
        request: RequestId,
        answer: Result<Answer, Refusal>,
    },
    Clear {
        request: RequestId,
        uid: u32,
        what: Clear,
    },
    /// Read the list of personas anew.
    LoadKnown,
}

impl Effect {
    /// Whether it writes down what has happened.
    pub fn is_to_be_kept(&self) -> bool {
        matches!(
            self,
            Self::RememberCard { .. }
                | Self::KeepCard(_)
                | Self::KeepConsent { .. }
                | Self::KeepConfirmation { .. }
                | Self::Record { .. }
                | Self::Note(_)
        )
    }
}

/// What a request is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Done,
    Cleared(Lost),
    /// `None` if nothing is printed on the card.
    Printed(Option<Box<Printed>>),
    Tested(Box<TestReply>),
    Confirmation(Option<Box<Confirmation>>),
}

/// What the database keeps of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardToRemember {
    pub id: CardId,
    /// Hashed with a key before it is written.
    pub persona_key: String,
    pub name: String,
    pub dod_id: Option<Edipi>,
    pub expires: Option<String>,
    pub facts: Arc<CardFacts>,
    pub at: UtcSeconds,
    pub with_certificates: bool,
}

/// One sign-in: which card at which portal, with which PIN.
pub struct SignInOrder {
    pub visit: Visit,
    pub number: u32,
    pub reader: ReaderName,
    pub card: CardId,
    pub portal: Arc<Profile>,
    pub certificate: crate::card::facts::CardCertificate,
    pub edge: Edge,
    pub ways: Ways,
    /// Notices of this portal that were accepted, by the SHA-256 of their texts.
    pub accepted: Vec<String>,
    pub pin: HeldPin,
}

/// Printed Information: of which card, and with which PIN.
pub struct PrintedOrder {
    pub visit: Visit,
    pub reader: ReaderName,
    pub request: RequestId,
    pub target: Target,
    pub pin: HeldPin,
}

/// A line of the history, before it has a number and a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNote {
    pub at: UtcSeconds,
    pub kind: HistoryKind,
    pub reader: Option<ReaderName>,
    pub card: Option<CardId>,
    pub portal: Option<String>,
    pub text: String,
    /// What the log says instead, where the text names a person.
    pub log_text: Option<String>,
    /// What the log says besides.
    pub journal: Facts,
}

/// Whether clearing this forgets the persona behind `card`, or its registrations.
pub fn touches(scope: &ClearScope, card: &CardId) -> bool {
    match scope {
        ClearScope::All {} | ClearScope::Portal { .. } | ClearScope::Sessions {} => true,
        ClearScope::Card { card: cleared } => cleared == card,
        ClearScope::History { .. } | ClearScope::Copies {} => false,
    }
}
