//! The people of the scenarios, and their cards.

use crate::clock;
use crate::portal::Person as PortalPerson;
use crate::virtual_card::card_file::CardFile;
use crate::virtual_card::certificate::Validity;
use crate::virtual_card::issuer::CardOrder;
use crate::virtual_card::key::KeyAlgorithm;
use crate::virtual_card::person::Person;
use crate::virtual_card::{CardHandle, CardModel, samples};

/// Jane Doe's card, with RSA keys as most have, and its PIN [`samples::PIN`].
pub fn jane(model: CardModel) -> anyhow::Result<CardHandle> {
    Ok(CardHandle::new(samples::jane(), model)?)
}

/// John Roe's card, with keys on P-256, and its PIN [`samples::PIN`].
pub fn john(model: CardModel) -> anyhow::Result<CardHandle> {
    Ok(CardHandle::new(samples::john(), model)?)
}

/// Whatever in the text says who Jane Doe is.
pub fn tells_of_jane(text: &str) -> Option<&'static str> {
    tells_of(["DOE", "JANE", "1234567890"], "7890", text)
}

/// Whatever in the text says who John Roe is.
pub fn tells_of_john(text: &str) -> Option<&'static str> {
    tells_of(["ROE", "JOHN", "1000000003"], "0003", text)
}

/// A name, or a DoD ID, whole or by its tail. The tail counts as a word only, since
/// ports, times and digests hold it too.
fn tells_of(names: [&'static str; 3], tail: &'static str, text: &str) -> Option<&'static str> {
    let mut words = text.split(|it: char| !it.is_ascii_alphanumeric());
    let tail = words.any(|word| word == tail).then_some(tail);
    names.into_iter().find(|it| text.contains(it)).or(tail)
}

/// A card of one's own.
pub fn the_card_of(person: Person, algorithm: KeyAlgorithm, pin: &str) -> anyhow::Result<CardFile> {
    let order = CardOrder {
        person,
        algorithm,
        validity: Validity::current(clock::now()),
        pin,
        retired: 0,
        blemishes: &[],
    };
    Ok(samples::authority().issue_card(&order)?)
}

/// The holder, as the portal's list has it.
pub fn portal_person(card: &CardFile) -> PortalPerson {
    let person = &card.person;
    let given = [Some(person.first.as_str()), person.middle.as_deref()];
    let names: Vec<&str> = given
        .into_iter()
        .flatten()
        .chain([person.last.as_str()])
        .collect();
    PortalPerson {
        name: names.join(" "),
        edipi: format!("{:010}", person.edipi),
        upn: person.upn(),
        category: "military".to_owned(),
        authorised: true,
    }
}
