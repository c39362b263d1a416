//! What each of them comes to.

use std::net::TcpListener;
use std::sync::Arc;

use super::*;
use crate::check::tests::{Case, case, single};

#[test]
fn an_origin_is_a_host_and_a_port() {
    for (origin, expected) in [
        (
            "https://portal.example.mil",
            Some(("portal.example.mil", 443)),
        ),
        ("https://localhost:8443/", Some(("localhost", 8443))),
        ("https://[::1]:8443", Some(("::1", 8443))),
        ("https://[::1]", Some(("::1", 443))),
        ("http://portal.example.mil", None),
        ("https://-x", None),
        ("https://a b", None),
        ("https://:443", None),
        ("https://host:99999", None),
    ] {
        let found = host_and_port(origin);
        let found = found.as_ref().map(|(host, port)| (&host[..], *port));
        assert_eq!(found, expected, "{origin}");
    }
}

pub(in crate::check) fn cases() -> Vec<Case> {
    let mut cases = of_what_openssl_says();
    cases.extend(of_calls());
    let root = tempfile::tempdir().unwrap();
    let mut place = Place::below(root.path());
    let no_picture = portals(&place);
    place.picture = Some(Arc::new(crate::invented::desk()));
    let folder = root.path().join("etc/cacd");
    std::fs::create_dir_all(&folder).unwrap();
    let text = "[network]\nproxy = \"http://proxy.example.mil:3128\"\n";
    std::fs::write(folder.join("cacd.toml"), text).unwrap();
    let by_proxy = portals(&place);
    cases.push(single("portal-reached", portals::NO_PICTURE, no_picture));
    cases.push(single("portal-reached", portals::PROXY, by_proxy));
    cases
}

fn of_what_openssl_says() -> Vec<Case> {
    let mut cases = Vec::new();
    for (said, expected) in [
        ("x\n    Verify return code: 0 (ok)\n---\n", portals::TRUSTED),
        (
            "Verify return code: 18 (self-signed certificate)\n",
            portals::NOT_TRUSTED,
        ),
        (
            "Verify return code: 62 (hostname mismatch)\n",
            portals::NOT_TRUSTED,
        ),
        (
            "no peer certificate available\nVerify return code: 0 (ok)",
            portals::NO_CERTIFICATE,
        ),
        ("", portals::NO_CERTIFICATE),
    ] {
        let said = Said {
            is_fine: true,
            text: said.into(),
        };
        let found = judge(Ok(&said), "localhost:1");
        cases.push(case("portal-reached", expected, found));
    }
    for (error, expected) in [
        (ChildError::NotThere, portals::NO_OPENSSL),
        (ChildError::TooLong(LIMIT), portals::NOT_TOLD),
    ] {
        let found = judge(Err(&error), "localhost:1");
        cases.push(case("portal-reached", expected, found));
    }
    cases
}

/// Each portal that is enabled has a line of its own.
fn of_calls() -> Vec<Case> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let root = tempfile::tempdir().unwrap();
    let mut place = Place::below(root.path());
    let mut picture = crate::invented::desk();
    picture.portals.truncate(3);
    picture.portals[0].origin = format!("https://127.0.0.1:{port}");
    picture.portals[1].origin = "ftp://127.0.0.1".into();
    picture.portals[2].enabled = false;
    place.picture = Some(Arc::new(picture));
    let found = portals(&place);
    drop(listener);
    let away = portals(&place);
    let [no_profile, no_address] = <[Found; 2]>::try_from(found).expect("those enabled");
    let away = away.into_iter().next().expect("it is called");
    let anchors = together(&["/nonexistent/anchor.pem".into()]).expect_err("it is not there");
    let unread = portals::NO_ANCHORS.told(&[("server", &"localhost:1"), ("why", &anchors)]);
    vec![
        case("portal-reached", portals::NO_PROFILE, no_profile),
        case("portal-reached", portals::NO_ADDRESS, no_address),
        case("portal-reached", portals::AWAY, away),
        case("portal-reached", portals::NO_ANCHORS, unread),
    ]
}

#[test]
fn a_port_that_nobody_listens_at_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let there = connected("127.0.0.1", port);
    drop(listener);
    let gone = connected("127.0.0.1", port);

    assert_eq!(there, Ok(()));
    assert_eq!(gone, Err(format!("nothing listens at 127.0.0.1:{port}")));
}
