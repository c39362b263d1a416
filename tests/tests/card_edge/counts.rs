//! What a read and a sign-in cost, in APDUs: the figures that gate.

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
