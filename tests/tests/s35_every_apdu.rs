//! The card is pulled at every APDU of a read and of a sign-in, and put back,
//! or another one in its place: what is shown is what is there.

use cac_common::interface::{Clear, ClearScope};
use cac_common::snapshot::{Card, Visit};
use cac_tests::harness::{Lab, john, the_card_of};
use cac_tests::virtual_card::card_file::CardFile;
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::person::Person;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};

/// What lies in the reader after the mishap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    SameCard,
    OtherCard,
}

#[test]
fn s35_a_card_pulled_at_any_apdu_and_put_back_is_read_and_signs_when_asked_again()
-> anyhow::Result<()> {
    at_every_apdu(Then::SameCard)
}

#[test]
fn s35_a_card_swapped_at_any_apdu_is_seen_as_the_other_and_gets_nothing_of_the_first()
-> anyhow::Result<()> {
    at_every_apdu(Then::OtherCard)
}

fn at_every_apdu(then: Then) -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    // All have the same PIN, which is worst.
    let other = the_card_of(Person::jane_doe(), KeyAlgorithm::P256, samples::PIN)?;
    lab.welcome(samples::john())?;
    lab.welcome(&other)?;
    let lengths = lengths(&mut lab)?;
    let sign_ins = lab.portal().sign_ins();
    let mut desk = Desk { lab, other, then };

    for number in 0..lengths.read {
        forget(&desk.lab)?;
        desk.disturb_read(number)?;
    }
    // From here on both are known.
    for file in [samples::john(), &desk.other] {
        let card = CardHandle::new(file, CardModel::T1)?;
        desk.lab.insert(0, &card)?;
        desk.lab.wait_for_status(0, "needs PIN")?;
        desk.lab.wait_until_whole(0)?;
        desk.lab.take_out(0)?;
    }
    for number in 0..lengths.known_read {
        let shown = desk.disturb_read(number)?;
        assert!(shown.recognised, "{then:?}, {number}");
    }
    for number in 0..lengths.sign_in {
        desk.disturb_sign_in(number)?;
        assert_eq!(desk.lab.portal().sign_ins(), sign_ins, "{then:?}, {number}");
    }

    println!("{then:?}: {lengths:?}");
    let card = john(CardModel::T1)?;
    desk.lab.register(0, &card, samples::PIN)?;
    assert_eq!(card.log().pin_attempts(), 1);
    Ok(())
}

/// APDUs of what nothing disturbs.
#[derive(Debug)]
struct Lengths {
    /// With what could wait.
    read: usize,
    known_read: usize,
    sign_in: usize,
}

fn lengths(lab: &mut Lab) -> anyhow::Result<Lengths> {
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    let read = lab.wait_until_whole(0)?.read_apdus;
    lab.take_out(0)?;
    lab.insert(0, &card)?;
    let known_read = lab.wait_for_status(0, "needs PIN")?.read_apdus;
    lab.wait_until_whole(0)?;
    let before = card.log().count();
    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "registered")?;
    let sign_in = card.log().count() - before;
    lab.take_out(0)?;
    forget(lab)?;
    Ok(Lengths {
        read: read.try_into()?,
        known_read: known_read.try_into()?,
        sign_in,
    })
}

/// A reader, John Roe's card again and again, and what comes in its place.
struct Desk {
    lab: Lab,
    other: CardFile,
    then: Then,
}

impl Desk {
    /// What is shown of the card that came after it.
    fn disturb_read(&mut self, number: usize) -> anyhow::Result<Card> {
        let card = john(CardModel::T1)?;
        self.plan(&card, number)?;
        self.lab.insert(0, &card)?;
        card.wait_until_out();
        // pcscd looks for cards now and then, and misses what happens between.
        self.lab.wait_until_empty(0)?;
        self.lab.insert(0, &card)?;

        let shown = self.what_is_there(number, Visit(0))?;

        assert_eq!(card.log().pin_attempts(), 0, "{:?}, {number}", self.then);
        self.lab.take_out(0)?;
        Ok(shown)
    }

    fn disturb_sign_in(&mut self, number: usize) -> anyhow::Result<()> {
        let at = format!("{:?}, {number}", self.then);
        let card = john(CardModel::T1)?;
        self.lab.insert(0, &card)?;
        let first = self.lab.wait_for_status(0, "needs PIN")?;
        self.lab.wait_until_whole(0)?;
        let before = card.log().count();
        self.plan(&card, number)?;
        self.lab.type_pin(0, samples::PIN)?;
        card.wait_until_out();
        // pcscd looks for cards now and then, and misses what happens between.
        self.lab.wait_until_empty(0)?;
        self.lab.insert(0, &card)?;

        self.what_is_there(number, first.visit)?;

        assert!(!card.pin_is_verified(), "{at}");
        assert_eq!(card.tries_left(), 3, "{at}");
        // The log goes on with the card that is there now.
        let since = &card.log().entries()[before + number..].to_vec();
        assert!(
            !since.is_empty() && since.iter().all(|apdu| !apdu.carries_pin),
            "{at}: the PIN ended with the visit"
        );
        self.lab.take_out(0)?;
        Ok(())
    }

    fn plan(&self, card: &CardHandle, number: usize) -> anyhow::Result<()> {
        let moment = Moment::next_of_any().after(number);
        match self.then {
            Then::SameCard => card.pull_at(moment),
            Then::OtherCard => card.swap_at(moment, &self.other, CardModel::T1)?,
        }
        Ok(())
    }

    /// The card that is in now, in a later visit than that.
    fn what_is_there(&self, number: usize, after: Visit) -> anyhow::Result<Card> {
        let file = match self.then {
            Then::SameCard => samples::john(),
            Then::OtherCard => &self.other,
        };
        let at = format!("{:?}, {number}", self.then);
        let snapshot = self
            .lab
            .wait_for(&format!("{at}: it needs its PIN"), |snapshot| {
                let card = self.lab.card(snapshot, 0);
                self.lab.label(snapshot, 0) == Some("needs PIN")
                    && card.is_ok_and(|card| card.visit > after)
            })?;
        let shown = self.lab.card(&snapshot, 0)?;
        let id = shown.id.as_ref().map(|id| id.0.clone());
        assert_eq!(id, Some(file.card_uuid()), "{at}");
        assert_eq!(shown.certificates.len(), 4, "{at}");
        Ok(shown)
    }
}

fn forget(lab: &Lab) -> anyhow::Result<()> {
    let everything = Clear {
        scope: ClearScope::All {},
        dry_run: false,
    };
    lab.ask(async |client| client.clear(&everything).await)?;
    Ok(())
}
