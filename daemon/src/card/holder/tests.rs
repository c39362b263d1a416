use super::super::fixtures::{Draft, FASCN, applet};
use super::*;
use cac_common::eligibility::{Category, Known, Standing};

#[test]
fn the_persona_is_who_the_certificate_that_signs_in_says() {
    let mut authentication = Draft::authentication();
    authentication.subject = "DOE.JANE.1234567891".into();
    authentication.upn = None;
    let certificates = certificates(&[Draft::signature(), authentication]);

    let holder = holder(&certificates, None).unwrap();

    assert_eq!(holder.name.to_string(), "DOE, JANE");
    assert_eq!(holder.upn, None, "it stands in another certificate");
    assert_eq!(
        persona_key(Some(&holder), &CardId("card".into())),
        "edipi:1234567891"
    );
}

#[test]
fn a_card_that_signs_nobody_in_shows_a_name_all_the_same() {
    let mut card = Draft::card();
    card.upn = Some("card@mil");
    let mut encryption = Draft::encryption();
    encryption.subject = "ROE.JOHN.2345678901".into();
    encryption.upn = Some("2345678901@mil");
    let certificates = certificates(&[card, encryption]);

    let holder = holder(&certificates, None).unwrap();

    assert_eq!(choose_login(&certificates, None), None);
    assert_eq!(holder.name.to_string(), "ROE, JOHN");
    assert_eq!(holder.upn.as_deref(), Some("2345678901@mil"));
}

#[test]
fn a_certificate_of_the_card_or_of_the_past_names_nobody() {
    let mut retired = Draft::encryption();
    retired.slot = Slot::Retired(cac_common::certificate::Retired::new(1).unwrap());
    let certificates = certificates(&[Draft::card(), retired]);

    assert_eq!(holder(&certificates, None), None);
}

#[test]
fn without_certificates_the_person_container_names_the_holder() {
    let person = Person {
        name: Some(HolderName::from_common_name("DOE.JANE").0),
        edipi: "1234567890".parse().ok(),
        ..Person::default()
    };
    let evidence = Evidence {
        person: Some(&person),
        ..Evidence::default()
    };

    let holder = holder_by(&evidence).unwrap();

    assert_eq!(holder.name.to_string(), "DOE, JANE");
    assert_eq!(holder.dod_id, "1234567890".parse().ok());
}

#[test]
fn the_card_is_told_by_its_chuid_and_else_by_its_first_certificate() {
    let identity = Draft::identity(applet(0)).certificate();
    let authentication = Draft::authentication().certificate();
    let chuid = Chuid {
        uuid: Some([0x11; 16]),
        ..Chuid::default()
    };
    let by_hash = |certificate: &CardCertificate| {
        Some(CardId(format!("sha256-{}", certificate.summary.sha256)))
    };
    let both = [identity.clone(), authentication.clone()];

    assert_eq!(
        card_id(&chuid, &both).unwrap().0,
        "11111111-1111-1111-1111-111111111111"
    );
    assert_eq!(card_id(&Chuid::default(), &both), by_hash(&authentication));
    assert_eq!(card_id(&Chuid::default(), &both[..1]), by_hash(&identity));
    assert_eq!(
        card_id(&Chuid::default(), &[Draft::signature().certificate()]),
        None
    );
}

#[test]
fn a_persona_without_upn_and_number_is_the_card() {
    let id = CardId("card".into());
    let holder = |upn: Option<&str>, dod_id: Option<&str>| Holder {
        name: HolderName::from_common_name("DOE.JANE").0,
        dod_id: dod_id.and_then(|text| text.parse().ok()),
        upn: upn.map(Into::into),
        category: None,
        standing: Standing::default(),
    };

    assert_eq!(
        persona_key(
            Some(&holder(Some("1234567890@MIL"), Some("1234567890"))),
            &id
        ),
        "upn:1234567890@mil"
    );
    assert_eq!(persona_key(Some(&holder(None, None)), &id), "card:63617264");
    assert_eq!(persona_key(None, &id), "card:63617264");
}

