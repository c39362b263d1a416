//! A TLS client of few words, which sees how a connection ends.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use cac_tests::portal::Host;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, ClientConnection, Stream};
use url::Url;

use crate::visitor::Setting;

/// How the server ended it.
#[derive(Debug, PartialEq)]
pub(crate) enum End {
    /// By the number of the alert.
    Alert(u8),
    /// The end of the stream, without TLS saying so.
    Close,
    Reset,
    /// As it should, with TLS's own goodbye.
    Goodbye,
    /// By the client, which did not trust the server.
    Distrust(CertificateError),
}

/// What came of one request.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) shook_hands: bool,
    pub(crate) answer: Vec<u8>,
    pub(crate) end: End,
}

/// Asks for a path over a connection of its own, which the server is to close.
pub(crate) fn ask(setting: &Setting, host: Host, tls: ClientConfig, path: &str) -> Told {
    let mut tls = tls;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let origin: Url = setting.portal.origin_of(host).parse().unwrap();
    let port = origin.port().unwrap();
    let name = origin.host_str().unwrap().to_owned();
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let server = ServerName::try_from(name.clone()).unwrap();
    let mut connection = ClientConnection::new(Arc::new(tls), server).unwrap();

    while connection.is_handshaking() {
        if let Err(error) = connection.complete_io(&mut tcp) {
            return Told {
                shook_hands: !connection.is_handshaking(),
                answer: Vec::new(),
                end: ended(&error),
            };
        }
    }
    let request = format!("GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
    let mut stream = Stream::new(&mut connection, &mut tcp);
    let mut answer = Vec::new();
    let end = match stream
        .write_all(request.as_bytes())
        .and_then(|()| stream.read_to_end(&mut answer))
    {
        Ok(_) => End::Goodbye,
        Err(error) => ended(&error),
    };
    Told {
        shook_hands: true,
        answer,
        end,
    }
}

fn ended(error: &io::Error) -> End {
    let tls = error.get_ref().and_then(|error| error.downcast_ref());
    match (tls, error.kind()) {
        (Some(rustls::Error::AlertReceived(alert)), _) => End::Alert(u8::from(*alert)),
        (Some(rustls::Error::InvalidCertificate(why)), _) => End::Distrust(why.clone()),
        (None, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => End::Reset,
        (_, ErrorKind::UnexpectedEof) => End::Close,
        _ => panic!("{error:?}"),
    }
}
