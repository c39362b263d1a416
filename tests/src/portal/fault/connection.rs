//! Faults below HTTP.

use std::fmt;
use std::time::Duration;

use super::{NotAFault, duration};
use crate::portal::alert::Alert;

/// What goes wrong with each connection that is taken from now on; those that
/// were open are closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionFault {
    /// The server ends it.
    Parted { with: Parting, at: Moment },

    /// It is closed, without TLS saying so, once HTTP has sent that many bytes.
    Cut { after: u64 },

    /// HTTP sends one byte, and waits this long before the next.
    Trickle(Duration),
}

/// What the client gets to see of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    Alert(Alert),
    /// The end of the stream.
    Close,
    /// A TCP reset.
    Reset,
}

/// How far things have come by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The client has said hello.
    Hello,
    /// The client has sent its certificate and signed. Under TLS 1.2 the
    /// handshake is not over for it, under TLS 1.3 it is. Where no certificate
    /// comes, the end of the handshake.
    Certificate,
    /// The handshake is over, and something of a request has come.
    Request,
}

impl ConnectionFault {
    pub(super) fn from_words(words: &[&str]) -> Result<Self, NotAFault> {
        match words {
            ["cut", after] => Ok(Self::Cut {
                after: after.parse().map_err(|_| NotAFault)?,
            }),
            ["trickle", pause] => Ok(Self::Trickle(duration(pause)?)),
            [with @ .., "at", at] => Ok(Self::Parted {
                with: Parting::from_words(with)?,
                at: match *at {
                    "hello" => Moment::Hello,
                    "certificate" => Moment::Certificate,
                    "request" => Moment::Request,
                    _ => return Err(NotAFault),
                },
            }),
            _ => Err(NotAFault),
        }
    }
}

impl Parting {
    fn from_words(words: &[&str]) -> Result<Self, NotAFault> {
        match words {
            ["alert", code] => {
                let code = code.parse().map_err(|_| NotAFault)?;
                Alert::from_code(code).map(Self::Alert).ok_or(NotAFault)
            }
            ["close"] => Ok(Self::Close),
            ["reset"] => Ok(Self::Reset),
            _ => Err(NotAFault),
        }
    }
}

impl fmt::Display for ConnectionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parted { with, at } => write!(f, "{with} at {at}"),
            Self::Cut { after } => write!(f, "cut {after}"),
            Self::Trickle(pause) => write!(f, "trickle {}ms", pause.as_millis()),
        }
    }
}

impl fmt::Display for Parting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alert(alert) => write!(f, "alert {alert}"),
            Self::Close => f.write_str("close"),
            Self::Reset => f.write_str("reset"),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hello => "hello",
            Self::Certificate => "certificate",
            Self::Request => "request",
        })
    }
}
