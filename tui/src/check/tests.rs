mod each_portal;
mod every;
mod of_cards;

use std::sync::LazyLock;

use cac_common::certificate::{ChainStatus, Revocation};
use cac_common::reader::{ReaderStatus, ServiceStatus};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{PinStatus, Stage};

use super::{named as named_check, *};
use crate::invented;

static UTC: TimeZone = TimeZone::UTC;
/// Where every check of the machine found nothing wrong.
static SOUND_MACHINE: LazyLock<Machine> = LazyLock::new(|| {
    of_the_machine()
        .map(|name| (name, vec![Outcome::fine("it is so").found()]))
        .collect()
});

/// What a check comes to where things stand in one way.
pub(super) struct Case {
    check: &'static str,
    expected: Outcome,
    found: Found,
}

/// The check's name, what it should come to, and what it came to.
pub(super) fn case(check: &'static str, expected: Outcome, found: Found) -> Case {
    Case {
        check,
        expected,
        found,
    }
}

/// Of a check that looks at one thing alone.
pub(super) fn single(check: &'static str, expected: Outcome, found: Vec<Found>) -> Case {
    let [found] = <[Found; 1]>::try_from(found).expect("one line");
    case(check, expected, found)
}

/// What a case changes on a desk where all is well.
type Change = fn(&mut Snapshot);

#[test]
fn where_all_is_well_nothing_failed_and_nothing_runs() {
    let checks = checked(&well());

    let (tone, told) = summary(&checks);

    assert_eq!((tone, &*told), (Tone::Good, "Nothing is in the way."));
    for check in checks.iter().filter(|check| !check.check.is_stated()) {
        assert_eq!(check.verdict(), Verdict::Fine, "{check:?}");
        assert!(!check.cause().is_empty(), "{check:?}");
    }
    assert_eq!(first(&checks), None);
}

#[test]
fn each_check_needs_only_earlier_ones_and_says_what_it_looks_at() {
    let mut earlier = BTreeSet::new();
    for check in all() {
        for needed in check.after {
            assert!(earlier.contains(needed), "{check:?} needs {needed}");
        }
        assert!(earlier.insert(check.name), "{check:?} stands twice");
        assert!(check.meaning.ends_with('.'), "{check:?}");
        assert!(named_check(check.name).is_some());
    }
    assert!(named_check("no-check").is_none());
    let needed = |name| needed_by(named_check(name).unwrap());
    assert_eq!(needed("pcscd"), BTreeSet::from(["service"]));
    assert_eq!(
        needed("card"),
        BTreeSet::from(["permission", "reader", "pcscd", "service"])
    );
    // A portal takes no card whose certificate is revoked.
    assert!(needed("portal").is_superset(&needed("certificate-revocation")));
    assert!(needed("portal").contains("certificate-revocation"));
    for needed in portals::NEEDED.iter().chain([&portals::NOT_REVOKED]) {
        assert!(earlier.contains(needed), "{needed}");
    }
}

#[test]
fn names_are_stable_and_each_stands_once() {
    let checks = checked(&well());
    let names: Vec<String> = checks.iter().map(Finding::key).collect();

    assert_eq!(
        names,
        [
            "unit",
            "service",
            "version",
            "clock",
            "clock-synchronised",
            "hidepid",
            "pcscd-socket",
            "pcscd-access",
            "pcscd-protocol",
            "pcscd",
            "kernel-modules",
            "reader-on-bus",
            "reader-taken",
            "reader",
            "reader-known-bad",
            "permission",
            "card",
            "card-held",
            "card-read",
            "card-kind",
            "certificate",
            "certificate-dates",
            "certificate-chain",
            "certificate-revocation",
            "card-expiry",
            "card-findings",
            "pin-tries",
            "local-login",
            "authorities",
            "pkcs11-module",
            "pkcs11-card",
            "pkcs11-others",
            "p11-kit",
            "browser-module",
            "browser-roots",
            "configuration",
            "portals",
            "portal-reached",
            "portal ako",
            "database",
            "stated-account",
            "stated-pin",
            "stated-password",
        ]
    );
}

