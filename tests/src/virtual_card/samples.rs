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

/// The same, and five encryption keys of former cards: nine certificates.
pub fn jane_with_history() -> &'static CardFile {
    static CARD: OnceLock<CardFile> = OnceLock::new();
    CARD.get_or_init(|| {
        let validity = Validity::current(clock::now());
        let order = CardOrder {
            retired: 5,
            ..order(Person::jane_doe(), KeyAlgorithm::Rsa2048, validity)
        };
        authority()
            .issue_card(&order)
            .expect("a sample card can be issued")
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

/// The CAC that Jane Doe had before: the same keys and certificates over PIV
/// and CAC, and the ID certificate.
pub fn janes_cac() -> &'static CardFile {
    static CARD: OnceLock<CardFile> = OnceLock::new();
    CARD.get_or_init(|| {
        issue(
            Person::jane_doe(),
            KeyAlgorithm::Rsa2048,
            Validity::current(clock::now()),
        )
    })
}

/// Jane Doe's first CAC: came to its end long ago. RSA-1024 keys on the CAC edge.
pub fn old_cac() -> &'static CardFile {
    static CARD: OnceLock<CardFile> = OnceLock::new();
    CARD.get_or_init(|| {
        let validity = Validity::expired(clock::now());
        let order = order(Person::jane_doe(), KeyAlgorithm::P256, validity);
        authority()
            .issue_old_cac(&order)
            .expect("a sample card can be issued")
    })
}

fn issue(person: Person, algorithm: KeyAlgorithm, validity: Validity) -> CardFile {
    authority()
        .issue_card(&order(person, algorithm, validity))
        .expect("a sample card can be issued")
}

/// What a sample card is ordered with, before it is made a special one.
pub fn order(person: Person, algorithm: KeyAlgorithm, validity: Validity) -> CardOrder<'static> {
    CardOrder {
        person,
        algorithm,
        validity,
        pin: PIN,
        retired: 0,
        blemishes: &[],
    }
}
