//! One connection: TLS, then HTTP, unless a fault stands between.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::UnixTime;
use rustls::server::danger::ClientCertVerifier;
use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::fault::{ConnectionFault, Moment, Parting};
use super::narrow::{Narrow, Narrowness};
use super::routes::Peer;
use super::witness;

/// A card takes seconds to sign and its holder longer to type a PIN.
const HANDSHAKE_LIMIT: Duration = Duration::from_mins(2);
const HEADER_LIMIT: Duration = Duration::from_mins(1);
/// What a client may still say to a server that has ended the connection.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(10);
const MOST_LAST_WORDS: u64 = 1 << 20;
/// RFC 8446 5.1: a record's header, and the most that may follow.
const RECORD_HEADER: usize = 5;
const LONGEST_RECORD: u64 = 1 << 14;

/// How a host speaks TLS.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) usual: Arc<ServerConfig>,
    /// Stops a TLS 1.2 handshake at the client's signature.
    pub(super) stopping: Arc<ServerConfig>,
    /// Judges certificates that TLS has taken unseen.
    pub(super) judge: Option<Arc<dyn ClientCertVerifier>>,
}

/// Why a connection came to nothing, or to an early end.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionError {
    #[error("TLS handshake took too long")]
    HandshakeTooLong,
    #[error("TLS handshake failed")]
    Handshake(#[source] io::Error),
    #[error("HTTP failed")]
    Http(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("connection failed")]
    Transport(#[from] io::Error),
    #[error("TLS failed")]
    Tls(#[from] rustls::Error),
}

pub(super) async fn converse(
    stream: TcpStream,
    tls: Tls,
    router: Router,
    fault: Option<ConnectionFault>,
) -> Result<(), ConnectionError> {
    match fault {
        None => {
            let stream = accept(stream, &tls).await?;
            let router = with_peer(router, &tls, &stream);
            serve(stream, router).await
        }
        Some(ConnectionFault::Cut { after }) => {
            let (stream, mut end) = twins(stream)?;
            let stream = accept(stream, &tls).await?;
            let router = with_peer(router, &tls, &stream);
            let (narrow, is_cut) = Narrow::new(stream, Narrowness::CutAfter(after));
            tokio::select! {
                served = serve(narrow, router) => served,
                _ = is_cut => {
                    close(&mut end).await?;
                    Ok(())
                }
            }
        }
        Some(ConnectionFault::Trickle(pause)) => {
            let stream = accept(stream, &tls).await?;
            let router = with_peer(router, &tls, &stream);
            let (narrow, _never_cut) = Narrow::new(stream, Narrowness::ByteEvery(pause));
            serve(narrow, router).await
        }
        Some(ConnectionFault::Parted { with, at }) => {
            time::timeout(HANDSHAKE_LIMIT, part(stream, &tls, with, at))
                .await
                .map_err(|_| ConnectionError::HandshakeTooLong)?
        }
    }
}

async fn accept(stream: TcpStream, tls: &Tls) -> Result<TlsStream<TcpStream>, ConnectionError> {
    let acceptor = TlsAcceptor::from(Arc::clone(&tls.usual));
    time::timeout(HANDSHAKE_LIMIT, acceptor.accept(stream))
        .await
        .map_err(|_| ConnectionError::HandshakeTooLong)?
        .map_err(ConnectionError::Handshake)
}

fn with_peer(router: Router, tls: &Tls, stream: &TlsStream<TcpStream>) -> Router {
    let (_, connection) = stream.get_ref();
    let chain = connection.peer_certificates().unwrap_or_default();
    let peer = match (chain, &tls.judge) {
        ([], _) => Peer::None,
        ([certificate, above @ ..], Some(judge)) => {
            match judge.verify_client_cert(certificate, above, UnixTime::now()) {
                Ok(_) => Peer::Certificate(certificate.clone().into_owned()),
                Err(error) => Peer::Unverified(error),
            }
        }
        ([certificate, ..], None) => Peer::Certificate(certificate.clone().into_owned()),
    };
    router.layer(Extension(peer))
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
) -> Result<(), ConnectionError> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT);
    http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await
        .map_err(ConnectionError::Http)
}

