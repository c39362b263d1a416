//! TLS and TCP that go wrong on request.

use std::time::Duration;

use cac_tests::portal::{
    Alert, ConnectionFault, Fault, Host, Layout, Moment, Parting, Resumption, Versions,
};

use crate::raw::{End, ask};
use crate::visitor::{JANE, JANE_UPN, Setting, Visitor};

const MOMENTS: [Moment; 3] = [Moment::Hello, Moment::Certificate, Moment::Request];

/// Whether the client's part of the handshake is over by then.
fn is_after_the_handshake(moment: Moment, versions: Versions) -> bool {
    match moment {
        Moment::Hello => false,
        Moment::Certificate => versions == Versions::Tls13,
        Moment::Request => true,
    }
}

fn parted(with: Parting, at: Moment) -> Fault {
    Fault::Connection(ConnectionFault::Parted { with, at })
}

#[test]
fn every_alert_is_sent_at_every_moment_under_either_tls_version() {
    for versions in [Versions::Tls12, Versions::Tls13] {
        let setting = Setting::new(|config| config.versions = versions);
        let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
        for alert in Alert::ALL {
            for moment in MOMENTS {
                let fault = parted(Parting::Alert(alert), moment);
                setting.portal.set_fault(fault).unwrap();

                let told = ask(&setting, Host::SignIn, visitor.tls(), "/sign-in");

                let what = format!("{versions:?} {fault}");
                assert_eq!(told.end, End::Alert(alert.code()), "{what}");
                let expected = is_after_the_handshake(moment, versions);
                assert_eq!(told.shook_hands, expected, "{what}");
                assert!(told.answer.is_empty(), "{what}");
            }
        }
        assert_eq!(setting.portal.requests(), 0, "nothing was answered");
    }
}

#[test]
fn an_alert_after_the_handshake_is_understood_where_tls_sessions_are_handed_out() {
    for versions in [Versions::Tls12, Versions::Tls13] {
        let setting = Setting::new(|config| {
            config.versions = versions;
            config.resumption = Resumption::On;
        });
        let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
        let fault = parted(Parting::Alert(Alert::AccessDenied), Moment::Request);
        setting.portal.set_fault(fault).unwrap();

        let told = ask(&setting, Host::SignIn, visitor.tls(), "/sign-in");

        assert_eq!(told.end, End::Alert(49), "{versions:?}");
    }
}

#[test]
fn a_connection_is_closed_or_reset_at_every_moment() {
    for versions in [Versions::Tls12, Versions::Tls13] {
        let setting = Setting::new(|config| config.versions = versions);
        let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
        for (with, end) in [(Parting::Close, End::Close), (Parting::Reset, End::Reset)] {
            for moment in MOMENTS {
                let fault = parted(with, moment);
                setting.portal.set_fault(fault).unwrap();

                let told = ask(&setting, Host::SignIn, visitor.tls(), "/sign-in");

                assert_eq!(told.end, end, "{versions:?} {fault}");
                assert!(told.answer.is_empty(), "{versions:?} {fault}");
            }
        }
    }
}

#[test]
fn a_connection_that_ends_at_the_certificate_has_seen_one() {
    for versions in [Versions::Tls12, Versions::Tls13] {
        let setting = Setting::new(|config| config.versions = versions);
        let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
        for (moment, certificates) in [
            (Moment::Hello, 0),
            (Moment::Certificate, 1),
            (Moment::Request, 2),
        ] {
            setting
                .portal
                .set_fault(parted(Parting::Close, moment))
                .unwrap();

            ask(&setting, Host::SignIn, visitor.tls(), "/sign-in");

            let seen = setting.portal.seen(Host::SignIn);
            assert_eq!(seen.certificates, certificates, "{versions:?} {moment}");
        }
    }
}

#[test]
fn the_answer_is_cut_at_each_byte() {
    let setting = Setting::new(|config| config.versions = Versions::Tls13);
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let whole = ask(&setting, Host::SignIn, visitor.tls(), "/help");
    assert_eq!(whole.end, End::Goodbye);
    let without_its_date = |answer: &[u8]| {
        let text = String::from_utf8(answer.to_vec()).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with("date:"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let length = whole.answer.len();

    for after in (0..length).step_by(37).chain([1, length - 1]) {
        let fault = ConnectionFault::Cut {
            after: after as u64,
        };
        setting.portal.set_fault(Fault::Connection(fault)).unwrap();

        let told = ask(&setting, Host::SignIn, visitor.tls(), "/help");

        assert_eq!(told.answer.len(), after);
        assert_eq!(told.end, End::Close, "cut after {after}");
    }
    setting.portal.set_fault(Fault::Normal).unwrap();
    let mended = ask(&setting, Host::SignIn, visitor.tls(), "/help");
    assert_eq!(
        without_its_date(&mended.answer),
        without_its_date(&whole.answer)
    );
}

#[tokio::test]
async fn an_answer_that_trickles_is_whole_in_the_end() {
    let setting = Setting::new(|_| {});
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let pause = Duration::from_micros(1);
    setting
        .portal
        .set_fault(Fault::Connection(ConnectionFault::Trickle(pause)))
        .unwrap();

    let page = visitor.get("/help").await.unwrap();

    assert_eq!(page.text_of("title"), "Help");
}

#[tokio::test]
async fn an_answer_of_one_byte_a_second_runs_into_the_visitors_limit() {
    let setting = Setting::new(|_| {});
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let fault: Fault = "trickle 1s".parse().unwrap();
    setting.portal.set_fault(fault).unwrap();

    let given_up = visitor
        .get_within(Duration::from_millis(300), "/help")
        .await
        .unwrap_err();

    assert!(given_up.is_timeout(), "{given_up:?}");
}

#[tokio::test]
async fn connections_of_before_do_not_escape_a_fault_of_connections() {
    let setting = Setting::new(|_| {});
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    visitor.sign_in().await;
    let requests = setting.portal.requests();

    setting
        .portal
        .set_fault(parted(Parting::Reset, Moment::Certificate))
        .unwrap();
    // The first may find out that its connection is gone.
    let _found_out = visitor.get("/account").await;
    let refused = visitor.get("/account").await;

    assert!(refused.is_err());
    assert_eq!(setting.portal.requests(), requests);

    setting.portal.set_fault(Fault::Normal).unwrap();
    assert_eq!(visitor.sign_in().await.path, "/account");
}

#[test]
fn each_host_has_faults_of_its_own() {
    let setting = Setting::new(|config| config.layout = Layout::TwoOrigins);
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let fault = parted(Parting::Alert(Alert::InternalError), Moment::Request);
    setting.portal.set_fault_at(Host::Account, fault).unwrap();

    let sign_in = ask(&setting, Host::SignIn, visitor.tls(), "/help");
    let account = ask(&setting, Host::Account, visitor.tls(), "/help");

    assert_eq!(sign_in.end, End::Goodbye);
    assert_eq!(account.end, End::Alert(80));
}

#[test]
fn a_host_that_asks_for_no_certificate_sends_alerts_too() {
    for versions in [Versions::Tls12, Versions::Tls13] {
        let setting = Setting::new(|config| {
            config.layout = Layout::TwoOrigins;
            config.versions = versions;
        });
        let visitor = Visitor::without_card(&setting);
        for moment in MOMENTS {
            let fault = parted(Parting::Alert(Alert::UnrecognizedName), moment);
            setting.portal.set_fault(fault).unwrap();

            let told = ask(&setting, Host::Account, visitor.tls(), "/help");

            assert_eq!(told.end, End::Alert(112), "{versions:?} {moment}");
        }
    }
}
