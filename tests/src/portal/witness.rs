//! Sees every client's certificate before it is judged, and may stop there.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::seen::Tally;

/// What a handshake fails with that was stopped here.
const STOPPED: &str = "stopped at the certificate";

/// Whether a TLS 1.2 handshake goes on once the client has signed.
///
/// Under TLS 1.3 the client is done by then, and does not see the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    On,
    StopsAtTheSignature,
}

/// Who judges a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    ByTls,
    /// TLS takes any, as long as its key has signed.
    Later,
}

pub(super) struct Witness {
    judge: Arc<dyn ClientCertVerifier>,
    tally: Arc<Tally>,
    course: Course,
    judgement: Judgement,
}

impl Witness {
    pub(super) fn new(
        judge: Arc<dyn ClientCertVerifier>,
        tally: Arc<Tally>,
        course: Course,
        judgement: Judgement,
    ) -> Self {
        Self {
            judge,
            tally,
            course,
            judgement,
        }
    }
}

/// Whether a handshake failed because a [`Witness`] stopped it.
pub(super) fn has_stopped(error: &Error) -> bool {
    matches!(error, Error::General(text) if text == STOPPED)
}

impl std::fmt::Debug for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Witness")
            .field("judge", &self.judge)
            .field("course", &self.course)
            .finish_non_exhaustive()
    }
}

impl ClientCertVerifier for Witness {
    fn offer_client_auth(&self) -> bool {
        self.judge.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.judge.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.judge.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.tally.certificate();
        match self.judgement {
            Judgement::ByTls => self
                .judge
                .verify_client_cert(end_entity, intermediates, now),
            Judgement::Later => Ok(ClientCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.course {
            Course::On => self
                .judge
                .verify_tls12_signature(message, certificate, signed),
            Course::StopsAtTheSignature => Err(Error::General(STOPPED.to_owned())),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}
