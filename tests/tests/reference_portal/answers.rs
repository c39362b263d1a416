//! Answers that are not what was asked for, and pages as other servers show them.

use std::time::{Duration, UNIX_EPOCH};

use axum::http::{StatusCode, header};
use cac_tests::clock;
use cac_tests::portal::{AnswerFault, Fault, Host, IisRefusal, Layout, Shown};

use crate::raw::{End, ask};
use crate::visitor::{JANE, JANE_UPN, Page, Setting, Visitor};

/// What the sign-in ends on while the portal shows this to everyone.
async fn shown(setting: &Setting, page: Shown) -> Page {
    setting
        .portal
        .set_fault(Fault::Answer(AnswerFault::Page(page)))
        .unwrap();
    let card = setting.card(JANE, JANE_UPN);
    Visitor::with_card(setting, card).sign_in().await
}

#[tokio::test]
async fn every_page_has_its_status_and_its_title_and_registers_nothing() {
    let setting = Setting::new(|_| {});
    let wait = Duration::from_secs(30);
    for (page, status, title) in [
        (Shown::NoAccount, 200, "No Account"),
        (Shown::NotEligible, 200, "Not Eligible"),
        (Shown::NeedsSponsor, 200, "Sponsor Needed"),
        (Shown::NotFound, 200, "User Not Found"),
        (Shown::Forbidden, 403, "Access Forbidden"),
        (Shown::Unauthorised, 401, "Unauthorized"),
        (Shown::Locked(wait), 200, "Account Locked"),
        (Shown::Maintenance(wait), 503, "Scheduled Maintenance"),
        (Shown::MaintenanceUntil(wait), 503, "Scheduled Maintenance"),
        (Shown::MaintenanceNotice, 200, "Scheduled Maintenance"),
        (Shown::LogIn, 200, "Log In"),
        (Shown::F5, 200, "BIG-IP logout page"),
    ] {
        let seen = shown(&setting, page).await;

        assert_eq!(seen.status.as_u16(), status, "{page}");
        assert_eq!(seen.text_of("title"), title, "{page}");
    }
    assert_eq!(setting.portal.registrations().unwrap(), []);
    assert_eq!(setting.portal.sign_ins(), 0);
}

#[tokio::test]
async fn iis_names_the_sub_code_on_the_page_and_says_403() {
    let setting = Setting::new(|_| {});
    for refusal in IisRefusal::ALL {
        let page = shown(&setting, Shown::Iis(refusal)).await;

        let code = format!("403.{}", refusal.sub_code());
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.text_of("title").contains(&code), "{page}");
        assert!(page.text_of("h2").contains(&code), "{page}");
    }
}

#[tokio::test]
async fn f5_ends_on_its_log_out_page() {
    let setting = Setting::new(|_| {});

    let page = shown(&setting, Shown::F5).await;

    assert_eq!(page.path, "/my.logout.php3");
    assert_eq!(page.url.query(), Some("errorcode=19"));
    assert_eq!(page.text_of("h1"), "Your session could not be established.");
}

#[tokio::test]
async fn retry_after_comes_in_seconds_or_as_a_date() {
    let setting = Setting::new(|_| {});
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let wait = Duration::from_mins(10);

    shown(&setting, Shown::Maintenance(wait)).await;
    let seconds = visitor.header("/sign-in", header::RETRY_AFTER).await;
    let before = clock::now() + wait;
    shown(&setting, Shown::MaintenanceUntil(wait)).await;
    let date = visitor.header("/sign-in", header::RETRY_AFTER).await;
    let after = clock::now() + wait;
    shown(&setting, Shown::MaintenanceNotice).await;
    let nothing = visitor.header("/sign-in", header::RETRY_AFTER).await;

    assert_eq!(seconds.as_deref(), Some("600"));
    let date = httpdate::parse_http_date(&date.unwrap()).unwrap();
    let second = |time: std::time::SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!((second(before)..=second(after)).contains(&second(date)));
    assert_eq!(nothing, None);
}

#[tokio::test]
async fn the_page_nobody_knows_has_a_title_that_would_command_a_terminal() {
    let setting = Setting::new(|_| {});

    let page = shown(&setting, Shown::Unrecognised).await;

    let title = page.text_of("title");
    for hostile in [
        '\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200f}',
    ] {
        assert!(title.contains(hostile), "{title:?}");
    }
}

