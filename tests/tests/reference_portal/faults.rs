//! A portal that is broken on request, and mended again.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use axum::http::{StatusCode, header};
use cac_tests::portal::{Fault, PortalError};

use crate::visitor::{JANE, JANE_UPN, Setting, Visitor};

#[tokio::test]
async fn a_portal_that_is_down_refuses_connections_until_it_is_up() {
    let setting = Setting::new(|_| {});
    let card = setting.card(JANE, JANE_UPN);
    let visitor = Visitor::with_card(&setting, card);
    visitor.sign_in().await;
    let requests = setting.portal.requests();

    setting.portal.set_fault(Fault::Down).unwrap();
    let cut_off = visitor.get("/sign-in").await;
    let refused = visitor.get("/sign-in").await.unwrap_err();

    assert!(cut_off.is_err());
    assert!(refused.is_connect(), "{refused:?}");
    assert_eq!(setting.portal.requests(), requests);

    setting.portal.set_fault(Fault::Normal).unwrap();

    assert_eq!(visitor.sign_in().await.path, "/account");
}

#[tokio::test]
async fn a_portal_that_goes_down_leaves_no_request_in_the_air() {
    let setting = Setting::new(|_| {});
    let card = setting.card(JANE, JANE_UPN);
    let visitor = Visitor::with_card(&setting, card);
    setting
        .portal
        .set_fault(Fault::Slow(Duration::from_mins(10)))
        .unwrap();
    let request = visitor.get("/sign-in");
    let arrived = async {
        while setting.portal.requests() == 0 {
            tokio::task::yield_now().await;
        }
        setting.portal.set_fault(Fault::Down).unwrap();
    };

    let (cut_short, ()) = tokio::join!(request, arrived);

    assert!(!cut_short.unwrap_err().is_timeout());
    assert_eq!(setting.portal.sign_ins(), 0);
}

#[tokio::test]
async fn no_one_else_gets_the_port_of_a_portal_that_is_down() {
    let setting = Setting::new(|_| {});
    setting.portal.set_fault(Fault::Down).unwrap();

    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();

    assert_ne!(taken.local_addr().unwrap().port(), setting.portal.port());
    setting.portal.set_fault(Fault::Normal).unwrap();
}

#[tokio::test]
async fn a_port_that_another_listens_on_is_an_error() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let setting = Setting::new(|_| {});
    let mut config = setting.config();
    config.port = port;

    let refused = cac_tests::portal::ReferencePortal::start(&config).err();

    assert!(
        matches!(refused, Some(PortalError::Listen { port: named, .. }) if named == port),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_slow_portal_answers_late() {
    let setting = Setting::new(|_| {});
    let card = setting.card(JANE, JANE_UPN);
    let visitor = Visitor::with_card(&setting, card);
    setting
        .portal
        .set_fault(Fault::Slow(Duration::from_millis(50)))
        .unwrap();

    let page = visitor.sign_in().await;

    assert_eq!(page.path, "/account");
}

#[tokio::test]
async fn a_portal_that_is_too_slow_runs_into_the_visitors_limit() {
    let setting = Setting::new(|_| {});
    let card = setting.card(JANE, JANE_UPN);
    let visitor = Visitor::with_card(&setting, card);
    setting
        .portal
        .set_fault(Fault::Slow(Duration::from_mins(10)))
        .unwrap();

    let given_up = visitor
        .get_within(Duration::from_millis(200), "/sign-in")
        .await
        .unwrap_err();

    assert!(given_up.is_timeout(), "{given_up:?}");
    assert_eq!(setting.portal.sign_ins(), 0);
}

#[tokio::test]
async fn a_slow_portal_answers_at_once_when_it_is_mended() {
    let setting = Setting::new(|_| {});
    let card = setting.card(JANE, JANE_UPN);
    let visitor = Visitor::with_card(&setting, card);
    setting
        .portal
        .set_fault(Fault::Slow(Duration::from_mins(10)))
        .unwrap();
    let request = visitor.get("/help");
    let mended = async {
        while setting.portal.requests() == 0 {
            tokio::task::yield_now().await;
        }
        setting.portal.set_fault(Fault::Normal).unwrap();
    };

    let (page, ()) = tokio::join!(request, mended);

    assert_eq!(page.unwrap().text_of("title"), "Help");
}

#[tokio::test]
async fn a_portal_in_trouble_answers_each_request_with_the_status_asked_for() {
    let setting = Setting::new(|_| {});
    let card = setting.card(JANE, JANE_UPN);
    let visitor = Visitor::with_card(&setting, card);
    setting
        .portal
        .set_fault(Fault::Status {
            code: StatusCode::SERVICE_UNAVAILABLE,
            retry_after: Some(Duration::from_secs(30)),
        })
        .unwrap();

    let page = visitor.sign_in().await;

    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.text_of("title"), "Service Unavailable");
    assert_eq!(
        visitor.header("/", header::RETRY_AFTER).await.as_deref(),
        Some("30")
    );
    assert_eq!(setting.portal.sign_ins(), 0);
    assert_eq!(setting.portal.requests(), 2);
}

