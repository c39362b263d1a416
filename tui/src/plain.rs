//! The state in full sentences, for screen readers and Braille lines: what
//! needs the person first, no sign that reads badly, no table.

use cac_common::identity::readable;
use cac_common::reader::ReaderStatus;
use cac_common::snapshot::{Card, Hidden, Reader, Registration, Snapshot, Stage};
use cac_common::time::UtcSeconds;
use cac_common::wizard::WizardState;
use jiff::tz::TimeZone;

use crate::changes::changes;
use crate::failure::{LOG_IN_THERE, PUT_IT_IN_AGAIN};
use crate::phrase::{self, Tone};
use crate::print;

pub const HELP: &str = "Type a letter and press Enter: r registers a card, s says everything again, c tells the certificates, h says this, q quits.";

/// A short account of all there is.
pub fn account(snapshot: &Snapshot, now: UtcSeconds, zone: &TimeZone) -> Vec<String> {
    let mut told = problems(snapshot);
    let wanted = wanted(snapshot, now, zone);
    if wanted.is_empty() {
        told.push("Nothing needs you.".into());
    }
    // What a person cannot do anything about comes after what they can.
    told.splice(0..0, wanted);
    if snapshot.readers.is_empty() {
        told.push("No reader is plugged in.".into());
    }
    for reader in &snapshot.readers {
        told.push(reader_sentence(reader));
        let registrations = reader.card.iter().flat_map(|card| &card.registrations);
        told.extend(
            registrations
                .filter(|one| phrase::tone(&one.status) != Tone::Wanted)
                .map(|one| sentence(&print::registration(snapshot, one, now, zone))),
        );
    }
    if !snapshot.may_act {
        told.push(format!("Cards are not shown to you. {LOG_IN_THERE}"));
    } else if snapshot.portals.is_empty() {
        told.push("No portal is configured. Profiles are kept in /etc/cacd/portals.d.".into());
    }
    told
}

/// What has changed, and what needs the person first.
pub fn news(before: &Snapshot, after: &Snapshot, now: UtcSeconds, zone: &TimeZone) -> Vec<String> {
    let was_wanted = wanted(before, now, zone);
    let mut told = wanted(after, now, zone);
    told.retain(|one| !was_wanted.contains(one));
    let known = problems(before);
    told.extend(
        problems(after)
            .into_iter()
            .filter(|one| !known.contains(one)),
    );
    let told_already: Vec<String> = wanted_registrations(after)
        .map(|(_, one)| print::registration(after, one, now, zone))
        .collect();
    let changes = changes(Some(before), after, now, zone).into_iter();
    told.extend(
        changes
            .filter(|change| !told_already.contains(change))
            .map(|change| sentence(&change))
            .filter(|change| !told.contains(change))
            .collect::<Vec<_>>(),
    );
    told
}

/// A sentence for each certificate of each card.
pub fn certificates(snapshot: &Snapshot, now: UtcSeconds, zone: &TimeZone) -> Vec<String> {
    let mut told = Vec::new();
    for card in cards(snapshot) {
        let whose = whose(card);
        if card.certificates.is_empty() {
            told.push(format!("No certificate of {whose} is read."));
        }
        for certificate in &card.certificates {
            let login = card.login.as_ref();
            let signs_in = login.is_some_and(|login| login.slot == certificate.slot);
            told.push(sentence(&format!(
                "Certificate {} of {whose}, from {}, is {}{}",
                phrase::certificate::place(certificate),
                readable(&certificate.issuer),
                state(&phrase::certificate::standing(certificate, now, zone).1),
                if signs_in { ", and signs in" } else { "" },
            )));
        }
    }
    if told.is_empty() {
        told.push("No card is in a reader.".into());
    }
    told
}

/// With a capital at its head and a full stop at its end, and nothing in it
/// that is drawn rather than said.
pub fn sentence(text: &str) -> String {
    let mut said = String::with_capacity(text.len() + 1);
    for c in text.trim().chars() {
        match c {
            '·' => {
                said.truncate(said.trim_end().len());
                said.push(',');
            }
            '…' => said.push_str("..."),
            '●' | '○' | '◦' | '•' | '✔' | '✖' | '▶' | '━' | '─' | '│' => {}
            c => said.push(c),
        }
    }
    if !said.ends_with(['.', '!', '?', ':']) {
        said.push('.');
    }
    phrase::capitalised(&said)
}

/// `412 days left` is said as `valid, 412 days left`.
fn state(standing: &str) -> String {
    if standing.ends_with(" left") {
        format!("valid, {standing}")
    } else {
        standing.to_owned()
    }
}

fn wanted(snapshot: &Snapshot, now: UtcSeconds, zone: &TimeZone) -> Vec<String> {
    let registrations = wanted_registrations(snapshot).map(|(card, one)| {
        let told = print::registration(snapshot, one, now, zone);
        sentence(&format!("This needs {}: {told}", you(card)))
    });
    let by_hand = cards(snapshot).filter_map(|card| {
        let wizard = card.wizard.as_ref()?;
        let waits = matches!(
            wizard.state,
            WizardState::Asking { .. } | WizardState::Telling
        );
        let portal = print::portal_title(snapshot, &wizard.portal);
        waits.then(|| {
            sentence(&format!(
                "This needs {}: registering by hand at {portal}, {}. Type cacctl wizard in another terminal",
                you(card),
                phrase::wizard(wizard)
            ))
        })
    });
    registrations.chain(by_hand).collect()
}

