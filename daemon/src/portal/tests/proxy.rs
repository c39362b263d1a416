//! Through a proxy, or not through it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cac_common::cause::{Cause, Kind as Why};
use cac_common::proxy::Proxy;
use cac_common::registration::Outcome;
use cac_common::trace::Trace;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::holder::{Holder, Kind};
use super::server::{self, Asks, Authority, Server};
use super::{ACCOUNT, Limits, RULES, portal, registered, sign_in, sign_in_within};
use crate::portal::Portal;

/// Made for one test: passes on what it is asked to, or answers as it is told.
struct Forwarder {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
}

#[derive(Clone, Copy)]
enum Does {
    PassOn,
    Answer(&'static str),
    Nothing,
}

impl Forwarder {
    async fn start(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let forwarder = Self {
            address: listener.local_addr().unwrap(),
            heard: Arc::default(),
        };
        let heard = Arc::clone(&forwarder.heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(forward(stream, does, Arc::clone(&heard)));
            }
        });
        forwarder
    }

    fn heard(&self) -> String {
        String::from_utf8(self.heard.lock().unwrap().clone()).unwrap()
    }
}

async fn forward(mut stream: TcpStream, does: Does, heard: Arc<Mutex<Vec<u8>>>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            return;
        };
        request.push(byte);
        heard.lock().unwrap().push(byte);
    }
    match does {
        Does::PassOn => {
            let request = String::from_utf8(request).unwrap();
            let to = request.split(' ').nth(1).unwrap();
            let mut server = TcpStream::connect(to).await.unwrap();
            let answer = b"HTTP/1.1 200 Connection established\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut server).await;
        }
        Does::Answer(answer) => {
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
            let _ = stream.read(&mut [0]).await;
        }
        Does::Nothing => drop(stream.read(&mut [0]).await),
    }
}

#[tokio::test]
async fn a_proxy_learns_no_more_than_host_and_port() {
    for version in [&TLS12, &TLS13] {
        let ca = Authority::new("Test CA");
        let config = server::config(&ca, version, &Asks::Naming(&ca));
        let server = Server::start(config, |_| server::page(ACCOUNT)).await;
        let forwarder = Forwarder::start(Does::PassOn).await;
        let holder = Holder::new(Kind::P256, &ca);
        let to = format!("http://jane:secret@{}", forwarder.address);
        let portal = through(&to, portal(&server, &ca, RULES));

        let outcome = sign_in(&portal, holder.identity()).await;

        assert_eq!(outcome.unwrap(), registered(), "{version:?}");
        assert_eq!(holder.signed(), 1);
        let at = server.address;
        assert_eq!(
            forwarder.heard(),
            format!(
                "CONNECT {at} HTTP/1.1\r\nHost: {at}\r\nuser-agent: cacd/{}\r\n\
                 proxy-authorization: Basic amFuZTpzZWNyZXQ=\r\n\r\n",
                env!("CARGO_PKG_VERSION")
            )
        );
        let requests = server.requests().concat().to_lowercase();
        assert!(!requests.contains("proxy-authorization"), "{requests}");
    }
}

#[tokio::test]
async fn what_needs_no_proxy_is_reached_without_it() {
    let ca = Authority::new("Test CA");
    let config = server::config(&ca, &TLS13, &Asks::Naming(&ca));
    let server = Server::start(config, |_| server::page(ACCOUNT)).await;
    let forwarder = Forwarder::start(Does::PassOn).await;
    let except = vec!["127.0.0.0/8".parse().unwrap()];
    let proxy = Proxy::new(&format!("http://{}", forwarder.address), except);
    let mut portal = portal(&server, &ca, RULES);
    portal.set_proxy(proxy.ok().map(Arc::new));

    let outcome = sign_in(&portal, Holder::new(Kind::P256, &ca).identity()).await;

    assert_eq!(outcome.unwrap(), registered());
    assert_eq!(forwarder.heard(), "");
}

