//! Cards by the family that they are of, each put together from habits.

use super::apdu::StatusWord;
use super::habits::{DiscoveryHabit, Interface, KeyHistoryHabit, Replies, TriesHabit};
use super::{CardModel, atr, habits::ExtendedLength};

/// Bytes of an application identifier that name who registered it.
const RID: usize = 5;

impl CardModel {
    /// A token with one applet, extended lengths, and no way to log out but a reset.
    pub const YUBIKEY: Self = Self {
        refuses_logout: true,
        extended: ExtendedLength::Works,
        shortest_aid: RID,
        replies: Replies::Unasked,
        firmware: Some([5, 2, 7]),
        own_atr: Some(atr::YUBIKEY_5),
        ..Self::T1
    };

    /// An old one: no Discovery Object, no Key History, tries in the old form,
    /// and never more than 255 bytes in one reply.
    pub const NEO: Self = Self {
        refuses_logout: true,
        discovery: DiscoveryHabit::Absent,
        key_history: KeyHistoryHabit::Absent,
        tries: TriesHabit::ToldInOldForm,
        longest_reply: 255,
        shortest_aid: RID,
        replies: Replies::Unasked,
        firmware: Some([1, 0, 4]),
        own_atr: Some(atr::YUBIKEY_NEO),
        ..Self::T1
    };

    /// An open applet on a plain Java Card: announces every reply.
    pub const PIV_APPLET: Self = Self {
        replies: Replies::Announced,
        shortest_aid: RID,
        key_history: KeyHistoryHabit::Absent,
        ..Self::T1
    };

    /// A card held against a reader.
    pub const CONTACTLESS: Self = Self {
        interface: Interface::Contactless(StatusWord::SECURITY_STATUS),
        ..Self::T1
    };

    /// The same, and VERIFY is not even known.
    pub const CONTACTLESS_WITHOUT_VERIFY: Self = Self {
        interface: Interface::Contactless(StatusWord::NOT_SUPPORTED),
        ..Self::T1
    };

    /// A card with the PIN of the whole card before that of the application.
    pub const GLOBAL_PIN: Self = Self {
        discovery: DiscoveryHabit::GlobalPin,
        ..Self::T1
    };

    /// A card that does not say how many tries are left.
    pub const NO_COUNT: Self = Self {
        tries: TriesHabit::Untold,
        ..Self::T1
    };

    /// A card that says 9000 whenever it is asked without a PIN.
    pub const ALWAYS_FINE: Self = Self {
        tries: TriesHabit::AlwaysFine,
        ..Self::T1
    };

    /// All that have a name, by the name that the program `virtual-card` knows them by.
    pub const ALL: [(&'static str, Self); 11] = [
        ("t1", Self::T1),
        ("t0", Self::T0),
        ("dual", Self::DUAL),
        ("yubikey", Self::YUBIKEY),
        ("neo", Self::NEO),
        ("piv-applet", Self::PIV_APPLET),
        ("contactless", Self::CONTACTLESS),
        (
            "contactless-without-verify",
            Self::CONTACTLESS_WITHOUT_VERIFY,
        ),
        ("global-pin", Self::GLOBAL_PIN),
        ("no-count", Self::NO_COUNT),
        ("always-fine", Self::ALWAYS_FINE),
    ];
}