/// Who it is, by what, and in what words.
#[test]
fn the_category_is_told_by_the_best_evidence_there_is() {
    for (draft, words) in [
        // The FASC-N in the certificate: 1, 9700, 4.
        (
            Draft::authentication(),
            Some("uniformed service · Air Force"),
        ),
        (
            unit("CONTRACTOR", without_fascn("1000000003121005@mil")),
            Some("contractor · Army"),
        ),
        (
            unit("USMC", without_fascn("1234567890117001@mil")),
            Some("civilian · Marine Corps"),
        ),
        (unit("DLA", without_fascn("1234567890@mil")), Some("DLA")),
        (
            unit("CONTRACTOR", without_fascn("1234567890@mil")),
            Some("contractor"),
        ),
        (unit("OTHER", without_fascn("1234567890@mil")), None),
        (
            unit("USN", mail("jane.q.doe.ctr@example.com")),
            Some("contractor · Navy"),
        ),
        (unit("USN", mail("jane.doe@example.com")), Some("Navy")),
    ] {
        let certificates = [draft.certificate()];

        let category = holder(&certificates, None).unwrap().category;

        assert_eq!(category.as_deref(), words, "{:?}", draft.units);
    }
}

#[test]
fn what_is_told_says_where_it_stands_and_how_sure_it_is() {
    let standing = |draft: Draft| holder(&[draft.certificate()], None).unwrap().standing;
    let army = || Some(Known::good("Army".to_owned(), "subject"));
    let navy = || Some(Known::good("Navy".to_owned(), "subject"));
    for (draft, category, component) in [
        (
            unit("USA", without_fascn("1000000003121005@mil")),
            Some(Known::good(Category::Contractor, "UPN")),
            army(),
        ),
        (
            unit("USN", without_fascn("1234567890117001@mil")),
            Some(Known::good(Category::Civilian, "UPN")),
            navy(),
        ),
        (
            unit("USN", mail("jane.q.doe.ctr@example.com")),
            Some(Known::hint(Category::Contractor, "mail address")),
            navy(),
        ),
        (unit("USN", without_fascn("1234567890@mil")), None, navy()),
    ] {
        let expected = Standing {
            category,
            component,
        };

        assert_eq!(standing(draft), expected);
    }
    let certificates = [Draft::authentication().certificate()];
    let personnel = Personnel {
        branch: Some('F'),
        category: Some('R'),
        ..Personnel::default()
    };
    let evidence = Evidence {
        certificates: &certificates,
        personnel: Some(&personnel),
        ..Evidence::default()
    };

    let retired = holder_by(&evidence).unwrap().standing;

    assert_eq!(
        retired.category,
        Some(Known::good(Category::Retiree, "personnel category"))
    );
}

#[test]
fn what_deers_wrote_on_the_card_is_more_exact_than_the_rest() {
    let certificates = [Draft::authentication().certificate()];
    let personnel = Personnel {
        branch: Some('F'),
        category: Some('N'),
        ..Personnel::default()
    };
    let evidence = Evidence {
        certificates: &certificates,
        personnel: Some(&personnel),
        ..Evidence::default()
    };

    let category = holder_by(&evidence).unwrap().category;

    assert_eq!(category.as_deref(), Some("National Guard · Air Force"));
}

#[test]
fn what_is_printed_is_believed_last() {
    let certificates = [unit("USN", without_fascn("1234567890@mil")).certificate()];
    let printed = Printed {
        affiliation: Some("CIVILIAN".into()),
        ..Printed::default()
    };
    let evidence = Evidence {
        certificates: &certificates,
        printed: Some(&printed),
        ..Evidence::default()
    };

    let category = holder_by(&evidence).unwrap().category;

    assert_eq!(category.as_deref(), Some("civilian · Navy"));
}

#[test]
fn a_card_from_outside_the_federal_government_is_another_credential() {
    let chuid = FascN {
        agency: "9999".into(),
        ..fascn()
    };
    let of_a_state = FascN {
        category: 2,
        ..fascn()
    };
    let certificates = [without_fascn("jane@example.com").certificate()];

    for fascn in [chuid, of_a_state] {
        let category = holder(&certificates, Some(&fascn)).unwrap().category;

        assert_eq!(category.as_deref(), Some("other credential"));
    }
}

fn fascn() -> FascN {
    FascN::decode(FASCN).unwrap().fascn
}

fn without_fascn(upn: &'static str) -> Draft {
    Draft {
        fascn: None,
        upn: Some(upn),
        ..Draft::authentication()
    }
}

fn mail(address: &'static str) -> Draft {
    Draft {
        mail: Some(address),
        ..without_fascn("1234567890@mil")
    }
}

fn unit(unit: &'static str, draft: Draft) -> Draft {
    Draft {
        units: vec!["DoD", "PKI", unit],
        ..draft
    }
}

fn certificates(drafts: &[Draft]) -> Vec<CardCertificate> {
    drafts.iter().map(Draft::certificate).collect()
}
