use cac_common::certificate::Retired;
use cac_common::fascn::FascN;
use cac_common::finding::Weight;

use super::super::date::Date;
use super::super::fixtures::{BEGINS, Draft, ENDS, FASCN, Key, NOW, PIV_AUTH, TEST, applet};
use super::*;

const DAY: i64 = 24 * 60 * 60;

#[test]
fn a_card_as_it_should_be_has_no_findings() {
    let card = whole();

    assert_eq!(found(&chuid(), &card), []);
}

#[test]
fn a_fascn_of_another_card_is_told_for_each_certificate() {
    let mut chuid = chuid();
    chuid.fascn = Some(FascN {
        credential: "999999".into(),
        ..FascN::decode(FASCN).unwrap().fascn
    });

    let findings = found(&chuid, &whole());

    assert_eq!(
        told(&findings),
        [
            "9A Authentication certificate: its FASC-N is not the one of the CHUID",
            "9E Card certificate: its FASC-N is not the one of the CHUID",
        ]
    );
    assert_eq!(findings[0].weight, Weight::Fault);
}

#[test]
fn a_uuid_of_another_card_is_told() {
    let mut chuid = chuid();
    chuid.uuid = Some([1; 16]);

    let findings = found(&chuid, &[Draft::authentication()]);

    assert_eq!(
        told(&findings),
        ["9A Authentication certificate: its Card UUID is not the one of the CHUID"]
    );
}

#[test]
fn without_a_chuid_there_is_nothing_to_compare_with() {
    assert_eq!(found(&Chuid::default(), &whole()), []);
}

#[test]
fn a_certificate_of_an_earlier_card_may_bear_its_number() {
    let mut retired = Draft::authentication();
    retired.slot = Slot::Retired(Retired::new(1).unwrap());
    retired.not_after = NOW.0 - DAY;
    retired.key = Key::Rsa(1024);
    retired.subject = "ROE.JANE.Q.1234567890".into();
    let mut chuid = chuid();
    chuid.uuid = Some([1; 16]);

    assert_eq!(found(&chuid, &[retired]), []);
}

#[test]
fn a_fascn_that_cannot_be_read_or_has_a_wrong_check_is_told() {
    let mut broken = Draft::authentication();
    broken.fascn = Some(b"\x00");
    let mut unchecked = Draft::card();
    // The last symbol is 4 where F is right.
    unchecked.fascn = Some(b"\xD4\xF8\x10\xDA\x08\xC9\x2D\x04\x64\x95\x6D\x83\x68\x5A\x08\xC9\x2A\xDE\x0A\x61\x84\xF8\x10\x93\xE4");

    let findings = found(&chuid(), &[broken, unchecked]);

    assert_eq!(
        told(&findings),
        [
            "9A Authentication certificate: its FASC-N cannot be read: a FASC-N is 25 bytes, not 1",
            "9E Card certificate: the check of its FASC-N is wrong",
        ]
    );
    assert_eq!(findings[1].weight, Weight::Note);
}

#[test]
fn a_card_that_is_not_federal_is_told() {
    let mut chuid = chuid();
    chuid.fascn = Some(FascN {
        agency: "9999".into(),
        ..FascN::decode(FASCN).unwrap().fascn
    });

    assert_eq!(
        told(&found(&chuid, &[])),
        ["card: it is not a federal card (agency 9999), but PIV-I or the like"]
    );
}

#[test]
fn the_last_day_of_a_card_is_told_in_time_and_after() {
    let last_day = Date::from_iso("2030-12-31").unwrap();
    for (at, told_of) in [
        (last_day.ends().0 - 31 * DAY, None),
        (
            last_day.ends().0 - 30 * DAY,
            Some((Weight::Warning, "it expires on 2030-12-31")),
        ),
        (
            last_day.ends().0 - 1,
            Some((Weight::Warning, "it expires on 2030-12-31")),
        ),
        (
            last_day.ends().0,
            Some((Weight::Fault, "it expired on 2030-12-31")),
        ),
    ] {
        let findings = validity::of_card(&chuid(), UtcSeconds(at));

        let first = findings.first().map(|it| (it.weight, it.fault.as_str()));
        assert_eq!(first, told_of, "{at}");
    }
}

#[test]
fn what_ends_with_the_card_is_told_of_the_card_alone() {
    let certificates = certificates(&whole());
    let known = Known {
        chuid: &chuid(),
        certificates: &certificates,
        printed: None,
        differing: &[],
    };

    for at in [ENDS - DAY, ENDS + 2 * DAY] {
        let findings = findings(&known, UtcSeconds(at));

        let dates: Vec<_> = findings
            .iter()
            .filter(|finding| finding.fault.contains("expire"))
            .collect();
        assert_eq!(dates.len(), 1, "{dates:?}");
        assert_eq!(dates[0].object, "card");
    }
}