/// The same connection twice, since HTTP keeps the one it is given.
fn twins(stream: TcpStream) -> io::Result<(TcpStream, TcpStream)> {
    let stream = stream.into_std()?;
    let twin = stream.try_clone()?;
    Ok((TcpStream::from_std(stream)?, TcpStream::from_std(twin)?))
}

async fn part(
    mut stream: TcpStream,
    tls: &Tls,
    with: Parting,
    at: Moment,
) -> Result<(), ConnectionError> {
    let config = match at {
        Moment::Hello => {
            skip_record(&mut stream).await?;
            return take_leave(stream, with, None).await;
        }
        Moment::Certificate => &tls.stopping,
        Moment::Request => &tls.usual,
    };
    let mut connection = ServerConnection::new(Arc::clone(config))?;
    match advance(&mut stream, &mut connection, at).await {
        Ok(()) => take_leave(stream, with, Some(connection)).await,
        Err(ConnectionError::Tls(error)) if witness::has_stopped(&error) => {
            take_leave(stream, with, None).await
        }
        Err(error) => {
            // rustls may have an alert of its own to send.
            flush(&mut stream, &mut connection).await?;
            close(&mut stream).await?;
            Err(error)
        }
    }
}

/// Shakes hands and, if that is the moment, reads the beginning of a request.
async fn advance(
    stream: &mut TcpStream,
    connection: &mut ServerConnection,
    until: Moment,
) -> Result<(), ConnectionError> {
    let mut buffer = vec![0; 4096];
    let mut request_came = false;
    loop {
        flush(stream, connection).await?;
        let is_time = match until {
            Moment::Hello | Moment::Certificate => true,
            Moment::Request => request_came,
        };
        if !connection.is_handshaking() && is_time {
            return Ok(());
        }
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let mut unread = &buffer[..count];
        while !unread.is_empty() {
            connection.read_tls(&mut unread)?;
            let state = connection.process_new_packets()?;
            request_came |= state.plaintext_bytes_to_read() > 0;
        }
    }
}

async fn flush(stream: &mut TcpStream, connection: &mut ServerConnection) -> io::Result<()> {
    let mut records = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut records)?;
    }
    stream.write_all(&records).await
}

/// Without a connection nothing is encrypted yet.
async fn take_leave(
    mut stream: TcpStream,
    with: Parting,
    connection: Option<ServerConnection>,
) -> Result<(), ConnectionError> {
    match with {
        Parting::Alert(alert) => {
            let record = match connection {
                Some(connection) => alert.sealed_record(connection)?,
                None => alert.plain_record(),
            };
            stream.write_all(&record).await?;
            close(&mut stream).await?;
        }
        Parting::Close => close(&mut stream).await?,
        Parting::Reset => stream.set_zero_linger()?,
    }
    Ok(())
}

/// Lets the client finish, since what it sent and nobody read would turn the
/// end of the stream into a reset.
async fn close(stream: &mut TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut last_words = stream.take(MOST_LAST_WORDS);
    let mut sink = tokio::io::sink();
    let drained = tokio::io::copy(&mut last_words, &mut sink);
    // Whoever goes on talking is cut off.
    let _drained_or_cut_off = time::timeout(LAST_WORDS_LIMIT, drained).await;
    Ok(())
}

/// One TLS record, such as the client's hello.
async fn skip_record(stream: &mut TcpStream) -> io::Result<()> {
    let mut header = [0; RECORD_HEADER];
    stream.read_exact(&mut header).await?;
    let [_kind, _major, _minor, high, low] = header;
    let length = u64::from(u16::from_be_bytes([high, low])).min(LONGEST_RECORD);
    tokio::io::copy(&mut stream.take(length), &mut tokio::io::sink()).await?;
    Ok(())
}
