//! Sign-ins against a server made for each test.

mod anywhere;
mod by_hand;
mod consent;
mod forms;
mod holder;
mod hostile;
mod lists;
mod proxy;
mod refused;
mod server;
mod trace;
mod walk;

use std::path::Path;
use std::time::Duration;

use cac_common::cause::Cause;
use cac_common::profile::Profile;
use cac_common::registration::Outcome;
use cac_common::toml_file::Source;
use cac_common::trace::Trace;
use rustls::version::{TLS12, TLS13};

use self::holder::{Holder, Kind};
use self::server::{Asks, Authority, Reply, Server};
use super::sign_in::{LIMITS, Limits, sign_in_within};
use super::{Identity, Portal, PrepareError, SignInError, sign_in};

/// The page that shows an account.
const ACCOUNT: &str = "<title>Account</title><main id=account><b id=name>DOE, JANE Q</b></main>";

/// Rules that know this page.
const RULES: &str = r##"
[[outcome]]
result = "registered"
selector = "main#account"
account_selector = "#name"
"##;

#[tokio::test]
async fn every_kind_of_key_signs_in_under_both_versions_of_tls() {
    for version in [&TLS12, &TLS13] {
        for kind in [Kind::Rsa2048, Kind::Rsa3072, Kind::P256, Kind::P384] {
            let ca = Authority::new("Test CA");
            let config = server::config(&ca, version, &Asks::Naming(&ca));
            let server = Server::start(config, |_| server::page(ACCOUNT)).await;
            let holder = Holder::new(kind, &ca);

            let outcome = sign_in(&portal(&server, &ca, RULES), holder.identity()).await;

            assert_eq!(outcome.unwrap(), registered(), "{version:?} {kind:?}");
            assert_eq!(holder.signed(), 1, "{version:?} {kind:?}");
        }
    }
}

#[tokio::test]
async fn intermediates_go_along_to_a_portal_that_has_only_the_root() {
    for version in [&TLS12, &TLS13] {
        let root = Authority::new("Test Root");
        let ca = Authority::under(&root, "Test CA");
        let config = server::config(&root, version, &Asks::Naming(&root));
        let server = Server::start(config, |_| server::page(ACCOUNT)).await;
        let identity = Identity {
            intermediates: vec![ca.certificate.der().to_vec()],
            ..Holder::new(Kind::P256, &ca).identity()
        };

        let outcome = sign_in(&portal(&server, &root, RULES), identity).await;

        assert_eq!(outcome.unwrap(), registered(), "{version:?}");
    }
}

#[tokio::test]
async fn nothing_of_an_earlier_sign_in_is_used_again() {
    for version in [&TLS12, &TLS13] {
        let ca = Authority::new("Test CA");
        let config = server::config(&ca, version, &Asks::Naming(&ca));
        let server = Server::start(config, |_| {
            Reply::Page(
                "HTTP/1.1 200 OK\r\nSet-Cookie: session=1\r\n".into(),
                ACCOUNT.into(),
            )
        })
        .await;
        let holder = Holder::new(Kind::P256, &ca);
        let portal = portal(&server, &ca, RULES);

        sign_in(&portal, holder.identity()).await.unwrap();
        sign_in(&portal, holder.identity()).await.unwrap();

        assert_eq!(holder.signed(), 2);
        let requests = server.requests();
        assert_eq!(requests.len(), 2);
        assert!(requests.iter().all(|head| !head.contains("cookie:")));
    }
}

