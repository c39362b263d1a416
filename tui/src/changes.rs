//! What differs between two snapshots, in words.

use cac_common::identity::readable;
use cac_common::reader::ReaderStatus;
use cac_common::snapshot::{Card, HistoryKind, Reader, Snapshot, Stage};
use cac_common::time::UtcSeconds;
use cac_common::wizard::WizardState;
use jiff::tz::TimeZone;

use crate::{happening, phrase, print};

/// One line for each change; for the first snapshot, for each thing there is.
pub fn changes(
    before: Option<&Snapshot>,
    after: &Snapshot,
    now: UtcSeconds,
    zone: &TimeZone,
) -> Vec<String> {
    let mut lines = Vec::new();
    if before.is_none_or(|before| before.service != after.service) {
        let told = phrase::service(after.service).unwrap_or("The smart card service is there.");
        lines.push(told.to_owned());
    }
    let readers_before = before.map_or(&[][..], |before| &before.readers);
    for reader in readers_before {
        if !after.readers.iter().any(|one| one.name == reader.name) {
            lines.push(format!("{}: unplugged", readable(&reader.name.0)));
        }
    }
    for reader in &after.readers {
        let was = readers_before.iter().find(|one| one.name == reader.name);
        reader_changes(&mut lines, was, reader);
        if let Some(card) = &reader.card {
            let earlier = was
                .and_then(|was| was.card.as_ref())
                .filter(|earlier| earlier.visit == card.visit);
            registration_changes(&mut lines, (earlier, card), after, (now, zone));
            lines.extend(wizard_change((earlier, card), after));
        }
    }
    // The first picture tells how things stand, not how they came about.
    if let Some(before) = before {
        let newest = before.happened.last().map_or(i64::MIN, |entry| entry.id);
        let told_by_nothing_else = |kind| {
            matches!(
                kind,
                HistoryKind::Pin | HistoryKind::Configuration | HistoryKind::Clear
            )
        };
        lines.extend(
            after
                .happened
                .iter()
                .filter(|entry| entry.id > newest && told_by_nothing_else(entry.kind))
                .map(|entry| readable(&happening::told(entry, Some(after)))),
        );
    }
    lines
}

fn reader_changes(lines: &mut Vec<String>, was: Option<&Reader>, reader: &Reader) {
    let name = readable(&reader.name.0);
    let Some(card) = &reader.card else {
        let same = was.is_some_and(|was| was.status == reader.status && was.card.is_none());
        if !same {
            let had_card = was.is_some_and(|was| was.card.is_some());
            let told = match reader.status {
                ReaderStatus::Empty if had_card => "card taken out",
                ReaderStatus::Empty | ReaderStatus::Card | ReaderStatus::NoAnswer => {
                    phrase::reader(reader.status)
                }
            };
            lines.push(format!("{name}: {told}"));
        }
        return;
    };
    let earlier = was
        .and_then(|was| was.card.as_ref())
        .filter(|earlier| earlier.visit == card.visit);
    if earlier.is_none_or(|earlier| stage(earlier) != stage(card)) {
        let holder = card
            .holder
            .as_ref()
            .map(|holder| format!(" of {}", readable(&holder.name.to_string())))
            .unwrap_or_default();
        lines.push(format!("{name}: card{holder} {}", stage(card)));
    }
}

fn stage(card: &Card) -> String {
    match &card.stage {
        Stage::Reading { .. } => "is being read".into(),
        Stage::Read => "is read".into(),
        Stage::Held => format!("cannot be read: {}", phrase::HELD),
        Stage::Failed { cause } => format!("cannot be read: {}", readable(cause)),
    }
}

fn registration_changes(
    lines: &mut Vec<String>,
    (earlier, card): (Option<&Card>, &Card),
    snapshot: &Snapshot,
    (now, zone): (UtcSeconds, &TimeZone),
) {
    for registration in &card.registrations {
        let was = earlier.and_then(|earlier| {
            let registrations = earlier.registrations.iter();
            registrations
                .clone()
                .find(|one| one.portal == registration.portal)
        });
        if was != Some(registration) {
            lines.push(print::registration(snapshot, registration, now, zone));
        }
    }
}

fn wizard_change((earlier, card): (Option<&Card>, &Card), snapshot: &Snapshot) -> Option<String> {
    let was = earlier.and_then(|earlier| earlier.wizard.as_ref());
    let (portal, stands) = match (was, &card.wizard) {
        (_, Some(wizard)) => (&wizard.portal, phrase::wizard(wizard)),
        (Some(was), None) if !matches!(was.state, WizardState::Done { .. }) => {
            (&was.portal, "ended".into())
        }
        (_, None) => return None,
    };
    let is_same = was.is_some_and(|was| was.portal == *portal && phrase::wizard(was) == stands);
    let portal = print::portal_title(snapshot, portal);
    (!is_same).then(|| format!("{portal}: by hand, {stands}"))
}

#[cfg(test)]
mod tests {
    use cac_common::registration::RegistrationStatus;

    use super::*;
    use crate::invented;

    #[test]
    fn nothing_is_said_where_nothing_changed() {
        let desk = invented::desk();

        assert!(told(Some(&desk), &desk).is_empty());
    }

    #[test]
    fn the_first_snapshot_tells_all_there_is() {
        insta::assert_snapshot!(told(None, &invented::desk()).join("\n"));
    }

    #[test]
    fn a_card_taken_out_is_told_once() {
        let before = invented::desk();
        let mut after = invented::desk();
        after.readers[2].status = ReaderStatus::Empty;
        after.readers[2].card = None;

        assert_eq!(
            told(Some(&before), &after),
            ["SCR3310 [CCID] 00 00: card taken out"]
        );
    }

    #[test]
    fn a_portal_that_signs_in_is_told_by_its_title() {
        let before = invented::desk();
        let mut after = invented::desk();
        if let Some(card) = &mut after.readers[2].card {
            card.registrations[1].status = RegistrationStatus::SigningIn;
        }

        assert_eq!(told(Some(&before), &after), ["Travel: signing in"]);
    }

    #[test]
    fn registering_by_hand_is_told_where_it_stands_and_when_it_ends() {
        let with = |state: Option<WizardState>| {
            let mut desk = invented::desk();
            let card = desk.readers[2].card.as_mut().unwrap();
            card.wizard = state.map(|state| invented::wizard("ako", state));
            desk
        };
        let done = WizardState::Done {
            is_registered: true,
            has_confirmation: true,
        };
        for (before, after, line) in [
            (
                None,
                Some(WizardState::Telling),
                Some("AKO: by hand, step 2 of 7 waits for you"),
            ),
            (
                Some(WizardState::Telling),
                None,
                Some("AKO: by hand, ended"),
            ),
            (
                Some(WizardState::Working),
                Some(done.clone()),
                Some("AKO: by hand, done"),
            ),
            (Some(done), None, None),
            (Some(WizardState::Working), Some(WizardState::Working), None),
        ] {
            let lines = told(Some(&with(before)), &with(after));

            assert_eq!(lines.first().map(String::as_str), line);
        }
    }

    fn told(before: Option<&Snapshot>, after: &Snapshot) -> Vec<String> {
        changes(before, after, invented::NOW, &TimeZone::UTC)
    }
}
