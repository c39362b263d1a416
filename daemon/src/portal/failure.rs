//! What it means that a connection failed, told apart by whose fault it is.

use std::error::Error;
use std::io;

use cac_common::cause::{Cause, Kind};
use cac_common::identity::readable;
use cac_common::registration::Outcome;
use rustls::{AlertDescription, CertificateError};

use super::connecting::NotConnected;
use super::outcome;
use super::refusal::Own;
use super::witness::{Seen, Version};

/// A request that got no whole answer.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) host: String,
    pub(super) error: reqwest::Error,
    /// The server has asked for the certificate, and answered nothing since.
    pub(super) was_asked: bool,
    /// The certificate went out, and no answer came since: with TLS 1.3 the
    /// server judges it only when the handshake is over for us.
    pub(super) certificate_unanswered: bool,
}

impl Lost {
    pub(super) fn outcome(&self, own: &Own, seen: Seen) -> Outcome {
        // An earlier server may have asked; what it did not get is not why this one is away.
        if self.was_asked
            && let Some(outcome) = outcome::withheld(own, seen)
        {
            return outcome;
        }
        if let Some(error) = find::<rustls::Error>(&self.error) {
            return self.by_tls(error, own, seen);
        }
        if self.error.is_dns() {
            return self.unreachable(Kind::NameUnknown, "its name is not known");
        }
        if find::<NotConnected>(&self.error).is_some() || self.error.is_timeout() {
            return self.unreachable(Kind::NoAnswer, "no answer in time");
        }
        let by_http = find::<hyper::Error>(&self.error);
        if by_http.is_some_and(hyper::Error::is_parse) {
            let why = readable(&deepest(&self.error));
            return Outcome::Unrecognised {
                cause: Cause::new(
                    Kind::UnknownPage,
                    format!("an answer that cannot be read: {why}"),
                ),
            };
        }
        let was_closed =
            by_http.is_some_and(|error| error.is_incomplete_message() || error.is_closed());
        match root_kind(&self.error) {
            Some(io::ErrorKind::ConnectionRefused) => {
                self.unreachable(Kind::ConnectionRefused, "connection refused")
            }
            Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
                self.unreachable(Kind::NoRoute, "no network leads there")
            }
            Some(
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof,
            ) => self.closed(own, seen),
            _ if was_closed => self.closed(own, seen),
            _ => self.unreachable(Kind::ConnectionClosed, &readable(&deepest(&self.error))),
        }
    }

    fn by_tls(&self, error: &rustls::Error, own: &Own, seen: Seen) -> Outcome {
        if let rustls::Error::InvalidCertificate(error) = error {
            let (kind, why) = distrust(error);
            let host = &self.host;
            return unsupported(
                kind,
                format!("the own certificate of {host} is not trusted: {why}"),
            );
        }
        if let rustls::Error::AlertReceived(alert) = error {
            return self.by_alert(*alert, own, seen);
        }
        let error = readable(&error.to_string());
        unsupported(
            Kind::TlsTrouble,
            format!(
                "the portal at {} speaks TLS in a way we cannot: {error}",
                self.host
            ),
        )
    }

    fn by_alert(&self, alert: AlertDescription, own: &Own, seen: Seen) -> Outcome {
        let number = u8::from(alert);
        // internal_error, user_canceled: the server's trouble.
        if matches!(number, 80 | 90) {
            return self.unreachable(Kind::PortalFails, "it failed while the connection was made");
        }
        let was_in_handshake = self.error.is_connect();
        // no_application_protocol (RFC 7301, 3.2).
        if number == 120 {
            let why = format!("the portal at {} does not speak HTTP/1.1", self.host);
            return unsupported(Kind::TlsTrouble, why);
        }
        let may_be_a_verdict = self.certificate_unanswered && seen.version == Some(Version::Tls13);
        if !was_in_handshake && !may_be_a_verdict {
            match number {
                // Apache under TLS 1.2 that wants a certificate, or to look at
                // it once more, for a path: it negotiates anew, which we do
                // not. Others say no_renegotiation of it.
                40 | 100 => return outcome::renegotiation(),
                // missing_extension: we do not offer post_handshake_auth
                // (RFC 8446, 4.2.6).
                109 => return outcome::post_handshake(),
                _ => {}
            }
        }
        if self.was_asked {
            return Outcome::Rejected {
                cause: own.by_alert(number, seen),
            };
        }
        let when = if was_in_handshake {
            "ended the handshake"
        } else {
            "answered"
        };
        unsupported(
            Kind::TlsTrouble,
            format!("the portal at {} {when} with TLS alert {number}", self.host),
        )
    }

    fn closed(&self, own: &Own, seen: Seen) -> Outcome {
        if self.certificate_unanswered {
            return Outcome::Rejected {
                cause: own.closed(seen),
            };
        }
        self.unreachable(Kind::ConnectionClosed, "it closed the connection")
    }

    fn unreachable(&self, kind: Kind, why: &str) -> Outcome {
        Outcome::Unavailable {
            cause: Cause::new(
                kind,
                format!("the portal at {} cannot be reached: {why}", self.host),
            ),
            retry_after: None,
        }
    }
}

fn unsupported(kind: Kind, why: String) -> Outcome {
    Outcome::Unsupported {
        cause: Cause::new(kind, why),
    }
}

fn distrust(error: &CertificateError) -> (Kind, String) {
    use CertificateError as E;

    if matches!(error, E::UnknownIssuer) {
        let why = "nothing here vouches for who issued it";
        return (Kind::ServerNotTrusted, why.into());
    }
    if matches!(error, E::Expired | E::ExpiredContext { .. }) {
        return (Kind::ServerExpired, "it has expired".into());
    }
    if matches!(error, E::NotValidYet | E::NotValidYetContext { .. }) {
        let why = "it is not valid yet, or the clock here is wrong";
        return (Kind::ServerExpired, why.into());
    }
    if matches!(error, E::NotValidForName | E::NotValidForNameContext { .. }) {
        return (Kind::ServerMisnamed, "it is for another name".into());
    }
    if matches!(error, E::Revoked) {
        return (Kind::ServerRevoked, "it is revoked".into());
    }
    (Kind::ServerNotTrusted, readable(&error.to_string()))
}

/// The first `T` among an error and its causes, also where an `io::Error`
/// wraps it, which its `source` passes over.
pub(super) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = cause(error);
    }
    None
}

fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// Of the innermost `io::Error`: those around it are of the kind `Other`.
fn root_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let mut kind = None;
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            kind = Some(error.kind());
        }
        next = cause(error);
    }
    kind
}

pub(super) fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(next) = cause(error) {
        error = next;
    }
    error.to_string()
}
