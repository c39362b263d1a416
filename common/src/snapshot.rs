//! Everything at one moment, as the socket and the screen show it.

mod shown;

use serde::{Deserialize, Serialize};

use crate::certificate::{CertificateSummary, LoginChoice};
use crate::eligibility::{Route, Standing};
use crate::finding::Finding;
use crate::identity::{CardId, Edipi, HolderName, PersonaId};
use crate::reader::{ReaderName, ReaderStatus, ServiceStatus};
use crate::registration::{RegistrationStatus, TriesLeft};
use crate::time::UtcSeconds;
use crate::wizard::Wizard;

pub use shown::Shown;

/// Counts the times a card was put in, so that an answer meant for one that
/// was taken out since is not taken for the card now in the reader.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Visit(pub u64);

/// The whole state. A later one of the same daemon has a larger `revision`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub revision: u64,
    pub daemon: Daemon,
    /// Whether pcscd can be used.
    pub service: ServiceStatus,
    /// In the order of their names.
    pub readers: Vec<Reader>,
    /// Every persona the database knows, cards not in a reader included.
    pub known: Vec<KnownPersona>,
    pub portals: Vec<Portal>,
    /// What is wrong with the configuration or a profile, each with its line.
    pub problems: Vec<String>,
    /// The latest entries of the history, oldest first.
    pub happened: Vec<HistoryEntry>,
    /// Whether the one who asked may see cards and act: those in readers at the
    /// seat that they are in front of. If not, nothing of a person stands in here.
    pub may_act: bool,
    /// Whether they see every reader, whatever its seat, and may clear.
    #[serde(default)]
    pub may_administer: bool,
}

/// The daemon itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Daemon {
    pub version: String,
    pub host: String,
    pub started_at: UtcSeconds,
    /// Why the database cannot be used, if it cannot.
    pub store_problem: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reader {
    pub name: ReaderName,
    pub status: ReaderStatus,
    /// The seat that it belongs to, as logind calls it, once that is known.
    #[serde(default)]
    pub seat: Option<String>,
    /// The card in it. Absent for those who may not see it.
    pub card: Option<Card>,
    /// Why the card in it is not shown to the one who asked.
    #[serde(default)]
    pub hidden: Option<Hidden>,
}

/// Why a card is not shown to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hidden {
    /// They are not in front of the seat that its reader belongs to.
    OtherSeat,
    /// It was put in before they came to the seat.
    PutInBefore,
}

/// A card in a reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    pub visit: Visit,
    pub stage: Stage,
    /// Known as soon as the CHUID is read.
    pub id: Option<CardId>,
    /// By the FASC-N, which is there before the name is.
    pub dod_id: Option<Edipi>,
    pub holder: Option<Holder>,
    /// `PIV`, or what it is instead.
    pub kind: String,
    /// The card's own expiry date, as `YYYY-MM-DD`.
    pub expires: Option<String>,
    pub pin: PinStatus,
    /// Which PIN that is; absent until it is read, and where the card has no PIV.
    #[serde(default)]
    pub pin_reference: Option<PinReference>,
    /// The PIN typed for it is still there: what is due is signed in to with it.
    #[serde(default)]
    pub pin_kept: bool,
    /// The user of this machine whom the configuration ties it to.
    #[serde(default)]
    pub user: Option<String>,
    /// Grows whenever its holder is wanted: a portal waits for the PIN of a card
    /// just read, or still does when its holder comes back.
    #[serde(default)]
    pub asked: u32,
    pub certificates: Vec<CertificateSummary>,
    pub login: Option<LoginChoice>,
    /// Seen before, by its card ID. Recognises, and authorises nothing.
    pub recognised: bool,
    /// One for each portal, in the order of `portals`.
    pub registrations: Vec<Registration>,
    /// Registering by hand, while somebody does or has just done so.
    #[serde(default)]
    pub wizard: Option<Wizard>,
    /// What is wrong with the card, or worth knowing of it.
    pub findings: Vec<Finding>,
    /// APDUs the read took.
    pub read_apdus: u32,
    pub inserted_at: UtcSeconds,
}