#[tokio::test]
async fn a_proxy_that_makes_no_way_is_not_taken_for_the_portal() {
    for (does, cause) in [
        (
            Does::Answer(
                "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n<title>Account</title>",
            ),
            "the proxy P refuses to lead to 127.0.0.1: proxy authorization required",
        ),
        (
            Does::Answer("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
            "the proxy P refuses to lead to 127.0.0.1: unsuccessful",
        ),
        (
            Does::Answer("junk\r\n\r\n"),
            "the proxy P refuses to lead to 127.0.0.1: unsuccessful",
        ),
        (
            Does::Answer(""),
            "the proxy P refuses to lead to 127.0.0.1: unexpected end of file",
        ),
        (
            Does::Answer("HTTP/1.1 200 OK\r\n\r\n"),
            "the connection to 127.0.0.1 through the proxy P broke off: tls handshake eof",
        ),
        (
            Does::Nothing,
            "no way to 127.0.0.1 through the proxy P in time",
        ),
    ] {
        let ca = Authority::new("Test CA");
        let config = server::config(&ca, &TLS13, &Asks::Naming(&ca));
        let server = Server::start(config, |_| server::page(ACCOUNT)).await;
        let forwarder = Forwarder::start(does).await;
        let holder = Holder::new(Kind::P256, &ca);
        let at = forwarder.address.to_string();
        let portal = through(&format!("http://{at}"), portal(&server, &ca, RULES));
        let limits = Limits {
            connect: Duration::from_secs(1),
            whole: Duration::from_secs(20),
        };

        let outcome =
            sign_in_within(limits, &portal, holder.identity(), &mut Trace::default()).await;

        assert_eq!(outcome.unwrap(), unavailable(cause, &at));
        assert_eq!((holder.signed(), server.connections()), (0, 0));
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_told() {
    let ca = Authority::new("Test CA");
    let config = server::config(&ca, &TLS13, &Asks::Naming(&ca));
    let server = Server::start(config, |_| server::page(ACCOUNT)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    drop(listener);
    let portal = through(&format!("http://{at}"), portal(&server, &ca, RULES));

    let outcome = sign_in(&portal, Holder::new(Kind::P256, &ca).identity()).await;

    let cause = "the proxy P cannot be reached: connection refused";
    assert_eq!(outcome.unwrap(), unavailable(cause, &at));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn what_the_portal_says_through_a_proxy_is_the_portals() {
    let (ca, other) = (Authority::new("Test CA"), Authority::new("Other CA"));
    let config = server::config(&ca, &TLS12, &Asks::Quietly(&ca));
    let server = Server::start(config, |_| server::page(ACCOUNT)).await;
    let forwarder = Forwarder::start(Does::PassOn).await;
    let to = format!("http://{}", forwarder.address);
    let refused = through(&to, portal(&server, &ca, RULES));
    let distrusted = through(&to, portal(&server, &other, RULES));
    let identity = || Holder::new(Kind::P256, &other).identity();

    let refused = sign_in(&refused, identity()).await.unwrap();
    let distrusted = sign_in(&distrusted, identity()).await.unwrap();

    assert_eq!(
        refused,
        Outcome::Rejected {
            cause: Cause::new(
                Why::IssuerUnknown,
                "the portal does not know who issued it (Other CA)"
            )
        }
    );
    assert!(
        matches!(distrusted, Outcome::Unsupported { .. }),
        "{distrusted:?}"
    );
}

fn through(proxy: &str, mut portal: Portal) -> Portal {
    portal.set_proxy(Some(Arc::new(Proxy::new(proxy, Vec::new()).unwrap())));
    portal
}

/// `P` stands for the proxy.
fn unavailable(cause: &str, proxy: &str) -> Outcome {
    Outcome::Unavailable {
        cause: Cause::new(
            Why::ProxyRefuses,
            cause.replace(" P ", &format!(" {proxy} ")),
        ),
        retry_after: None,
    }
}
