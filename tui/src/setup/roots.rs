//! The authorities that a person supplies, and whether they are the right ones.

use std::path::{Path, PathBuf};

use cac_common::bounded_file;
use cac_common::bundle::{archive, sha256};
use cac_common::x509::Certificate;

use super::fault::SetupFault;

/// A bundle of authorities.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Roots {
    pub(super) path: PathBuf,
    /// SHA-256 of the file, in hexadecimal.
    pub(crate) digest: String,
    /// Certificates that sign themselves.
    pub(crate) anchors: Vec<Certificate>,
    pub(crate) others: Vec<Certificate>,
}

impl Roots {
    /// `digest` is what its publisher names; colons, spaces and case do not count.
    pub(crate) fn read(path: &Path, digest: Option<&str>) -> Result<Self, SetupFault> {
        let bytes = bounded_file::read(path, archive::LARGEST_ARCHIVE)
            .map_err(SetupFault::file(path, "read"))?;
        let is = sha256(&bytes);
        if let Some(digest) = digest {
            let kept = digest.chars().filter(|it| !matches!(it, ':' | ' '));
            let wanted: String = kept.collect::<String>().to_ascii_lowercase();
            if wanted != is {
                return Err(SetupFault::Digest {
                    path: path.to_owned(),
                    is,
                    wanted,
                });
            }
        }
        let certificates = archive::read(&bytes).map_err(|fault| SetupFault::Roots {
            path: path.to_owned(),
            fault,
        })?;
        let (anchors, others): (Vec<_>, Vec<_>) = certificates
            .into_iter()
            .partition(Certificate::is_self_signed_authority);
        if anchors.is_empty() {
            return Err(SetupFault::NoRoot {
                path: path.to_owned(),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            digest: is,
            anchors,
            others,
        })
    }
}

impl Roots {
    /// Harmless text.
    pub(crate) fn titles(&self) -> Vec<String> {
        self.anchors.iter().map(nickname).collect()
    }
}

/// What a certificate is called where names have to differ: `DoD Root CA 3 (b107b33f)`.
pub(super) fn nickname(certificate: &Certificate) -> String {
    format!(
        "{} ({})",
        cac_common::identity::readable(certificate.title()),
        short(certificate)
    )
}

/// Eight digits of its SHA-256.
pub(super) fn short(certificate: &Certificate) -> String {
    sha256(certificate.der()).chars().take(8).collect()
}