/// How far the read is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Stage {
    Reading {
        done: u32,
        of: u32,
        /// What is read now, as people call it: `CHUID`, `9A Authentication
        /// certificate`. Absent until the card has answered.
        #[serde(default)]
        what: Option<String>,
    },
    Read,
    /// Another program has the card for itself; it is read once that lets it go.
    Held,
    Failed {
        cause: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub name: HolderName,
    pub dod_id: Option<Edipi>,
    pub upn: Option<String>,
    /// `civilian · Navy`, as far as the card tells.
    pub category: Option<String>,
    /// The same for a program, each with how sure it is.
    pub standing: Standing,
}

/// Which PIN of a card is the holder's, by its key reference (SP 800-73pt1-5 table 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinReference {
    /// The PIN of the PIV application.
    #[default]
    Application,
    /// The PIN of the whole card.
    Global,
}

impl PinReference {
    /// As sent in VERIFY and CHANGE REFERENCE DATA.
    pub fn key_reference(self) -> u8 {
        match self {
            Self::Application => 0x80,
            Self::Global => 0x00,
        }
    }
}

/// What the card says of its PIN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PinStatus {
    /// Not asked yet.
    Unknown,
    /// Tries left, or none if the card does not say.
    Ready {
        tries_left: TriesLeft,
    },
    Blocked,
    /// Another program is logged in; the count cannot be read.
    OtherProgram,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    pub portal: String,
    #[serde(flatten)]
    pub status: RegistrationStatus,
    /// When a status of this kind began; one that the database had, when it
    /// was written down. Never later than the snapshot.
    // Some statuses have a field of that name among these.
    #[serde(rename = "status_since", default)]
    pub since: UtcSeconds,
    /// The way that the profile leaves to this holder, where it is not to
    /// register by themselves.
    pub route: Option<Route>,
}

impl Registration {
    /// What went wrong and what to do next, with what the profile says of it.
    pub fn advice(&self) -> Option<String> {
        let advice = self.status.advice()?;
        let is_of_the_route = matches!(
            self.status,
            RegistrationStatus::NotEligible | RegistrationStatus::NeedsSponsor
        );
        let told = is_of_the_route.then(|| self.way()).flatten();
        Some(told.unwrap_or(advice))
    }

    /// What the profile says to somebody who insists on trying for the first
    /// time, before a PIN is typed.
    pub fn caution(&self) -> Option<String> {
        let is_first = matches!(self.status, RegistrationStatus::NeedsPin { .. });
        is_first.then(|| self.way()).flatten()
    }

    fn way(&self) -> Option<String> {
        let route = self.route.as_ref()?;
        Some(format!("{} {}", route.way.sentence(), route.text))
    }
}

/// A persona that the database knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownPersona {
    pub persona: PersonaId,
    pub card: CardId,
    /// Display name.
    pub name: String,
    /// Last four digits of the DoD ID.
    pub dod_id_tail: Option<String>,
    pub last_seen: UtcSeconds,
    pub registrations: Vec<Registration>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Portal {
    pub name: String,
    pub title: String,
    pub origin: String,
    pub enabled: bool,
    pub help_desk: Option<HelpDesk>,
}

/// Whom to ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HelpDesk {
    pub name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub url: Option<String>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Grows with every entry.
    pub id: i64,
    pub at: UtcSeconds,
    pub kind: HistoryKind,
    pub reader: Option<ReaderName>,
    pub card: Option<CardId>,
    pub portal: Option<String>,
    /// One sentence for people; the DoD ID never stands in it.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryKind {
    Service,
    Reader,
    Card,
    Pin,
    Registration,
    Configuration,
    Clear,
}

impl HistoryKind {
    pub const ALL: [Self; 7] = [
        Self::Service,
        Self::Reader,
        Self::Card,
        Self::Pin,
        Self::Registration,
        Self::Configuration,
        Self::Clear,
    ];

