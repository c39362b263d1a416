//! The key that hashes what names a persona, in a file beside the database.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use aws_lc_rs::{hmac, rand};
use cac_common::identity::PersonaId;
use zeroize::Zeroizing;

pub(super) const FILE: &str = "cacd.key";

/// Written in full before it takes the name of the key.
const UNFINISHED: &str = "cacd.key.new";

const LENGTH: usize = 32;

/// Makes a [`PersonaId`] of what names a persona. Without the key the hash
/// tells nothing: there are only so many DoD ID numbers to try.
pub struct PersonaKey(hmac::Key);

/// Where the key came from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Read,
    Made,
}

impl PersonaKey {
    /// A key that lasts as long as the process, for when nothing can be kept.
    pub fn for_this_run() -> io::Result<Self> {
        Ok(Self::of(&*random()?))
    }

    /// Reads the key in a folder, or makes one. `None` if what lies there is no key.
    pub(super) fn read_or_make(folder: &Path) -> io::Result<Option<(Self, Origin)>> {
        let path = folder.join(FILE);
        match File::open(&path) {
            Ok(file) => {
                if file.metadata()?.permissions().mode() & 0o077 != 0 {
                    file.set_permissions(fs::Permissions::from_mode(0o600))?;
                }
                let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH + 1));
                file.take(LENGTH as u64 + 1).read_to_end(&mut bytes)?;
                let whole = bytes.len() == LENGTH;
                Ok(whole.then(|| (Self::of(&bytes), Origin::Read)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let bytes = random()?;
                write(folder, &*bytes)?;
                Ok(Some((Self::of(&*bytes), Origin::Made)))
            }
            Err(error) => Err(error),
        }
    }

    pub fn persona_id(&self, identifier: &str) -> PersonaId {
        let tag = hmac::sign(&self.0, identifier.as_bytes());
        let mut hash = String::with_capacity(2 * tag.as_ref().len());
        for byte in tag.as_ref() {
            // Writing into a String cannot fail.
            let _ = write!(hash, "{byte:02x}");
        }
        PersonaId(hash)
    }

    fn of(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }
}

/// Whether a file of this name is the key, or becomes it.
pub(super) fn is_in_use(name: &str) -> bool {
    [FILE, UNFINISHED].contains(&name)
}

fn random() -> io::Result<Zeroizing<[u8; LENGTH]>> {
    let mut bytes = Zeroizing::new([0; LENGTH]);
    rand::fill(&mut *bytes).map_err(|_| io::Error::other("no random bytes to be had"))?;
    Ok(bytes)
}

fn write(folder: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(UNFINISHED);
    // What a start that was cut short left behind.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, folder.join(FILE))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_persona_gets_the_same_id_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();

        let (first, made) = PersonaKey::read_or_make(folder.path()).unwrap().unwrap();
        let (second, read) = PersonaKey::read_or_make(folder.path()).unwrap().unwrap();

        assert_eq!((made, read), (Origin::Made, Origin::Read));
        assert_eq!(
            first.persona_id("1234567890"),
            second.persona_id("1234567890")
        );
    }

    #[test]
    fn another_machine_gives_the_same_persona_another_id() {
        let here = PersonaKey::for_this_run().unwrap();
        let there = PersonaKey::for_this_run().unwrap();

        assert_ne!(
            here.persona_id("1234567890"),
            there.persona_id("1234567890")
        );
    }

    #[test]
    fn two_personas_get_two_ids() {
        let key = PersonaKey::for_this_run().unwrap();

        assert_ne!(key.persona_id("1234567890"), key.persona_id("1234567891"));
    }

    #[test]
    fn the_key_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();

        PersonaKey::read_or_make(folder.path()).unwrap();

        let mode = fs::metadata(folder.path().join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_of_another_length_is_no_key() {
        let folder = tempfile::tempdir().unwrap();
        for length in [0, LENGTH - 1, LENGTH + 1] {
            fs::write(folder.path().join(FILE), vec![7; length]).unwrap();

            assert!(
                PersonaKey::read_or_make(folder.path()).unwrap().is_none(),
                "{length}"
            );
        }
    }
}
