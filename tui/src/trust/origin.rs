//! Where a file of authorities came from: a few lines before its first
//! certificate, where PEM leaves room for words (RFC 7468 §5.2).

use cac_common::identity::readable;
use cac_common::time::UtcSeconds;
use serde::{Deserialize, Serialize};

const TITLE: &str = "# Imported by cacctl trust import.";
const FROM: &str = "# from: ";
const SHA256: &str = "# sha256: ";
const AT: &str = "# at: ";

/// Lines that are looked at; there are four.
const MOST_LINES: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// What the file was called, without its folder.
    pub from: String,
    /// Of that file, hexadecimal.
    pub sha256: String,
    pub at: UtcSeconds,
}

impl Origin {
    /// Of a file that says so.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let mut lines = bytes.split(|byte| *byte == b'\n').take(MOST_LINES);
        let mut lines = lines
            .by_ref()
            .map_while(|line| std::str::from_utf8(line).ok());
        (lines.next()? == TITLE).then_some(())?;
        let mut value = |name| Some(readable(lines.next()?.strip_prefix(name)?));
        Some(Self {
            from: value(FROM)?,
            sha256: value(SHA256)?,
            at: UtcSeconds(value(AT)?.parse().ok()?),
        })
    }

    /// The lines that say so.
    pub(crate) fn lines(&self) -> String {
        let Self { from, sha256, at } = self;
        format!(
            "{TITLE}\n{FROM}{}\n{SHA256}{sha256}\n{AT}{}\n",
            readable(from),
            at.0
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written_and_breaks_no_line() {
        let origin = Origin {
            from: "all\n-----BEGIN CERTIFICATE-----\nAAAA.zip".into(),
            sha256: "00".repeat(32),
            at: UtcSeconds(1_795_000_000),
        };

        let text = origin.lines();

        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.lines().all(|line| line.starts_with('#')));
        let read = Origin::of(text.as_bytes()).unwrap();
        assert_eq!(read.sha256, origin.sha256);
        assert_eq!(read.at, origin.at);
        for other in ["", TITLE, "# from: a", &text.replace("# at: ", "# at: x")] {
            assert_eq!(Origin::of(other.as_bytes()), None, "{other}");
        }
    }
}
