use super::pki::{
    ANY_POLICY, AUTHENTICATION, Authority, MEDIUM_HARDWARE, add_constraints, add_mapping,
    identifier, judged, judged_for, trusted, with_policies,
};
use crate::trust::path::{PathFault, Verdict};
use crate::trust::policy::PolicyFault;

const OTHER: &str = "1.3.6.1.4.1.99999.7";

#[test]
fn a_policy_holds_where_every_authority_names_it() {
    let root = Authority::root("Root 1");
    let authority = root.below_with("CA 1", with_policies(&[MEDIUM_HARDWARE, OTHER]));
    let card = authority.card_with(with_policies(&[MEDIUM_HARDWARE, AUTHENTICATION]));

    let path = trusted(judged(&[&root.der], &[&authority.der], &card));

    let held: Vec<_> = path.policies.iter().collect();
    assert_eq!(held, [identifier(MEDIUM_HARDWARE)]);
    assert!(path.policies.holds(identifier(MEDIUM_HARDWARE)));
    assert!(!path.policies.holds(identifier(AUTHENTICATION)));
}

#[test]
fn one_of_the_policies_that_are_asked_for_has_to_hold() {
    let root = Authority::root("Root 1");
    let named = [MEDIUM_HARDWARE, AUTHENTICATION];
    let authority = root.below_with("CA 1", with_policies(&named));
    let silent = root.below("CA 2");
    let ask = |authority: &Authority, card: &[u8], wanted: &[&str]| {
        judged_for(&[&root.der], &[&authority.der], card, wanted)
    };
    let card = authority.card_with(with_policies(&[MEDIUM_HARDWARE]));

    let right = ask(&authority, &card, &[AUTHENTICATION, MEDIUM_HARDWARE]);
    let wrong = ask(&authority, &card, &[AUTHENTICATION]);
    let none = ask(&authority, &authority.card(), &[AUTHENTICATION]);
    let under_silent = silent.card_with(with_policies(&named));
    let vouched_by_nobody = ask(&silent, &under_silent, &[AUTHENTICATION]);

    trusted(right);
    let fault = |fault| Verdict::NotTrusted(PathFault::Policy(fault));
    assert_eq!(wrong, fault(PolicyFault::NotAcceptable));
    assert_eq!(none, fault(PolicyFault::None));
    assert_eq!(vouched_by_nobody, fault(PolicyFault::None));
}

/// DoD authorities demand an explicit policy at once.
#[test]
fn an_authority_can_demand_that_a_policy_holds() {
    let root = Authority::root("Root 1");
    let authority = root.below_with("CA 1", |params| {
        with_policies(&[MEDIUM_HARDWARE])(params);
        add_constraints(params, Some(0), None);
    });

    let with = authority.card_with(with_policies(&[MEDIUM_HARDWARE]));
    let without = authority.card_with(with_policies(&[OTHER]));

    trusted(judged(&[&root.der], &[&authority.der], &with));
    assert_eq!(
        judged(&[&root.der], &[&authority.der], &without),
        Verdict::NotTrusted(PathFault::Policy(PolicyFault::None))
    );
}

#[test]
fn any_policy_lets_the_authorities_below_choose() {
    let root = Authority::root("Root 1");
    let authority = root.below_with("CA 1", with_policies(&[ANY_POLICY]));
    let card = authority.card_with(with_policies(&[AUTHENTICATION]));

    let verdict = judged_for(&[&root.der], &[&authority.der], &card, &[AUTHENTICATION]);

    assert!(trusted(verdict).policies.holds(identifier(AUTHENTICATION)));
}

#[test]
fn any_policy_counts_no_longer_where_it_is_inhibited() {
    let root = Authority::root("Root 1");
    let strict = root.below_with("CA 1", |params| {
        with_policies(&[MEDIUM_HARDWARE])(params);
        super::pki::add(params, &[2, 5, 29, 54], true, vec![2, 1, 0]);
    });
    let lax = root.below_with("CA 1", with_policies(&[MEDIUM_HARDWARE]));

    for (authority, holds) in [(strict, false), (lax, true)] {
        let card = authority.card_with(with_policies(&[ANY_POLICY]));

        let path = trusted(judged(&[&root.der], &[&authority.der], &card));

        assert_eq!(path.policies.holds(identifier(MEDIUM_HARDWARE)), holds);
    }
}

/// As the Federal Bridge maps the DoD's policies to its own.
#[test]
fn a_mapped_policy_is_known_by_the_anchor_s_name_and_by_its_own() {
    let root = Authority::root("Bridge");
    let across = |inhibit| {
        root.below_with("Root 3", move |params| {
            with_policies(&[AUTHENTICATION])(params);
            add_mapping(params, &[(AUTHENTICATION, MEDIUM_HARDWARE)]);
            add_constraints(params, Some(0), inhibit);
        })
    };
    let across = across(None);
    let authority = across.below_with("CA 1", with_policies(&[MEDIUM_HARDWARE]));
    let card = authority.card_with(with_policies(&[MEDIUM_HARDWARE]));
    let others = [across.der.as_slice(), &authority.der];

    let by_anchor = judged_for(&[&root.der], &others, &card, &[AUTHENTICATION]);
    let by_own = judged_for(&[&root.der], &others, &card, &[MEDIUM_HARDWARE]);

    assert!(
        trusted(by_anchor)
            .policies
            .holds(identifier(MEDIUM_HARDWARE))
    );
    assert_eq!(
        by_own,
        Verdict::NotTrusted(PathFault::Policy(PolicyFault::NotAcceptable))
    );
}

#[test]
fn a_mapping_below_one_that_inhibits_it_loses_the_policy() {
    let root = Authority::root("Bridge");
    let upper = root.below_with("Upper", |params| {
        with_policies(&[AUTHENTICATION])(params);
        add_constraints(params, Some(0), Some(0));
    });
    let lower = upper.below_with("Lower", |params| {
        with_policies(&[AUTHENTICATION])(params);
        add_mapping(params, &[(AUTHENTICATION, MEDIUM_HARDWARE)]);
    });
    let card = lower.card_with(with_policies(&[MEDIUM_HARDWARE]));

    let verdict = judged(&[&root.der], &[&upper.der, &lower.der], &card);

    let fault = PathFault::Policy(PolicyFault::None);
    assert_eq!(verdict, Verdict::NotTrusted(fault));
}

#[test]
fn nobody_maps_any_policy() {
    let root = Authority::root("Root 1");
    let authority = root.below_with("CA 1", |params| {
        with_policies(&[ANY_POLICY])(params);
        add_mapping(params, &[(ANY_POLICY, MEDIUM_HARDWARE)]);
    });

    let verdict = judged(&[&root.der], &[&authority.der], &authority.card());

    let fault = PathFault::Policy(PolicyFault::MapsAny);
    assert_eq!(verdict, Verdict::NotTrusted(fault));
}
