//! A read gives what is on the card, or says why not; never something else.

use std::collections::BTreeMap;

use cac_tests::virtual_card::cac;
use cacd::card::facts::Edge;
use cacd::card::transport::TransportError;

use super::*;

/// A card, what is on record of it before it is read, and what a read gives
/// that nothing disturbs.
struct Undisturbed {
    kind: Kind,
    known: Vec<KnownCard>,
    facts: CardFacts,
    apdus: usize,
}

impl Undisturbed {
    /// All kinds as strangers, and those with PIV as known cards too: of the
    /// others every object is read again.
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for kind in kinds() {
            // Which key signs, and how it is logged out, makes no difference here.
            if kind.slot.is_some() || kind.model.refuses_logout {
                continue;
            }
            let card = kind.card();
            let mut knowledge = vec![Vec::new()];
            if matches!(kind.model.edges, Edges::Piv | Edges::Dual) {
                knowledge.push(vec![on_record(&read_whole(&card))]);
            }
            for known in knowledge {
                card.clear_log();
                let facts = read_with(&card, &Habits::default(), &known);
                all.push(Self {
                    kind,
                    known,
                    facts,
                    apdus: card.log().count(),
                });
            }
        }
        all
    }

    fn at(&self, number: usize) -> String {
        let known = if self.known.is_empty() { "" } else { ", known" };
        format!("{}{known}, {number} of {}", self.kind, self.apdus)
    }

    /// Reads a card of this kind that a mishap waits for.
    fn disturbed(
        &self,
        plan: impl FnOnce(&CardHandle),
    ) -> (CardHandle, Result<CardFacts, CardError>) {
        let card = self.kind.card();
        plan(&card);
        let read = self.read(&card);
        (card, read)
    }

    fn read(&self, card: &CardHandle) -> Result<CardFacts, CardError> {
        try_to_read(card, &Habits::default(), &self.known, &mut |progress| {
            // What is told in the course of it is of this person too.
            let holder = self.facts.holder.as_ref().unwrap();
            assert!(progress.dod_id.is_none_or(|id| Some(id) == holder.dod_id));
            assert!(progress.holder.is_none_or(|seen| seen.name == holder.name));
        })
    }
}

#[test]
fn a_card_pulled_or_swapped_at_any_apdu_of_a_read_was_removed() {
    for undisturbed in Undisturbed::all() {
        for number in 0..undisturbed.apdus {
            let at = undisturbed.at(number);
            let removed = Err(TransportError::Removed.into());

            let (card, pulled) = undisturbed.disturbed(|card| card.pull_at(before(number)));

            assert_eq!(pulled, removed, "{at}");
            card.put_in();
            let again = undisturbed.read(&card).unwrap();
            assert_eq!(again, undisturbed.facts, "{at}");

            let other = undisturbed.kind.others()[0];
            let model = undisturbed.kind.model;
            let (card, swapped) =
                undisturbed.disturbed(|card| card.swap_at(before(number), other, model).unwrap());

            assert_eq!(swapped, removed, "{at}");
            // The log goes on with the other card.
            assert_eq!(card.log().count(), number, "{at}");
        }
        println!("{}", undisturbed.at(undisturbed.apdus));
    }
}

#[test]
fn a_card_reset_at_any_apdu_of_a_read_is_read_when_begun_anew() {
    for undisturbed in Undisturbed::all() {
        for number in 0..undisturbed.apdus {
            let at = undisturbed.at(number);

            let (card, reset) = undisturbed.disturbed(|card| card.reset_at(before(number)));

            assert_eq!(reset, Err(TransportError::Reset.into()), "{at}");
            let again = undisturbed.read(&card).unwrap();
            assert_eq!(again, undisturbed.facts, "{at}");
        }
    }
}

