//! The notice that stands before the sign-in.

use axum::http::StatusCode;
use cac_tests::portal::{Host, Layout};

use crate::visitor::{JANE, JANE_UPN, Setting, Visitor};

const NOTICE: &str = "You are accessing a pretend information system. <Nothing> is monitored.";

#[tokio::test]
async fn a_notice_is_accepted_once_a_session() {
    for layout in [
        Layout::OneOrigin,
        Layout::TwoOrigins,
        Layout::TwoOriginsByForm,
    ] {
        let setting = Setting::new(|config| {
            config.layout = layout;
            config.notice = Some(NOTICE.to_owned());
        });
        let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));

        let notice = visitor.sign_in().await;
        assert_eq!(notice.status, StatusCode::OK);
        assert_eq!(notice.text_of("#notice"), NOTICE);
        assert_eq!(setting.portal.sign_ins(), 0, "{layout:?}");
        let next = visitor.submit(&notice, "form#accept", &[]).await;
        let page = visitor.on_to_the_account(next).await;
        assert_eq!(page.path, "/account", "{layout:?} {page}");

        let again = visitor.sign_in().await;
        let again = visitor.on_to_the_account(again).await;

        assert_eq!(again.path, "/account", "{layout:?} {again}");
    }
}

#[tokio::test]
async fn a_notice_that_was_not_accepted_stays() {
    let setting = Setting::new(|config| config.notice = Some(NOTICE.to_owned()));
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));

    visitor.sign_in().await;
    let page = visitor.sign_in().await;

    assert_eq!(page.text_of("title"), "Notice and Consent");
    assert_eq!(setting.portal.registrations().unwrap(), []);
}

#[tokio::test]
async fn a_notice_with_another_text_has_to_be_accepted_again() {
    let setting = Setting::new(|config| config.notice = Some(NOTICE.to_owned()));
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let notice = visitor.sign_in().await;
    visitor.submit(&notice, "form#accept", &[]).await;

    setting.portal.set_notice(Some("Something else."));
    let page = visitor.sign_in().await;
    assert_eq!(page.text_of("#notice"), "Something else.");

    setting.portal.set_notice(None);
    assert_eq!(visitor.sign_in().await.path, "/account");
}

#[tokio::test]
async fn a_notice_is_not_accepted_for_somebody_elses_session() {
    let setting = Setting::new(|config| config.notice = Some(NOTICE.to_owned()));
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let other = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let notice = visitor.sign_in().await;
    let theirs = other.sign_in().await.hidden_fields("form#accept");

    let page = visitor.post(&notice, "form#accept", &theirs).await;

    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(page.text_of("title"), "Form Expired");
    assert_eq!(
        visitor.sign_in().await.text_of("title"),
        "Notice and Consent"
    );
    assert_eq!(
        setting
            .portal
            .seen(Host::SignIn)
            .requests_for("/consent")
            .count,
        1
    );
}
