//! TLS and TCP that go wrong on request.

use std::time::Duration;

use cac_tests::portal::authority::{Authority, ServerFlaw, Subject};
use cac_tests::portal::{
    Alert, ConnectionFault, Demand, Fault, Host, Layout, Moment, Parting, Resumption, Versions,
};

use rustls::CertificateError;

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

#[test]
fn a_server_whose_certificate_is_wrong_is_not_trusted_at_either_host() {
    let setting = Setting::new(|_| {});
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let authority = &setting.authority;
    let stranger = Authority::named("OTHER ROOT CA 1", "OTHER ID CA-1").unwrap();
    let flawed = |flaw| authority.flawed_server(&flaw).unwrap();
    for (what, identity) in [
        ("expired", flawed(ServerFlaw::Expired)),
        ("not yet valid", flawed(ServerFlaw::NotYetValid)),
        ("other name", flawed(ServerFlaw::OtherName)),
        ("for clients", flawed(ServerFlaw::ForClients)),
        ("untrusted", stranger.server().unwrap()),
    ] {
        let other = setting.beside(|config| {
            config.layout = Layout::TwoOrigins;
            config.identity = identity.clone();
            config.account_identity = Some(identity);
        });
        for host in [Host::SignIn, Host::Account] {
            let told = ask(&other, host, visitor.tls(), "/help");

            let End::Distrust(why) = told.end else {
                panic!("{what}: {told:?}");
            };
            let is_told = match what {
                "expired" => matches!(why, CertificateError::ExpiredContext { .. }),
                "not yet valid" => matches!(why, CertificateError::NotValidYetContext { .. }),
                "other name" => matches!(why, CertificateError::NotValidForNameContext { .. }),
                "for clients" => matches!(why, CertificateError::InvalidPurposeContext { .. }),
                _ => why == CertificateError::UnknownIssuer,
            };
            assert!(is_told, "{what}: {why:?}");
            let seen = other.portal.seen(host);
            assert_eq!(seen.connections, 1, "{what}");
            assert_eq!(seen.certificates, 0, "{what}: the card was left alone");
        }
        assert_eq!(other.portal.requests(), 0);
    }
}

#[test]
fn a_server_certificate_can_be_one_that_was_revoked() {
    let setting = Setting::new(|_| {});
    let flaw = ServerFlaw::Numbered(vec![0x11, 0x22]);
    let other = setting.beside(|config| {
        config.identity = setting.authority.flawed_server(&flaw).unwrap();
    });
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));

    for (serial, end) in [
        (&[0x11, 0x22], End::Distrust(CertificateError::Revoked)),
        (&[0x11, 0x23], End::Goodbye),
    ] {
        let revoked = setting.authority.revocations(&[serial], 2090).unwrap();
        let tls = visitor.tls_with_revocations(&setting, &revoked);

        assert_eq!(ask(&other, Host::SignIn, tls, "/help").end, end);
    }
}

#[tokio::test]
async fn a_portal_that_takes_any_certificate_says_on_a_page_what_is_wrong_with_it() {
    for versions in [Versions::Tls12, Versions::Tls13] {
        let setting = Setting::new(|config| {
            config.demand = Demand::Unverified;
            config.versions = versions;
        });
        let stranger = Authority::named("OTHER ROOT CA 1", "OTHER ID CA-1").unwrap();
        let theirs = stranger.issue(&Subject::with_upn(JANE, JANE_UPN)).unwrap();

        let refused = Visitor::with_card(&setting, theirs).sign_in().await;
        let none = Visitor::without_card(&setting).sign_in().await;
        let ours = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN))
            .sign_in()
            .await;

        assert_eq!(refused.status.as_u16(), 200, "{versions:?}");
        assert_eq!(refused.text_of("title"), "Certificate Not Verified");
        assert_eq!(
            refused.text_of("#verify"),
            "FAILED: invalid peer certificate: UnknownIssuer"
        );
        assert_eq!(none.text_of("title"), "No Certificate");
        assert_eq!(ours.path, "/account");
        assert_eq!(setting.portal.seen(Host::SignIn).certificates, 2);
        assert_eq!(setting.portal.sign_ins(), 1);
    }
}
