//! TLS alerts that a server sends, as records made by hand.
//!
//! rustls decides by itself which alert goes out and when, so a server that
//! sends another one has to write the record.

use std::fmt;

use rustls::crypto::cipher::{MessageEncrypter, OutboundChunks, OutboundPlainMessage};
use rustls::{
    ConnectionTrafficSecrets, ContentType, Error, ProtocolVersion, ServerConnection,
    SupportedCipherSuite,
};

/// RFC 5246 7.2: the level that ends a connection.
const FATAL: u8 = 2;
/// RFC 5246 6.2.1: a record's type, then its version.
const ALERT_RECORD: [u8; 3] = [21, 3, 3];

/// A fatal alert, by its number in RFC 5246, RFC 6066, RFC 7507 and RFC 8446.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alert {
    HandshakeFailure,
    BadCertificate,
    UnsupportedCertificate,
    CertificateRevoked,
    CertificateExpired,
    CertificateUnknown,
    UnknownCa,
    AccessDenied,
    DecryptError,
    ProtocolVersion,
    InternalError,
    InappropriateFallback,
    NoRenegotiation,
    MissingExtension,
    UnrecognizedName,
    CertificateRequired,
}

impl Alert {
    pub const ALL: [Self; 16] = [
        Self::HandshakeFailure,
        Self::BadCertificate,
        Self::UnsupportedCertificate,
        Self::CertificateRevoked,
        Self::CertificateExpired,
        Self::CertificateUnknown,
        Self::UnknownCa,
        Self::AccessDenied,
        Self::DecryptError,
        Self::ProtocolVersion,
        Self::InternalError,
        Self::InappropriateFallback,
        Self::NoRenegotiation,
        Self::MissingExtension,
        Self::UnrecognizedName,
        Self::CertificateRequired,
    ];

    pub fn code(self) -> u8 {
        match self {
            Self::HandshakeFailure => 40,
            Self::BadCertificate => 42,
            Self::UnsupportedCertificate => 43,
            Self::CertificateRevoked => 44,
            Self::CertificateExpired => 45,
            Self::CertificateUnknown => 46,
            Self::UnknownCa => 48,
            Self::AccessDenied => 49,
            Self::DecryptError => 51,
            Self::ProtocolVersion => 70,
            Self::InternalError => 80,
            Self::InappropriateFallback => 86,
            Self::NoRenegotiation => 100,
            Self::MissingExtension => 109,
            Self::UnrecognizedName => 112,
            Self::CertificateRequired => 116,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|alert| alert.code() == code)
    }

    /// The record while nothing is encrypted yet.
    pub(super) fn plain_record(self) -> Vec<u8> {
        let [kind, major, minor] = ALERT_RECORD;
        vec![kind, major, minor, 0, 2, FATAL, self.code()]
    }

    /// The record under the keys of a handshake that is complete, as the next
    /// one the server sends. What the connection had to send has to be gone.
    pub(super) fn sealed_record(self, connection: ServerConnection) -> Result<Vec<u8>, Error> {
        let suite = connection
            .negotiated_cipher_suite()
            .ok_or(Error::HandshakeNotComplete)?;
        let (sequence, secrets) = connection.dangerous_extract_secrets()?.tx;
        let message = OutboundPlainMessage {
            typ: ContentType::Alert,
            version: ProtocolVersion::TLSv1_2,
            payload: OutboundChunks::Single(&[FATAL, self.code()]),
        };
        let sealed = encrypter(suite, secrets)?.encrypt(message, sequence)?;
        Ok(sealed.encode())
    }
}

fn encrypter(
    suite: SupportedCipherSuite,
    secrets: ConnectionTrafficSecrets,
) -> Result<Box<dyn MessageEncrypter>, Error> {
    let (ConnectionTrafficSecrets::Aes128Gcm { key, iv }
    | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
    | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv }) = secrets
    else {
        return Err(Error::General("a cipher that is not known".to_owned()));
    };
    Ok(match suite {
        SupportedCipherSuite::Tls13(suite) => suite.aead_alg.encrypter(key, iv),
        SupportedCipherSuite::Tls12(suite) => {
            // GCM's nonce is in two parts under TLS 1.2 (RFC 5288 3).
            let fixed = suite.aead_alg.key_block_shape().fixed_iv_len;
            let (fixed, explicit) = iv.as_ref().split_at(fixed);
            suite.aead_alg.encrypter(key, fixed, explicit)
        }
    })
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code())
    }
}
