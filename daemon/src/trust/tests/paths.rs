use cac_common::certificate::ChainStatus;
use cac_common::x509::Certificate;
use cac_common::x509::NotACertificate;
use cac_common::x509::signature::SignatureFault;
use rcgen::{GeneralSubtree, IsCa, KeyUsagePurpose, NameConstraints};

use super::pki::{
    Authority, add, expired, judged, parse, trusted, with_path_length, with_policies,
};
use crate::trust::path::{PathFault, Verdict};

#[test]
fn a_card_leads_up_through_its_authorities() {
    let root = Authority::root("Root 1");
    let upper = root.below("Upper 1");
    let lower = upper.below("Lower 1");

    let verdict = judged(&[&root.der], &[&lower.der, &upper.der], &lower.card());

    assert_eq!(
        verdict.status(),
        ChainStatus::Trusted {
            path: vec!["Lower 1".into(), "Upper 1".into(), "Root 1".into()]
        }
    );
}

#[test]
fn nothing_is_said_where_nothing_is_trusted() {
    let root = Authority::root("Root 1");
    let authority = root.below("Authority 1");

    let verdict = judged(&[], &[&authority.der], &authority.card());

    assert_eq!(verdict, Verdict::NotConfigured);
}

#[test]
fn a_missing_issuer_is_named() {
    let root = Authority::root("Root 1");
    let upper = root.below("Upper 1");
    let lower = upper.below("Lower 1");

    for (intermediates, missing) in [
        (vec![], "Lower 1"),
        (vec![upper.der.as_slice()], "Lower 1"),
        (vec![lower.der.as_slice()], "Upper 1"),
    ] {
        let verdict = judged(&[&root.der], &intermediates, &lower.card());

        let issuer = missing.into();
        assert_eq!(verdict, Verdict::NotTrusted(PathFault::NoIssuer { issuer }));
    }
}

#[test]
fn whoever_is_out_of_its_time_is_named() {
    let root = Authority::root("Root 1");
    let old_root = Authority::root_with("Old Root", expired);
    let good = root.below("Good");
    let old = root.below_with("Old", expired);
    let under_old_root = old_root.below("Under Old");
    let early = root.below_with("Early", |params| {
        params.not_before = rcgen::date_time_ymd(2026, 7, 1);
    });
    let expired_name = |subject: &str| PathFault::Expired {
        subject: subject.into(),
    };
    let early_fault = PathFault::NotYetValid {
        subject: "Early".into(),
    };

    for (authority, card, fault) in [
        (&old, old.card(), expired_name("Old")),
        (
            &under_old_root,
            under_old_root.card(),
            expired_name("Old Root"),
        ),
        (
            &good,
            good.card_with(expired),
            expired_name("the certificate"),
        ),
        (&early, early.card(), early_fault),
    ] {
        let verdict = judged(&[&root.der, &old_root.der], &[&authority.der], &card);

        assert_eq!(verdict, Verdict::NotTrusted(fault));
    }
}

#[test]
fn more_authorities_than_one_above_allows_are_refused() {
    let root = Authority::root("Root 1");
    let upper = root.below_with("Upper 1", with_path_length(0));
    let lower = upper.below("Lower 1");

    let direct = judged(&[&root.der], &[&upper.der], &upper.card());
    let deep = judged(&[&root.der], &[&upper.der, &lower.der], &lower.card());

    trusted(direct);
    let subject = "Upper 1".into();
    assert_eq!(deep, Verdict::NotTrusted(PathFault::TooDeep { subject }));
}

#[test]
fn the_root_s_own_limit_counts_too() {
    let root = Authority::root_with("Root 1", with_path_length(0));
    let authority = root.below("Authority 1");

    let verdict = judged(&[&root.der], &[&authority.der], &authority.card());

    let subject = "Root 1".into();
    assert_eq!(verdict, Verdict::NotTrusted(PathFault::TooDeep { subject }));
}