#[test]
fn a_reset_that_nobody_tells_of_makes_no_difference_to_a_read() {
    for undisturbed in Undisturbed::all() {
        for number in 0..undisturbed.apdus {
            let (_, read) = undisturbed.disturbed(|card| card.reset_unheard_at(before(number)));

            let at = undisturbed.at(number);
            let facts = read.unwrap_or_else(|error| panic!("{at}: {error}"));
            assert_eq!(facts.id, undisturbed.facts.id, "{at}");
            assert_eq!(seen(&facts), seen(&undisturbed.facts), "{at}");
            assert_eq!(facts.objects, undisturbed.facts.objects, "{at}");
            assert_eq!(facts.findings, undisturbed.facts.findings, "{at}");
            assert_eq!(facts.pin, undisturbed.facts.pin, "{at}");
        }
    }
}

/// PC/SC's lock keeps others out, if the driver keeps to it. PIV objects have
/// names; the buffers of the CAC edge are those of whatever is selected.
#[test]
fn another_applet_selected_at_any_apdu_of_a_read_hides_something_or_makes_it_useless() {
    for undisturbed in Undisturbed::all() {
        let first_look = seen(&undisturbed.facts);
        let right = on_the_card(&undisturbed);
        let mut outcomes = Outcomes::default();
        for number in 0..undisturbed.apdus {
            let at = undisturbed.at(number);

            let (card, read) = undisturbed.disturbed(|card| card.select_other_at(before(number)));

            assert_eq!(card.log().pin_attempts(), 0, "{at}");
            let facts = match read {
                Ok(facts) => facts,
                Err(CardError::Nameless { .. } | CardError::Refused { .. }) => {
                    outcomes.failed += 1;
                    continue;
                }
                Err(error) => panic!("{at}: {error}"),
            };
            let seen = seen(&facts);
            if seen.iter().all(|(slot, der)| right.get(slot) == Some(der)) {
                if facts.edge != undisturbed.facts.edge {
                    outcomes.other_edge += 1;
                } else if seen == first_look {
                    outcomes.right += 1;
                    assert_eq!(facts.id, undisturbed.facts.id, "{at}");
                } else {
                    outcomes.hidden += 1;
                    assert!(!facts.unread.is_empty(), "{at}");
                }
                continue;
            }
            outcomes.misplaced += 1;
            assert_ne!(facts.edge, Edge::Piv, "{at}");
            // The card is asked again before anything is signed with it: it
            // signs what the right certificate has the key for, or nothing.
            for slot in seen.keys().filter(|slot| right.get(slot) != seen.get(slot)) {
                card.clear_log();
                let order = order_for(&facts, *slot);
                let pin = pin(&order.target.card, samples::PIN, false);
                match sign(&mut card.transport(), &Habits::default(), &order, pin).result {
                    Ok(signature) => assert!(verifies(&right[slot], &signature), "{at}"),
                    Err(error) => {
                        assert_eq!(error, CardError::OtherCard, "{at}");
                        assert_eq!(card.log().pin_attempts(), 0, "{at}");
                    }
                }
            }
        }
        println!("{}: {outcomes:?}", undisturbed.at(undisturbed.apdus));
    }
}

/// What becomes of reads during which another applet was selected.
#[derive(Debug, Default)]
struct Outcomes {
    right: usize,
    /// Something is missing, and a finding says so.
    hidden: usize,
    /// A card with both edges is taken for one without PIV.
    other_edge: usize,
    /// A certificate of one applet is taken for that of another, or mixed with it.
    misplaced: usize,
    /// Nothing is read, and it is said why.
    failed: usize,
}

fn seen(facts: &CardFacts) -> BTreeMap<Slot, Vec<u8>> {
    let certificates = facts.certificates.iter();
    certificates
        .map(|certificate| (certificate.summary.slot, certificate.der.clone()))
        .collect()
}

/// Over both edges, whichever it is read over.
fn on_the_card(undisturbed: &Undisturbed) -> BTreeMap<Slot, Vec<u8>> {
    let Kind { file, model, .. } = undisturbed.kind;
    let mut all = seen(&undisturbed.facts);
    for found in cac::certificates(file(), model.edges) {
        let applet = Applet::all().find(|applet| applet.number() == found.applet);
        all.insert(Slot::Applet(applet.unwrap()), found.certificate.to_vec());
    }
    all
}
