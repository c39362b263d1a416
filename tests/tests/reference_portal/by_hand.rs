//! Registering a card by hand, in the seven steps that portals have.

use std::time::Duration;

use axum::http::StatusCode;
use cac_tests::portal::{Demand, Host, Layout, PortalConfig, Renewal};

use crate::visitor::{JANE, JANE_ENTRY, JANE_UPN, Page, Setting, Visitor};

const PASSWORD: &str = "Secret-1";
const RIGHT: [(&str, &str); 2] = [("user", "jane.doe"), ("password", PASSWORD)];
const WRONG: [(&str, &str); 2] = [("user", "jane.doe"), ("password", "Secret-2")];

fn setting(adapt: impl FnOnce(&mut PortalConfig)) -> Setting {
    let setting = Setting::new(|config| {
        "127.0.0.1".clone_into(&mut config.account_name);
        adapt(config);
    });
    setting.add(&format!("{JANE_ENTRY}:password={PASSWORD}"));
    setting
}

async fn log_in(setting: &Setting, visitor: &Visitor) -> Page {
    let url = format!("{}/login", setting.portal.origin_of(Host::Account));
    let form = visitor.visit(&url).await.unwrap();
    visitor.submit(&form, "#log-in-form", &RIGHT).await
}

/// From the log-in to where the password was given again.
async fn register(setting: &Setting, visitor: &Visitor, password: &str) -> Page {
    let home = log_in(setting, visitor).await;
    let account = visitor.follow(&home, "#my-account").await;
    let cards = visitor.follow(&account, "#card-registration").await;
    let form = visitor.follow(&cards, "#register").await;
    let typed = [("password", password)];
    visitor.submit(&form, "#register-form", &typed).await
}

#[tokio::test]
async fn the_seven_steps_register_a_card_in_every_layout() {
    for layout in [
        Layout::OneOrigin,
        Layout::TwoOrigins,
        Layout::TwoOriginsByForm,
    ] {
        let setting = setting(|config| config.layout = layout);
        let card = setting.card(JANE, JANE_UPN);
        let serial = card.serial.clone();
        let visitor = Visitor::with_card(&setting, card);

        let landing = visitor.get("/").await.unwrap();
        let form = visitor.follow(&landing, "a#log-in").await;
        assert_eq!(form.text_of("title"), "Log In");
        let home = visitor.submit(&form, "#log-in-form", &RIGHT).await;
        assert_eq!(home.text_of("#user"), "jane.doe", "{layout:?}");
        let account = visitor.follow(&home, "#my-account").await;
        assert_eq!(account.text_of("#account-name"), "jane.doe");
        assert_eq!(account.find(".card-registered"), None);
        let cards = visitor.follow(&account, "#card-registration").await;
        assert!(cards.find("#no-card").is_some(), "{cards}");
        let again = visitor.follow(&cards, "#register").await;
        assert_eq!(setting.portal.registrations().unwrap(), []);
        let typed = [("password", PASSWORD)];
        let confirmation = visitor.submit(&again, "#register-form", &typed).await;

        assert_eq!(
            confirmation.path, "/account/card/confirmation",
            "{layout:?}"
        );
        assert_eq!(confirmation.text_of("#account-name"), "jane.doe");
        assert_eq!(confirmation.text_of("#serial"), serial);
        assert_eq!(confirmation.text_of("#confirmation-number").len(), 6);
        assert_eq!(
            confirmation.attribute_of("button", "onclick"),
            "window.print()"
        );
        let registrations = setting.portal.registrations().unwrap();
        assert_eq!(registrations.len(), 1);
        assert_eq!(registrations[0].serial, serial);
        let page = visitor.sign_in().await;
        let page = visitor.on_to_the_account(page).await;
        assert!(page.find("#already-registered").is_some(), "{page}");
    }
}

#[tokio::test]
async fn a_card_that_is_registered_is_shown_and_can_be_cleared() {
    let setting = setting(|_| {});
    let card = setting.card(JANE, JANE_UPN);
    let serial = card.serial.clone();
    let visitor = Visitor::with_card(&setting, card);
    visitor.sign_in().await;

    let cards = visitor.get("/account/card").await.unwrap();
    assert!(cards.text_of("#cards").contains(&serial), "{cards}");
    let cleared = visitor.submit(&cards, "form#clear", &[]).await;

    assert!(cleared.find("#no-card").is_some(), "{cleared}");
    assert_eq!(setting.portal.registrations().unwrap(), []);
    let account = visitor.get("/account").await.unwrap();
    assert_eq!(account.find(".card-registered"), None);
    let again = visitor.sign_in().await;
    assert!(again.find("#newly-registered").is_some(), "{again}");
}