#[tokio::test]
async fn without_a_wait_no_retry_after_is_sent() {
    let setting = Setting::new(|_| {});
    let card = setting.card(JANE, JANE_UPN);
    let visitor = Visitor::with_card(&setting, card);
    setting
        .portal
        .set_fault(Fault::Status {
            code: StatusCode::BAD_GATEWAY,
            retry_after: None,
        })
        .unwrap();

    assert_eq!(visitor.header("/", header::RETRY_AFTER).await, None);
}

#[tokio::test]
async fn an_old_session_is_forbidden_until_its_cookie_is_thrown_away() {
    let setting = Setting::new(|_| {});
    let card = setting.card(JANE, JANE_UPN);
    let mut visitor = Visitor::with_card(&setting, card);
    visitor.sign_in().await;
    setting.portal.set_fault(Fault::StaleCookies).unwrap();

    for path in ["/sign-in", "/account", "/sign-in"] {
        let page = visitor.get(path).await.unwrap();
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(page.text_of("title"), "Access Forbidden");
    }
    visitor.throw_cookies_away();

    assert_eq!(visitor.sign_in().await.path, "/account");
    assert_eq!(visitor.sign_in().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_first_sign_in_is_forbidden_once_and_registers_nothing() {
    let setting = Setting::new(|_| {});
    let card = setting.card(JANE, JANE_UPN);
    let mut visitor = Visitor::with_card(&setting, card);
    setting.portal.set_fault(Fault::StaleCookies).unwrap();

    let page = visitor.sign_in().await;

    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(page.path, "/account");
    assert_eq!(setting.portal.registrations().unwrap(), []);

    visitor.throw_cookies_away();
    let page = visitor.sign_in().await;

    assert_eq!(page.status, StatusCode::OK);
    assert!(page.find("#newly-registered").is_some(), "{page}");
    assert_eq!(setting.portal.registrations().unwrap().len(), 1);
}

#[tokio::test]
async fn a_portal_that_was_dropped_refuses_connections() {
    let setting = Setting::new(|_| {});
    let card = setting.card(JANE, JANE_UPN);
    let visitor = Visitor::with_card(&setting, card);
    visitor.sign_in().await;

    drop(setting);
    let cut_off = visitor.get("/").await;
    let refused = visitor.get("/").await.unwrap_err();

    assert!(cut_off.is_err());
    assert!(refused.is_connect(), "{refused:?}");
}

#[test]
fn a_host_that_was_down_is_up_again_while_programs_are_being_started() {
    let setting = Setting::new(|_| {});
    let is_over = AtomicBool::new(false);

    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                Command::new("true").env("A", "1").status().unwrap();
            }
        });
        let mut changes = (0..200).flat_map(|_| [Fault::Down, Fault::Normal]);
        let refused = changes.find_map(|fault| setting.portal.set_fault(fault).err());
        is_over.store(true, Ordering::SeqCst);

        assert!(refused.is_none(), "{refused:?}");
    });
}
