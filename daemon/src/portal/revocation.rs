//! Lists of revoked server certificates (CRLs, RFC 5280, 5) that a profile names.
//!
//! A server whose certificate stands on one of them is refused. A list that is
//! missing, too old or not its issuer's leaves that open, and an open question
//! locks nobody out: it is told.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, ServerName, SignatureVerificationAlgorithm,
    UnixTime,
};
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use webpki::{
    BorrowedCertRevocationList, CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage,
    RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy,
};

use super::anchors;
use super::witness::Witness;
use super::{ListError, Portal, SignInError};

/// What a profile's lists leave open about a server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Doubt {
    #[error("no revocation list is from who issued the server's certificate")]
    NoList,
    #[error("the revocation list for the server's certificate is too old")]
    TooOld,
    #[error("the revocation list for the server's certificate is not signed by who issued it")]
    NotSigned,
}

/// As they were read; looked through at each connection, which costs less
/// memory than to hold them taken apart.
#[derive(Debug, Default)]
pub(super) struct Lists {
    lists: Vec<CertificateRevocationListDer<'static>>,
    told: Mutex<Vec<Doubt>>,
}

impl Lists {
    /// Those of `files` that can be used, and why the others cannot.
    pub(super) fn read(files: &[PathBuf]) -> (Self, Vec<ListError>) {
        let mut lists = Vec::new();
        let mut faults = Vec::new();
        for path in files {
            match lists_in(path) {
                Ok(parts) if parts.is_empty() => {
                    faults.push(ListError::Empty { path: path.clone() });
                }
                Ok(parts) => {
                    for part in parts {
                        match part {
                            Ok(list) => lists.push(list),
                            Err(fault) => faults.push(fault),
                        }
                    }
                }
                Err(fault) => faults.push(fault),
            }
        }
        let told = Mutex::default();
        (Self { lists, told }, faults)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// Once each, for as long as the lists stay as they are.
    pub(super) fn tell(&self, portal: &str, doubt: Doubt) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if !told.contains(&doubt) {
            told.push(doubt);
            tracing::warn!(portal, "{doubt}");
        }
    }
}

type Part = Result<CertificateRevocationListDer<'static>, ListError>;

fn lists_in(path: &Path) -> Result<Vec<Part>, ListError> {
    let bytes = anchors::read(path).map_err(|source| ListError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let bad = |number, reason: String| ListError::Bad {
        path: path.to_owned(),
        number,
        reason,
    };
    let parts = anchors::parts::<CertificateRevocationListDer<'static>>(bytes);
    let checked = (1..).zip(parts).map(|(number, part)| {
        let list = part.map_err(|error| bad(number, error.to_string()))?;
        BorrowedCertRevocationList::from_der(&list)
            .map_err(|error| bad(number, error.to_string()))?;
        Ok(list)
    });
    Ok(checked.collect())
}

/// Trusts a server as rustls does, and then looks for it on the lists.
#[derive(Debug)]
pub(super) struct ListedVerifier {
    inner: Arc<WebPkiServerVerifier>,
    anchors: Arc<RootCertStore>,
    algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
    lists: Arc<Lists>,
    witness: Arc<Witness>,
}

impl ListedVerifier {
    pub(super) fn new(
        portal: &Portal,
        provider: &Arc<CryptoProvider>,
        witness: Arc<Witness>,
    ) -> Result<Self, SignInError> {
        let anchors = Arc::clone(&portal.anchors);
        let builder =
            WebPkiServerVerifier::builder_with_provider(Arc::clone(&anchors), Arc::clone(provider));
        Ok(Self {
            inner: builder.build().map_err(SignInError::Verifier)?,
            anchors,
            algorithms: provider.signature_verification_algorithms.all,
            lists: Arc::clone(&portal.lists),
            witness,
        })
    }

    fn look_up(&self, server: &Server<'_>) -> Result<(), Revoked> {
        let mut doubt = Some(Doubt::NoList);
        for list in &self.lists.lists {
            let Ok(list) = BorrowedCertRevocationList::from_der(list) else {
                continue;
            };
            let list = CertRevocationList::from(list);
            // A certificate that was revoked stays so, however old the list,
            // and so does an authority's.
            let chain = Search {
                depth: RevocationCheckDepth::Chain,
                unknown: UnknownStatusPolicy::Allow,
                expiration: ExpirationPolicy::Ignore,
            };
            if let Err(webpki::Error::CertRevoked) = self.search(server, &list, chain) {
                return Err(Revoked);
            }
            let server_alone = Search {
                depth: RevocationCheckDepth::EndEntity,
                unknown: UnknownStatusPolicy::Deny,
                expiration: ExpirationPolicy::Enforce,
            };
            let found = self.search(server, &list, server_alone);
            doubt = match (doubt, found) {
                (None, _) | (_, Ok(())) => None,
                (other, Err(webpki::Error::UnknownRevocationStatus)) => other,
                (_, Err(webpki::Error::CrlExpired { .. })) => Some(Doubt::TooOld),
                (_, Err(_)) => Some(Doubt::NotSigned),
            };
        }
        if let Some(doubt) = doubt {
            self.witness.note_doubt(doubt);
        }
        Ok(())
    }

    fn search(
        &self,
        server: &Server<'_>,
        list: &CertRevocationList<'_>,
        search: Search,
    ) -> Result<(), webpki::Error> {
        let lists = [list];
        // It fails only where there is no list.
        let Ok(options) = RevocationOptionsBuilder::new(&lists) else {
            return Err(webpki::Error::UnknownRevocationStatus);
        };
        let options = options
            .with_depth(search.depth)
            .with_status_policy(search.unknown)
            .with_expiration_policy(search.expiration)
            .build();
        EndEntityCert::try_from(server.certificate)?
            .verify_for_usage(
                self.algorithms,
                &self.anchors.roots,
                server.intermediates,
                server.now,
                KeyUsage::server_auth(),
                Some(options),
                None,
            )
            .map(|_| ())
    }
}

struct Server<'a> {
    certificate: &'a CertificateDer<'a>,
    intermediates: &'a [CertificateDer<'a>],
    now: UnixTime,
}

#[derive(Clone, Copy)]
struct Search {
    depth: RevocationCheckDepth,
    unknown: UnknownStatusPolicy,
    expiration: ExpirationPolicy,
}

struct Revoked;

impl ServerCertVerifier for ListedVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.inner.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )?;
        let server = Server {
            certificate: end_entity,
            intermediates,
            now,
        };
        match self.look_up(&server) {
            Ok(()) => Ok(verified),
            Err(Revoked) => Err(CertificateError::Revoked.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
