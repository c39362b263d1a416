//! A portal made for one test: a TLS server that answers as it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A certification authority.
/// Of every server's certificate.
pub(super) const SERIAL: u64 = 4711;

pub(super) struct Authority {
    pub(super) issuer: Issuer<'static, KeyPair>,
    pub(super) certificate: rcgen::Certificate,
    /// Goes along with a server's own.
    intermediates: Vec<CertificateDer<'static>>,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let params = authority_params(name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
            intermediates: Vec::new(),
        }
    }

    pub(super) fn under(root: &Self, name: &str) -> Self {
        let params = authority_params(name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &root.issuer).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            intermediates: vec![certificate.der().clone()],
            certificate,
        }
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        Arc::new(roots)
    }
}

/// Of every authority's own.
pub(super) const AUTHORITY: u64 = 1;

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.serial_number = Some(AUTHORITY.into());
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// How a server asks for a certificate.
pub(super) enum Asks<'a> {
    /// Names the authority it trusts.
    Naming(&'a Authority),
    /// Trusts one and names none.
    Quietly(&'a Authority),
    /// Lets those in who have none.
    Kindly(&'a Authority),
    Never,
}

pub(super) enum Reply {
    /// Status line and headers without the length, then the body.
    Page(String, String),
    /// These bytes and no others.
    Bytes(Vec<u8>),
    /// The first, and then the second without end, as fast as it goes.
    Flood(Vec<u8>, Vec<u8>),
    /// A byte at a time, with so much time between.
    Drip(Vec<u8>, Duration),
    /// The beginning of a page, and then nothing.
    Stalled,
    Close,
}

pub(super) fn page(body: &str) -> Reply {
    Reply::Page(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n".into(),
        body.into(),
    )
}

/// A page that never ends.
pub(super) fn endless() -> Reply {
    Reply::Flood(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), b"x".to_vec())
}

pub(super) fn status(line: &str, headers: &str, body: &str) -> Reply {
    Reply::Page(format!("HTTP/1.1 {line}\r\n{headers}"), body.into())
}

pub(super) fn redirect(to: &str) -> Reply {
    status("302 Found", &format!("Location: {to}\r\n"), "")
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    connections: Arc<Mutex<usize>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Stops with the runtime of the test.
    pub(super) async fn start(
        config: ServerConfig,
        reply: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::reserve().await.serve(config, reply)
    }

    /// Its address, for those whom it sends people to.
    pub(super) async fn reserve() -> Reserved {
        Reserved(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn on(
        listener: TcpListener,
        config: ServerConfig,
        reply: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let server = Self {
            address: listener.local_addr().unwrap(),
            connections: Arc::default(),
            requests: Arc::default(),
        };
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let reply = Arc::new(reply);
        let connections = Arc::clone(&server.connections);
        let requests = Arc::clone(&server.requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *connections.lock().unwrap() += 1;
                let (acceptor, reply) = (acceptor.clone(), Arc::clone(&reply));
                let requests = Arc::clone(&requests);
                tokio::spawn(async move {
                    match acceptor.accept(stream).into_fallible().await {
                        Ok(stream) => serve(stream, &*reply, &requests).await,
                        Err((_, stream)) => linger(stream).await,
                    }
                });
            }
        });
        server
    }

    pub(super) fn origin(&self) -> String {
        format!("https://{}", self.address)
    }

    pub(super) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    /// Each request as it came.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// A server that is still to start.
pub(super) struct Reserved(TcpListener);

impl Reserved {
    pub(super) fn origin(&self) -> String {
        format!("https://{}", self.0.local_addr().unwrap())
    }

    pub(super) fn serve(
        self,
        config: ServerConfig,
        reply: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Server {
        Server::on(self.0, config, reply)
    }
}

pub(super) fn config(
    authority: &Authority,
    version: &'static SupportedProtocolVersion,
    asks: &Asks<'_>,
) -> ServerConfig {
    config_for("127.0.0.1", authority, version, asks)
}

pub(super) fn config_for(
    name: &str,
    authority: &Authority,
    version: &'static SupportedProtocolVersion,
    asks: &Asks<'_>,
) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.serial_number = Some(SERIAL.into());
    let certificate = params.signed_by(&key, &authority.issuer).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[version])
        .unwrap();
    let verifier = |authority: &Authority| {
        WebPkiClientVerifier::builder_with_provider(authority.roots(), provider)
    };
    let verifier: Option<Arc<dyn ClientCertVerifier>> = match asks {
        Asks::Naming(authority) => Some(verifier(authority).build().unwrap()),
        Asks::Quietly(authority) => Some(
            verifier(authority)
                .clear_root_hint_subjects()
                .build()
                .unwrap(),
        ),
        Asks::Kindly(authority) => {
            Some(verifier(authority).allow_unauthenticated().build().unwrap())
        }
        Asks::Never => None,
    };
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let chain = std::iter::once(certificate.der().clone())
        .chain(authority.intermediates.iter().cloned())
        .collect();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    builder.with_single_cert(chain, key).unwrap()
}

pub(super) async fn serve(
    mut stream: TlsStream<TcpStream>,
    reply: &(impl Fn(&str) -> Reply + Send + Sync),
    requests: &Mutex<Vec<String>>,
) {
    while let Some(request) = read_request(&mut stream).await {
        let answer = reply(&request);
        requests.lock().unwrap().push(request);
        let sent = match answer {
            Reply::Page(head, body) => {
                let length = body.len();
                let text = format!("{head}Content-Length: {length}\r\n\r\n{body}");
                stream.write_all(text.as_bytes()).await
            }
            Reply::Bytes(bytes) => stream.write_all(&bytes).await,
            Reply::Flood(first, again) => {
                let again = again.repeat(16_384 / again.len());
                let mut sent = stream.write_all(&first).await;
                while sent.is_ok() {
                    sent = stream.write_all(&again).await;
                }
                sent
            }
            Reply::Drip(bytes, pause) => {
                let mut sent = Ok(());
                for byte in bytes {
                    if sent.is_ok() {
                        sent = stream.write_all(&[byte]).await.and(stream.flush().await);
                        tokio::time::sleep(pause).await;
                    }
                }
                sent
            }
            Reply::Stalled => {
                let text = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<title>";
                let sent = stream.write_all(text).await.and(stream.flush().await);
                // Until the client gives up.
                let _ = stream.read(&mut [0]).await;
                sent
            }
            Reply::Close => {
                let _ = stream.shutdown().await;
                return;
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

/// Lets the client read the alert: to close with something unread would
/// reset the connection and take the alert with it.
async fn linger(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    while stream.read(&mut [0; 512]).await.is_ok_and(|read| read > 0) {}
}

async fn read_request(stream: &mut TlsStream<TcpStream>) -> Option<String> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.ok()?);
    }
    let mut request = String::from_utf8(request).ok()?;
    let length = request
        .split_once("content-length: ")
        .map_or("0", |(_, rest)| rest);
    let length = length.split("\r\n").next()?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    request.push_str(std::str::from_utf8(&body).ok()?);
    Some(request)
}
