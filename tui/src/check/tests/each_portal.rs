//! What is checked of each portal.

use super::super::portals::each;
use super::*;

pub(super) fn cases() -> Vec<Case> {
    let standing = |expected: Outcome, status: RegistrationStatus| {
        let mut snapshot = well();
        card(&mut snapshot).registrations[0].status = status;
        let found = named(&checked(&snapshot), "portal ako").found.clone();
        case("portal", expected, found)
    };
    let profile = |expected: Outcome, snapshot: &Snapshot, profile: Option<Result<(), Trouble>>| {
        let profiles = profile.map(|profile| ("ako".to_owned(), profile));
        let profiles = profiles.into_iter().collect();
        let found = named_of(snapshot, &profiles, "portal ako").found;
        case("portal", expected, found)
    };
    let refused = Trouble {
        what: "No portal has that name".into(),
        advice: Some("See which there are."),
    };
    let mut off = well();
    off.portals[0].enabled = false;
    off.portals.push(invented::desk().portals[1].clone());
    off.portals[1].enabled = true;
    let mut nowhere = well();
    card(&mut nowhere).registrations.clear();
    vec![
        profile(each::ASKED_FOR, &well(), None),
        profile(each::NO_PROFILE, &well(), Some(Err(refused))),
        profile(each::NOT_ENABLED, &off, Some(Ok(()))),
        profile(each::NOT_KNOWN, &nowhere, Some(Ok(()))),
        profile(each::DONE, &well(), Some(Ok(()))),
        standing(each::SIGNING_IN, RegistrationStatus::SigningIn),
        standing(each::NOT_SEEN, RegistrationStatus::NotSeen),
        standing(each::WAITS, RegistrationStatus::NeedsWizard),
        standing(each::REFUSED, RegistrationStatus::NotFound),
    ]
}

#[test]
fn each_status_at_a_portal_has_a_verdict_and_a_way_on() {
    let cases = [
        (
            RegistrationStatus::NeedsPin {
                tries_left: Some(3),
            },
            Verdict::Warning,
            Some("cacctl register --portal ako"),
        ),
        (RegistrationStatus::SigningIn, Verdict::Running, None),
        (
            RegistrationStatus::NeedsWizard,
            Verdict::Warning,
            Some("cacctl wizard ako"),
        ),
        (
            RegistrationStatus::NeedsSponsor,
            Verdict::Failed,
            Some("cacctl eligibility ako"),
        ),
        (
            RegistrationStatus::Rejected {
                cause: "it expired".into(),
            },
            Verdict::Failed,
            Some("cacctl portal test ako"),
        ),
        (RegistrationStatus::NotFound, Verdict::Failed, None),
    ];
    for (status, verdict, command) in cases {
        let mut snapshot = well();
        card(&mut snapshot).registrations[0].status = status.clone();

        let checks = checked(&snapshot);

        let ako = named(&checks, "portal ako");
        assert_eq!(ako.verdict(), verdict, "{status:?}");
        let offered = ako.fix().map(Fix::command);
        assert_eq!(offered.as_deref(), command, "{status:?}");
        if verdict == Verdict::Failed {
            let words = ako.advice().unwrap_or_default();
            assert!(words.contains("Help desk: AKO help desk"), "{words}");
        }
    }
}

#[test]
fn a_portal_whose_name_a_shell_could_take_for_more_is_offered_no_command() {
    for name in ["a;b", "$(x)", "-x", "a b", ""] {
        let mut snapshot = well();
        snapshot.portals[0].name = name.into();
        let registration = &mut card(&mut snapshot).registrations[0];
        registration.portal = name.into();
        registration.status = RegistrationStatus::NeedsWizard;

        let checks = checked(&snapshot);

        let portal = named(&checks, &format!("portal {name}"));
        assert!(portal.advice().is_some(), "{name}");
        assert_eq!(portal.fix(), None, "{name}");
    }
}

#[test]
fn a_profile_runs_until_it_has_come_and_one_that_is_off_is_not_judged() {
    let mut off = well();
    off.portals[0].enabled = false;
    let none = BTreeMap::new();

    let waiting = named_of(&well(), &none, "portal ako");
    let refused = named_of(
        &well(),
        &BTreeMap::from([(
            "ako".to_owned(),
            Err(Trouble {
                what: "No portal has that name".into(),
                advice: None,
            }),
        )]),
        "portal ako",
    );
    let off = checked(&off);

    assert_eq!(waiting.verdict(), Verdict::Running);
    assert_eq!(refused.verdict(), Verdict::Failed);
    assert_eq!(named(&off, "portals").verdict(), Verdict::Failed);
}