#[tokio::test]
async fn only_what_ends_a_sign_in_is_replaced() {
    let setting = Setting::new(|_| {});
    shown(&setting, Shown::NotEligible).await;
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));

    for (path, title) in [
        ("/", "Reference Portal"),
        ("/help", "Help"),
        ("/account", "Not Eligible"),
        ("/account/card", "Log In"),
    ] {
        let page = visitor.get(path).await.unwrap();
        assert_eq!(page.text_of("title"), title, "{path}");
    }
}

#[tokio::test]
async fn the_log_in_form_in_place_of_a_sign_in_takes_a_password() {
    let setting = Setting::new(|_| {});
    setting.portal.set_password("jane.doe", "Secret-1").unwrap();
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    setting
        .portal
        .set_fault(Fault::Answer(AnswerFault::Page(Shown::LogIn)))
        .unwrap();
    let form = visitor.sign_in().await;

    let typed = [("user", "jane.doe"), ("password", "Secret-1")];
    let page = visitor.submit(&form, "#log-in-form", &typed).await;

    assert_eq!(page.path, "/home");
}

#[tokio::test]
async fn the_account_host_shows_pages_of_its_own() {
    let setting = Setting::new(|config| config.layout = Layout::TwoOrigins);
    let fault = Fault::Answer(AnswerFault::Page(Shown::MaintenanceNotice));
    setting.portal.set_fault_at(Host::Account, fault).unwrap();
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));

    let page = visitor.sign_in().await;

    assert_eq!(page.origin(), setting.portal.origin_of(Host::Account));
    assert_eq!(page.path, "/sign-in/return");
    assert_eq!(page.text_of("title"), "Scheduled Maintenance");
    assert_eq!(setting.portal.registrations().unwrap(), []);
}

#[tokio::test]
async fn redirects_go_on_and_never_to_the_same_address() {
    let setting = Setting::new(|_| {});
    setting
        .portal
        .set_fault(Fault::Answer(AnswerFault::RedirectLoop))
        .unwrap();
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));

    let given_up = visitor.get("/sign-in").await.unwrap_err();

    assert!(given_up.is_redirect(), "{given_up:?}");
    assert_eq!(
        setting
            .portal
            .seen(Host::SignIn)
            .requests_for("/sign-in")
            .count,
        6
    );
    let at = |hop: u8| format!("{}/sign-in?hop={hop}", setting.portal.origin());
    let next = visitor.unfollowed(&at(7)).await;
    assert_eq!(next, (StatusCode::FOUND, Some("/sign-in?hop=8".to_owned())));
}

#[tokio::test]
async fn a_redirect_leads_away_to_another_origin() {
    let setting = Setting::new(|_| {});
    let elsewhere = Setting::new(|_| {});
    setting
        .portal
        .set_fault(Fault::Answer(AnswerFault::RedirectAway {
            port: elsewhere.portal.port(),
        }))
        .unwrap();
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));

    let (status, location) = visitor
        .unfollowed(&format!("{}/sign-in", setting.portal.origin()))
        .await;

    assert_eq!(status, StatusCode::FOUND);
    let foreign = format!("https://127.0.0.1:{}/sign-in", elsewhere.portal.port());
    assert_eq!(location, Some(foreign));
    assert_eq!(elsewhere.portal.connections(), 0);
}

#[tokio::test]
async fn a_page_without_end_outlasts_the_visitor() {
    let setting = Setting::new(|_| {});
    setting
        .portal
        .set_fault(Fault::Answer(AnswerFault::Endless))
        .unwrap();
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));

    let read = visitor.read_at_most(4 << 20, "/sign-in").await;

    assert!(read >= 4 << 20, "{read} bytes");
}

#[test]
fn a_huge_header_is_as_long_as_asked_for() {
    let setting = Setting::new(|_| {});
    setting
        .portal
        .set_fault(Fault::Answer(AnswerFault::HugeHeader { bytes: 1_000_000 }))
        .unwrap();
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));

    let told = ask(&setting, Host::SignIn, visitor.tls(), "/help");

    assert_eq!(told.end, End::Goodbye);
    let answer = String::from_utf8(told.answer).unwrap();
    let header = answer
        .lines()
        .find_map(|line| line.strip_prefix("x-huge: "))
        .unwrap();
    assert_eq!(header.len(), 1_000_000);
}