#[test]
fn the_first_line_that_failed_is_the_cause_and_what_follows_from_it_is_not_judged() {
    let cases: [(&str, Change); 14] = [
        ("pcscd", |it| it.service = ServiceStatus::Away),
        ("pcscd", |it| it.service = ServiceStatus::NotAllowed),
        ("reader", |it| it.readers.clear()),
        ("permission", |it| *it = it.for_a_stranger()),
        ("card", |it| {
            it.readers[0].card = None;
            it.readers[0].status = ReaderStatus::Empty;
        }),
        ("card", |it| {
            it.readers[0].card = None;
            it.readers[0].status = ReaderStatus::NoAnswer;
        }),
        ("card-read", |it| card(it).stage = Stage::Held),
        ("card-read", |it| {
            card(it).stage = Stage::Failed {
                cause: "it was reset".into(),
            };
        }),
        ("certificate", |it| card(it).login = None),
        ("certificate", |it| card(it).certificates.clear()),
        ("certificate-dates", |it| {
            card(it).certificates[0].not_before = UtcSeconds(i64::MAX);
        }),
        ("certificate-dates", |it| {
            card(it).certificates[0].not_after = UtcSeconds(invented::NOW.0 - 1);
        }),
        ("certificate-revocation", |it| {
            card(it).certificates[0].revocation = Revocation::Revoked {
                since: invented::NOW,
                reason: None,
            };
        }),
        ("pin-tries", |it| card(it).pin = PinStatus::Blocked),
    ];
    for (name, change) in cases {
        let mut snapshot = well();
        change(&mut snapshot);
        let checks = checked(&snapshot);

        let at = first(&checks).unwrap();

        let check = &checks[at];
        assert_eq!((&*check.key(), check.verdict()), (name, Verdict::Failed));
        assert!(check.advice().is_some(), "{name} says what to do");
        let failed = checks.iter().filter(|it| it.verdict() == Verdict::Failed);
        assert_eq!(failed.count(), 1, "{name}: {checks:#?}");
        let ako = named(&checks, "portal ako");
        assert_eq!(ako.verdict(), Verdict::NotApplicable, "{name}");
        assert!(
            ako.cause().contains(check.title()),
            "{name}: {}",
            ako.cause()
        );
    }
}

#[test]
fn what_is_in_nobodys_way_is_told_and_stops_nothing() {
    let cases: [(&str, Verdict, Change); 12] = [
        ("version", Verdict::Warning, |it| {
            it.daemon.version = "0.0.1".into();
        }),
        ("certificate-dates", Verdict::Warning, |it| {
            card(it).certificates[0].not_after = UtcSeconds(invented::NOW.0 + 86_400);
        }),
        ("certificate-chain", Verdict::Failed, |it| {
            card(it).certificates[0].chain = ChainStatus::NotTrusted {
                reason: "no issuer".into(),
            };
        }),
        ("certificate-chain", Verdict::Unknown, |it| {
            card(it).certificates[0].chain = ChainStatus::NotConfigured;
        }),
        ("certificate-chain", Verdict::Warning, |it| {
            card(it).certificates[0].chain = ChainStatus::Test {
                authority: "DoD JITC Root CA 6".into(),
            };
        }),
        ("certificate-revocation", Verdict::Warning, |it| {
            card(it).certificates[0].revocation = Revocation::Offline {
                why: "no route".into(),
            };
        }),
        ("certificate-revocation", Verdict::Unknown, |it| {
            card(it).certificates[0].revocation = Revocation::NotChecked;
        }),
        ("card-expiry", Verdict::Failed, |it| {
            card(it).expires = Some("2026-11-21".into());
        }),
        ("card-expiry", Verdict::Unknown, |it| {
            card(it).expires = Some("2026-13-41".into());
        }),
        ("card-findings", Verdict::Warning, |it| {
            card(it).findings = vec![cac_common::finding::Finding::fault(
                "CHUID",
                "is cut short",
                "It is damaged.",
            )];
        }),
        ("pin-tries", Verdict::Warning, |it| {
            card(it).pin = PinStatus::Ready {
                tries_left: Some(1),
            };
        }),
        ("database", Verdict::Warning, |it| {
            it.daemon.store_problem = Some("disk is full".into());
        }),
    ];
    for (name, verdict, change) in cases {
        let mut snapshot = well();
        change(&mut snapshot);
        let checks = checked(&snapshot);

        assert_eq!(named(&checks, name).verdict(), verdict, "{name}");
        assert_eq!(
            named(&checks, "portal ako").verdict(),
            Verdict::Fine,
            "{name}"
        );
    }
}

#[test]
fn each_kind_of_card_has_a_verdict() {
    for (kind, verdict) in [
        ("PIV", Verdict::Fine),
        ("CAC", Verdict::Fine),
        ("CAC alternate token", Verdict::Fine),
        ("CAC, first generation", Verdict::Warning),
        ("", Verdict::Unknown),
    ] {
        let mut snapshot = well();
        card(&mut snapshot).kind = kind.into();

        let checks = checked(&snapshot);

        assert_eq!(named(&checks, "card-kind").verdict(), verdict, "{kind}");
    }
}

#[test]
fn a_daemon_that_is_away_leaves_nothing_of_an_old_picture_to_judge() {
    let snapshot = well();
    let link = Link::Away {
        since: invented::NOW,
        why: Trouble {
            what: "cannot connect".into(),
            advice: Some("Is it running?"),
        },
    };

    let checks = made(Some(&snapshot), &link, invented::NOW);

    let first = first(&checks).unwrap();
    assert_eq!(checks[first].key(), "service");
    let runs_or_fails = |check: &&Finding| {
        matches!(
            check.verdict(),
            Verdict::Failed | Verdict::Running | Verdict::Warning
        )
    };
    assert_eq!(
        checks.iter().filter(runs_or_fails).count(),
        1,
        "{checks:#?}"
    );
}