#[test]
fn whoever_is_no_authority_issues_nothing() {
    let root = Authority::root("Root 1");
    let no_authority = root.below_with("Nobody", |params| params.is_ca = IsCa::ExplicitNoCa);
    let no_signer = root.below_with("No Signer", |params| {
        params.key_usages = vec![KeyUsagePurpose::CrlSign];
    });

    let by_nobody = judged(&[&root.der], &[&no_authority.der], &no_authority.card());
    let by_no_signer = judged(&[&root.der], &[&no_signer.der], &no_signer.card());

    let subject = "Nobody".into();
    assert_eq!(
        by_nobody,
        Verdict::NotTrusted(PathFault::NotAnAuthority { subject })
    );
    let subject = "No Signer".into();
    assert_eq!(
        by_no_signer,
        Verdict::NotTrusted(PathFault::MayNotSign { subject })
    );
}

#[test]
fn a_signature_by_another_key_or_over_other_bytes_is_found() {
    let root = Authority::root("Root 1");
    let namesake = Authority::root("Root 1");
    let mut changed = root.card();
    *changed.last_mut().unwrap() ^= 1;

    for card in [namesake.card(), changed] {
        let verdict = judged(&[&root.der], &[], &card);

        assert_eq!(
            verdict,
            Verdict::NotTrusted(PathFault::Signature {
                subject: "the certificate".into(),
                fault: SignatureFault::Wrong,
            })
        );
    }
}

#[test]
fn the_right_one_of_two_namesakes_is_found() {
    let root = Authority::root("Root 1");
    let earlier = root.below("Authority 1");
    let later = root.below("Authority 1");

    let verdict = judged(&[&root.der], &[&earlier.der, &later.der], &later.card());

    assert_eq!(
        trusted(verdict).steps().next().unwrap().1,
        &parse(&later.der)
    );
}

/// As with DoD Root CA 3 under the Interoperability Root under the Federal Bridge.
#[test]
fn cross_certificates_do_not_mislead() {
    let root = Authority::root("Root 3");
    let bridge = Authority::root("Bridge");
    let interoperability = bridge.below("Interoperability Root 2");
    let authority = root.below("Authority 1");
    let across = interoperability.vouch_for(&root);
    let others = [
        across.as_slice(),
        &interoperability.der,
        &bridge.der,
        &authority.der,
    ];

    let direct = judged(&[&bridge.der, &root.der], &others, &authority.card());
    let around = judged(&[&bridge.der], &others, &authority.card());

    assert_eq!(trusted(direct).titles(), ["Authority 1", "Root 3"]);
    assert_eq!(
        trusted(around).titles(),
        ["Authority 1", "Root 3", "Interoperability Root 2", "Bridge"]
    );
}

#[test]
fn a_way_round_is_taken_where_the_short_one_has_expired() {
    let root = Authority::root("Root 1");
    let other = Authority::root("Root 2");
    let authority = root.below_with("Authority 1", expired);
    let second = other.vouch_for(&authority);

    let verdict = judged(
        &[&root.der, &other.der],
        &[&authority.der, &second],
        &authority.card(),
    );

    assert_eq!(trusted(verdict).titles(), ["Authority 1", "Root 2"]);
}

#[test]
fn authorities_that_vouch_for_each_other_lead_nowhere() {
    let root = Authority::root("Root 1");
    let a = Authority::root("A");
    let b = Authority::root("B");
    let (a_by_b, b_by_a) = (b.vouch_for(&a), a.vouch_for(&b));

    let verdict = judged(&[&root.der], &[&a_by_b, &b_by_a], &a.card());

    let issuer = "A".into();
    assert_eq!(verdict, Verdict::NotTrusted(PathFault::NoIssuer { issuer }));
}

#[test]
fn the_work_is_bounded_however_many_vouch_for_whom() {
    let root = Authority::root("Root 1");
    let everyone: Vec<_> = (0..12)
        .map(|at| Authority::root(&format!("CA {at}")))
        .collect();
    let mut vouched = Vec::new();
    for issuer in &everyone {
        vouched.extend(everyone.iter().map(|subject| issuer.vouch_for(subject)));
    }
    let vouched: Vec<&[u8]> = vouched.iter().map(Vec::as_slice).collect();

    let verdict = judged(&[&root.der], &vouched, &everyone[0].card());

    assert_eq!(verdict, Verdict::NotTrusted(PathFault::TooMany));
}

