//! What is told while a card is read.

use cac_tests::virtual_card::cac::Edges;

use super::*;

/// What is read, how many pieces are done by then, and how many certificates are there.
type Told = (String, u32, usize);

#[test]
fn each_certificate_is_told_as_soon_as_it_is_read_and_what_is_read_now() {
    let card = jane(CardModel::T1);
    let mut asked = 0;

    let told = told_of(&card, &[], &mut |progress| {
        let so_far = card.log().count();
        let goes_on = progress.certificates.is_empty() && progress.holder.is_some();
        assert!(so_far > asked || goes_on, "told with nothing new");
        asked = so_far;
    });

    assert_eq!(
        told,
        [
            ("CHUID", 0, 0),
            ("9A Authentication certificate", 1, 0),
            // Its subject, which comes before the rest of it.
            ("9A Authentication certificate", 1, 0),
            ("Discovery Object", 2, 1),
            ("PIN", 2, 1),
            ("CCC", 2, 1),
            ("9C Signature certificate", 2, 1),
            ("9D Encryption certificate", 3, 2),
            ("9E Card certificate", 4, 3),
            ("Key History", 5, 4),
        ]
        .map(|(what, done, certificates)| (what.to_owned(), done, certificates))
    );
}

#[test]
fn what_is_on_record_is_not_told_as_being_read() {
    let card = jane(CardModel::T1);
    let facts = read(&card);
    let mut whole = facts.clone();
    whole.take_rest(rest_of(&card, &facts), now());

    let told = told_of(&card, &[on_record(&whole)], &mut |_| {});

    let what: Vec<&str> = told.iter().map(|(what, ..)| &what[..]).collect();
    assert_eq!(
        what,
        [
            "CHUID",
            "9A Authentication certificate",
            "PIN",
            "9C Signature certificate",
            "9D Encryption certificate",
            "9E Card certificate",
            "Key History",
        ]
    );
}

#[test]
fn applets_are_told_by_name_where_the_card_names_them() {
    for (edges, named) in [(Edges::Cac, 3), (Edges::Bare, 0)] {
        let card = jane(CardModel {
            edges,
            ..CardModel::T1
        });

        let told = told_of(&card, &[], &mut |_| {});

        let by_name = told.iter().filter(|(what, ..)| what != "CAC applets");
        assert_eq!(by_name.count(), named, "{edges:?}: {told:?}");
        let certificates = told.iter().map(|(_, _, certificates)| *certificates);
        let mut counted: Vec<usize> = certificates.collect();
        assert!(counted.is_sorted(), "{edges:?}: {told:?}");
        counted.dedup();
        assert_eq!(counted, [0, 1, 2, 3], "{edges:?}: {told:?}");
    }
}

fn told_of(card: &CardHandle, known: &[KnownCard], look: &mut dyn FnMut(&Progress)) -> Vec<Told> {
    let mut told = Vec::new();
    try_to_read(card, &Habits::default(), known, &mut |progress| {
        look(&progress);
        told.push((progress.what, progress.done, progress.certificates.len()));
    })
    .unwrap();
    told
}
