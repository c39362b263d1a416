//! Tells the journal what is given up when the daemon stops.

use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, Reader, Snapshot, Stage};
use cac_common::wizard::WizardState;

use crate::journal::Message;

/// Something that was begun.
#[derive(Debug, PartialEq, Eq)]
struct Undone<'a> {
    what: &'static str,
    reader: &'a Reader,
    card: &'a Card,
    portal: Option<&'a str>,
}

pub(crate) fn tell(snapshot: &Snapshot) {
    for undone in all(snapshot) {
        tracing::warn!(
            message_id = Message::LeftUndone.id(),
            reader = %undone.reader.name,
            card = undone.card.id.as_ref().map(|card| card.0.as_str()),
            portal = undone.portal,
            "{} is given up",
            undone.what
        );
    }
}

fn all(snapshot: &Snapshot) -> Vec<Undone<'_>> {
    let readers = snapshot.readers.iter();
    let cards = readers.filter_map(|reader| Some((reader, reader.card.as_ref()?)));
    cards
        .flat_map(|(reader, card)| {
            of_card(card).map(move |(what, portal)| Undone {
                what,
                reader,
                card,
                portal,
            })
        })
        .collect()
}

fn of_card(card: &Card) -> impl Iterator<Item = (&'static str, Option<&str>)> {
    let read = matches!(card.stage, Stage::Reading { .. }).then_some(("reading a card", None));
    let registrations = card.registrations.iter().filter_map(|registration| {
        let status = &registration.status;
        let what = if *status == RegistrationStatus::SigningIn {
            "signing in"
        } else if matches!(status, RegistrationStatus::RegisteredNotSaved { .. }) {
            "writing a registration down"
        } else if matches!(status, RegistrationStatus::Waiting { .. }) && card.pin_kept {
            // Without its PIN the next try is not made by itself.
            "waiting for a portal"
        } else {
            return None;
        };
        Some((what, Some(registration.portal.as_str())))
    });
    let by_hand = card.wizard.as_ref().filter(|wizard| {
        !matches!(
            wizard.state,
            WizardState::Done { .. } | WizardState::Stopped { .. }
        )
    });
    let by_hand = by_hand.map(|wizard| ("registering by hand", Some(wizard.portal.as_str())));
    read.into_iter().chain(registrations).chain(by_hand)
}
