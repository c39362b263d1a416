//! Signed data as the card's issuer makes it (RFC 5652): one signer, SHA-256, two signed attributes.

use aws_lc_rs::digest;
use der::{Decode, Encode};
use x509_cert::Certificate;

use super::certificate::{CertificateError, oid, signature_algorithm};
use super::key::{KeyError, PrivateKey};
use super::tlv::{constructed, tlv};

const SEQUENCE: &[u8] = &[0x30];
const SET: &[u8] = &[0x31];

const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
const SHA256: &str = "2.16.840.1.101.3.4.2.1";

/// Content of a CHUID, signed (SP 800-73pt1-5, section 3.1.2.1).
pub(crate) const CHUID_SECURITY_OBJECT: &str = "2.16.840.1.101.3.6.1";

/// A list of hashes, as ICAO Doc 9303 part 10 has it for passports.
pub(crate) const LDS_SECURITY_OBJECT: &str = "2.23.136.1.1.1";

/// Whether what was signed travels along.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Detached,
    Inside,
}

/// Who signs, and whether the certificate travels along.
#[derive(Clone, Copy)]
pub(crate) struct Signer<'a> {
    pub(crate) certificate: &'a [u8],
    pub(crate) key: &'a PrivateKey,
    pub(crate) is_enclosed: bool,
}

impl Signer<'_> {
    /// `ContentInfo` with `SignedData` inside, DER. The signature is its last bytes.
    pub(crate) fn sign(
        self,
        content_type: &str,
        bytes: &[u8],
        content: Content,
    ) -> Result<Vec<u8>, CertificateError> {
        let mut inner = vec![oid(content_type)];
        if content == Content::Inside {
            inner.push(tlv(&[0xA0], &tlv(&[0x04], bytes)));
        }
        let mut parts = vec![
            // Version 3, since the content is not plain data (section 5.1).
            vec![0x02, 0x01, 0x03],
            tlv(SET, &sha256()),
            constructed(SEQUENCE, &inner),
        ];
        if self.is_enclosed {
            parts.push(tlv(&[0xA0], self.certificate));
        }
        parts.push(tlv(SET, &self.signer_info(content_type, bytes)?));
        let signed_data = tlv(&[0xA0], &constructed(SEQUENCE, &parts));
        Ok(constructed(SEQUENCE, &[oid(SIGNED_DATA), signed_data]))
    }

    fn signer_info(self, content_type: &str, bytes: &[u8]) -> Result<Vec<u8>, CertificateError> {
        let hash = digest::digest(&digest::SHA256, bytes);
        let mut attributes = [
            attribute(CONTENT_TYPE, &oid(content_type)),
            attribute(MESSAGE_DIGEST, &tlv(&[0x04], hash.as_ref())),
        ];
        attributes.sort();
        let attributes = attributes.concat();
        // Signed as the set that it is, written under a tag of its own (section 5.4).
        let signature = self.key.sign(&tlv(SET, &attributes))?;
        Ok(constructed(
            SEQUENCE,
            &[
                vec![0x02, 0x01, 0x01],
                self.issuer_and_serial()?,
                sha256(),
                tlv(&[0xA0], &attributes),
                signature_algorithm(self.key.algorithm()),
                tlv(&[0x04], &signature),
            ],
        ))
    }

    fn issuer_and_serial(self) -> Result<Vec<u8>, KeyError> {
        let unreadable = |_| KeyError::Unreadable;
        let certificate = Certificate::from_der(self.certificate).map_err(unreadable)?;
        let body = certificate.tbs_certificate();
        Ok(constructed(
            SEQUENCE,
            &[
                body.issuer().to_der().map_err(unreadable)?,
                body.serial_number().to_der().map_err(unreadable)?,
            ],
        ))
    }
}

/// `LDSSecurityObject`: data groups are numbered from 1, in this order.
pub(crate) fn hash_list(hashes: &[Vec<u8>]) -> Vec<u8> {
    let groups: Vec<Vec<u8>> = (1..)
        .zip(hashes)
        .map(|(group, hash)| constructed(SEQUENCE, &[vec![0x02, 0x01, group], tlv(&[0x04], hash)]))
        .collect();
    constructed(
        SEQUENCE,
        &[
            vec![0x02, 0x01, 0x00],
            sha256(),
            constructed(SEQUENCE, &groups),
        ],
    )
}

fn sha256() -> Vec<u8> {
    tlv(SEQUENCE, &oid(SHA256))
}

fn attribute(id: &str, value: &[u8]) -> Vec<u8> {
    constructed(SEQUENCE, &[oid(id), tlv(SET, value)])
}
