//! The reference portal, met as a browser meets it.

#![expect(
    clippy::unwrap_used,
    reason = "what the tests share is test code too, which clippy does not see"
)]

#[path = "reference_portal/accounts.rs"]
mod accounts;
#[path = "reference_portal/answers.rs"]
mod answers;
#[path = "reference_portal/by_hand.rs"]
mod by_hand;
#[path = "reference_portal/connections.rs"]
mod connections;
#[path = "reference_portal/consent.rs"]
mod consent;
#[path = "reference_portal/faults.rs"]
mod faults;
#[path = "reference_portal/origins.rs"]
mod origins;
#[path = "reference_portal/profile.rs"]
mod profile;
#[path = "reference_portal/program.rs"]
mod program;
#[path = "reference_portal/raw.rs"]
mod raw;
#[path = "reference_portal/visitor.rs"]
mod visitor;

use std::fs;

use axum::http::{StatusCode, Version};
use cac_tests::portal::authority::{Authority, Subject};
use cac_tests::portal::{Demand, PersonEntry, Resumption, Versions};

use visitor::{JANE, JANE_UPN, Setting, Visitor};

#[tokio::test]
async fn signing_in_ties_the_card_to_the_account_under_either_tls_version() {
    for versions in [Versions::Tls12, Versions::Tls13] {
        let setting = Setting::new(|config| config.versions = versions);
        let card = setting.card(JANE, JANE_UPN);
        let serial = card.serial.clone();
        let visitor = Visitor::with_card(&setting, card);

        let page = visitor.sign_in().await;

        assert_eq!(page.status, StatusCode::OK, "{versions:?}");
        assert_eq!(page.path, "/account");
        assert_eq!(page.text_of("#account-name"), "jane.doe");
        assert_eq!(page.text_of("title"), "My Account");
        assert!(
            page.text_of("main#account .card-registered")
                .starts_with("Your CAC has been registered to your account."),
            "{}",
            page.html
        );
        let registrations = setting.portal.registrations().unwrap();
        let [registration] = registrations.as_slice() else {
            panic!("{registrations:?}");
        };
        assert_eq!(registration.account, "jane.doe");
        assert_eq!(registration.serial, serial);
        assert_eq!(registration.issuer, "CN=TEST ID CA-1");
        assert_eq!(registration.upn, JANE_UPN);
        assert_eq!(setting.portal.sign_ins(), 1);
    }
}

#[tokio::test]
async fn signing_in_works_over_http_2_too() {
    let setting = Setting::new(|_| {});
    let card = setting.card(JANE, JANE_UPN);
    let visitor = Visitor::over_http2(&setting, card);

    let page = visitor.sign_in().await;

    assert_eq!(page.version, Version::HTTP_2);
    assert_eq!(page.text_of("#account-name"), "jane.doe");
}

#[tokio::test]
async fn the_second_time_the_card_is_already_registered() {
    let setting = Setting::new(|_| {});
    let card = setting.card(JANE, JANE_UPN);
    let visitor = Visitor::with_card(&setting, card);
    visitor.sign_in().await;

    let page = visitor.sign_in().await;

    assert!(
        page.text_of("main#account .card-registered")
            .starts_with("Your CAC is already registered."),
        "{}",
        page.html
    );
    assert_eq!(setting.portal.registrations().unwrap().len(), 1);
    assert_eq!(setting.portal.sign_ins(), 2);
}

#[tokio::test]
async fn a_new_card_of_the_same_person_is_registered_beside_the_old_one() {
    let setting = Setting::new(|_| {});
    for _ in 0..2 {
        let card = setting.card(JANE, JANE_UPN);
        Visitor::with_card(&setting, card).sign_in().await;
    }

    let registrations = setting.portal.registrations().unwrap();

    assert_eq!(registrations.len(), 2);
    assert_ne!(registrations[0].serial, registrations[1].serial);
}

#[tokio::test]
async fn a_person_who_is_not_listed_is_not_found() {
    let setting = Setting::new(|_| {});
    let card = setting.card("ROE.RICHARD.1999999999", "1999999999117001@mil");
    let visitor = Visitor::with_card(&setting, card);

    let page = visitor.sign_in().await;

    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.text_of("title"), "User Not Found");
    assert_eq!(setting.portal.sign_ins(), 0);
    assert_eq!(setting.portal.registrations().unwrap(), []);
}

#[tokio::test]
async fn a_person_who_is_not_authorised_is_forbidden() {
    let setting = Setting::new(|_| {});
    setting.add("DOE.JOHN.1000000001:1000000001117005@mil:account=john.doe:forbidden");
    let card = setting.card("DOE.JOHN.1000000001", "1000000001117005@mil");
    let visitor = Visitor::with_card(&setting, card);

    let page = visitor.sign_in().await;

    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(page.text_of("title"), "Access Forbidden");
    assert_eq!(setting.portal.registrations().unwrap(), []);
}

#[tokio::test]
async fn a_person_without_an_account_is_pointed_to_manual_registration() {
    let setting = Setting::new(|_| {});
    setting.add("DOE.JOHN.1000000001:1000000001117001@mil");
    let card = setting.card("DOE.JOHN.1000000001", "1000000001117001@mil");
    let visitor = Visitor::with_card(&setting, card);

    let page = visitor.sign_in().await;

    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(
        page.attribute_of("main#no-account a", "href"),
        "/help#manual-registration"
    );
    assert_eq!(setting.portal.sign_ins(), 0);
}

