//! Apache with mod_ssl.

use cac_tests::servers::apache::Setup;
use cac_tests::servers::{Apache, Nginx, nginx};

use crate::record::{EACH, Table};
use crate::visit::{
    Card, ours, server, strangers, visit, visit_within, visit_without, whole_chain,
};

const ACCOUNT: &str = r#"<title>Account</title><main id=account><b id=name><!--#echo var="SSL_CLIENT_S_DN_CN" --></b></main>"#;

/// Who is signed in, as `SSLUserName` has it.
const USER: &str = r#"<title>Account</title><main id=account><b id=name><!--#echo var="REMOTE_USER" --></b></main>"#;

/// Shows the account to whoever has a good certificate, and a log-in form to others.
const ACCOUNT_OR_FORM: &str = r#"<!--#if expr='v("SSL_CLIENT_VERIFY") = "SUCCESS"' -->
<title>Account</title><main id=account><b id=name><!--#echo var="SSL_CLIENT_S_DN_CN" --></b></main>
<!--#else -->
<title>Log in (<!--#echo var="SSL_CLIENT_VERIFY" -->)</title>
<form method=post><input type="password" name="p"></form>
<!--#endif -->"#;

const REQUIRE: &str = "SSLVerifyClient require";

const EVERY_CARD: [Card; 12] = [
    Card::Rsa,
    Card::P256,
    Card::Alone,
    Card::Expired,
    Card::NotYetValid,
    Card::Revoked,
    Card::KnownRevoked,
    Card::Namesake,
    Card::KnownNamesake,
    Card::Stranger,
    Card::WrongPurpose,
    Card::WrongUsage,
];

/// Takes each card to a server of its own for each version of TLS.
fn table(cards: &[Card], setup: impl Fn() -> Setup) -> Table {
    let mut table = Table::default();
    for card in cards.iter().copied() {
        let holder = card.holder();
        for versions in EACH {
            let mut setup = Setup {
                versions,
                ..setup()
            };
            if card.is_revoked() {
                setup.crl = Some(
                    ours().root_revocations().unwrap()
                        + &ours().revocations(&[holder.serial()], 2090).unwrap(),
                );
            }
            let apache = Apache::start(&setup).unwrap();
            table.add(card, versions, visit(&apache, &holder));
        }
    }
    table
}

fn setup(host: &str, page: &str) -> Setup {
    Setup::new(server(), whole_chain(), host, page)
}

#[test]
fn apache_that_wants_a_certificate() {
    let setup = || Setup {
        crl: Some(ours().root_revocations().unwrap() + &ours().revocations(&[], 2090).unwrap()),
        ..setup(REQUIRE, ACCOUNT)
    };

    table(&EVERY_CARD, setup).check("Apache, `SSLVerifyClient require`");

    for (versions, alert) in EACH
        .into_iter()
        .zip(["alert: handshake failure", "alert: certificate required"])
    {
        let apache = Apache::start(&Setup {
            versions,
            ..setup()
        })
        .unwrap();
        assert_eq!(visit_without(&apache), alert);
    }
}

#[test]
fn apache_that_shows_the_user_name() {
    let host = format!("{REQUIRE}\nSSLUserName SSL_CLIENT_S_DN_CN");
    table(&[Card::Rsa, Card::P256], || setup(&host, USER)).check("Apache, `SSLUserName`");
}

#[test]
fn apache_that_wants_a_certificate_for_a_path() {
    let host = format!("<Location /sign-in>\n{REQUIRE}\n</Location>");
    table(&[Card::Rsa, Card::P256], || setup(&host, ACCOUNT))
        .check("Apache, `SSLVerifyClient require` in a `<Location>`");
    let own_page = format!("{host}\nErrorDocument 403 \"<title>No entry</title>\"");
    table(&[Card::Rsa], || setup(&own_page, ACCOUNT))
        .check("Apache, the same, with a page of its own for 403");
}

#[test]
fn apache_that_verifies_once_more_for_a_path() {
    let host = "SSLVerifyClient optional\n\
                <Location /sign-in>\nSSLVerifyClient require\nSSLVerifyDepth 2\n</Location>";
    table(&[Card::Rsa], || setup(host, ACCOUNT))
        .check("Apache, `optional` at the host, `require` with another depth in a `<Location>`");
}

#[test]
fn apache_that_would_like_a_certificate() {
    table(&EVERY_CARD, || {
        setup("SSLVerifyClient optional", ACCOUNT_OR_FORM)
    })
    .check("Apache, `SSLVerifyClient optional`, with a log-in form");
}

#[test]
fn apache_that_takes_any_certificate() {
    table(&[Card::Rsa, Card::Expired, Card::Stranger], || Setup {
        trusted: None,
        ..setup("SSLVerifyClient optional_no_ca", ACCOUNT_OR_FORM)
    })
    .check("Apache, `SSLVerifyClient optional_no_ca` without authorities, with a log-in form");
}

#[test]
fn apache_that_lacks_the_revocation_list_of_the_issuer() {
    table(&[Card::Rsa], || Setup {
        crl: Some(ours().root_revocations().unwrap()),
        ..setup(REQUIRE, ACCOUNT)
    })
    .check("Apache, `SSLCARevocationCheck chain` without the list of the issuer");
}

#[test]
fn apache_whose_revocation_list_is_old() {
    table(&[Card::Rsa], || Setup {
        crl: Some(ours().root_revocations().unwrap() + &ours().revocations(&[], 2021).unwrap()),
        ..setup(REQUIRE, ACCOUNT)
    })
    .check("Apache, `SSLCARevocationCheck chain` with an old list of the issuer");
}

#[test]
fn apache_that_names_others_and_trusts_ours() {
    table(&[Card::Rsa], || Setup {
        named: Some(strangers().root_pem()),
        ..setup(REQUIRE, ACCOUNT)
    })
    .check("Apache, `SSLCADNRequestFile` with other authorities than it trusts");
}

#[test]
fn apache_that_forbids() {
    let host = format!("{REQUIRE}\n<Location />\nRequire all denied\n</Location>");
    table(&[Card::Rsa], || setup(&host, ACCOUNT)).check("Apache, `Require all denied`");
    let host = format!(
        "{REQUIRE}\n<Location />\nSSLRequire %{{SSL_CLIENT_S_DN_CN}} eq \"ROE.JOHN.1000000003\"\n</Location>"
    );
    table(&[Card::Rsa], || setup(&host, ACCOUNT)).check("Apache, `SSLRequire` for somebody else");
}

/// The first of two has had the certificate when the second asks for it too late.
#[test]
fn apache_that_wants_a_certificate_for_a_path_behind_nginx() {
    let late = format!("<Location /sign-in>\n{REQUIRE}\n</Location>");
    let mut table = Table::default();
    for versions in EACH {
        let apache = Apache::start(&Setup {
            versions,
            ..setup(&late, ACCOUNT)
        })
        .unwrap();
        let redirect = format!("return 302 {}/sign-in;", apache.origin());
        let nginx = Nginx::start(&nginx::Setup::new(server(), whole_chain(), &redirect)).unwrap();
        let holder = Card::P256.holder();
        let met = visit_within(&nginx, &[apache.origin()], &holder);
        table.add(Card::P256, versions, met);
    }
    table.check("Apache, `SSLVerifyClient require` in a `<Location>`, behind a redirect by nginx");
}