#[tokio::test]
async fn a_card_registered_by_hand_takes_the_place_of_one_that_stood_in_its_way() {
    let setting = setting(|config| config.terms.renewal = Renewal::ByHand);
    Visitor::with_card(&setting, setting.card(JANE, JANE_UPN))
        .sign_in()
        .await;
    let new = setting.card(JANE, JANE_UPN);
    let serial = new.serial.clone();
    let visitor = Visitor::with_card(&setting, new);
    let refused = visitor.sign_in().await;
    assert!(refused.find("#another-card").is_some(), "{refused}");

    register(&setting, &visitor, PASSWORD).await;

    let registrations = setting.portal.registrations().unwrap();
    let serials: Vec<&str> = registrations
        .iter()
        .map(|card| card.serial.as_str())
        .collect();
    assert_eq!(serials, [serial.as_str()]);
    assert_eq!(visitor.sign_in().await.path, "/account");
}

#[tokio::test]
async fn a_wrong_password_shows_the_form_again() {
    let setting = setting(|_| {});
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    for typed in [WRONG, [("user", "nobody"), ("password", PASSWORD)]] {
        let form = visitor.get("/login").await.unwrap();
        assert_eq!(form.find("#wrong"), None);

        let page = visitor.submit(&form, "#log-in-form", &typed).await;

        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.text_of("#wrong"), "User name or password is wrong.");
    }
    let home = visitor.get("/home").await.unwrap();
    assert_eq!(home.path, "/login");
}

#[tokio::test]
async fn an_account_without_a_password_cannot_be_logged_in_to() {
    let setting = Setting::new(|_| {});
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let form = visitor.get("/login").await.unwrap();

    let typed = [("user", "jane.doe"), ("password", "")];
    let page = visitor.submit(&form, "#log-in-form", &typed).await;

    assert!(page.find("#wrong").is_some(), "{page}");
}

#[tokio::test]
async fn too_many_wrong_passwords_lock_the_account_for_a_time() {
    for status in [StatusCode::OK, StatusCode::LOCKED] {
        let setting = setting(|config| config.terms.lockout.status = status);
        let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
        let form = visitor.get("/login").await.unwrap();
        for _ in 0..2 {
            let page = visitor.submit(&form, "#log-in-form", &WRONG).await;
            assert!(page.find("#wrong").is_some(), "{page}");
        }

        let third = visitor.submit(&form, "#log-in-form", &WRONG).await;
        let with_the_right_one = visitor.submit(&form, "#log-in-form", &RIGHT).await;
        let by_card = visitor.sign_in().await;

        for page in [third, with_the_right_one, by_card] {
            assert_eq!(page.status, status);
            assert_eq!(page.text_of("title"), "Account Locked");
        }
        setting.portal.let_pass(Duration::from_mins(15));
        let page = visitor.submit(&form, "#log-in-form", &WRONG).await;
        assert!(page.find("#wrong").is_some(), "tries start afresh: {page}");
        let page = visitor.submit(&form, "#log-in-form", &RIGHT).await;
        assert_eq!(page.path, "/home");
    }
}

#[tokio::test]
async fn a_right_password_in_between_gives_the_tries_back() {
    let setting = setting(|_| {});
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    for _ in 0..2 {
        for typed in [WRONG, WRONG, RIGHT] {
            let form = visitor.get("/login").await.unwrap();
            visitor.submit(&form, "#log-in-form", &typed).await;
        }
    }

    assert_eq!(visitor.get("/home").await.unwrap().path, "/home");
}

#[tokio::test]
async fn the_password_that_is_asked_again_counts_too() {
    let setting = setting(|config| config.terms.lockout.after = 2);
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));

    let first = register(&setting, &visitor, "Secret-2").await;
    assert_eq!(first.text_of("#wrong"), "Password is wrong.");
    let typed = [("password", "Secret-2")];
    let second = visitor.submit(&first, "#register-form", &typed).await;

    assert_eq!(second.text_of("title"), "Account Locked");
    assert_eq!(setting.portal.registrations().unwrap(), []);
}