#[test]
fn a_chain_without_end_is_left() {
    let root = Authority::root("Root 1");
    let mut chain = vec![root.below("CA 0")];
    for at in 1..12 {
        let next = chain.last().unwrap().below(&format!("CA {at}"));
        chain.push(next);
    }
    let ders: Vec<&[u8]> = chain.iter().map(|one| one.der.as_slice()).collect();

    let short = judged(&[&root.der], &ders, &chain[5].card());
    let long = judged(&[&root.der], &ders, &chain[6].card());

    assert_eq!(trusted(short).titles().len(), 7);
    assert_eq!(long, Verdict::NotTrusted(PathFault::TooLong));
}

#[test]
fn what_is_critical_and_not_understood_is_refused() {
    let root = Authority::root("Root 1");
    let odd = root.below_with("Odd", |params| {
        add(params, &[1, 3, 6, 1, 4, 1, 99999, 1], true, vec![5, 0]);
    });
    let narrow = root.below_with("Narrow", |params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("example".into())],
            excluded_subtrees: vec![],
        });
    });

    for (authority, extension) in [(&odd, "1.3.6.1.4.1.99999.1"), (&narrow, "2.5.29.30")] {
        let verdict = judged(&[&root.der], &[&authority.der], &authority.card());

        let Verdict::NotTrusted(PathFault::Extension {
            extension: found, ..
        }) = verdict
        else {
            panic!("{verdict:?}");
        };
        assert_eq!(found.to_string(), extension);
    }
}

#[test]
fn test_cards_are_told_and_never_trusted() {
    let jitc = Authority::root("DoD JITC Root CA 3");
    let jitc_id = jitc.below("DOD JITC ID CA-59");
    let gsa = Authority::root("ICAM Test Card PIV Root CA");
    let quiet = gsa.below("Signing CA");
    let root = Authority::root("Root 1");
    let test_policy = with_policies(&["2.16.840.1.101.3.2.1.48.11"]);
    let anchors = [jitc.der.as_slice(), &gsa.der, &root.der];
    let others = [jitc_id.der.as_slice(), &quiet.der];

    for (card, authority) in [
        (jitc_id.card(), "DOD JITC ID CA-59"),
        (quiet.card(), "ICAM Test Card PIV Root CA"),
        (root.card_with(test_policy), "Root 1"),
    ] {
        for anchors in [&anchors[..], &[]] {
            let verdict = judged(anchors, &others, &card);

            let authority = authority.into();
            assert_eq!(verdict, Verdict::Test { authority });
        }
    }
}

#[test]
fn what_is_no_certificate_is_said_to_be_none() {
    let root = Authority::root("Root 1");
    let card = root.card();
    let twice = root.card_with(|params| {
        for _ in 0..2 {
            add(params, &[1, 3, 6, 1, 4, 1, 99999, 1], false, vec![5, 0]);
        }
    });
    let bad_policies = root.card_with(|params| add(params, &[2, 5, 29, 32], false, vec![5, 0]));

    for (bytes, fault) in [
        (&b""[..], NotACertificate::Malformed),
        (&card[..card.len() - 1], NotACertificate::Malformed),
        (
            &vec![0x30; 70_000],
            NotACertificate::TooLarge { bytes: 70_000 },
        ),
        (
            &twice,
            NotACertificate::Repeated {
                extension: "1.3.6.1.4.1.99999.1".parse().unwrap(),
            },
        ),
        (
            &bad_policies,
            NotACertificate::Extension {
                extension: "2.5.29.32".parse().unwrap(),
            },
        ),
    ] {
        let verdict = judged(&[&root.der], &[], bytes);

        assert_eq!(verdict, Verdict::NotTrusted(PathFault::Unreadable(fault)));
    }
}

#[test]
fn no_certificate_makes_it_panic_wherever_it_is_changed() {
    let root = Authority::root("Root 1");
    let card = root.card();

    for at in 0..card.len() {
        for flip in [0x01, 0x80, 0xFF] {
            let mut changed = card.clone();
            changed[at] ^= flip;

            let verdict = judged(&[&root.der], &[], &changed);

            assert!(!matches!(verdict, Verdict::Trusted(_)), "{at} {flip}");
        }
        let _ = Certificate::parse(&card[..at]);
    }
}