#[test]
fn a_face_that_says_another_day_than_the_chip_is_told() {
    let printed = |text| Printed {
        expires: Date::from_iso(text),
        ..Printed::default()
    };

    let same = of_printed(&chuid(), &printed("2030-12-31"));
    let other = of_printed(&chuid(), &printed("2031-12-31"));

    assert_eq!(same, None);
    assert_eq!(
        other.unwrap().to_string(),
        "Printed Information: it says 2031-12-31, and the CHUID says that the card expires on 2030-12-31"
    );
}

#[test]
fn a_certificate_that_has_ended_or_soon_will_is_told_by_what_it_is_for() {
    let ending = |draft: Draft, not_after| Draft { not_after, ..draft };
    let soon = NOW.0 + 30 * DAY;
    for (draft, weight, told_of) in [
        (
            ending(Draft::authentication(), NOW.0 - 1),
            Weight::Fault,
            "9A Authentication certificate: it expired on 2028-08-16",
        ),
        (
            ending(Draft::identity(applet(0)), NOW.0 - 1),
            Weight::Fault,
            "0100 CAC applet certificate: it expired on 2028-08-16",
        ),
        (
            ending(Draft::signature(), NOW.0 - 1),
            Weight::Warning,
            "9C Signature certificate: it expired on 2028-08-16",
        ),
        (
            ending(Draft::authentication(), soon),
            Weight::Warning,
            "9A Authentication certificate: it expires on 2028-09-15",
        ),
    ] {
        let findings = validity::of_certificates(&chuid(), &certificates(&[draft]), NOW);

        assert_eq!(told(&findings), [told_of]);
        assert_eq!(findings[0].weight, weight);
    }
    let later = [ending(Draft::authentication(), soon + 1)];
    assert_eq!(found(&chuid(), &later), []);
}

#[test]
fn what_is_not_valid_yet_points_to_the_clock() {
    let certificates = certificates(&whole());
    let late = [
        Draft {
            not_before: NOW.0 + 1,
            ..Draft::authentication()
        },
        Draft::signature(),
    ];

    let before = validity::of_certificates(&chuid(), &certificates, UtcSeconds(BEGINS - 1));
    let from_then = validity::of_certificates(&chuid(), &certificates, UtcSeconds(BEGINS));

    assert_eq!(
        told(&before),
        ["card: none of its certificates is valid yet, only from 2027-01-15"]
    );
    assert_eq!(from_then, []);
    assert_eq!(
        told(&found(&chuid(), &late)),
        ["9A Authentication certificate: it is not valid yet, only from 2028-08-16"]
    );
}

#[test]
fn a_certificate_that_outlives_its_card_is_told() {
    let outliving = Draft {
        not_after: ENDS + 30 * DAY,
        key: Key::P256,
        ..Draft::authentication()
    };

    let findings = found(&chuid(), &[outliving]);

    assert_eq!(
        told(&findings),
        ["9A Authentication certificate: it is valid until 2031-01-30, longer than the card"]
    );
    assert_eq!(findings[0].weight, Weight::Note);
}

#[test]
fn a_key_that_is_too_short_is_told() {
    for (key, is_told) in [
        (Key::Rsa(1024), true),
        (Key::Rsa(2048), false),
        (Key::Rsa(3072), false),
        (Key::P256, false),
    ] {
        let draft = Draft {
            key,
            ..Draft::authentication()
        };

        let findings = weak_keys(&certificates(&[draft]), NOW);

        assert_eq!(findings.len(), usize::from(is_told));
    }
}

#[test]
fn rsa_2048_is_told_where_it_reaches_beyond_2030() {
    let long = |draft: Draft| Draft {
        not_after: ENDS + 30 * DAY,
        ..draft
    };
    let certificates = certificates(&[
        long(Draft::authentication()),
        long(Draft::signature()),
        Draft::encryption(),
    ]);

    let now = weak_keys(&certificates, NOW);
    let then = weak_keys(&certificates, RSA_2048_ENDS);

    assert_eq!(
        told(&now),
        ["card: it will hold RSA-2048 keys after 2030 (9A Authentication, 9C Signature)"]
    );
    assert_eq!(now[0].weight, Weight::Note);
    assert_eq!(then.len(), 3);
    assert_eq!(then[0].weight, Weight::Warning);
    assert_eq!(Date::of(RSA_2048_ENDS), Date::from_iso("2031-01-01"));
}

#[test]
fn another_subject_is_told_and_the_cards_own_is_none() {
    let mut other = Draft::signature();
    other.subject = "ROE.JANE.Q.1234567890".into();

    let findings = subjects(&certificates(&[
        Draft::authentication(),
        other,
        Draft::card(),
    ]));

    assert_eq!(
        told(&findings),
        ["9C Signature certificate: it names another subject than the one in 9A Authentication"]
    );
    assert_eq!(subjects(&certificates(&whole())), []);
    assert_eq!(subjects(&[]), []);
}

