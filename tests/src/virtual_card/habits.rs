//! The habits in which cards differ, one type for each.

use std::time::Duration;

use super::apdu::StatusWord;

/// What becomes of the CHUID that the card was issued with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChuidHabit {
    Given,
    /// The card says that it has none.
    Missing,
    /// It comes without its outer tag.
    Broken,
}

/// What the card does with the rest of a reply that nobody fetched, when
/// another command comes. SELECT drops it on every card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbandonedReply {
    Dropped,
    /// The next reply with data begins with it.
    Prepended,
    /// It is the answer to the next command, which is not looked at.
    Answered,
    /// The next command is refused with 6985, once.
    Refused,
}

/// How certificates lie in their objects: packed or not, and what tag 71 says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As they are, with 00.
    Plain,
    /// gzip, with 01 as the standard has it.
    Gzip,
    /// gzip, with 80 as old cards have it.
    GzipAsOnOldCards,
    /// gzip, with 00 all the same.
    GzipUnsaid,
    /// As they are, with 01 all the same.
    PlainSaidGzip,
    /// zlib without the header of gzip, with 01.
    Zlib,
}

/// Which PIN the Discovery Object names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiscoveryHabit {
    /// The PIN of the application: key reference 80.
    ApplicationPin,
    /// The Global PIN before all others: key reference 00, and 80 is not known.
    GlobalPin,
    /// There is no Discovery Object. The PIN is the application's.
    Absent,
}

/// What the Key History says of encryption keys of former cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyHistoryHabit {
    /// Those that are on the card.
    OnCard,
    /// Beside those, so many whose certificates lie at a URL.
    OffCard(u8),
    /// There is no Key History.
    Absent,
}

/// Commands and replies longer than a byte can count (ISO/IEC 7816-4, section
/// 5.2). All but the first claim in the ATR that they can be used; none is
/// there on T=0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtendedLength {
    /// 6700, and nothing else was said.
    Refused,
    Works,
    /// 6700 all the same.
    Lies,
    /// The first 256 bytes of the reply, with 9000.
    Truncates,
    /// 6F00.
    Breaks,
}

/// How the card tells the tries that are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriesHabit {
    /// 63Cx.
    Told,
    /// 630x.
    ToldInOldForm,
    /// 6300 to a wrong PIN, 6982 to an empty VERIFY.
    Untold,
    /// 9000 to an empty VERIFY, verified or not.
    AlwaysFine,
}

/// Whether somebody has to touch the card before a key is used. Nobody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TouchHabit {
    NotAsked,
    /// Its keys are refused with 6985, but for the one of the card itself.
    Awaited,
}

/// How a reply is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replies {
    /// As much as was asked for at once; where nothing was asked for, 61xx.
    Filled,
    /// With T=1, at once even where nothing was asked for.
    Unasked,
    /// With T=1 too, 61xx without data first; and 6Cxx to a length above what there is.
    Announced,
}

/// Through what the reader reaches the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    Contact,
    /// By air, without a virtual contact interface: few objects, one key, and
    /// this for an answer to VERIFY.
    Contactless(StatusWord),
}

/// How long the card takes over a real reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speed {
    pub per_apdu: Duration,
    /// Of command and answer together.
    pub per_byte: Duration,
}

impl Speed {
    /// What is assumed of a card with contacts.
    pub const CONTACT: Self = Self {
        per_apdu: Duration::from_millis(20),
        per_byte: Duration::from_micros(80),
    };

    /// For one command and its answer.
    pub fn time_for(self, bytes: usize) -> Duration {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.per_apdu + self.per_byte.saturating_mul(bytes)
    }
}
