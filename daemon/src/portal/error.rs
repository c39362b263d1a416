//! Why a portal could not be made ready, or a sign-in could not be tried.

use std::io;
use std::path::PathBuf;

/// What is wrong with a profile once its files and selectors are looked at.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error("trust anchors {} cannot be read", .path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },

    #[error("trust anchors {} hold no certificate", .path.display())]
    NoCertificate { path: PathBuf },

    #[error("trust anchors {}: certificate {number} cannot be read: {reason}", .path.display())]
    BadCertificate {
        path: PathBuf,
        /// Counted from 1.
        number: usize,
        reason: String,
    },

    /// Without a `trust_anchors` in the profile, nothing can be trusted.
    #[error("the system has no trusted certificates")]
    NoSystemAnchors,

    #[error("portal {portal}: {place}: \"{selector}\" is no CSS selector: {reason}")]
    Selector {
        portal: String,
        /// Counted from 1: `outcome 2`.
        place: String,
        selector: String,
        reason: String,
    },
}

/// Why a list of revoked server certificates is of no use. The portal is
/// signed in to without it.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error("revocation list {} cannot be read", .path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },

    #[error("revocation list {} is empty", .path.display())]
    Empty { path: PathBuf },

    #[error("revocation list {}: list {number} cannot be used: {reason}", .path.display())]
    Bad {
        path: PathBuf,
        /// Counted from 1.
        number: usize,
        reason: String,
    },
}

/// The key did not sign. Why, is known to whoever made the signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key did not sign")]
pub struct SignerFailed;

/// Why a sign-in ended without the portal having its say.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Ask the signer why.
    #[error(transparent)]
    Signer(#[from] SignerFailed),

    /// Made with another key, or damaged on its way; it was not sent.
    #[error("the signature does not fit the certificate")]
    WrongSignature,

    #[error("the certificate cannot be read")]
    Certificate(#[source] der::Error),

    #[error("a key of the kind {algorithm} cannot sign in")]
    UnsupportedKey { algorithm: String },

    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),

    #[error("the check of server certificates cannot be set up")]
    Verifier(#[source] rustls::client::VerifierBuilderError),

    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}