#[tokio::test]
async fn a_certificate_without_a_user_principal_name_is_not_accepted() {
    let setting = Setting::new(|_| {});
    let card = setting
        .authority
        .issue(&Subject::without_upn(JANE))
        .unwrap();
    let visitor = Visitor::with_card(&setting, card);

    let page = visitor.sign_in().await;

    assert_eq!(page.text_of("title"), "Certificate Not Accepted");
    assert_eq!(setting.portal.sign_ins(), 0);
}

#[tokio::test]
async fn without_a_certificate_tls_fails_where_one_is_required() {
    for versions in [Versions::Tls12, Versions::Tls13] {
        let setting = Setting::new(|config| config.versions = versions);

        let refused = Visitor::without_card(&setting).get("/sign-in").await;

        assert!(refused.is_err(), "{versions:?}");
        assert_eq!(setting.portal.requests(), 0);
        assert_eq!(setting.portal.connections(), 1);
    }
}

#[tokio::test]
async fn without_a_certificate_a_page_says_so_where_none_is_required() {
    let setting = Setting::new(|config| config.demand = Demand::Optional);

    let page = Visitor::without_card(&setting).sign_in().await;

    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.text_of("title"), "No Certificate");
}

#[tokio::test]
async fn a_card_of_another_authority_does_not_get_past_tls() {
    for versions in [Versions::Tls12, Versions::Tls13] {
        let setting = Setting::new(|config| config.versions = versions);
        let stranger = Authority::new()
            .unwrap()
            .issue(&Subject::with_upn(JANE, JANE_UPN))
            .unwrap();

        let refused = Visitor::with_card(&setting, stranger).get("/sign-in").await;

        assert!(refused.is_err(), "{versions:?}");
        assert_eq!(setting.portal.requests(), 0);
    }
}

#[tokio::test]
async fn a_card_without_the_authority_that_issued_it_does_not_get_past_tls() {
    let setting = Setting::new(|_| {});
    let mut card = setting.card(JANE, JANE_UPN);
    card.chain.truncate(1);

    let refused = Visitor::with_card(&setting, card).get("/sign-in").await;

    assert!(refused.is_err());
    assert_eq!(setting.portal.requests(), 0);
}

#[tokio::test]
async fn sessions_of_tls_are_taken_up_again_only_where_that_is_asked_for() {
    for versions in [Versions::Tls12, Versions::Tls13] {
        for (resumption, signatures) in [(Resumption::Off, 2), (Resumption::On, 1)] {
            let setting = Setting::new(|config| {
                config.versions = versions;
                config.resumption = resumption;
            });
            let card = setting.card(JANE, JANE_UPN);
            let visitor = Visitor::with_card(&setting, card);

            for _ in 0..2 {
                visitor.sign_in_on_a_new_connection().await;
            }

            assert_eq!(
                visitor.signatures(),
                signatures,
                "{versions:?} {resumption:?}"
            );
        }
    }
}

#[tokio::test]
async fn an_account_without_a_session_leads_back_to_the_start() {
    let setting = Setting::new(|_| {});
    let card = setting.card(JANE, JANE_UPN);
    let visitor = Visitor::with_card(&setting, card);

    let page = visitor.get("/account").await.unwrap();

    assert_eq!(page.path, "/");
    assert_eq!(page.attribute_of("a#sign-in", "href"), "/sign-in");
}

#[tokio::test]
async fn the_session_cookie_is_kept_from_scripts_plain_http_and_other_sites() {
    let setting = Setting::new(|_| {});
    let card = setting.card(JANE, JANE_UPN);
    let visitor = Visitor::with_card(&setting, card);

    let (status, cookie) = visitor.sign_in_without_following().await;

    assert_eq!(status, StatusCode::FOUND);
    assert!(
        cookie.ends_with("; Path=/; HttpOnly; Secure; SameSite=Lax"),
        "{cookie}"
    );
}

#[tokio::test]
async fn markup_in_a_persons_name_is_shown_as_text() {
    let setting = Setting::new(|_| {});
    setting.add("<B>DOE.O'JANE.1000000002:1000000002117001@mil:account=<i>x</i>");
    let card = setting.card("DOE.O'JANE.1000000002", "1000000002117001@mil");
    let visitor = Visitor::with_card(&setting, card);

    let page = visitor.sign_in().await;

    assert_eq!(page.text_of("#account-name"), "<i>x</i>");
    assert!(
        page.text_of("h1").contains("O'JANE <B>DOE"),
        "{}",
        page.html
    );
}

#[tokio::test]
async fn a_portal_that_was_stopped_knows_its_cards_when_it_starts_again() {
    let mut setting = Setting::new(|_| {});
    let card = setting.card(JANE, JANE_UPN);
    Visitor::with_card(&setting, card).sign_in().await;
    let before = setting.portal.registrations().unwrap();

    setting.restart();

    assert_eq!(setting.portal.registrations().unwrap(), before);
    let entry: PersonEntry = visitor::JANE_ENTRY.parse().unwrap();
    setting.portal.add_person(&entry.person).unwrap();
    setting.portal.add_account("jane.doe", JANE_UPN).unwrap();
}

#[tokio::test]
async fn what_the_portal_was_given_to_keep_lies_in_its_folder() {
    let setting = Setting::new(|_| {});

    let database = setting.portal.database();

    assert!(database.starts_with(setting.folder()));
    assert!(
        fs::read(database)
            .unwrap()
            .starts_with(b"SQLite format 3\0")
    );
}
