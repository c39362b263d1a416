//! Cards that most tests can share, issued once in each test program.

use std::sync::OnceLock;

use super::card_file::CardFile;
use super::certificate::Validity;
use super::issuer::{Authority, CardOrder};
use super::key::KeyAlgorithm;
use super::person::Person;
use crate::clock;

/// The PIN of every sample card.
pub const PIN: &str = "24681357";

/// The authority behind the sample cards.
pub fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(|| Authority::new(clock::now()).expect("an authority can be made"))
}

/// Jane Doe's card, with RSA keys.
pub fn jane() -> &'static CardFile {
    static CARD: OnceLock<CardFile> = OnceLock::new();
    CARD.get_or_init(|| {
        issue(
            Person::jane_doe(),
            KeyAlgorithm::Rsa2048,
            Validity::current(clock::now()),
        )
    })
}

/// John Roe's card, with P-256 keys.
pub fn john() -> &'static CardFile {
    static CARD: OnceLock<CardFile> = OnceLock::new();
    CARD.get_or_init(|| {
        issue(
            Person::john_roe(),
            KeyAlgorithm::P256,
            Validity::current(clock::now()),
        )
    })
}

/// Jane Doe's card before this one: came to its end yesterday. P-256 keys.
pub fn expired() -> &'static CardFile {
    static CARD: OnceLock<CardFile> = OnceLock::new();
    CARD.get_or_init(|| {
        issue(
            Person::jane_doe(),
            KeyAlgorithm::P256,
            Validity::expired(clock::now()),
        )
    })
}

fn issue(person: Person, algorithm: KeyAlgorithm, validity: Validity) -> CardFile {
    let order = CardOrder {
        person,
        algorithm,
        validity,
        pin: PIN,
    };
    authority()
        .issue_card(&order)
        .expect("a sample card can be issued")
}
