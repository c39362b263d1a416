//! What ties a card to an account, and what becomes of the next card.

use std::time::Duration;

use axum::http::StatusCode;
use cac_tests::portal::authority::Subject;
use cac_tests::portal::{Renewal, TiedBy};

use crate::visitor::{JANE, JANE_UPN, Page, Setting, Visitor};

/// Jane as a contractor: another persona of the same EDIPI.
const SECOND_UPN: &str = "1234567890121002@mil";
const SECOND_ENTRY: &str = "DOE.JANE.Q.1234567890:1234567890121002@mil:account=jane.doe.ctr";
/// Jane under a new name.
const RENAMED: &str = "ROE.JANE.Q.1234567890";

/// Signs in with a card of its own each time.
async fn sign_in(setting: &Setting, common_name: &str, upn: &str) -> Page {
    let card = setting.card(common_name, upn);
    Visitor::with_card(setting, card).sign_in().await
}

fn accounts(setting: &Setting) -> Vec<String> {
    let registrations = setting.portal.registrations().unwrap();
    registrations.into_iter().map(|card| card.account).collect()
}

#[tokio::test]
async fn by_upn_another_persona_has_another_account() {
    let setting = Setting::new(|_| {});
    setting.add(SECOND_ENTRY);

    sign_in(&setting, JANE, JANE_UPN).await;
    let page = sign_in(&setting, JANE, SECOND_UPN).await;

    assert_eq!(page.text_of("#account-name"), "jane.doe.ctr");
    assert_eq!(accounts(&setting), ["jane.doe", "jane.doe.ctr"]);
}

#[tokio::test]
async fn by_edipi_every_persona_has_the_same_account() {
    let setting = Setting::new(|config| config.terms.tied_by = TiedBy::Edipi);

    sign_in(&setting, JANE, JANE_UPN).await;
    let page = sign_in(&setting, JANE, SECOND_UPN).await;

    assert_eq!(page.text_of("#account-name"), "jane.doe");
    assert!(page.find("#newly-registered").is_some(), "{page}");
    assert_eq!(accounts(&setting), ["jane.doe", "jane.doe"]);
}

#[tokio::test]
async fn by_edipi_the_common_name_is_enough() {
    let setting = Setting::new(|config| config.terms.tied_by = TiedBy::Edipi);
    for (common_name, title) in [
        (JANE, "My Account"),
        ("DOE.JANE.Q", "Certificate Not Accepted"),
        ("DOE.JOHN.1000000001", "User Not Found"),
    ] {
        let card = setting
            .authority
            .issue(&Subject::without_upn(common_name))
            .unwrap();

        let page = Visitor::with_card(&setting, card).sign_in().await;

        assert_eq!(page.text_of("title"), title, "{common_name}");
    }
}

#[tokio::test]
async fn by_subject_a_renewed_certificate_is_known_and_a_new_name_is_not() {
    let setting = Setting::new(|config| config.terms.tied_by = TiedBy::Subject);
    sign_in(&setting, JANE, JANE_UPN).await;

    let renewed = sign_in(&setting, JANE, SECOND_UPN).await;
    let renamed = sign_in(&setting, RENAMED, JANE_UPN).await;

    assert_eq!(renewed.text_of("#account-name"), "jane.doe");
    assert_eq!(
        renamed.text_of("title"),
        "Already Registered With Another Card"
    );
    assert_eq!(accounts(&setting), ["jane.doe", "jane.doe"]);
}

#[tokio::test]
async fn a_renewed_certificate_is_refused_with_the_earlier_ones_date_where_that_is_chosen() {
    for tied_by in [TiedBy::Upn, TiedBy::Edipi, TiedBy::Subject] {
        let setting = Setting::new(|config| {
            config.terms.tied_by = tied_by;
            config.terms.renewal = Renewal::ByHand;
        });
        let first = setting.card(JANE, JANE_UPN);
        let visitor = Visitor::with_card(&setting, first);
        let registered = visitor.sign_in().await.text_of("#registered-on");
        setting.portal.let_pass(Duration::from_hours(24));

        let page = sign_in(&setting, JANE, JANE_UPN).await;

        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(
            page.text_of("title"),
            "Already Registered With Another Card",
            "{tied_by:?}"
        );
        assert_eq!(page.text_of("#earlier-card"), registered);
        assert_eq!(accounts(&setting), ["jane.doe"]);
        assert_eq!(visitor.sign_in().await.path, "/account");
    }
}

#[tokio::test]
async fn an_account_has_no_more_cards_than_it_may() {
    let setting = Setting::new(|config| config.terms.most_cards = Some(2));
    let mut titles = Vec::new();
    for _ in 0..3 {
        titles.push(sign_in(&setting, JANE, JANE_UPN).await.text_of("title"));
    }

    assert_eq!(titles, ["My Account", "My Account", "Too Many Cards"]);
    assert_eq!(accounts(&setting).len(), 2);
}

#[tokio::test]
async fn people_of_some_categories_get_no_account_by_themselves() {
    let setting = Setting::new(|_| {});
    for (category, title) in [
        ("retiree", "Not Eligible"),
        ("family", "Not Eligible"),
        ("contractor", "Sponsor Needed"),
        ("civilian", "No Account"),
    ] {
        setting.add(&format!(
            "DOE.JOHN.1000000001:1000000001117001@mil:category={category}"
        ));

        let page = sign_in(&setting, "DOE.JOHN.1000000001", "1000000001117001@mil").await;

        assert_eq!(page.text_of("title"), title, "{category}");
    }
    setting.add("DOE.JOHN.1000000001:1000000001117001@mil:category=contractor:account=john.doe");

    let page = sign_in(&setting, "DOE.JOHN.1000000001", "1000000001117001@mil").await;

    assert_eq!(page.text_of("#account-name"), "john.doe");
}

#[tokio::test]
async fn a_locked_account_lets_no_card_in_until_the_time_is_over() {
    for status in [StatusCode::OK, StatusCode::LOCKED] {
        let setting = Setting::new(|config| config.terms.lockout.status = status);
        let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
        setting
            .portal
            .lock("jane.doe", Duration::from_mins(10))
            .unwrap();

        let page = visitor.sign_in().await;

        assert_eq!(page.status, status);
        assert_eq!(page.text_of("title"), "Account Locked");
        let until = page.text_of("#locked-until");
        httpdate::parse_http_date(&until).unwrap();
        assert_eq!(visitor.sign_in().await.text_of("#locked-until"), until);
        assert_eq!(accounts(&setting), [""; 0]);

        setting.portal.let_pass(Duration::from_mins(10));
        assert_eq!(visitor.sign_in().await.path, "/account");
    }
}

#[tokio::test]
async fn only_an_account_that_is_there_can_be_locked_or_given_a_password() {
    let setting = Setting::new(|_| {});

    let locked = setting.portal.lock("nobody", Duration::from_mins(1));
    let given = setting.portal.set_password("nobody", "Secret-1");

    for refused in [locked, given] {
        assert_eq!(
            refused.unwrap_err().to_string(),
            "there is no account nobody"
        );
    }
}