    /// As it stands in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Reader => "reader",
            Self::Card => "card",
            Self::Pin => "pin",
            Self::Registration => "registration",
            Self::Configuration => "configuration",
            Self::Clear => "clear",
        }
    }
}

impl Snapshot {
    /// The same moment for someone who may see readers, and nothing of a person.
    #[must_use]
    pub fn for_a_stranger(&self) -> Self {
        Self {
            happened: Vec::new(),
            may_act: false,
            ..self.for_a_user(|_| Some(Hidden::OtherSeat))
        }
    }

    /// The same moment for someone in front of a seat. `hides` says which
    /// readers' cards they may not see.
    #[must_use]
    pub fn for_a_user(&self, hides: impl Fn(&ReaderName) -> Option<Hidden>) -> Self {
        let readers: Vec<Reader> = (self.readers.iter())
            .map(|reader| {
                let hidden = hides(&reader.name);
                let is_there = reader.status == ReaderStatus::Card;
                Reader {
                    name: reader.name.clone(),
                    status: reader.status,
                    seat: reader.seat.clone(),
                    card: reader.card.clone().filter(|_| hidden.is_none()),
                    hidden: hidden.filter(|_| is_there),
                }
            })
            .collect();
        let shown = Shown::in_readers(&readers);
        Self {
            revision: self.revision,
            daemon: self.daemon.clone(),
            service: self.service,
            known: picked(&self.known, |known| shown.has(&known.card)),
            portals: self.portals.clone(),
            // They quote lines of the configuration, which name people.
            problems: Vec::new(),
            happened: picked(&self.happened, |entry| shown.includes(entry)),
            may_act: true,
            may_administer: false,
            readers,
        }
    }

    /// The reader and card that a person is asked to do something for first:
    /// one that needs a PIN, else any card.
    pub fn card_of_interest(&self) -> Option<(&Reader, &Card)> {
        let cards = || {
            self.readers
                .iter()
                .filter_map(|reader| Some((reader, reader.card.as_ref()?)))
        };
        cards()
            .find(|(_, card)| card.needs_pin())
            .or_else(|| cards().next())
    }
}

fn picked<T: Clone>(all: &[T], is_shown: impl Fn(&T) -> bool) -> Vec<T> {
    all.iter().filter(|one| is_shown(one)).cloned().collect()
}

impl Card {
    /// A registration of it waits for a PIN.
    pub fn needs_pin(&self) -> bool {
        self.registrations
            .iter()
            .any(|registration| registration.status.waits_for_pin())
    }

    /// There is a use for a PIN, though nothing waits for it: a registration
    /// that was not checked for long is checked with the next one typed.
    pub fn has_use_for_pin(&self) -> bool {
        self.registrations
            .iter()
            .any(|registration| registration.status.has_use_for_pin())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eligibility::Way;

    fn with_a_sponsor(status: RegistrationStatus) -> Registration {
        Registration {
            portal: "ako".into(),
            status,
            since: UtcSeconds(0),
            route: Some(Route {
                categories: Vec::new(),
                components: Vec::new(),
                question: None,
                way: Way::Sponsor,
                text: "Ask your Task Monitor.".into(),
                sponsor: None,
            }),
        }
    }

    #[test]
    fn a_kind_of_entry_has_one_name() {
        for kind in HistoryKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }

    #[test]
    fn who_insists_is_told_once_more_and_who_was_registered_is_not() {
        let told = Some("You need a sponsor. Ask your Task Monitor.".to_owned());
        let first = with_a_sponsor(RegistrationStatus::NeedsPin { tries_left: None });
        let earlier = with_a_sponsor(RegistrationStatus::OutOfDate { tries_left: None });
        let refused = with_a_sponsor(RegistrationStatus::NeedsSponsor);

        assert_eq!(first.caution(), told);
        assert_eq!(earlier.caution(), None);
        assert_eq!(refused.advice(), told);
        assert_ne!(first.advice(), told);
    }
}