#[tokio::test]
async fn a_form_of_another_session_is_refused() {
    let setting = setting(|_| {});
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let other = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    visitor.sign_in().await;
    let cards = visitor.get("/account/card").await.unwrap();
    other.sign_in().await;
    let theirs = other
        .get("/account/card")
        .await
        .unwrap()
        .hidden_fields("form#clear");

    let page = visitor.post(&cards, "form#clear", &theirs).await;

    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(page.text_of("title"), "Form Expired");
    assert_eq!(setting.portal.registrations().unwrap().len(), 2);
}

#[tokio::test]
async fn a_session_is_a_new_one_once_somebody_has_logged_in() {
    let setting = setting(|_| {});
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let before = visitor.get("/login").await.unwrap();

    visitor.submit(&before, "#log-in-form", &RIGHT).await;
    let page = visitor.submit(&before, "#log-in-form", &RIGHT).await;

    assert_eq!(page.text_of("title"), "Form Expired");
}

#[tokio::test]
async fn without_a_log_in_every_step_leads_to_it() {
    let setting = setting(|_| {});
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));

    for path in [
        "/home",
        "/account/card",
        "/account/card/register",
        "/account/card/confirmation",
    ] {
        assert_eq!(visitor.get(path).await.unwrap().path, "/login", "{path}");
    }
}

#[tokio::test]
async fn a_card_of_someone_else_is_not_registered() {
    let setting = setting(|_| {});
    let card = setting.card("ROE.RICHARD.1999999999", "1999999999117001@mil");
    let visitor = Visitor::with_card(&setting, card);

    let page = register(&setting, &visitor, PASSWORD).await;

    assert_eq!(page.text_of("title"), "Not Your Card");
    assert_eq!(setting.portal.registrations().unwrap(), []);
}

#[tokio::test]
async fn a_card_of_another_account_is_not_registered() {
    let setting = setting(|config| config.layout = Layout::TwoOrigins);
    let card = setting.card(JANE, "1234567890121002@mil");
    setting.add("DOE.JANE.Q.1234567890:1234567890121002@mil:account=jane.doe.ctr");
    let visitor = Visitor::with_card(&setting, card);
    visitor.sign_in().await;

    let page = register(&setting, &visitor, PASSWORD).await;

    assert_eq!(page.text_of("title"), "Card Already In Use");
    let registrations = setting.portal.registrations().unwrap();
    assert_eq!(registrations.len(), 1);
    assert_eq!(registrations[0].account, "jane.doe.ctr");
}

#[tokio::test]
async fn no_more_cards_are_registered_by_hand_than_an_account_may_have() {
    let setting = setting(|config| config.terms.most_cards = Some(1));
    Visitor::with_card(&setting, setting.card(JANE, JANE_UPN))
        .sign_in()
        .await;
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));

    let page = register(&setting, &visitor, PASSWORD).await;

    assert_eq!(page.text_of("title"), "Too Many Cards");
    assert_eq!(setting.portal.registrations().unwrap().len(), 1);
}

#[tokio::test]
async fn without_a_card_nothing_is_registered() {
    for layout in [Layout::OneOrigin, Layout::TwoOrigins] {
        let setting = setting(|config| {
            config.layout = layout;
            config.demand = Demand::Optional;
        });
        let visitor = Visitor::without_card(&setting);

        let page = register(&setting, &visitor, PASSWORD).await;

        assert_eq!(page.text_of("title"), "No Certificate", "{layout:?}");
        assert_eq!(setting.portal.registrations().unwrap(), []);
    }
}

#[tokio::test]
async fn a_token_alone_registers_nothing() {
    let setting = setting(|config| config.layout = Layout::TwoOrigins);
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    log_in(&setting, &visitor).await;

    let page = visitor.get("/present-card").await.unwrap();

    assert_eq!(page.path, "/account/card/return");
    assert_eq!(page.text_of("title"), "Form Expired");
    assert_eq!(setting.portal.registrations().unwrap(), []);
}

#[tokio::test]
async fn a_token_for_one_purpose_does_not_serve_the_other() {
    let setting = setting(|config| config.layout = Layout::TwoOrigins);
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let present = format!("{}/present-card", setting.portal.origin());
    let (_, location) = visitor.unfollowed(&present).await;
    let (_, token) = location
        .as_deref()
        .and_then(|location| location.split_once("?token="))
        .unwrap();

    let account = setting.portal.origin_of(Host::Account);
    let page = visitor
        .visit(&format!("{account}/sign-in/return?token={token}"))
        .await
        .unwrap();

    assert_eq!(page.text_of("title"), "Invalid Request");
    assert_eq!(setting.portal.sign_ins(), 0);
}