#[test]
fn before_the_daemon_has_answered_everything_waits_for_it() {
    let checks = made(None, &Link::Connecting, invented::NOW);

    assert_eq!(named(&checks, "service").verdict(), Verdict::Running);
    let card = named(&checks, "card-read");
    assert_eq!(card.verdict(), Verdict::Running);
    assert_eq!(card.cause(), "after: cacd answers");
}

#[test]
fn a_card_that_is_being_read_runs_with_all_that_follows_from_it() {
    let mut snapshot = well();
    card(&mut snapshot).stage = Stage::Reading {
        done: 3,
        of: 9,
        what: None,
    };

    let checks = checked(&snapshot);

    assert_eq!(named(&checks, "card-read").cause(), "3 of 9 parts are read");
    for name in ["card-read", "certificate", "pin-tries", "portal ako"] {
        assert_eq!(named(&checks, name).verdict(), Verdict::Running, "{name}");
    }
    assert_eq!(summary(&checks).0, Tone::Working);
}

#[test]
fn a_card_that_is_judged_runs_until_it_is() {
    let mut snapshot = well();
    card(&mut snapshot).certificates[0].chain = ChainStatus::NotChecked;
    card(&mut snapshot).certificates[0].revocation = Revocation::NotChecked;

    let checks = checked(&snapshot);

    for name in ["certificate-chain", "certificate-revocation"] {
        assert_eq!(named(&checks, name).verdict(), Verdict::Running, "{name}");
    }
    assert_eq!(named(&checks, "pin-tries").verdict(), Verdict::Fine);
}

#[test]
fn a_clock_that_is_wrong_is_the_cause_of_dates_that_look_wrong() {
    let snapshot = well();

    let long_ago = made(Some(&snapshot), &Link::Connected, UtcSeconds(0));
    let set_back = UtcSeconds(snapshot.daemon.started_at.0 - 3600);
    let set_back = made(Some(&snapshot), &Link::Connected, set_back);

    assert_eq!(named(&long_ago, "clock").verdict(), Verdict::Failed);
    let dates = named(&long_ago, "certificate-dates");
    assert_eq!(dates.verdict(), Verdict::NotApplicable, "{dates:?}");
    assert_eq!(named(&set_back, "clock").verdict(), Verdict::Warning);
}

#[test]
fn what_the_person_says_is_so_is_fine() {
    let snapshot = well();
    let ticked = BTreeSet::from(["stated-pin".to_owned()]);
    let profiles = BTreeMap::new();
    let known = Known {
        ticked: &ticked,
        ..known(Some(&snapshot), &Link::Connected, &profiles, &ticked)
    };

    let checks = findings(&known);

    assert_eq!(named(&checks, "stated-pin").verdict(), Verdict::Fine);
    assert_eq!(named(&checks, "stated-account").verdict(), Verdict::Unknown);
}

/// One reader, one card, one portal, and nothing to complain of.
fn well() -> Snapshot {
    let mut snapshot = invented::desk();
    snapshot.readers.drain(..2);
    snapshot.portals.truncate(1);
    let card = card(&mut snapshot);
    card.registrations.truncate(1);
    card.certificates[0].chain = ChainStatus::Trusted {
        path: vec!["DOD ID CA-73".into()],
    };
    card.certificates[0].revocation = Revocation::Good { at: invented::NOW };
    snapshot
}

fn card(snapshot: &mut Snapshot) -> &mut Card {
    snapshot.readers[0].card.as_mut().unwrap()
}

fn named<'a>(checks: &'a [Finding], name: &str) -> &'a Finding {
    checks.iter().find(|it| it.key() == name).unwrap()
}

fn named_of(
    snapshot: &Snapshot,
    profiles: &BTreeMap<String, Result<(), Trouble>>,
    name: &str,
) -> Finding {
    let ticked = BTreeSet::new();
    let checks = findings(&known(Some(snapshot), &Link::Connected, profiles, &ticked));
    named(&checks, name).clone()
}

fn checked(snapshot: &Snapshot) -> Vec<Finding> {
    made(Some(snapshot), &Link::Connected, invented::NOW)
}

fn made(snapshot: Option<&Snapshot>, link: &Link, now: UtcSeconds) -> Vec<Finding> {
    let portals = snapshot.map_or(&[][..], |it| &it.portals).iter();
    let profiles = portals.map(|it| (it.name.clone(), Ok(()))).collect();
    let ticked = BTreeSet::new();
    findings(&Known {
        now,
        ..known(snapshot, link, &profiles, &ticked)
    })
}

fn known<'a>(
    snapshot: Option<&'a Snapshot>,
    link: &'a Link,
    profiles: &'a BTreeMap<String, Result<(), Trouble>>,
    ticked: &'a BTreeSet<String>,
) -> Known<'a> {
    Known {
        link,
        snapshot,
        chosen: snapshot
            .and_then(|it| it.readers.first())
            .map(Chosen::Reader),
        profiles,
        machine: &SOUND_MACHINE,
        ticked,
        version: "0.1.0",
        now: invented::NOW,
        zone: &UTC,
    }
}
