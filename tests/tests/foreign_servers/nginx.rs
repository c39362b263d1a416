//! nginx.

use cac_tests::portal::Versions;
use cac_tests::servers::Nginx;
use cac_tests::servers::nginx::{Setup, Verify};

use crate::record::{EACH, Table};
use crate::visit::{
    Card, ours, server, strangers, visit, visit_within, visit_without, whole_chain,
};

const ACCOUNT: &str =
    "return 200 '<title>Account</title><main id=account><b id=name>$ssl_client_s_dn</b></main>';";

/// Shows the account to whoever has a good certificate, and a log-in form to others.
const ACCOUNT_OR_FORM: &str = "
    if ($ssl_client_verify != SUCCESS) {
        return 200 '<title>Log in ($ssl_client_verify)</title><form method=post><input type=password name=p></form>';
    }
    return 200 '<title>Account</title><main id=account><b id=name>$ssl_client_s_dn</b></main>';";

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
            let nginx = Nginx::start(&setup).unwrap();
            table.add(card, versions, visit(&nginx, &holder));
        }
    }
    table
}

fn with_lists(setup: Setup) -> Setup {
    Setup {
        crl: Some(ours().root_revocations().unwrap() + &ours().revocations(&[], 2090).unwrap()),
        ..setup
    }
}

#[test]
fn nginx_that_wants_a_certificate() {
    let setup = || with_lists(Setup::new(server(), whole_chain(), ACCOUNT));

    table(&EVERY_CARD, setup).check("nginx, `ssl_verify_client on`");

    let nginx = Nginx::start(&setup()).unwrap();
    assert_eq!(
        visit_without(&nginx),
        "400 No required SSL certificate was sent"
    );
}

#[test]
fn nginx_that_speaks_http_2() {
    table(&[Card::Rsa, Card::P256], || Setup {
        http2: true,
        ..Setup::new(server(), whole_chain(), ACCOUNT)
    })
    .check("nginx, `listen … ssl http2`");
}

#[test]
fn nginx_that_knows_the_root_alone() {
    table(&[Card::Rsa, Card::Alone], || {
        Setup::new(server(), ours().root_pem(), ACCOUNT)
    })
    .check("nginx that knows the root alone");
}

#[test]
fn nginx_that_would_like_a_certificate() {
    table(&EVERY_CARD, || Setup {
        verify: Verify::Optional,
        ..Setup::new(server(), whole_chain(), ACCOUNT_OR_FORM)
    })
    .check("nginx, `ssl_verify_client optional`, with a log-in form");
}

#[test]
fn nginx_that_takes_any_certificate_and_names_no_authority() {
    table(&EVERY_CARD, || Setup {
        verify: Verify::OptionalNoCa,
        named: None,
        trusted: Some(whole_chain()),
        ..Setup::new(server(), String::new(), ACCOUNT_OR_FORM)
    })
    .check("nginx, `ssl_verify_client optional_no_ca`, with a log-in form");
}

#[test]
fn nginx_that_never_asks() {
    table(&[Card::Rsa], || Setup {
        verify: Verify::Off,
        named: None,
        ..Setup::new(server(), String::new(), ACCOUNT_OR_FORM)
    })
    .check("nginx, `ssl_verify_client off`, with a log-in form");
    table(&[Card::Rsa], || Setup {
        verify: Verify::Off,
        named: None,
        ..Setup::new(server(), String::new(), "return 496;")
    })
    .check("nginx, `ssl_verify_client off`, that answers 496");
}

#[test]
fn nginx_that_lacks_the_revocation_list_of_the_issuer() {
    table(&[Card::Rsa, Card::KnownGood], || Setup {
        crl: Some(ours().root_revocations().unwrap()),
        ..Setup::new(server(), whole_chain(), ACCOUNT)
    })
    .check("nginx, `ssl_crl` without the list of the issuer");
}

#[test]
fn nginx_whose_revocation_list_is_old() {
    table(&[Card::Rsa], || Setup {
        crl: Some(ours().root_revocations().unwrap() + &ours().revocations(&[], 2021).unwrap()),
        ..Setup::new(server(), whole_chain(), ACCOUNT)
    })
    .check("nginx, `ssl_crl` with an old list of the issuer");
}

#[test]
fn nginx_that_names_others_and_trusts_ours() {
    table(&[Card::Rsa], || Setup {
        trusted: Some(whole_chain()),
        ..Setup::new(server(), strangers().root_pem(), ACCOUNT)
    })
    .check("nginx that names other authorities than it trusts");
}

#[test]
fn nginx_that_closes_the_connection() {
    let cards = [Card::Rsa, Card::Expired];
    // Whether it likes the certificate or not.
    let closing = "error_page 495 /gone; return 444;";
    table(&cards, || Setup::new(server(), whole_chain(), closing))
        .check("nginx that closes the connection");
    let resetting = format!("reset_timedout_connection on; {closing}");
    table(&cards, || Setup::new(server(), whole_chain(), &resetting))
        .check("nginx that resets the connection");
}

#[test]
fn nginx_that_forbids() {
    table(&[Card::Rsa], || {
        Setup::new(server(), whole_chain(), "deny all;")
    })
    .check("nginx, `deny all`");
}

#[test]
fn one_nginx_serves_both_versions_of_tls() {
    let setup = Setup::new(server(), whole_chain(), ACCOUNT);
    let nginx = Nginx::start(&setup).unwrap();

    let met = visit(&nginx, &Card::P256.holder());

    assert_eq!(setup.versions, Versions::Both);
    assert_eq!(met.cacd, "registered: CN=DOE.JANE.Q.1234567890");
}

/// The first of two has had the certificate when the second does not get it.
#[test]
fn nginx_that_names_others_behind_one_that_names_ours() {
    let mut table = Table::default();
    for versions in EACH {
        let second = Nginx::start(&Setup {
            versions,
            ..Setup::new(server(), strangers().root_pem(), ACCOUNT)
        })
        .unwrap();
        let redirect = format!("return 302 {}/sign-in;", second.origin());
        let first = Nginx::start(&Setup::new(server(), whole_chain(), &redirect)).unwrap();
        let holder = Card::P256.holder();
        let met = visit_within(&first, &[second.origin()], &holder);
        table.add(Card::P256, versions, met);
    }
    table.check("nginx that names other authorities, behind a redirect by one that names ours");
}
