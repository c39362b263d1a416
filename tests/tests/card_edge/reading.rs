//! A card is read, whatever becomes of it meanwhile.

use cac_tests::virtual_card::fault::Moment;
use cacd::card::transport::TransportError;

use super::*;

#[test]
fn a_card_is_read_alike_over_both_protocols() {
    for model in MODELS {
        let card = jane(model);

        let facts = read(&card);

        assert_eq!(facts.id.0, samples::jane().card_uuid());
        let holder = facts.holder.as_ref().unwrap();
        assert_eq!(holder.name.to_string(), "DOE, JANE Q");
        assert_eq!(holder.dod_id.unwrap().to_string(), "1234567890");
        let subjects: Vec<&str> = facts
            .certificates
            .iter()
            .map(|certificate| certificate.summary.issuer.as_str())
            .collect();
        assert_eq!(
            subjects,
            [
                "DOD ID CA-9901",
                "DOD EMAIL CA-9901",
                "DOD EMAIL CA-9901",
                "DOD ID CA-9901"
            ]
        );
        assert_eq!(facts.pin, THREE_TRIES);
        assert!(facts.findings.is_empty(), "{:?}", facts.findings);
        assert_eq!(facts.apdus as usize, card.log().count());
        assert_eq!(card.log().pin_attempts(), 0);
        println!(
            "first read: {} APDUs over {:?}",
            facts.apdus, model.protocol
        );
    }
}

#[test]
fn a_card_pulled_at_any_apdu_of_a_read_is_told_as_removed() {
    let whole = {
        let card = jane(CardModel::T1);
        read(&card).apdus
    };
    for at in 0..whole {
        let card = jane(CardModel::T1);
        card.pull_at(Moment::next_of_any().after(at as usize));

        let result = try_to_read(&card, &Habits::default(), &[], &mut |_| {});

        assert_eq!(
            result.err(),
            Some(CardError::Transport(TransportError::Removed)),
            "at APDU {at}"
        );
    }
}
