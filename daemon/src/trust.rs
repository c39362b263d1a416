//! Certificates of authorities, for building the chain that goes to a portal.
//!
//! Portals that trust only a root need the issuing authority's certificate
//! along with the card's. Those lie as PEM files in the folder `trust` beside
//! the configuration. They are sent along and trusted for nothing.

use std::io;
use std::path::{Path, PathBuf};

use cac_common::bounded_file;
use der::{Decode as _, Encode as _};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_cert::Certificate;

use crate::config_watch::files_ending;

/// A file larger than this is not read.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// What the names of files of authorities end in.
pub const ENDINGS: [&str; 2] = ["pem", "crt"];

/// The most authorities between a card and a root.
const LONGEST_CHAIN: usize = 8;

/// Authorities that are known by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorities {
    known: Vec<Authority>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Authority {
    subject: Vec<u8>,
    issuer: Vec<u8>,
    der: Vec<u8>,
}

/// Why a file of authorities was left out.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("{} cannot be read", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} holds something that is no certificate in PEM form", path.display())]
    NotPem { path: PathBuf },
}

impl Authorities {
    /// Reads every `.pem` and `.crt` file of a folder, and says which could
    /// not be read. A folder that is not there is empty.
    pub fn read(folder: &Path) -> (Self, Vec<TrustError>) {
        let mut authorities = Self::default();
        let mut problems = Vec::new();
        let paths = match files_ending(folder, &ENDINGS) {
            Ok(paths) => paths,
            Err(source) => {
                problems.push(TrustError::Unreadable {
                    path: folder.to_owned(),
                    source,
                });
                return (authorities, problems);
            }
        };
        for path in paths {
            if let Err(error) = authorities.add_file(&path) {
                problems.push(error);
            }
        }
        (authorities, problems)
    }

    /// The certificates to send after `leaf`, its issuer first; no root among them.
    pub fn chain_for(&self, leaf: &[u8]) -> Vec<Vec<u8>> {
        let mut chain = Vec::new();
        let Some((_, mut wanted)) = names(leaf) else {
            return chain;
        };
        while chain.len() < LONGEST_CHAIN {
            let next = self
                .known
                .iter()
                .find(|authority| authority.subject == wanted && authority.issuer != wanted);
            let Some(authority) = next else {
                break;
            };
            if chain.contains(&authority.der) {
                break;
            }
            chain.push(authority.der.clone());
            wanted.clone_from(&authority.issuer);
        }
        chain
    }

    fn add_file(&mut self, path: &Path) -> Result<(), TrustError> {
        let bytes =
            bounded_file::read(path, LARGEST_FILE).map_err(|source| TrustError::Unreadable {
                path: path.to_owned(),
                source,
            })?;
        for certificate in CertificateDer::pem_slice_iter(&bytes) {
            let not_pem = || TrustError::NotPem {
                path: path.to_owned(),
            };
            let der = certificate.map_err(|_| not_pem())?.to_vec();
            let (subject, issuer) = names(&der).ok_or_else(not_pem)?;
            self.known.push(Authority {
                subject,
                issuer,
                der,
            });
        }
        Ok(())
    }
}

/// Subject and issuer, in DER.
fn names(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let certificate = Certificate::from_der(der).ok()?;
    let tbs = certificate.tbs_certificate();
    Some((tbs.subject().to_der().ok()?, tbs.issuer().to_der().ok()?))
}
