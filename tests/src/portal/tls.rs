//! How the portal asks for a certificate.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{
    ClientCertVerifierBuilder, NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier,
};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};

use super::PortalConfig;
use super::witness::Witness;

/// What the portal shows for itself, all in PEM.
#[derive(Clone)]
pub struct ServerIdentity {
    /// The server's certificate, then those above it.
    pub chain: String,
    pub key: String,
    /// What a client has to trust.
    pub anchor: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Versions {
    Tls12,
    Tls13,
    #[default]
    Both,
}

/// Whether a client may come without a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Demand {
    /// TLS fails without one.
    #[default]
    Required,
    /// A page says that none came.
    Optional,
    /// TLS takes whatever comes, and a page says what is wrong with it, as
    /// behind nginx's `optional_no_ca`.
    Unverified,
}

/// Whether a connection may take up an earlier TLS session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resumption {
    /// Every connection makes the card sign.
    #[default]
    Off,
    On,
}

/// What was to be read from PEM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    ServerChain,
    ServerKey,
    ClientRoots,
}

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read the {part}")]
    Pem { part: Part, source: pem::Error },

    #[error("the {part} cannot be used")]
    Unusable { part: Part, source: rustls::Error },

    #[error("client certificates cannot be verified")]
    Verifier(#[from] VerifierBuilderError),

    #[error("no cipher suite for the TLS versions asked for")]
    Versions(#[source] rustls::Error),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServerChain => "server's certificate chain",
            Self::ServerKey => "server's private key",
            Self::ClientRoots => "authorities of client certificates",
        })
    }
}

/// Of the host that asks for a client's certificate, which `witness` sees first.
pub(super) fn asking(
    config: &PortalConfig,
    witness: impl FnOnce(Arc<dyn ClientCertVerifier>) -> Witness,
) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Arc::new(witness(judge(config)?));
    server_config(config, &config.identity, provider, Some(verifier))
}

/// Who decides whether a client's certificate will do.
pub(super) fn judge(config: &PortalConfig) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = client_verifier(&config.client_roots, &provider)?;
    let verifier = match config.demand {
        Demand::Required => verifier,
        Demand::Optional | Demand::Unverified => verifier.allow_unauthenticated(),
    };
    Ok(verifier.build()?)
}

/// Of the host that asks for none.
pub(super) fn not_asking(config: &PortalConfig) -> Result<ServerConfig, TlsError> {
    let identity = config.account_identity.as_ref().unwrap_or(&config.identity);
    let provider = Arc::new(aws_lc_rs::default_provider());
    server_config(config, identity, provider, None)
}

fn server_config(
    config: &PortalConfig,
    identity: &ServerIdentity,
    provider: Arc<CryptoProvider>,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
) -> Result<ServerConfig, TlsError> {
    let chain = certificates(&identity.chain, Part::ServerChain)?;
    let key =
        PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).map_err(|source| TlsError::Pem {
            part: Part::ServerKey,
            source,
        })?;
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&config.versions.supported())
        .map_err(TlsError::Versions)?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut tls = builder
        .with_single_cert(chain, key)
        .map_err(|source| TlsError::Unusable {
            part: Part::ServerKey,
            source,
        })?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // An alert under the connection's keys is made by hand.
    tls.enable_secret_extraction = true;
    match config.resumption {
        Resumption::On => {}
        Resumption::Off => {
            tls.session_storage = Arc::new(NoServerSessionStorage {});
            tls.send_tls13_tickets = 0;
        }
    }
    Ok(tls)
}

impl Versions {
    fn supported(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Tls12 => vec![&version::TLS12],
            Self::Tls13 => vec![&version::TLS13],
            Self::Both => vec![&version::TLS13, &version::TLS12],
        }
    }
}

fn client_verifier(
    roots_pem: &str,
    provider: &Arc<CryptoProvider>,
) -> Result<ClientCertVerifierBuilder, TlsError> {
    let mut roots = RootCertStore::empty();
    for root in certificates(roots_pem, Part::ClientRoots)? {
        roots.add(root).map_err(|source| TlsError::Unusable {
            part: Part::ClientRoots,
            source,
        })?;
    }
    Ok(WebPkiClientVerifier::builder_with_provider(
        Arc::new(roots),
        Arc::clone(provider),
    ))
}

fn certificates(pem: &str, part: Part) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |source| TlsError::Pem { part, source };
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    if certificates.is_empty() {
        return Err(unreadable(pem::Error::NoItemsFound));
    }
    Ok(certificates)
}
