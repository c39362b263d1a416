//! Who is trusted to have issued a card, and what became of a certificate since.
//!
//! Certificates of authorities lie in the folder `trust` beside the
//! configuration. The self-signed ones in its folder `anchors` are trusted;
//! all others help to build the way up to them, are sent along to portals that
//! know only the root, and are trusted for nothing.
//!
//! Nothing here reads a clock, and nothing but [`http`] touches the network.

pub mod cms;
pub mod http;
mod path;
mod policy;
pub mod revocation;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use cac_common::bounded_file;
use cac_common::bundle::{self, BundleFault, ENDINGS, LARGEST_FILE};
use cac_common::x509::Certificate;

pub use self::path::{PathFault, Question, TrustedPath, Verdict};
pub use self::policy::{Policies, PolicyFault};
use crate::config_watch::files_ending;

/// The folder of anchors, in that of the authorities.
pub const ANCHORS: &str = "anchors";

/// Authorities that are known at one time; the DoD, its partners and the
/// Federal Bridge together have about 500.
const MOST_AUTHORITIES: usize = 2000;

/// The most authorities between a card and a root.
const LONGEST_CHAIN: usize = 8;

/// Authorities that are known, and those of them that are trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorities {
    anchors: Vec<Certificate>,
    /// No root among them.
    intermediates: Vec<Certificate>,
    /// Roots that lie beside the anchors, and are not trusted.
    other_roots: Vec<Certificate>,
}

/// Why a file of authorities was left out, or does not do what its place says.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("{} cannot be read", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{}", path.display())]
    Bundle {
        path: PathBuf,
        #[source]
        fault: BundleFault,
    },
    #[error("{} holds no self-signed certificate of an authority, so nothing in it is trusted", path.display())]
    NoAnchor { path: PathBuf },
    #[error("{} is left out: there are {MOST_AUTHORITIES} certificates before it", path.display())]
    TooMany { path: PathBuf },
}

/// What a file lies there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Anchors,
    Beside,
}

impl Authorities {
    /// Reads every file of a folder, and of the folder of anchors in it, and
    /// says what is wrong with which. A folder that is not there is empty.
    pub fn read(folder: &Path) -> (Self, Vec<TrustError>) {
        let mut authorities = Self::default();
        let mut problems = Vec::new();
        // Anchors first: what is found once more beside them stays an anchor.
        let places = [
            (folder.join(ANCHORS), Place::Anchors),
            (folder.to_owned(), Place::Beside),
        ];
        for (folder, place) in places {
            match files_ending(&folder, &ENDINGS) {
                Ok(paths) => problems.extend(
                    paths
                        .iter()
                        .filter_map(|path| authorities.add_file(path, place).err()),
                ),
                Err(source) => problems.push(TrustError::Unreadable {
                    path: folder,
                    source,
                }),
            }
        }
        (authorities, problems)
    }

    /// Whether anything is trusted at all.
    pub fn has_anchors(&self) -> bool {
        !self.anchors.is_empty()
    }

    /// Whether `certificate`, DER, leads up to an anchor.
    pub fn judge(&self, certificate: &[u8], question: Question<'_>) -> Verdict {
        let pool = path::Pool {
            anchors: &self.anchors,
            intermediates: &self.intermediates,
            other_roots: &self.other_roots,
        };
        path::judge(&pool, certificate, question)
    }

    /// The certificates to send after `leaf`, its issuer first; no root among them.
    pub fn chain_for(&self, leaf: &[u8]) -> Vec<Vec<u8>> {
        let mut chain: Vec<&Certificate> = Vec::new();
        let Ok(leaf) = Certificate::parse(leaf) else {
            return Vec::new();
        };
        while chain.len() < LONGEST_CHAIN {
            let last = chain.last().copied().unwrap_or(&leaf);
            // A cross-certificate of a root that is there leads away from it.
            let is_from_a_root = self.roots().any(|root| is_from(last, root));
            let next = self.intermediates.iter().find(|issuer| {
                let is_known = chain.iter().any(|one| one.is_same_authority(issuer));
                !is_known && is_from(last, issuer)
            });
            let Some(issuer) = next.filter(|_| !is_from_a_root) else {
                break;
            };
            chain.push(issuer);
        }
        chain.iter().map(|issuer| issuer.der().to_vec()).collect()
    }

    fn roots(&self) -> impl Iterator<Item = &Certificate> {
        self.anchors.iter().chain(&self.other_roots)
    }

    fn add_file(&mut self, path: &Path, place: Place) -> Result<(), TrustError> {
        let bytes =
            bounded_file::read(path, LARGEST_FILE).map_err(|source| TrustError::Unreadable {
                path: path.to_owned(),
                source,
            })?;
        let certificates = bundle::read(&bytes).map_err(|fault| TrustError::Bundle {
            path: path.to_owned(),
            fault,
        })?;
        let (roots, others): (Vec<_>, Vec<_>) = certificates
            .into_iter()
            .partition(Certificate::is_self_signed_authority);
        if self.count() + roots.len() + others.len() > MOST_AUTHORITIES {
            return Err(TrustError::TooMany {
                path: path.to_owned(),
            });
        }
        let has_no_root = roots.is_empty();
        for root in roots {
            self.add_root(root, place);
        }
        for intermediate in others {
            if !self.intermediates.contains(&intermediate) {
                self.intermediates.push(intermediate);
            }
        }
        if place == Place::Anchors && has_no_root {
            return Err(TrustError::NoAnchor {
                path: path.to_owned(),
            });
        }
        Ok(())
    }

    fn add_root(&mut self, root: Certificate, place: Place) {
        if self.roots().any(|known| *known == root) {
            return;
        }
        match place {
            Place::Anchors => self.anchors.push(root),
            Place::Beside => self.other_roots.push(root),
        }
    }

    fn count(&self) -> usize {
        self.anchors.len() + self.intermediates.len() + self.other_roots.len()
    }
}

/// By what it says; whoever is sent it verifies the signature.
fn is_from(certificate: &Certificate, issuer: &Certificate) -> bool {
    certificate.names_as_issuer(issuer) && certificate.identifies_key_of(issuer)
}
