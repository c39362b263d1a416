//! Whom a client certificate names.

use std::fmt::Write;

use der::Decode;
use der::asn1::{ObjectIdentifier, Utf8StringRef};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::{Certificate, TbsCertificate};

/// Microsoft's user principal name, which PIV Authentication certificates carry.
const UPN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");

/// What the portal reads from a certificate that TLS has already verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) upn: Option<String>,
    /// Ten digits at the end of the common name.
    pub(super) edipi: Option<String>,
    pub(super) subject: String,
    pub(super) issuer: String,
    /// Upper-case hex.
    pub(super) serial: String,
}

/// The certificate cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("certificate cannot be read")]
pub(super) struct Unreadable(#[from] der::Error);

impl Holder {
    pub(super) fn from_der(certificate: &[u8]) -> Result<Self, Unreadable> {
        let certificate = Certificate::from_der(certificate)?;
        let certificate = certificate.tbs_certificate();
        let subject = certificate.subject().to_string();
        Ok(Self {
            upn: upn(certificate)?,
            edipi: edipi(&subject),
            subject,
            issuer: certificate.issuer().to_string(),
            serial: hex(certificate.serial_number().as_bytes()),
        })
    }
}

fn upn(certificate: &TbsCertificate) -> Result<Option<String>, der::Error> {
    let names = certificate
        .get_extension::<SubjectAltName>()?
        .map(|(_critical, names)| names.0)
        .unwrap_or_default();
    for name in names {
        if let GeneralName::OtherName(other) = name
            && other.type_id == UPN
        {
            return Ok(Some(
                Utf8StringRef::try_from(&other.value)?.as_str().to_owned(),
            ));
        }
    }
    Ok(None)
}

/// As in `CN=DOE.JANE.Q.1234567890`.
fn edipi(subject: &str) -> Option<String> {
    let common_name = subject
        .split([',', '+'])
        .find_map(|part| part.trim().strip_prefix("CN="))?;
    let (_name, number) = common_name.rsplit_once('.')?;
    let is_edipi = number.len() == 10 && number.bytes().all(|byte| byte.is_ascii_digit());
    is_edipi.then(|| number.to_owned())
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

        assert_eq!(holder.upn.as_deref(), Some("1234567890117001@mil"));
        assert_eq!(holder.edipi.as_deref(), Some("1234567890"));
        assert_eq!(holder.subject, "CN=DOE.JANE.Q.1234567890");
        assert_eq!(holder.issuer, "CN=TEST ID CA-1");
        assert_eq!(holder.serial, card.serial);
    }

    #[test]
    fn a_certificate_without_a_user_principal_name_has_its_other_names() {
        let authority = Authority::new().unwrap();
        let card = authority
            .issue(&Subject::without_upn("DOE.JANE.Q.1234567890"))
            .unwrap();

        let holder = Holder::from_der(&card.chain[0]).unwrap();

        assert_eq!(holder.upn, None);
        assert_eq!(holder.edipi.as_deref(), Some("1234567890"));
    }

    #[test]
    fn only_ten_digits_after_a_name_are_an_edipi() {
        for (subject, number) in [
            (
                "CN=DOE.JANE.Q.1234567890,OU=USN,O=U.S. Government",
                Some("1234567890"),
            ),
            ("CN=DOE.JANE.Q.123456789", None),
            ("CN=1234567890", None),
            ("O=DOE.JANE.Q.1234567890", None),
            ("", None),
        ] {
            assert_eq!(edipi(subject).as_deref(), number, "{subject}");
        }
    }

    #[test]
    fn bytes_that_are_no_certificate_are_refused() {
        assert!(Holder::from_der(&[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]).is_err());
    }
}
