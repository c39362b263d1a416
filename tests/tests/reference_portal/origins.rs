//! A sign-in that goes from one origin to the other.

use std::time::Duration;

use axum::http::StatusCode;
use cac_tests::portal::{Host, Layout};

use crate::visitor::{JANE, JANE_UPN, Page, Setting, Visitor};

fn two(layout: Layout) -> Setting {
    Setting::new(|config| {
        config.layout = layout;
        "127.0.0.1".clone_into(&mut config.account_name);
    })
}

/// Where the sign-in host sends a visitor with a token.
async fn ticket(setting: &Setting, visitor: &Visitor) -> String {
    let sign_in = format!("{}/sign-in", setting.portal.origin());
    let (status, location) = visitor.unfollowed(&sign_in).await;
    assert_eq!(status, StatusCode::FOUND);
    location.unwrap()
}

#[tokio::test]
async fn a_token_in_the_address_leads_to_the_account() {
    let setting = two(Layout::TwoOrigins);
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));

    let page = visitor.sign_in().await;

    assert_eq!(page.origin(), setting.portal.origin_of(Host::Account));
    assert_ne!(page.origin(), setting.portal.origin());
    assert_eq!(page.path, "/account");
    assert!(page.find("#newly-registered").is_some(), "{page}");
    assert_eq!(setting.portal.registrations().unwrap().len(), 1);
}

#[tokio::test]
async fn a_token_in_a_form_leads_to_the_account() {
    let setting = two(Layout::TwoOriginsByForm);
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));

    let form = visitor.sign_in().await;

    assert_eq!(form.origin(), setting.portal.origin());
    assert_eq!(form.path, "/sign-in");
    assert_eq!(
        form.attribute_of("body", "onload"),
        "document.forms[0].submit()"
    );
    assert_eq!(form.attribute_of("form", "method"), "post");
    let action = form.attribute_of("form", "action");
    let account = setting.portal.origin_of(Host::Account);
    assert_eq!(action, format!("{account}/sign-in/return"));
    let names: Vec<String> = form
        .hidden_fields("form")
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["RelayState", "SAMLResponse"]);
    assert!(form.is_submitted_by_script_alone(), "{form}");
    assert_eq!(setting.portal.sign_ins(), 0);

    let page = visitor.on_to_the_account(form).await;

    assert_eq!(page.origin(), account);
    assert_eq!(page.path, "/account");
    assert_eq!(page.text_of("#account-name"), "jane.doe");
}

#[tokio::test]
async fn only_the_sign_in_host_sees_a_certificate_and_each_has_its_own_cookie() {
    let setting = two(Layout::TwoOrigins);
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));

    visitor.sign_in().await;

    let sign_in = setting.portal.seen(Host::SignIn);
    let account = setting.portal.seen(Host::Account);
    assert_eq!((sign_in.connections, sign_in.certificates), (1, 1));
    assert_eq!((account.connections, account.certificates), (1, 0));
    assert_eq!(sign_in.requests_for("/sign-in").with_certificate, 1);
    assert_eq!(sign_in.requests().cookies, 0);
    assert_eq!(account.requests_for("/sign-in/return").cookies, 0);
    assert_eq!(account.requests_for("/account").cookies, 1);
    assert_eq!(account.requests().with_certificate, 0);
    assert_eq!(account.requests().count, 2);
    assert_eq!(setting.portal.requests(), 3);
    assert_eq!(setting.portal.connections(), 2);
    assert_eq!(visitor.signatures(), 1);
}

#[tokio::test]
async fn a_host_that_was_left_alone_has_seen_nothing() {
    let setting = two(Layout::TwoOrigins);
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));

    visitor.get("/help").await.unwrap();

    assert_eq!(
        setting.portal.seen(Host::Account),
        cac_tests::portal::Seen::default()
    );
}

#[tokio::test]
async fn a_token_is_taken_once() {
    let setting = two(Layout::TwoOrigins);
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let ticket = ticket(&setting, &visitor).await;

    let first = visitor.visit(&ticket).await.unwrap();
    let second = visitor.visit(&ticket).await.unwrap();

    assert_eq!(first.path, "/account");
    refused(&second);
    assert_eq!(setting.portal.sign_ins(), 1);
}

#[tokio::test]
async fn a_token_is_taken_for_five_minutes() {
    let setting = two(Layout::TwoOrigins);
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let in_time = ticket(&setting, &visitor).await;
    setting.portal.let_pass(Duration::from_secs(290));
    assert_eq!(visitor.visit(&in_time).await.unwrap().path, "/account");
    let late = ticket(&setting, &visitor).await;

    setting.portal.let_pass(Duration::from_mins(5));
    let page = visitor.visit(&late).await.unwrap();

    refused(&page);
}

#[tokio::test]
async fn tokens_are_never_the_same_and_never_guessed() {
    let setting = two(Layout::TwoOrigins);
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let one = ticket(&setting, &visitor).await;
    let other = ticket(&setting, &visitor).await;
    let (address, token) = one.split_once("?token=").unwrap();

    assert_ne!(one, other);
    assert_eq!(token.len(), 32);
    for query in ["", "?token=", "?token=00000000000000000000000000000000"] {
        refused(&visitor.visit(&format!("{address}{query}")).await.unwrap());
    }
}

#[tokio::test]
async fn a_person_who_is_not_listed_hears_of_it_at_the_account_host() {
    let setting = two(Layout::TwoOrigins);
    let card = setting.card("ROE.RICHARD.1999999999", "1999999999117001@mil");
    let visitor = Visitor::with_card(&setting, card);

    let page = visitor.sign_in().await;

    assert_eq!(page.path, "/sign-in/return");
    assert_eq!(page.text_of("title"), "User Not Found");
}

#[tokio::test]
async fn pages_of_one_host_are_not_there_at_the_other() {
    let setting = two(Layout::TwoOrigins);
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let account = setting.portal.origin_of(Host::Account);

    for url in [
        format!("{}/account", setting.portal.origin()),
        format!("{}/login", setting.portal.origin()),
        format!("{account}/sign-in"),
        format!("{account}/present-card"),
    ] {
        let page = visitor.visit(&url).await.unwrap();
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{url}");
    }
}

#[tokio::test]
async fn the_landing_pages_lead_to_the_right_hosts() {
    let setting = two(Layout::TwoOrigins);
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let account = setting.portal.origin_of(Host::Account);

    let landing = visitor.visit(&account).await.unwrap();
    let page = visitor.follow(&landing, "a#sign-in").await;
    assert_eq!(page.path, "/account");

    let landing = visitor.get("/").await.unwrap();
    let page = visitor.follow(&landing, "a#log-in").await;
    assert_eq!((page.origin(), page.path.as_str()), (account, "/login"));
}

#[tokio::test]
async fn in_one_origin_both_hosts_are_the_same() {
    let setting = Setting::new(|_| {});
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));

    visitor.sign_in().await;

    let portal = &setting.portal;
    assert_eq!(portal.origin_of(Host::Account), portal.origin());
    assert_eq!(portal.seen(Host::Account), portal.seen(Host::SignIn));
    assert_eq!(portal.requests(), 2);
    assert_eq!(
        portal
            .seen(Host::Account)
            .requests_for("/account")
            .with_certificate,
        1
    );
}

fn refused(page: &Page) {
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{page}");
    assert_eq!(page.text_of("title"), "Invalid Request");
}
