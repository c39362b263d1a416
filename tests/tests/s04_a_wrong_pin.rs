//! PINs that are wrong, malformed, or the last but one: what reaches the card, and what is said.

use cac_common::interface::{Refusal, SubmitPin, method};
use cac_common::snapshot::{Card, PinStatus};
use cac_tests::harness::{Lab, Recorded, john, message, pin_for, refusal};
use cac_tests::virtual_card::{CardModel, samples};

const WRONG: &str = "111111";

#[test]
fn s04_a_wrong_pin_is_sent_once_and_the_last_try_is_never_spent_unasked() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;

    lab.type_pin(0, WRONG)?;
    until_tries_left(&lab, 2)?;
    assert_eq!((card.tries_left(), card.log().pin_attempts()), (2, 1));

    lab.type_pin(0, WRONG)?;
    let at_the_last = until_tries_left(&lab, 1)?;
    assert_eq!((card.tries_left(), card.log().pin_attempts()), (1, 2));

    let said = lab.wait_for_entries("PIN not accepted", 2)?;
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(said[0].text.ends_with("2 tries left"), "{said:#?}");
    assert!(said[1].text.ends_with("one try is left"), "{said:#?}");

    let request = pin_for(&at_the_last)?;
    let refused = refusal(lab.submit(request.clone(), samples::PIN))?;
    assert_eq!(refused, Refusal::LastTry);
    assert_eq!(
        (card.tries_left(), card.log().pin_attempts()),
        (1, 2),
        "the last try is not spent unasked"
    );

    let insists = SubmitPin {
        even_the_last_try: true,
        ..request
    };
    lab.submit(insists, samples::PIN)?;
    lab.wait_for_status(0, "registered")?;
    assert_eq!((card.tries_left(), card.log().pin_attempts()), (3, 3));
    assert_eq!(lab.portal().registrations()?.len(), 1);
    Ok(())
}

#[test]
fn s04_a_blocked_pin_is_told_and_the_card_is_not_asked_again() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    for left in [2, 1] {
        lab.type_pin(0, WRONG)?;
        until_tries_left(&lab, left)?;
    }
    let shown = lab.card(&lab.snapshot()?, 0)?;
    let insists = SubmitPin {
        even_the_last_try: true,
        ..pin_for(&shown)?
    };

    lab.submit(insists.clone(), WRONG)?;
    let blocked = lab.wait_for_status(0, "PIN blocked")?;

    assert_eq!(blocked.pin, PinStatus::Blocked);
    assert_eq!((card.tries_left(), card.log().pin_attempts()), (0, 3));
    let refused = refusal(lab.submit(insists, samples::PIN))?;
    assert_eq!(refused, Refusal::PinBlocked);
    lab.take_out(0)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "PIN blocked")?;
    assert_eq!(card.log().pin_attempts(), 3);
    assert_eq!(lab.portal().sign_ins(), 0);
    Ok(())
}

#[test]
fn s04_what_cannot_be_a_pin_never_reaches_the_card() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    let shown = lab.wait_for_status(0, "needs PIN")?;
    let request = pin_for(&shown)?;
    lab.wait_until_whole(0)?;
    let before = card.log();

    for malformed in ["12345", "abcdef", "123456789", "12345 ", "12345\n", "١٢٣٤"] {
        let refused = refusal(lab.submit(request.clone(), malformed))?;
        assert_eq!(refused, Refusal::MalformedPin, "{malformed:?}");
    }
    let refused = refusal(lab.submit(request.clone(), ""))?;
    assert_eq!(refused, Refusal::NoPin, "nothing was in the pipe");
    let call = message(method::SUBMIT_PIN, &request)?;
    let reply = lab.block_on(async {
        let mut caller = Recorded::connect(&lab.socket()).await?;
        caller.call(&call, &[]).await
    })?;
    assert_eq!(
        reply.error.as_deref(),
        Some("org.cacd1.NoPin"),
        "no pipe came along"
    );

    assert_eq!(card.log(), before, "the card was not even asked");
    assert_eq!(card.tries_left(), 3);
    Ok(())
}

fn until_tries_left(lab: &Lab, tries: u8) -> anyhow::Result<Card> {
    let snapshot = lab.wait_for(&format!("{tries} tries are left"), |snapshot| {
        lab.label(snapshot, 0) == Some("needs PIN")
            && lab.card(snapshot, 0).is_ok_and(|card| {
                card.pin
                    == PinStatus::Ready {
                        tries_left: Some(tries),
                    }
            })
    })?;
    lab.card(&snapshot, 0)
}
