//! A card that was read before: what has changed on it is read, and no more.

use cac_tests::virtual_card::habits::Packing;

use super::*;

/// Where the serial number of a certificate lies, near its front.
const SERIAL: usize = 20;

#[test]
fn a_renewed_certificate_is_read_and_no_other() {
    let card = jane(CardModel::T1);
    let whole = whole(&card);
    let unchanged = read_with(&card, &Habits::default(), &[on_record(&whole)]).apdus;
    for slot in Slot::PIV {
        let mut earlier = on_record(&whole);
        earlier.certificates.get_mut(&slot).unwrap()[SERIAL] ^= 1;

        let facts = read_with(&card, &Habits::default(), &[earlier]);

        assert_eq!(facts.certificates, whole.certificates, "{slot}");
        // Beside the certificate, what is said of the card as such is not
        // taken from the record of a card that names its holder otherwise.
        let more = facts.apdus - unchanged;
        let most = if slot == Slot::Authentication { 8 } else { 6 };
        assert!((5..=most).contains(&more), "{slot}: {more}");
    }
}

#[test]
fn a_certificate_that_came_or_went_is_seen() {
    let card = jane(CardModel::T1);
    let whole = whole(&card);

    let mut with_fewer = on_record(&whole);
    with_fewer.certificates.remove(&Slot::Signature);
    let came = read_with(&card, &Habits::default(), &[with_fewer]);
    assert_eq!(came.certificates, whole.certificates);

    let contactless = jane(CardModel::CONTACTLESS);
    let gone = read_with(&contactless, &Habits::default(), &[on_record(&whole)]);
    assert_eq!(gone.certificates.len(), 1);
}

#[test]
fn of_several_personas_with_one_card_id_the_right_one_is_recognised() {
    let card = jane(CardModel::T1);
    let whole = whole(&card);
    let johns = CardHandle::new(samples::john(), CardModel::T1).unwrap();
    let johns = on_record(&read(&johns));

    let facts = read_with(&card, &Habits::default(), &[johns, on_record(&whole)]);

    assert_eq!(facts.certificates, whole.certificates);
    assert_eq!(facts.objects, whole.objects);
    assert_eq!(facts.apdus, 8);
}

#[test]
fn a_record_of_somebody_elses_card_changes_nothing() {
    let card = jane(CardModel::T1);
    let whole = whole(&card);
    let johns = CardHandle::new(samples::john(), CardModel::T1).unwrap();
    let johns = on_record(&read(&johns));

    let facts = read_with(&card, &Habits::default(), &[johns]);

    assert_eq!(facts.certificates, whole.certificates);
    assert_eq!(facts.holder, whole.holder);
}

#[test]
fn a_certificate_that_is_packed_is_read_whole_each_time() {
    let card = jane(CardModel {
        packing: Packing::Gzip,
        ..CardModel::T1
    });
    let whole = whole(&card);

    let facts = read_with(&card, &Habits::default(), &[on_record(&whole)]);

    assert_eq!(facts.certificates, whole.certificates);
}

fn whole(card: &CardHandle) -> CardFacts {
    let mut facts = read(card);
    facts.take_rest(rest_of(card, &facts), now());
    facts
}
