//! What is refused before a card is asked, and as what.

use cac_common::interface::Refusal;
use cac_common::locked::Locked;
use cac_common::pin::{Pin, PinFor};
use cac_common::reader::ReaderStatus;
use cac_common::snapshot::{PinStatus, Visit};

use super::super::State;
use super::fixtures::{card_id, facts, portal};
use super::reading::{NOW, empty, read, see};
use crate::card::facts::CardFacts;
use crate::event::{Effect, Event, RequestId, SignInResult};

const REQUEST: RequestId = RequestId(1);

#[test]
fn a_card_that_is_read_without_contact_is_not_given_a_pin_to_read_what_is_printed() {
    let mut state = with(CardFacts {
        is_contactless: true,
        ..facts(0, 0)
    });

    let effects = state.step(
        Event::PrintedAsked {
            request: REQUEST,
            pin: pin(),
        },
        NOW,
    );

    assert_eq!(refusal(effects), Some(Refusal::NoContact));
}

#[test]
fn a_card_without_the_certificate_that_a_portal_takes_is_not_tried_there() {
    let mut state = with(CardFacts {
        certificates: Vec::new(),
        login: None,
        ..facts(0, 0)
    });

    let effects = state.step(test(), NOW);

    assert_eq!(refusal(effects), Some(Refusal::NoLogin));
}

#[test]
fn a_pin_that_was_forgotten_before_its_use_is_not_blamed_on_the_card() {
    let mut state = with(facts(0, 0));
    state.step(test(), NOW);

    let effects = state.step(
        Event::PortalTested {
            visit: Visit(1),
            request: REQUEST,
            result: SignInResult::PinGone,
            tries: None,
            trace: Box::default(),
            page: None,
        },
        NOW,
    );

    assert_eq!(refusal(effects), Some(Refusal::PinForgotten));
}

#[test]
fn what_was_counted_before_a_login_holds_back_no_pin_of_it() {
    let counted = PinStatus::Ready {
        tries_left: Some(1),
    };
    for status in [counted, PinStatus::OtherProgram] {
        let answered = |by_login| {
            let mut state = with(CardFacts {
                pin: status.clone(),
                ..facts(0, 0)
            });
            let pin = pin_typed(by_login);
            let request = REQUEST;
            refusal(state.step(Event::PinGiven { request, pin }, NOW))
        };

        assert_eq!(answered(false), Some(Refusal::LastTry));
        // The database was not asked yet where it stands.
        assert_eq!(answered(true), Some(Refusal::NothingToDo));
    }
}

/// A card in the reader that is read, and the portal `first`.
fn with(facts: CardFacts) -> State {
    let mut state = empty();
    state.step(
        Event::Configured {
            config: Box::default(),
            portals: vec![portal("first", "/")],
            problems: Vec::new(),
        },
        NOW,
    );
    see(&mut state, ReaderStatus::Card);
    state.step(read(Ok(facts)), NOW);
    state
}

fn test() -> Event {
    Event::TestAsked {
        request: REQUEST,
        portal: "first".into(),
        pin: pin(),
        with_page: false,
    }
}

fn pin() -> Pin {
    pin_typed(false)
}

fn pin_typed(by_login: bool) -> Pin {
    let mut digits = Locked::new().unwrap();
    digits.bytes_mut()[..6].copy_from_slice(b"123456");
    let typed_for = PinFor {
        uid: 1000,
        card: card_id(0),
        visit: Visit(1),
        even_the_last_try: false,
        by_login,
    };
    Pin::new(digits, 6, typed_for).unwrap()
}

fn refusal(effects: Vec<Effect>) -> Option<Refusal> {
    effects.into_iter().find_map(|effect| {
        if let Effect::Answer {
            request: REQUEST,
            answer: Err(refusal),
        } = effect
        {
            Some(refusal)
        } else {
            None
        }
    })
}