#[tokio::test]
async fn a_request_says_who_asks_and_what_for() {
    let ca = Authority::new("Test CA");
    let config = server::config(&ca, &TLS13, &Asks::Naming(&ca));
    let server = Server::start(config, |_| server::page(ACCOUNT)).await;
    let holder = Holder::new(Kind::P256, &ca);

    sign_in(&portal(&server, &ca, RULES), holder.identity())
        .await
        .unwrap();

    let head = server.requests().concat();
    assert!(head.starts_with("GET /sign-in HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("user-agent: cacd/"), "{head}");
}

#[tokio::test]
async fn a_signature_that_does_not_fit_the_certificate_does_not_leave() {
    let ca = Authority::new("Test CA");
    let holder = |kind| Holder::new(kind, &ca);
    for version in [&TLS12, &TLS13] {
        for holder in [
            holder(Kind::P256).with_key_of(holder(Kind::P256)),
            holder(Kind::P256).with_wrong_answers(),
            holder(Kind::Rsa2048).with_wrong_answers(),
        ] {
            let config = server::config(&ca, version, &Asks::Naming(&ca));
            let server = Server::start(config, |_| server::page(ACCOUNT)).await;

            let result = sign_in(&portal(&server, &ca, RULES), holder.identity()).await;

            assert!(matches!(result, Err(SignInError::WrongSignature)));
            assert!(server.requests().is_empty());
        }
    }
}

#[tokio::test]
async fn a_key_that_does_not_sign_is_told_apart_from_the_portal() {
    for version in [&TLS12, &TLS13] {
        let ca = Authority::new("Test CA");
        let config = server::config(&ca, version, &Asks::Naming(&ca));
        let server = Server::start(config, |_| server::page(ACCOUNT)).await;
        let holder = Holder::new(Kind::P256, &ca).with_broken_key();

        let result = sign_in(&portal(&server, &ca, RULES), holder.identity()).await;

        assert!(matches!(result, Err(SignInError::Signer(_))), "{result:?}");
    }
}

#[tokio::test]
async fn a_card_slower_than_the_limit_for_connecting_still_signs_in() {
    for version in [&TLS12, &TLS13] {
        let ca = Authority::new("Test CA");
        let config = server::config(&ca, version, &Asks::Naming(&ca));
        let server = Server::start(config, |_| server::page(ACCOUNT)).await;
        let limits = Limits {
            connect: Duration::from_millis(500),
            whole: Duration::from_secs(20),
        };
        let holder = Holder::new(Kind::P256, &ca).with_pause(limits.connect + limits.connect / 4);

        let outcome = sign_in_within(
            limits,
            &portal(&server, &ca, RULES),
            holder.identity(),
            &mut Trace::default(),
        )
        .await;

        assert_eq!(outcome.unwrap(), registered(), "{version:?}");
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_sign_in_is_an_error() {
    let ca = Authority::new("Test CA");
    let config = server::config(&ca, &TLS13, &Asks::Naming(&ca));
    let server = Server::start(config, |_| server::page(ACCOUNT)).await;
    let holder = Holder::new(Kind::P256, &ca);
    let portal = portal(&server, &ca, RULES);

    for bytes in [vec![], vec![0x30, 0x82, 0xFF, 0xFF], vec![0xFF; 64]] {
        let identity = Identity {
            certificate: bytes,
            ..holder.identity()
        };

        let result = sign_in(&portal, identity).await;

        assert!(matches!(result, Err(SignInError::Certificate(_))));
    }
}

#[test]
fn a_selector_that_is_none_is_named_with_its_rule() {
    let rules = RULES.to_owned() + "[[outcome]]\nresult = \"not-found\"\nselector = \"p[\"\n";
    let profile = profile("https://portal.example", &rules);

    let error = Portal::prepare(profile).err().unwrap();

    assert!(matches!(&error, PrepareError::Selector { place, .. } if place == "outcome 2"));
    assert!(
        error
            .to_string()
            .starts_with("portal test: outcome 2: \"p[\" is no CSS selector: "),
        "{error}"
    );
}

#[test]
fn a_sign_in_can_move_to_the_thread_that_drives_it() {
    fn assert_send<T: Send>(_: fn(Portal, Identity) -> T) {}

    assert_send(|portal, identity| async move { sign_in(&portal, identity).await });
}

fn registered() -> Outcome {
    Outcome::Registered {
        account: Some("DOE, JANE Q".into()),
    }
}

fn portal(server: &Server, trusted: &Authority, rules: &str) -> Portal {
    portal_at(&server.origin(), trusted, rules)
}

/// Without what is kept of a page, which is another for each.
fn without_page(outcome: Outcome) -> Outcome {
    let Outcome::Unrecognised { cause } = outcome else {
        return outcome;
    };
    let cause = Cause {
        page: None,
        ..cause
    };
    Outcome::Unrecognised { cause }
}

fn portal_at(origin: &str, trusted: &Authority, rules: &str) -> Portal {
    portal_with_lists(origin, trusted, rules, &[])
}

fn portal_with_lists(origin: &str, trusted: &Authority, rules: &str, lists: &[Vec<u8>]) -> Portal {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: String, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let anchors = write("ca.pem".into(), trusted.certificate.pem().as_bytes());
    let lists = (1..).zip(lists);
    let lists = lists.map(|(number, list)| write(format!("{number}.crl"), list));
    let mut profile = profile(origin, rules);
    profile.trust_anchors = vec![anchors];
    profile.revocation_lists = lists.collect();
    Portal::prepare(profile).unwrap()
}

fn profile(origin: &str, rules: &str) -> Profile {
    let (top, tables) = rules.split_at(rules.find("[[").unwrap_or(rules.len()));
    let text = format!(
        "name = \"test\"\ntitle = \"Test portal\"\norigin = \"{origin}\"\n\
         start = \"/sign-in\"\n{top}\n{tables}"
    );
    Profile::check(&Source::new(
        Path::new("/etc/cacd/portals.d/test.toml"),
        text,
    ))
    .unwrap()
}