#[test]
fn an_issuer_that_issues_none_for_cards_is_told() {
    for (issuer, fault) in [
        ("DOD ID CA-64", None),
        ("DOD SW CA-66", Some("its issuer issues none for cards")),
        ("DERILITY CA-3", Some("its issuer issues none for cards")),
        (
            "Example CA",
            Some("it names the DoD, and none of the DoD's authorities issued it"),
        ),
        ("DOD JITC ID CA-63", None),
    ] {
        let draft = Draft {
            issuer: issuer.into(),
            ..Draft::authentication()
        };

        let findings = issuers(&certificates(&[draft]));

        let first = findings.first().map(|finding| finding.fault.as_str());
        assert_eq!(first, fault, "{issuer}");
    }
    let of_an_agency = Draft {
        issuer: "Example CA".into(),
        units: vec!["Example Agency"],
        ..Draft::authentication()
    };
    assert_eq!(issuers(&certificates(&[of_an_agency])), []);
}

#[test]
fn a_test_card_is_known_by_its_policy_and_by_its_issuer() {
    let by_policy = Draft {
        policies: vec![PIV_AUTH, TEST],
        ..Draft::authentication()
    };
    let issued_by = |issuer: &str| Draft {
        issuer: issuer.into(),
        ..Draft::authentication()
    };

    for draft in [
        by_policy,
        issued_by("DOD JITC ID CA-63"),
        issued_by("ICAM Test Card PIV Signing CA"),
    ] {
        let finding = test_card(&certificates(&[draft])).unwrap();

        assert_eq!(finding.fault, "it is a test card");
        assert_eq!(finding.weight, Weight::Note);
    }
    assert_eq!(test_card(&certificates(&whole())), None);
}

#[test]
fn a_token_of_a_classified_network_is_to_be_taken_out() {
    let token = Draft {
        issuer: "NSS Example CA 1".into(),
        ..Draft::authentication()
    };

    assert!(classified_network(&certificates(&[token])).is_some());
    assert_eq!(classified_network(&certificates(&whole())), None);
}

#[test]
fn an_old_card_without_piv_authentication_is_told() {
    let identity = Draft::identity(applet(0));

    let alone = not_activated(&certificates(&[identity.clone(), Draft::signature()]));
    let beside = not_activated(&certificates(&[identity, Draft::authentication()]));

    assert_eq!(alone.unwrap().weight, Weight::Warning);
    assert_eq!(beside, None);
    assert_eq!(not_activated(&certificates(&[Draft::signature()])), None);
}

#[test]
fn the_same_certificate_on_both_edges_is_told_once() {
    let again = Draft {
        slot: applet(1),
        ..Draft::signature()
    };

    let findings = duplicates(&certificates(&[
        Draft::signature(),
        again,
        Draft::encryption(),
    ]));

    assert_eq!(
        told(&findings),
        ["0101 CAC applet certificate: it is the same as the one in 9C Signature"]
    );
}

#[test]
fn what_the_issuer_did_not_sign_comes_first() {
    let chuid = chuid();
    let known = Known {
        chuid: &chuid,
        certificates: &certificates(&[Draft {
            issuer: "DOD JITC ID CA-63".into(),
            ..Draft::authentication()
        }]),
        printed: None,
        differing: &[0x3000],
    };

    let findings = findings(&known, NOW);

    assert_eq!(
        told(&findings),
        [
            "CHUID: it is not what the issuer of the card signed",
            "card: it is a test card",
        ]
    );
}

#[test]
fn every_finding_says_what_it_means_in_sentences() {
    let mut chuid = chuid();
    chuid.uuid = Some([1; 16]);
    let drafts = [
        Draft {
            key: Key::Rsa(1024),
            not_after: NOW.0 - 1,
            ..Draft::authentication()
        },
        Draft {
            issuer: "DOD SW CA-66".into(),
            subject: "X".into(),
            ..Draft::signature()
        },
        Draft {
            policies: vec![TEST],
            ..Draft::card()
        },
    ];

    let findings = found(&chuid, &drafts);

    assert!(findings.len() > 5, "{findings:?}");
    for finding in findings {
        assert!(finding.meaning.ends_with('.'), "{finding:?}");
        assert!(!finding.fault.ends_with('.'), "{finding:?}");
    }
}

fn whole() -> [Draft; 4] {
    [
        Draft::authentication(),
        Draft::signature(),
        Draft::encryption(),
        Draft::card(),
    ]
}

/// As the drafts have it, to the day they end.
fn chuid() -> Chuid {
    Chuid::parse(
        &[
            b"\x30\x19",
            FASCN,
            b"\x34\x10\x00\x11\x22\x33\x44\x55\x46\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF\x35\x0820301231\x3E\x00\xFE\x00",
        ]
        .concat(),
    )
}

fn found(chuid: &Chuid, drafts: &[Draft]) -> Vec<Finding> {
    let certificates = certificates(drafts);
    let known = Known {
        chuid,
        certificates: &certificates,
        printed: None,
        differing: &[],
    };
    findings(&known, NOW)
}

fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

fn certificates(drafts: &[Draft]) -> Vec<CardCertificate> {
    drafts.iter().map(Draft::certificate).collect()
}
