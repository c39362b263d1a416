//! Archives of such files, as authorities give theirs away (ZIP, APPNOTE.TXT
//! 6.3.10).
//!
//! Nothing of an archive is ever written: its files are read in memory, of
//! their names only the ending counts, and an archive inside it stays closed.

use std::io::Read as _;

use flate2::Crc;
use flate2::read::DeflateDecoder;

use super::{BundleFault, ENDINGS, LARGEST_FILE, MOST_CERTIFICATES};
use crate::identity::readable;
use crate::x509::Certificate;

/// An archive larger than this is not read; the DoD's has about 1 MB.
pub const LARGEST_ARCHIVE: u64 = 16 * 1024 * 1024;

/// Files of one archive; the DoD's has about 30.
const MOST_FILES: usize = 1000;

/// What all files that are read of one archive may have, unpacked.
const MOST_UNPACKED: u64 = 16 * 1024 * 1024;

// APPNOTE.TXT sections 4.3.7, 4.3.12 and 4.3.16: signatures, and the sizes of
// what never varies in length.
const LOCAL_HEADER: [u8; 4] = *b"PK\x03\x04";
const LOCAL_HEADER_SIZE: usize = 30;
const CENTRAL_HEADER: [u8; 4] = *b"PK\x01\x02";
const CENTRAL_HEADER_SIZE: usize = 46;
const END: [u8; 4] = *b"PK\x05\x06";
const END_SIZE: usize = 22;

/// Bit 0 of the flags (section 4.4.4).
const ENCRYPTED: u16 = 1;

// Section 4.4.5.
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// Why an archive, or what is handed over in its place, is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveFault {
    /// It is no archive.
    #[error("{0}")]
    Bundle(#[from] BundleFault),
    #[error("it is a ZIP archive that is cut short or damaged")]
    Damaged,
    #[error("it is a ZIP archive of more than {MOST_FILES} files")]
    TooManyFiles,
    #[error("its file {name} is encrypted")]
    Encrypted { name: String },
    #[error("its file {name} is packed in a way that is not known here, {method}")]
    Method { name: String, method: u16 },
    #[error("its file {name} is damaged")]
    DamagedFile { name: String },
    #[error("its file {name} is larger, unpacked, than a file of certificates may be")]
    TooLarge { name: String },
    #[error("its file {name}: {fault}")]
    File { name: String, fault: BundleFault },
    #[error("none of its files holds a certificate")]
    Empty,
    #[error("it holds more than {MOST_CERTIFICATES} certificates")]
    TooMany,
}

/// Every certificate of a file that may be an archive of such files, each once.
pub fn read(bytes: &[u8]) -> Result<Vec<Certificate>, ArchiveFault> {
    let mut found = Vec::new();
    if !is_archive(bytes) {
        add_new(&mut found, super::read(bytes)?)?;
        return Ok(found);
    }
    let mut left = MOST_UNPACKED;
    for file in files(bytes)? {
        if !file.may_hold_certificates() {
            continue;
        }
        let content = file.unpacked(bytes, left)?;
        left -= content.len() as u64;
        match super::read(&content) {
            Ok(certificates) => add_new(&mut found, certificates)?,
            // A public key or the like, in PEM.
            Err(BundleFault::Empty) => {}
            Err(fault) => {
                let name = file.name;
                return Err(ArchiveFault::File { name, fault });
            }
        }
    }
    if found.is_empty() {
        return Err(ArchiveFault::Empty);
    }
    Ok(found)
}

/// An archive begins with its first file, or with its end if it has none.
fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(&LOCAL_HEADER) || bytes.starts_with(&END)
}

fn add_new(found: &mut Vec<Certificate>, more: Vec<Certificate>) -> Result<(), ArchiveFault> {
    for certificate in more {
        if found.contains(&certificate) {
            continue;
        }
        if found.len() == MOST_CERTIFICATES {
            return Err(ArchiveFault::TooMany);
        }
        found.push(certificate);
    }
    Ok(())
}

/// A file, as the central directory describes it.
struct File {
    /// Fit to be shown.
    name: String,
    flags: u16,
    method: u16,
    checksum: u32,
    packed: usize,
    unpacked: u64,
    /// Where its local header begins.
    header: usize,
}

