//! Every outcome of every check was seen, and no other.

use std::collections::BTreeMap;

use super::super::{browsers, held, machine, pcscd, pkcs11, reach, readers, trust};
use super::*;

fn cases() -> impl Iterator<Item = Case> {
    [
        machine::tests::cases(),
        pcscd::tests::cases(),
        readers::tests::cases(),
        held::tests::cases(),
        trust::tests::cases(),
        pkcs11::tests::cases(),
        browsers::tests::cases(),
        reach::tests::cases(),
        of_cards::cases(),
        each_portal::cases(),
        of_the_service(),
        stated(),
    ]
    .into_iter()
    .flatten()
}

/// A new outcome needs a case, and a case comes to one that is listed: the guide
/// tells them all.
#[test]
fn each_check_was_seen_to_come_to_each_of_its_outcomes_and_to_no_other() {
    let mut seen: BTreeMap<&str, Vec<Outcome>> = BTreeMap::new();
    for Case {
        check,
        expected,
        found,
    } in cases()
    {
        assert_eq!(found.outcome(), expected, "{check}: {found:?}");
        let finding = Finding {
            check: named_check(check).unwrap_or_else(|| panic!("{check} is no check")),
            found,
        };
        let command = finding.fix().map(Fix::command).unwrap_or_default();
        for told in [
            finding.cause(),
            finding.advice().unwrap_or_default(),
            &command,
        ] {
            assert!(!told.contains('{'), "{check} leaves words out: {told}");
        }
        seen.entry(check).or_default().push(expected);
    }
    for check in all() {
        let seen = seen.remove(check.name).unwrap_or_default();
        for outcome in check.outcomes {
            assert!(seen.contains(outcome), "{check:?} never was {outcome:?}");
        }
        for outcome in seen {
            let is_listed = check.outcomes.contains(&outcome) || ANYWHERE.contains(&outcome);
            assert!(is_listed, "{check:?} does not list {outcome:?}");
        }
    }
}

#[test]
fn no_check_lists_an_outcome_twice_and_what_is_wrong_says_what_to_do() {
    for check in all() {
        for (at, outcome) in check.outcomes.iter().enumerate() {
            assert!(!check.outcomes[..at].contains(outcome), "{outcome:?}");
            let is_wrong = matches!(outcome.verdict, Verdict::Failed | Verdict::Warning);
            // What a portal says has its own words, from the catalogue of causes.
            if is_wrong && check.name != "portal" {
                assert!(outcome.advice.is_some(), "{check:?}: {outcome:?}");
            }
        }
    }
}

/// Those of the service, the clock and the configuration: from the picture.
fn of_the_service() -> Vec<Case> {
    use super::super::portals as configured;
    use super::super::service;

    let with = |name: &'static str, expected: Outcome, change: Change| {
        let mut snapshot = well();
        change(&mut snapshot);
        case(
            name,
            expected,
            named(&checked(&snapshot), name).found.clone(),
        )
    };
    let at = |name: &'static str, expected: Outcome, link: &Link, now: UtcSeconds| {
        let snapshot = well();
        let found = named(&made(Some(&snapshot), link, now), name).found.clone();
        case(name, expected, found)
    };
    let away = Link::Away {
        since: invented::NOW,
        why: Trouble {
            what: "cannot connect".into(),
            advice: None,
        },
    };
    let set_back = UtcSeconds(well().daemon.started_at.0 - 3600);
    let now = invented::NOW;
    vec![
        at("service", service::service::ANSWERS, &Link::Connected, now),
        at(
            "service",
            service::service::WAITED_FOR,
            &Link::Connecting,
            now,
        ),
        at("service", service::service::AWAY, &away, now),
        with("version", service::version::SAME, |_| {}),
        with("version", service::version::OTHER, |it| {
            it.daemon.version = "0.0.1".into();
        }),
        at("clock", service::clock::FINE, &Link::Connected, now),
        at(
            "clock",
            service::clock::LONG_AGO,
            &Link::Connected,
            UtcSeconds(0),
        ),
        at(
            "clock",
            service::clock::SET_BACK,
            &Link::Connected,
            set_back,
        ),
        with("pcscd", service::pcscd::ANSWERS, |_| {}),
        with("pcscd", service::pcscd::STARTING, |it| {
            it.service = ServiceStatus::Starting;
        }),
        with("pcscd", service::pcscd::AWAY, |it| {
            it.service = ServiceStatus::Away;
        }),
        with("pcscd", service::pcscd::NOT_ALLOWED, |it| {
            it.service = ServiceStatus::NotAllowed;
        }),
        with("configuration", configured::configuration::SOUND, |_| {}),
        with("configuration", configured::configuration::FAULT, |it| {
            it.problems = vec!["cacd.toml: line 3".into(), "portals.d/a.toml".into()];
        }),
        with(
            "configuration",
            configured::configuration::NOT_SHOWN,
            |it| {
                *it = it.for_a_stranger();
            },
        ),
        with("portals", configured::portals::ENABLED, |_| {}),
        with("portals", configured::portals::NONE, |it| {
            it.portals.clear();
        }),
        with("portals", configured::portals::NONE_ENABLED, |it| {
            it.portals[0].enabled = false;
        }),
        with("database", configured::database::SOUND, |_| {}),
        with("database", configured::database::BROKEN, |it| {
            it.daemon.store_problem = Some("disk is full".into());
        }),
    ]
}

fn stated() -> Vec<Case> {
    let snapshot = well();
    let profiles = BTreeMap::new();
    let all_ticked: BTreeSet<String> = all()
        .filter(|it| it.is_stated())
        .map(|it| it.name.to_owned())
        .collect();
    let none_ticked = BTreeSet::new();
    let mut cases = Vec::new();
    for ticked in [&all_ticked, &none_ticked] {
        let known = known(Some(&snapshot), &Link::Connected, &profiles, ticked);
        for finding in findings(&known) {
            if let By::Person { said, open } = finding.check.by {
                let expected = if ticked.is_empty() { open } else { said };
                cases.push(case(finding.check.name, expected, finding.found));
            }
        }
    }
    cases
}

/// What any check can come to.
#[test]
fn a_check_that_is_not_made_says_why() {
    let snapshot = well();
    let (profiles, ticked) = (BTreeMap::new(), BTreeSet::new());
    let nothing = Machine::new();
    let unlooked = Known {
        machine: &nothing,
        ..known(Some(&snapshot), &Link::Connected, &profiles, &ticked)
    };
    let unlooked = named(&findings(&unlooked), "hidepid").clone();
    let waiting = named(&made(None, &Link::Connecting, invented::NOW), "card").clone();
    let late = named(&made(None, &Link::Connecting, invented::NOW), "card")
        .clone()
        .given_up();
    let mut gone = well();
    gone.service = ServiceStatus::Away;
    let after = named(&checked(&gone), "card").clone();
    let unchosen = Known {
        chosen: None,
        ..known(Some(&snapshot), &Link::Connected, &profiles, &ticked)
    };
    let unchosen = named(&findings(&unchosen), "card").clone();

    let came_to = [&unlooked, &waiting, &late, &after, &unchosen].map(|it| it.found.outcome());
    assert_eq!(
        came_to,
        [
            any::LOOKED_UP,
            any::AFTER_RUNNING,
            any::NOT_IN_TIME,
            any::AFTER_FAILED,
            any::NOTHING,
        ]
    );
    assert_eq!(late.verdict(), Verdict::Unknown);
    assert_eq!(late.cause(), "not known in time; after: cacd answers");
}
