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
