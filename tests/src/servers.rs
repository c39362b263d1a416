//! Web servers that others wrote, each with a configuration of its own on a
//! port of its own. What the machine has installed of theirs is not touched.

pub mod apache;
pub mod by_card;
pub mod nginx;
pub mod pki;
mod process;
pub mod responder;

use std::io;
use std::path::PathBuf;

pub use self::apache::Apache;
pub use self::nginx::Nginx;
pub use self::process::Running;
pub use self::responder::Responder;

use crate::portal::ServerIdentity;
use crate::wait::WaitedInVain;

/// A server could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("{program} is missing: install the Debian package {package}")]
    Missing {
        program: &'static str,
        package: &'static str,
    },

    #[error("no port is free for {program}")]
    NoPort { program: &'static str },

    #[error("{program} ended when it should have begun: {log}")]
    Ended { program: &'static str, log: String },

    #[error("{program} does not get ready: {log}")]
    Hangs {
        program: &'static str,
        source: WaitedInVain,
        log: String,
    },

    #[error("cannot write {path}")]
    Write { path: PathBuf, source: io::Error },

    #[error("cannot {doing}")]
    Io {
        doing: &'static str,
        source: io::Error,
    },
}

/// Files that a server reads, beside its configuration.
fn with_certificates<'a>(
    identity: &'a ServerIdentity,
    more: &[(&'static str, Option<&'a str>)],
) -> Vec<(&'static str, &'a str)> {
    let own = [
        ("server.pem", identity.chain.as_str()),
        ("server.key", identity.key.as_str()),
    ];
    let more = more
        .iter()
        .filter_map(|(name, text)| Some((*name, (*text)?)));
    own.into_iter().chain(more).collect()
}
