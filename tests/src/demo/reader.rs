//! The one reader of the demo, and what is in it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::ReaderWish;
use super::inside::InsideReader;
use super::told::Told;
use crate::pcscd::{PcscdError, PrivatePcscd};
use crate::virtual_card::CardHandle;
use crate::virtual_card::vpcd::Insertion;

pub(super) enum Reader {
    /// The card goes before the reader it lies in.
    OfPcscd {
        insertion: Option<Insertion>,
        pcscd: PrivatePcscd,
    },
    Inside(Arc<InsideReader>),
}

impl Reader {
    /// A reader of a pcscd; where none can be started, one inside this process.
    pub(super) fn find(wish: ReaderWish, told: &mut Told) -> anyhow::Result<Self> {
        let reason = match wish {
            ReaderWish::Inside => "asked for with --without-pcscd".to_owned(),
            ReaderWish::Pcscd => match PrivatePcscd::start(1) {
                Ok(pcscd) => {
                    let reader = Self::OfPcscd {
                        insertion: None,
                        pcscd,
                    };
                    let name = reader.name();
                    told.part("reader", &format!("{name}, virtual, of a private pcscd"))?;
                    return Ok(reader);
                }
                Err(error) => may_do_without(error)?,
            },
        };
        told.say(&format!("FALLBACK: {reason}"))?;
        told.part("reader", "inside this program, without pcscd")?;
        Ok(Self::Inside(Arc::default()))
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::OfPcscd { pcscd, .. } => pcscd.reader_name(0),
            Self::Inside(_) => InsideReader::name().0,
        }
    }

    /// The socket of its pcscd.
    pub(super) fn pcscd(&self) -> Option<PathBuf> {
        match self {
            Self::OfPcscd { pcscd, .. } => Some(pcscd.socket()),
            Self::Inside(_) => None,
        }
    }

    /// Puts the card in, in place of the one that is in.
    pub(super) fn put_in(&mut self, card: &CardHandle) -> anyhow::Result<()> {
        self.take_out();
        match self {
            Self::OfPcscd { insertion, pcscd } => {
                *insertion = Some(Insertion::new(card, pcscd.port(0))?);
            }
            Self::Inside(reader) => reader.put_in(card),
        }
        Ok(())
    }

    pub(super) fn take_out(&mut self) {
        match self {
            Self::OfPcscd { insertion, .. } => drop(insertion.take()),
            Self::Inside(reader) => reader.take_out(),
        }
    }
}

/// As root on Debian a pcscd can be had, so it is a failure if there is none.
fn may_do_without(error: PcscdError) -> anyhow::Result<String> {
    let is_root = rustix::process::geteuid().is_root();
    if is_root && is_debian(&fs::read_to_string("/etc/os-release").unwrap_or_default()) {
        return Err(anyhow::Error::from(error).context("a private pcscd cannot be started"));
    }
    Ok(format!("{:#}", anyhow::Error::from(error)))
}

/// Debian, or made from it, as Ubuntu is (os-release(5)).
fn is_debian(os_release: &str) -> bool {
    os_release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or(line.strip_prefix("ID_LIKE=")))
        .flat_map(|value| value.trim_matches('"').split_whitespace())
        .any(|id| id == "debian")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_and_what_is_made_from_it_is_recognised() {
        for text in [
            "PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n",
            "ID=ubuntu\nID_LIKE=debian\n",
            "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n",
        ] {
            assert!(is_debian(text), "{text}");
        }
    }

    #[test]
    fn other_systems_are_not_taken_for_debian() {
        for text in ["", "ID=fedora\n", "ID=almalinux\nID_LIKE=\"rhel fedora\"\n"] {
            assert!(!is_debian(text), "{text}");
        }
    }
}
