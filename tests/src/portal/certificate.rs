//! Whom a client certificate names.

use std::fmt::Write;

use der::Decode;
use der::asn1::{ObjectIdentifier, Utf8StringRef};
use x509_cert::Certificate;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// Microsoft's user principal name, which PIV Authentication certificates carry.
const UPN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");

/// What the portal reads from a certificate that TLS has already verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) upn: String,
    pub(super) issuer: String,
    /// Upper-case hex.
    pub(super) serial: String,
}

/// The certificate names nobody.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoHolder {
    #[error("certificate cannot be read")]
    Unreadable(#[from] der::Error),
    #[error("certificate carries no user principal name")]
    NoUpn,
}

impl Holder {
    pub(super) fn from_der(certificate: &[u8]) -> Result<Self, NoHolder> {
        let certificate = Certificate::from_der(certificate)?;
        let certificate = certificate.tbs_certificate();
        let names = certificate
            .get_extension::<SubjectAltName>()?
            .map(|(_critical, names)| names.0)
            .unwrap_or_default();
        for name in names {
            if let GeneralName::OtherName(other) = name
                && other.type_id == UPN
            {
                return Ok(Self {
                    upn: Utf8StringRef::try_from(&other.value)?.as_str().to_owned(),
                    issuer: certificate.issuer().to_string(),
                    serial: hex(certificate.serial_number().as_bytes()),
                });
            }
        }
        Err(NoHolder::NoUpn)
    }
}

/// Without the zero byte that only keeps an integer positive in DER.
pub(super) fn hex(serial: &[u8]) -> String {
    let digits = match serial {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    digits.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::authority::{Authority, Subject};

    #[test]
    fn the_holder_is_named_by_the_user_principal_name() {
        let authority = Authority::new().unwrap();
        let card = authority
            .issue(&Subject::with_upn(
                "DOE.JANE.Q.1234567890",
                "1234567890117001@mil",
            ))
            .unwrap();

        let holder = Holder::from_der(&card.chain[0]).unwrap();

        assert_eq!(holder.upn, "1234567890117001@mil");
        assert_eq!(holder.issuer, "CN=TEST ID CA-1");
        assert_eq!(holder.serial, card.serial);
    }

    #[test]
    fn a_certificate_without_a_user_principal_name_names_nobody() {
        let authority = Authority::new().unwrap();
        let card = authority
            .issue(&Subject::without_upn("DOE.JANE.Q.1234567890"))
            .unwrap();

        let refused = Holder::from_der(&card.chain[0]).unwrap_err();

        assert!(matches!(refused, NoHolder::NoUpn), "{refused:?}");
    }

    #[test]
    fn bytes_that_are_no_certificate_are_refused() {
        let refused = Holder::from_der(&[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]).unwrap_err();

        assert!(matches!(refused, NoHolder::Unreadable(_)), "{refused:?}");
    }
}
