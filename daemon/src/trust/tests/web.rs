//! The network itself, with a server made for each test.

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cac_common::error_chain::Chain;
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::trust::http::Web;
use crate::trust::revocation::{Fetch as _, FetchError, FetchRequest, Post};

struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers each path as `answer` says; closes after each.
    async fn start(answer: impl Fn(&str, SocketAddr) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read_request(&mut stream).await;
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                seen.lock().unwrap().push(request);
                let _ = stream.write_all(answer(&path, address).as_bytes()).await;
            }
        });
        Self { address, requests }
    }

    fn request(&self, path: &str) -> FetchRequest {
        FetchRequest {
            url: format!("http://{}{path}", self.address).parse().unwrap(),
            post: None,
            largest: 100,
            limit: Duration::from_secs(10),
        }
    }

    fn seen(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Head and body; the body by its length.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_lowercase()
                        .strip_prefix("content-length: ")
                        .map(String::from)
                })
                .map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return text;
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return text;
        }
    }
}

fn page(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

fn redirect(to: &str) -> String {
    format!(
        "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
}

async fn fetch(request: FetchRequest) -> Result<String, FetchError> {
    let mut body = Vec::new();
    Web.fetch(request, &mut |piece| {
        body.extend_from_slice(piece);
        ControlFlow::Continue(())
    })
    .await?;
    Ok(String::from_utf8(body).unwrap())
}

#[tokio::test]
async fn it_gets_and_posts() {
    let server = Server::start(|path, _| page(path)).await;
    let post = Post {
        content_type: "application/ocsp-request",
        body: b"question".to_vec(),
    };

    let got = fetch(server.request("/a.crl")).await.unwrap();
    let answered = fetch(FetchRequest {
        post: Some(post),
        ..server.request("/ocsp")
    })
    .await
    .unwrap();

    assert_eq!((got.as_str(), answered.as_str()), ("/a.crl", "/ocsp"));
    let seen = server.seen();
    assert!(seen[0].starts_with("GET /a.crl HTTP/1.1\r\n"), "{seen:?}");
    assert!(seen[1].starts_with("POST /ocsp HTTP/1.1\r\n"), "{seen:?}");
    assert!(
        seen[1].contains("content-type: application/ocsp-request"),
        "{seen:?}"
    );
    assert!(seen[1].ends_with("\r\n\r\nquestion"), "{seen:?}");
}

#[tokio::test]
async fn three_redirects_are_followed_on_one_host() {
    let server = Server::start(|path, _| match path {
        "/0" => page("there"),
        "/1" => redirect("/0"),
        "/2" => redirect("1"),
        "/3" => redirect("/2"),
        _ => redirect("/3"),
    })
    .await;

    let three = fetch(server.request("/3")).await;
    let four = fetch(server.request("/4")).await;

    assert_eq!(three.unwrap(), "there");
    assert!(matches!(four, Err(FetchError::Circle { .. })), "{four:?}");
}

#[tokio::test]
async fn no_redirect_leads_to_another_host_or_out_of_the_web() {
    let server = Server::start(|path, address| match path {
        "/host" => redirect(&format!("http://localhost:{}/", address.port())),
        "/file" => redirect("file:///etc/passwd"),
        _ => page("there"),
    })
    .await;

    for path in ["/host", "/file"] {
        let result = fetch(server.request(path)).await;

        assert!(
            matches!(result, Err(FetchError::Elsewhere { .. })),
            "{result:?}"
        );
    }
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn more_than_was_asked_for_is_left() {
    let server = Server::start(|path, _| match path {
        "/fits" => page(&"a".repeat(100)),
        // Its end is where the connection ends.
        "/endless" => format!("HTTP/1.1 200 OK\r\n\r\n{}", "a".repeat(101)),
        _ => page(&"a".repeat(101)),
    })
    .await;

    let fits = fetch(server.request("/fits")).await;

    assert_eq!(fits.unwrap().len(), 100);
    for path in ["/too-large", "/endless"] {
        let result = fetch(server.request(path)).await;

        assert!(
            matches!(result, Err(FetchError::TooLarge { largest: 100, .. })),
            "{result:?}"
        );
    }
}

#[tokio::test]
async fn it_stops_where_enough_was_read() {
    let server = Server::start(|_, _| page(&"a".repeat(50))).await;
    let mut pieces = 0;

    let result = Web
        .fetch(server.request("/"), &mut |_| {
            pieces += 1;
            ControlFlow::Break(())
        })
        .await;

    result.unwrap();
    assert_eq!(pieces, 1);
}

#[tokio::test]
async fn a_status_that_is_no_success_is_told() {
    let server = Server::start(|_, _| {
        "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".into()
    })
    .await;

    let result = fetch(server.request("/")).await;

    assert!(
        matches!(result, Err(FetchError::Status { status: 503, .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn whoever_does_not_answer_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = closed.local_addr().unwrap();
    drop(closed);
    let request = |address: SocketAddr, scheme: &str| FetchRequest {
        url: format!("{scheme}://{address}/").parse().unwrap(),
        post: None,
        largest: 100,
        limit: Duration::from_millis(200),
    };

    let slow = fetch(request(address, "http")).await;
    let refused = fetch(FetchRequest {
        limit: Duration::from_secs(10),
        ..request(gone, "http")
    })
    .await;

    assert!(matches!(slow, Err(FetchError::TimedOut { .. })), "{slow:?}");
    assert!(
        matches!(refused, Err(FetchError::Unreachable { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_server_of_https_has_to_be_trusted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(self_signed()));
    let handshake = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        acceptor.accept(stream).await.map(drop)
    });
    let request = FetchRequest {
        url: format!("https://{address}/").parse().unwrap(),
        post: None,
        largest: 100,
        limit: Duration::from_secs(10),
    };

    let error = fetch(request).await.unwrap_err();

    let text = Chain(&error).to_string();
    assert!(text.contains("UnknownIssuer"), "{text}");
    assert!(handshake.await.unwrap().is_err());
}

fn self_signed() -> ServerConfig {
    let key = rcgen::KeyPair::generate().unwrap();
    let names = ["127.0.0.1".to_owned()];
    let certificate = rcgen::CertificateParams::new(names)
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap()
}
