//! The certificates of a card, for other programs.

use cac_common::interface::{CertificatesReply, ExportedCertificate, Refusal};
use cac_common::reader::{ReaderName, ReaderStatus};
use x509_cert::der::pem::{self, LineEnding};

use crate::card::facts::CardCertificate;
use crate::event::Peer;
use crate::supervisor::Published;

/// The label of a certificate (RFC 7468 §5.1).
const LABEL: &str = "CERTIFICATE";

/// Of the card in a reader, once it is read to its end.
pub(super) fn of(
    published: &Published,
    reader: &ReaderName,
    peer: Peer,
) -> Result<CertificatesReply, Refusal> {
    let mut readers = published.snapshot.readers.iter();
    let found = readers
        .find(|found| found.name == *reader)
        .ok_or(Refusal::NoSuchReader)?;
    published.sight.may_use(reader, peer)?;
    if found.status == ReaderStatus::Empty {
        return Err(Refusal::NoCard);
    }
    let facts = published.cards.get(reader).ok_or(Refusal::NotRead)?;
    Ok(CertificatesReply {
        certificates: facts.certificates.iter().map(exported).collect(),
    })
}

fn exported(certificate: &CardCertificate) -> ExportedCertificate {
    let pem = pem::encode_string(LABEL, LineEnding::LF, &certificate.der);
    ExportedCertificate {
        slot: certificate.summary.slot,
        sha256: certificate.summary.sha256.clone(),
        pem: pem.expect("what a card holds is far from too long"),
    }
}