fn files(archive: &[u8]) -> Result<Vec<File>, ArchiveFault> {
    let end = end(archive).ok_or(ArchiveFault::Damaged)?;
    let count = usize::from(end.number(10).ok_or(ArchiveFault::Damaged)?);
    // The count that says that there is another, of 64 bits, is among these.
    if count > MOST_FILES {
        return Err(ArchiveFault::TooManyFiles);
    }
    let mut rest = end
        .position(16)
        .and_then(|start| archive.get(start..))
        .ok_or(ArchiveFault::Damaged)?;
    let mut files = Vec::with_capacity(count);
    for _ in 0..count {
        let (file, length) = File::parse(rest).ok_or(ArchiveFault::Damaged)?;
        files.push(file);
        rest = rest.get(length..).ok_or(ArchiveFault::Damaged)?;
    }
    Ok(files)
}

/// The last record, which a comment of up to 64 KiB may follow.
fn end(archive: &[u8]) -> Option<Record<'_>> {
    let latest = archive.len().checked_sub(END_SIZE)?;
    let earliest = latest.saturating_sub(usize::from(u16::MAX));
    (earliest..=latest)
        .rev()
        .filter_map(|start| Record::at(archive.get(start..)?, END))
        .find(|end| end.number(20).map(usize::from) == Some(end.0.len() - END_SIZE))
}

impl File {
    /// With the length of its description.
    fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let header = Record::at(bytes, CENTRAL_HEADER)?;
        let [name, extra, comment] = [28, 30, 32].map(|at| header.number(at).map(usize::from));
        let name = bytes.get(CENTRAL_HEADER_SIZE..CENTRAL_HEADER_SIZE + name?)?;
        let file = Self {
            name: readable(&String::from_utf8_lossy(name)),
            flags: header.number(8)?,
            method: header.number(10)?,
            checksum: header.long(16)?,
            packed: header.position(20)?,
            unpacked: header.long(24)?.into(),
            header: header.position(42)?,
        };
        Some((file, CENTRAL_HEADER_SIZE + name.len() + extra? + comment?))
    }

    fn may_hold_certificates(&self) -> bool {
        let ending = self.name.rsplit_once('.').map(|(_, ending)| ending);
        ending.is_some_and(|ending| ENDINGS.iter().any(|one| ending.eq_ignore_ascii_case(one)))
    }

    /// Its content, of at most `most` bytes.
    fn unpacked(&self, archive: &[u8], most: u64) -> Result<Vec<u8>, ArchiveFault> {
        let name = || self.name.clone();
        if self.flags & ENCRYPTED != 0 {
            return Err(ArchiveFault::Encrypted { name: name() });
        }
        if self.unpacked > most.min(LARGEST_FILE) {
            return Err(ArchiveFault::TooLarge { name: name() });
        }
        let damaged = || ArchiveFault::DamagedFile { name: name() };
        let packed = self.packed(archive).ok_or_else(damaged)?;
        let mut content = Vec::new();
        // One byte more than it says shows that it says too little.
        let read = match self.method {
            STORED => packed.take(self.unpacked + 1).read_to_end(&mut content),
            DEFLATED => DeflateDecoder::new(packed)
                .take(self.unpacked + 1)
                .read_to_end(&mut content),
            method => {
                return Err(ArchiveFault::Method {
                    name: name(),
                    method,
                });
            }
        };
        read.map_err(|_| damaged())?;
        let mut checksum = Crc::new();
        checksum.update(&content);
        if content.len() as u64 != self.unpacked || checksum.sum() != self.checksum {
            return Err(damaged());
        }
        Ok(content)
    }

    fn packed<'a>(&self, archive: &'a [u8]) -> Option<&'a [u8]> {
        let local = archive.get(self.header..)?;
        let header = Record::at(local, LOCAL_HEADER)?;
        let [name, extra] = [26, 28].map(|at| header.number(at).map(usize::from));
        let start = LOCAL_HEADER_SIZE + name? + extra?;
        local.get(start..start.checked_add(self.packed)?)
    }
}

/// Bytes that begin with a signature. Numbers in it have their low byte first.
struct Record<'a>(&'a [u8]);

impl<'a> Record<'a> {
    fn at(bytes: &'a [u8], signature: [u8; 4]) -> Option<Self> {
        bytes.starts_with(&signature).then_some(Self(bytes))
    }

    fn number(&self, at: usize) -> Option<u16> {
        self.bytes(at).map(u16::from_le_bytes)
    }

    fn long(&self, at: usize) -> Option<u32> {
        self.bytes(at).map(u32::from_le_bytes)
    }

    fn position(&self, at: usize) -> Option<usize> {
        self.long(at)?.try_into().ok()
    }

    fn bytes<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..at + N)?.try_into().ok()
    }
}

#[cfg(test)]
mod tests;
