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
        let found = Server::of(origin);
        let found = found.as_ref().map(|it| (&it.host[..], it.port));
        assert_eq!(found, expected, "{origin}");
    }
}

#[test]
fn a_name_is_asked_for_by_name_and_an_address_by_address() {
    for (origin, expected) in [
        (
            "https://portal.example.mil",
            "-connect portal.example.mil:443 -servername portal.example.mil \
             -verify_hostname portal.example.mil",
        ),
        (
            "https://192.0.2.7:8443",
            "-connect 192.0.2.7:8443 -noservername -verify_ip 192.0.2.7",
        ),
        (
            "https://[2001:db8::7]",
            "-connect [2001:db8::7]:443 -noservername -verify_ip 2001:db8::7",
        ),
    ] {
        let arguments = Server::of(origin).unwrap().arguments();

        assert_eq!(arguments.join(" "), expected);
    }
}

/// A real server, whose certificate has its address in it.
#[test]
fn a_server_at_an_address_is_known_by_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (key, own, other) = (path("key.pem"), path("own.pem"), path("other.pem"));
    for (certificate, address) in [(&own, "IP:127.0.0.1"), (&other, "IP:127.0.0.2")] {
        let made = Command::new("openssl")
            .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split(' '))
            .args(["-subj", "/CN=portal", "-addext"])
            .arg(format!("subjectAltName={address}"))
            .args(["-keyout", &key, "-out", certificate])
            .output()
            .expect("openssl (make deps)");
        assert!(made.status.success(), "{made:?}");
        let serving = Serving::start(&key, certificate);
        let server = Server::of(&format!("https://127.0.0.1:{}", serving.port)).unwrap();

        let found = server.looked_at(std::slice::from_ref(certificate), LONG);

        let expected = if certificate == &own {
            portals::TRUSTED
        } else {
            portals::NOT_TRUSTED
        };
        assert_eq!(found.outcome(), expected, "{found:?}");
    }
}

/// Longer than any test takes.
const LONG: Duration = Duration::from_mins(2);

/// `openssl s_server` at a port that is free.
struct Serving {
    server: std::process::Child,
    port: u16,
}

impl Serving {
    fn start(key: &str, certificate: &str) -> Self {
        use std::io::BufRead as _;

        let mut server = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-key", key])
            .args(["-cert", certificate])
            // At its end it would hang up.
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("openssl (make deps)");
        let said = io::BufReader::new(server.stdout.take().unwrap());
        // ACCEPT 127.0.0.1:46231
        let mut lines = said.lines().map(Result::unwrap);
        let port = lines.find_map(|line| {
            let (_, port) = line.strip_prefix("ACCEPT ")?.rsplit_once(':')?;
            port.parse().ok()
        });
        // Whatever else it says is read, so that it never waits.
        std::thread::spawn(move || lines.count());
        let port = port.expect("it says where it listens");
        Self { server, port }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.server.kill();
        let _ = self.server.wait();
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
    let refused = portals(&place);
    let [no_profile, no_address] = <[Found; 2]>::try_from(found).expect("those enabled");
    let refused = refused.into_iter().next().expect("it is called");
    let server = Server::of("https://portal.example.mil").unwrap();
    let unread = server.looked_at(&["/nonexistent/anchor.pem".into()], LONG);
    let not_found = || io::Error::from(io::ErrorKind::NotFound);
    let no_name = server.addresses(LONG, move |_, _| Err(not_found()));
    let no_addresses = server.addresses(LONG, |_, _| Ok(Vec::new()));
    let (ends, end) = mpsc::channel::<()>();
    let slow = server.addresses(Duration::ZERO, move |_, _| {
        // Until the other end is dropped.
        let _ = end.recv();
        Ok(Vec::new())
    });
    drop(ends);
    let silent = server.away(&io::ErrorKind::TimedOut.into());
    let away = server.away(&io::ErrorKind::NetworkUnreachable.into());
    vec![
        case("portal-reached", portals::NO_PROFILE, no_profile),
        case("portal-reached", portals::NO_ADDRESS, no_address),
        case("portal-reached", portals::REFUSED, refused),
        case("portal-reached", portals::NO_NAME, *no_name.unwrap_err()),
        case(
            "portal-reached",
            portals::NO_ADDRESSES,
            *no_addresses.unwrap_err(),
        ),
        case("portal-reached", portals::SLOW_NAMES, *slow.unwrap_err()),
        case("portal-reached", portals::SILENT, silent),
        case("portal-reached", portals::AWAY, away),
        case("portal-reached", portals::NO_ANCHORS, unread),
    ]
}

#[test]
fn an_address_is_looked_up_nowhere_and_a_port_that_nobody_listens_at_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = Server::of(&format!("https://127.0.0.1:{port}")).unwrap();
    let addresses = server
        .addresses(Duration::ZERO, |_, _| panic!("it is no name"))
        .unwrap();
    let there = server.connected(&addresses);
    drop(listener);
    let gone = server.connected(&addresses);

    assert_eq!(there, Ok(()));
    assert_eq!(gone.unwrap_err().outcome(), portals::REFUSED);
}
