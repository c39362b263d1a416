//! Where the dashboard was asked to open.

use cac_common::identity::readable;
use cac_common::snapshot::Stage;

use super::moving::pick_row;
use super::{open, say};
use crate::app::{App, Chosen, Pane, Subject};
use crate::cli::Place;
use crate::phrase::Tone;

/// Goes there as soon as it is known; once, and not where somebody has gone
/// elsewhere meanwhile.
pub(super) fn go(app: &mut App) {
    let Some(Place { card, portal }) = app.start.take() else {
        return;
    };
    if let Some(card) = &card {
        let rows = app.rows();
        let is_meant = |row: &&Chosen<'_>| match row {
            Chosen::Reader(reader) => reader
                .card
                .as_ref()
                .and_then(|card| card.id.as_ref())
                .is_some_and(|id| id.0 == *card),
            Chosen::Known(known) => known.card.0 == *card,
        };
        let pick = rows.iter().find(is_meant).map(Chosen::pick);
        if pick.is_none() && is_reading(app) {
            app.start = Some(Place {
                card: Some(card.clone()),
                portal,
            });
            return;
        }
        if pick.is_none() {
            say(
                app,
                Tone::Wanted,
                "The card that was meant is in no reader, and was never seen.",
            );
            return;
        }
        pick_row(app, pick);
    }
    let Some(portal) = portal else {
        return;
    };
    let mut registrations = app.registrations().iter();
    if registrations.any(|one| one.portal == portal) {
        app.focus = Pane::Registration;
        app.registration = Some(portal.clone());
        open(app, Subject::Registration(portal));
    } else if is_reading(app) {
        app.start = Some(Place {
            card,
            portal: Some(portal),
        });
    } else {
        let text = format!("Nothing is known of this card at {}.", readable(&portal));
        say(app, Tone::Wanted, &text);
    }
}

/// More may be known of a card in a moment.
fn is_reading(app: &App) -> bool {
    let readers = app.snapshot.iter().flat_map(|snapshot| &snapshot.readers);
    let mut cards = readers.filter_map(|reader| reader.card.as_ref());
    cards.any(|card| {
        let is_remembered = card.recognised || !card.registrations.is_empty();
        matches!(card.stage, Stage::Reading { .. }) || card.stage == Stage::Read && !is_remembered
    })
}

#[cfg(test)]
mod tests {
    use cac_common::identity::CardId;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::app::{Pick, Screen};
    use crate::invented;
    use crate::keys::Command;
    use crate::update::{Message, update};

    const JANE: &str = "4f1e7a52-9a0b-4c57-8d52-0a3c5f6e7d81";
    const ROE: &str = "a8c3d9e0-1111-4222-8333-444455556666";

    #[test]
    fn it_opens_at_the_registration_of_the_card_that_is_meant() {
        for (card, row) in [(Some(JANE), 2), (Some(ROE), 3), (None, 2)] {
            let app = opened(card, Some("ako"));

            let details = Screen::Details {
                of: Subject::Registration("ako".into()),
                scroll: 0,
            };
            assert_eq!(app.screen, details);
            assert_eq!((app.chosen_row(), app.registration_row()), (row, 0));
            assert_eq!(app.start, None);
        }
    }

    #[test]
    fn a_card_alone_is_chosen_and_nothing_is_open() {
        let app = opened(Some(ROE), None);

        assert_eq!(app.picked, Some(Pick::Known(CardId(ROE.into()))));
        assert_eq!(app.screen, Screen::Panes);
    }

    #[test]
    fn what_is_not_there_is_said() {
        for (card, portal) in [(Some("b"), Some("ako")), (Some(JANE), Some("moon"))] {
            let app = opened(card, portal);

            assert!(app.said.is_some_and(|said| said.tone == Tone::Wanted));
            assert_eq!(app.screen, Screen::Panes);
        }
    }

    #[test]
    fn a_card_that_is_still_being_read_is_waited_for_until_a_key_is_pressed() {
        let mut reading = invented::desk();
        for card in reading.readers.iter_mut().filter_map(|it| it.card.as_mut()) {
            card.stage = Stage::Reading {
                done: 1,
                of: 9,
                what: None,
            };
            card.id = None;
            card.registrations.clear();
        }
        for is_pressed in [false, true] {
            let mut app = starting(Some(JANE), Some("travel"));

            update(&mut app, Message::Snapshot(Box::new(reading.clone())));
            if is_pressed {
                update(&mut app, Message::Command(Command::NextPane));
            }
            update(&mut app, Message::Snapshot(Box::new(invented::desk())));

            assert_eq!(app.screen == Screen::Panes, is_pressed);
        }
    }

    fn opened(card: Option<&str>, portal: Option<&str>) -> App {
        let mut app = starting(card, portal);
        update(&mut app, Message::Snapshot(Box::new(invented::desk())));
        app
    }

    fn starting(card: Option<&str>, portal: Option<&str>) -> App {
        let mut app = App::new(invented::NOW, TimeZone::UTC);
        app.start = Some(Place {
            card: card.map(str::to_owned),
            portal: portal.map(str::to_owned),
        });
        app
    }
}
