//! The certificates that a portal's server is trusted by.

use std::io;
use std::path::{Path, PathBuf};

use cac_common::bounded_file;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};

use super::PrepareError;

/// A bundle of every DoD CA is about 300 kB.
const LARGEST_FILE: u64 = 4 << 20;

/// What the system trusts. Single certificates that cannot be read are left out.
pub(super) fn of_the_system() -> Result<RootCertStore, PrepareError> {
    let mut anchors = RootCertStore::empty();
    let (added, _) =
        anchors.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        return Err(PrepareError::NoSystemAnchors);
    }
    Ok(anchors)
}

/// Every certificate in `files`, PEM or DER. All have to be good: one left
/// out would show only as a portal that is not trusted.
pub(super) fn from_files(files: &[PathBuf]) -> Result<RootCertStore, PrepareError> {
    let mut anchors = RootCertStore::empty();
    for path in files {
        let certificates = certificates(path)?;
        if certificates.is_empty() {
            return Err(PrepareError::NoCertificate { path: path.clone() });
        }
        for (at, certificate) in certificates.into_iter().enumerate() {
            anchors
                .add(certificate)
                .map_err(|error| PrepareError::BadCertificate {
                    path: path.clone(),
                    number: at + 1,
                    reason: error.to_string(),
                })?;
        }
    }
    Ok(anchors)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PrepareError> {
    let bytes = read(path).map_err(|source| PrepareError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let bad = |number, error: pem::Error| PrepareError::BadCertificate {
        path: path.to_owned(),
        number,
        reason: error.to_string(),
    };
    (1..)
        .zip(parts(bytes))
        .map(|(number, part)| part.map_err(|error| bad(number, error)))
        .collect()
}

pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    bounded_file::read(path, LARGEST_FILE)
}

/// What a file holds, one after another in PEM, or one in DER.
pub(super) fn parts<T: PemObject + From<Vec<u8>>>(bytes: Vec<u8>) -> Vec<Result<T, pem::Error>> {
    let is_pem = bytes.windows(10).any(|window| window == b"-----BEGIN");
    if is_pem {
        T::pem_slice_iter(&bytes).collect()
    } else if bytes.is_empty() {
        Vec::new()
    } else {
        vec![Ok(T::from(bytes))]
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn pem_with_several_certificates_and_der_are_both_read() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (certificate("One"), certificate("Two"));
        let pem = write(folder.path(), "a.pem", (one.pem() + &two.pem()).as_bytes());
        let der = write(folder.path(), "b.crt", one.der());

        let anchors = from_files(&[pem, der]).unwrap();

        assert_eq!(anchors.len(), 3);
    }

    #[test]
    fn a_file_that_is_no_help_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let empty = write(folder.path(), "empty.pem", b"");
        let junk = write(folder.path(), "junk.crt", b"not a certificate");
        let cut = write(
            folder.path(),
            "cut.pem",
            b"-----BEGIN CERTIFICATE-----\nAAAA",
        );
        let missing = folder.path().join("missing.pem");

        for (path, problem) in [
            (empty, "hold no certificate"),
            (junk, "certificate 1 cannot be read"),
            (cut, "certificate 1 cannot be read"),
            (missing, "cannot be read"),
            (folder.path().to_owned(), "cannot be read"),
        ] {
            let error = from_files(std::slice::from_ref(&path))
                .unwrap_err()
                .to_string();

            assert!(error.contains(path.to_str().unwrap()), "{error}");
            assert!(error.contains(problem), "{error}");
        }
    }

    fn certificate(name: &str) -> rcgen::Certificate {
        let key = rcgen::KeyPair::generate().unwrap();
        rcgen::CertificateParams::new([name.to_owned()])
            .unwrap()
            .self_signed(&key)
            .unwrap()
    }

    fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}
