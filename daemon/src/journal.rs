//! What the journal is told of what happened, in fields that programs read.
//!
//! Each kind of message has a number of its own, by which `journalctl -x` finds
//! in `systemd/cacd.catalog` what it means and what to do. The numbers stand for
//! ever: filters and alarms are made with them.

use cac_common::cause::Kind;

macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident = $id:literal,)+) => {
        /// What is said.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Message {
            $($(#[$doc])* $name,)+
        }

        impl Message {
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The field `MESSAGE_ID` (systemd.journal-fields(7)).
            pub fn id(self) -> &'static str {
                match self {
                    $(Self::$name => $id,)+
                }
            }
        }
    };
}

messages! {
    Ready = "24bf271ca5694863a1a3e32320ae6411",
    Stopping = "42422dfb018e42dcb9b7c1e2f9dd6af6",
    /// Something was begun, and could not be finished before the end.
    LeftUndone = "8dc791a45b4e42e0b9fae537764005a6",
    PcscdAway = "a533796f3f2041a5bf687e3d1512615b",
    PcscdRefuses = "17b4ad2b5e0b414490341bfa8a9c5c72",
    PcscdBack = "f372fbbd888e4d0b95f6728b97a28f11",
    CardRecognised = "ae39cf84994a4b49a680c8aa7c12ad58",
    CardUnreadable = "44c959e91e3d4047b63498ad4439b9a0",
    CardFailed = "e35a9f6cfc0b4cd8b20c88276eb03b01",
    PinRefused = "c4966ca466d741699ec5232b8ffb3e17",
    PinBlocked = "5a3e56b84c5e4b93b750aecfa2bf359a",
    PinChanged = "c0e4b0ea8b724a4cb0489ffca37827b0",
    PinNotChanged = "d4f45ef8f29b49569deb7adf99c9727d",
    /// The card was pulled in the middle of it, or failed.
    PinChangeUnknown = "8d0b090a1994418fb6dd55254e191cab",
    Registered = "11e0c4d9c2e34c12ab6439afdfc67150",
    RegisteredNotSaved = "e0904738f5a3407ab82f32f8de0a4644",
    /// A person has to do something at the portal, or for it.
    NeedsPerson = "837117f0506f4447b9d2b7f062181b7f",
    /// The portal knows who it is, and says no.
    Forbidden = "d0e824a668eb476d8a991f4699574897",
    PortalUnreachable = "6cb379a9c6214fa6a622ce3c11bec5e9",
    /// The portal wants what cacd cannot do, or says what it does not know.
    PortalNotUnderstood = "8f68ecb4cc0c4a3b95322ca7491e8d4d",
    RequestRefused = "e582a05bcff14a4aa51f57f53f9efb99",
    /// One user was refused so often, or all were, that most was only counted.
    RefusalsCounted = "f993cce038004ad0b83fd243e368f76e",
    ConnectionTurnedAway = "1d4745a0dd9847ccb9ba99bbd071a648",
    /// By an administrator, who need not be at the seat of a card.
    OthersDataSeen = "6211efd8d459070cdd725eb1b1a45d0f",
    Cleared = "284ca47346aa47cf9aba6ac7d79ef512",
    BackupTaken = "d47290e18e71482791738ae87e9f421b",
    /// The card that goes with it was taken out.
    SessionEnded = "216bfab0a5214589a541761f5aea5d5a",
    SessionNotEnded = "c80e14c781c845d4a53167b34b817717",
    DatabaseKeptAside = "3e16fec5de1e4135acbdac69824b7c00",
    DatabaseUnusable = "3e262c0279db4b62a75b58ff46c5c934",
    DatabaseBack = "01b28ffe235c4dc0b33aaf542e9eda73",
    ConfigurationAtFault = "3a05ffe653b24e998b02e84c5c7b465a",
    ConfigurationTaken = "f3f562398eeb4d12a0b079193dee62e8",
    ConfigurationRefused = "635917e786694879a59cd0137df06e78",
    NoLockedMemory = "8d09d6213ead448b9caca37018900aab",
}

/// Fields of an entry of the history, beside those that the history has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub message: Option<Message>,
    pub cause: Option<Kind>,
    /// Who had it done.
    pub uid: Option<u32>,
    /// Last four digits of the holder's DoD ID.
    pub dod_id_tail: Option<String>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Each entry's text, by its number.
    fn catalogue() -> BTreeMap<&'static str, &'static str> {
        let text = include_str!("../../systemd/cacd.catalog");
        let (_comment, entries) = text.split_once("\n-- ").unwrap();
        let entries = entries.split("\n-- ").map(|entry| {
            let (id, text) = entry.split_once('\n').unwrap();
            (id, text)
        });
        entries.collect()
    }

    #[test]
    fn every_message_has_an_entry_in_the_catalogue_and_the_other_way_about() {
        let mut ids: Vec<&str> = Message::ALL.iter().map(|message| message.id()).collect();
        ids.sort_unstable();

        let catalogue = catalogue();
        let entries: Vec<&str> = catalogue.keys().copied().collect();

        assert_eq!(ids, entries);
        let is_hexadecimal = |id: &&str| {
            id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        assert!(ids.iter().all(is_hexadecimal));
    }

    #[test]
    fn an_entry_says_what_it_is_about_what_it_means_and_what_to_do() {
        for (id, text) in catalogue() {
            let (head, body) = text.split_once("\n\n").unwrap();
            for line in [
                "Subject: ",
                "Defined-By: cacd",
                "Documentation: man:cacd(8)",
            ] {
                assert!(
                    head.lines().any(|given| given.starts_with(line)),
                    "{id}: {line}"
                );
            }
            assert!(body.trim_end().ends_with(['.', '@']), "{id}: {body}");
        }
    }
}
