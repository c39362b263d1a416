//! What a read and a sign-in cost, in APDUs: the figures that gate.

use std::sync::Arc;

use cac_common::registration::Outcome;
use cac_tests::servers::by_card;

use super::*;

#[test]
fn a_read_costs_no_more_apdus_than_it_must() {
    for (model, first, until_dod_id, until_name, again, rest) in [
        (CardModel::T1, 36, 2, 4, 8, 20),
        (CardModel::T0, 45, 4, 7, 15, 20),
    ] {
        let card = jane(model);
        let mut dod_id = None;
        let mut name = None;
        let facts = try_to_read(&card, &Habits::default(), &[], &mut |progress| {
            let so_far = card.log().count();
            if progress.dod_id.is_some() {
                dod_id.get_or_insert(so_far);
            }
            if progress.holder.is_some() {
                name.get_or_insert(so_far);
            }
        })
        .unwrap();
        let mut whole = facts.clone();
        whole.take_rest(rest_of(&card, &facts), now());
        card.clear_log();
        let known = read_with(&card, &Habits::default(), &[on_record(&whole)]);

        println!(
            "{model:?}: first {}, DoD ID after {dod_id:?}, name after {name:?}, again {}, rest {}",
            facts.apdus,
            known.apdus,
            whole.apdus - facts.apdus
        );
        assert!(facts.apdus <= first, "{}", facts.apdus);
        assert_eq!(dod_id, Some(until_dod_id));
        assert_eq!(name, Some(until_name));
        assert!(known.apdus <= again, "{}", known.apdus);
        assert_eq!(card.log().count(), known.apdus as usize);
        assert!(whole.apdus - facts.apdus <= rest);
        assert_eq!(known.certificates, whole.certificates);
        assert_eq!(known.objects, whole.objects);
        assert_eq!(Missing::of(&known), None);
    }
}

#[test]
fn a_sign_in_costs_no_more_apdus_than_it_must() {
    for (model, most) in [
        (CardModel::T1, 10),
        (CardModel::T0, 14),
        (no_logout(CardModel::T1), 12),
        (no_logout(CardModel::T0), 18),
    ] {
        let card = jane(model);
        let facts = read(&card);
        card.clear_log();

        let signed = sign_with(&card, &facts, samples::PIN, false);

        assert!(signed.result.is_ok());
        println!("{model:?}: {}", card.log().count());
        assert!(
            card.log().count() <= most,
            "{model:?}: {}",
            card.log().count()
        );
        assert_eq!(card.log().count(), signed.apdus as usize);
    }
}

#[test]
fn a_whole_sign_in_to_nginx_costs_no_more_apdus_than_it_must() {
    let nginx = by_card::nginx().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let profile = by_card::profile_in(folder.path(), &nginx).unwrap();
    for (model, first, again, alone) in [(CardModel::T1, 46, 18, 10), (CardModel::T0, 59, 29, 14)] {
        let card = Arc::new(jane(model));
        let sign_in = |facts: &CardFacts| {
            let mut login = facts.certificates.iter();
            let login = login.find(|it| it.summary.slot == Slot::Authentication);
            let certificate = login.unwrap().der.clone();
            let id = facts.id.clone();
            let order = Order {
                target: Target::of(facts, login.unwrap()),
                algorithm: Algorithm::Rsa2048,
                block: Vec::new(),
            };
            let outcome = by_card::sign_in(&profile, &certificate, now(), {
                let card = Arc::clone(&card);
                move |block| {
                    let block = block.to_vec();
                    let order = Order {
                        block,
                        ..order.clone()
                    };
                    let pin = pin(&id, samples::PIN, false);
                    let habits = Habits::default();
                    sign(&mut card.transport(), &habits, &order, pin)
                        .result
                        .ok()
                }
            });
            assert!(
                matches!(outcome, Ok(Outcome::Registered { .. })),
                "{outcome:?}: {}",
                nginx.log()
            );
            card.log().count()
        };
        card.clear_log();

        let facts = read(&card);
        let from_nothing = sign_in(&facts);
        card.clear_log();
        let known = read_with(&card, &Habits::default(), &[on_record(&facts)]);
        let from_the_record = sign_in(&known);
        card.clear_log();
        let read_before = sign_in(&known);

        println!("{model:?}: {from_nothing}, {from_the_record}, {read_before}");
        assert!(from_nothing <= first, "{model:?}: {from_nothing}");
        assert!(from_the_record <= again, "{model:?}: {from_the_record}");
        assert!(read_before <= alone, "{model:?}: {read_before}");
        assert_eq!(card.log().key_operations(), 1);
    }
}

#[test]
fn nine_certificates_cost_no_more_apdus_than_they_must() {
    for (model, most, rest_without_certificates) in
        [(CardModel::T1, 70, 20), (CardModel::T0, 84, 20)]
    {
        let card = CardHandle::new(samples::jane_with_history(), model).unwrap();
        let facts = read(&card);
        let rest = rest_of(&card, &facts);
        let mut whole = facts.clone();
        whole.take_rest(rest.clone(), now());
        let known = read_with(&card, &Habits::default(), &[on_record(&whole)]);

        println!(
            "{model:?}: first {}, rest {}, again {}",
            facts.apdus, rest.apdus, known.apdus
        );
        assert_eq!(whole.certificates.len(), 9);
        assert!(
            whole.apdus <= most + rest_without_certificates,
            "{}",
            whole.apdus
        );
        assert_eq!(known.certificates, whole.certificates);
    }
}