fn wanted_registrations(snapshot: &Snapshot) -> impl Iterator<Item = (&Card, &Registration)> {
    let all =
        cards(snapshot).flat_map(|card| card.registrations.iter().map(move |one| (card, one)));
    all.filter(|(_, one)| phrase::tone(&one.status) == Tone::Wanted)
}

fn problems(snapshot: &Snapshot) -> Vec<String> {
    let service = phrase::service(snapshot.service).map(sentence);
    let store = snapshot.daemon.store_problem.as_ref().map(|problem| {
        sentence(&format!(
            "The database cannot be used, so nothing is kept: {}",
            readable(problem)
        ))
    });
    let others = snapshot.problems.iter();
    let others = others.map(|problem| sentence(&format!("Problem: {}", readable(problem))));
    service.into_iter().chain(store).chain(others).collect()
}

fn reader_sentence(reader: &Reader) -> String {
    let name = readable(&reader.name.0);
    let Some(card) = &reader.card else {
        return match reader.status {
            ReaderStatus::Empty => format!("Reader {name} is empty."),
            ReaderStatus::NoAnswer => format!(
                "The card in reader {name} does not answer. Take it out, wipe the chip, and put it in chip first."
            ),
            ReaderStatus::Card if reader.hidden == Some(Hidden::PutInBefore) => {
                format!("A card is in reader {name}. {PUT_IT_IN_AGAIN}")
            }
            ReaderStatus::Card => format!("A card is in reader {name}. You may not see whose."),
        };
    };
    let mut parts = vec![format!("Reader {name} has the {}", whose(card))];
    let category = card.holder.as_ref().and_then(|it| it.category.as_deref());
    parts.extend(category.map(readable));
    let expires = card.expires.as_deref();
    parts.extend(expires.map(|expires| format!("the card expires {}", readable(expires))));
    parts.push(format!("PIN: {}", phrase::pin(&card.pin)));
    match &card.stage {
        Stage::Read => {}
        Stage::Reading { .. } => parts.push("it is being read".into()),
        Stage::Held => parts.push(format!("it cannot be read: {}", phrase::HELD)),
        Stage::Failed { cause } => parts.push(format!("it cannot be read: {}", readable(cause))),
    }
    sentence(&parts.join(", "))
}

fn cards(snapshot: &Snapshot) -> impl Iterator<Item = &Card> {
    let readers = snapshot.readers.iter();
    readers.filter_map(|reader| reader.card.as_ref())
}

fn whose(card: &Card) -> String {
    match &card.holder {
        Some(holder) => format!("card of {}", readable(&holder.name.to_string())),
        None => "card of somebody not known yet".into(),
    }
}

fn you(card: &Card) -> String {
    let holder = card.holder.as_ref();
    holder.map_or_else(
        || "you".into(),
        |holder| format!("you, {}", readable(&holder.name.to_string())),
    )
}

#[cfg(test)]
mod tests {
    use cac_common::registration::RegistrationStatus;
    use cac_common::snapshot::PinStatus;

    use super::*;
    use crate::invented;

    #[test]
    fn what_needs_the_person_is_told_first() {
        let told = account(&invented::desk(), invented::NOW, &TimeZone::UTC);

        insta::assert_snapshot!(told.join("\n"));
        assert!(told[0].starts_with("This needs you, DOE, JANE Q: Travel"));
    }

    #[test]
    fn where_nothing_is_there_and_nothing_needs_anybody_that_is_told() {
        let told = account(
            &invented::nothing_plugged_in(),
            invented::NOW,
            &TimeZone::UTC,
        );

        assert_eq!(
            told,
            [
                "Nothing needs you.",
                "No reader is plugged in.",
                "No portal is configured. Profiles are kept in /etc/cacd/portals.d.",
            ]
        );
    }

    #[test]
    fn each_certificate_is_a_sentence() {
        let told = certificates(&invented::desk(), invented::NOW, &TimeZone::UTC);

        assert_eq!(
            told[0],
            "Certificate 9A Authentication of card of DOE, JANE Q, from DOD ID CA-73, is valid, 412 days left, and signs in."
        );
        assert_eq!(told.len(), 4);
    }

    #[test]
    fn a_change_is_told_once_and_nothing_that_stayed() {
        let before = invented::desk();
        let mut after = before.clone();
        let card = after.readers[2].card.as_mut().unwrap();
        card.registrations[0].status = RegistrationStatus::NeedsWizard;
        card.registrations[2].status = RegistrationStatus::SigningIn;
        card.pin = PinStatus::Ready {
            tries_left: Some(2),
        };

        let told = news(&before, &after, invented::NOW, &TimeZone::UTC);

        assert!(told[0].starts_with("This needs you, DOE, JANE Q: AKO: needs the wizard"));
        assert_eq!(told[1..], ["Records: signing in."]);
        assert!(news(&after, &after, invented::NOW, &TimeZone::UTC).is_empty());
    }

    #[test]
    fn all_of_it_is_sentences_without_signs_and_names_no_number() {
        for snapshot in [
            invented::desk(),
            invented::checked(),
            invented::nothing_plugged_in(),
            invented::desk().for_a_stranger(),
        ] {
            let mut told = account(&snapshot, invented::NOW, &TimeZone::UTC);
            told.extend(certificates(&snapshot, invented::NOW, &TimeZone::UTC));
            told.extend(news(
                &invented::nothing_plugged_in(),
                &snapshot,
                invented::NOW,
                &TimeZone::UTC,
            ));

            for one in told {
                assert!(one.is_ascii() && one.ends_with(['.', '?', '!']), "{one}");
                assert!(one.starts_with(|c: char| c.is_uppercase()), "{one}");
                assert!(!one.contains("1234567890"), "{one}");
            }
        }
    }
}
