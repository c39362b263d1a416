//! A fault in a TOML file, shown with the line it stands in.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_spanned::Spanned;

use crate::bounded_file;

/// A file larger than this is no configuration of ours.
const LARGEST: u64 = 1024 * 1024;

/// What is wrong with a file, and where.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{} cannot be read", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{}", .0)]
    Marked(Marked),
}

/// A fault and its line, drawn as compilers do.
#[derive(Debug)]
pub struct Marked {
    path: PathBuf,
    line: usize,
    column: usize,
    width: usize,
    text: String,
    fault: String,
}

impl fmt::Display for Marked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gutter = self.line.to_string().len();
        writeln!(
            f,
            "{}:{}:{}: {}",
            self.path.display(),
            self.line,
            self.column,
            self.fault
        )?;
        writeln!(f, "{:gutter$} |", "")?;
        writeln!(f, "{} | {}", self.line, self.text)?;
        write!(
            f,
            "{:gutter$} | {:indent$}{}",
            "",
            "",
            "^".repeat(self.width),
            indent = self.column - 1
        )
    }
}

/// A file's text, kept for marking faults in it.
pub struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let unreadable = |source| FileError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let bytes = bounded_file::read(path, LARGEST).map_err(unreadable)?;
        let text = String::from_utf8(bytes)
            .map_err(|error| unreadable(io::Error::new(io::ErrorKind::InvalidData, error)))?;
        Ok(Self::new(path, text))
    }

    pub fn new(path: &Path, text: String) -> Self {
        Self {
            path: path.to_owned(),
            text,
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names the contents. Not the same from one release of ours to the next.
    pub fn fingerprint(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.text.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, FileError> {
        toml::from_str(&self.text)
            .map_err(|error| self.fault(error.span().unwrap_or(0..0), error.message()))
    }

    /// Marks `value` as what is wrong.
    pub fn fault_at<T>(&self, value: &Spanned<T>, fault: &str) -> FileError {
        self.fault(value.span(), fault)
    }

    /// Marks some bytes as what is wrong; only their first line is shown.
    pub fn fault(&self, span: Range<usize>, fault: &str) -> FileError {
        let start = floor(&self.text, span.start);
        let end = floor(&self.text, span.end).max(start);
        let begin = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let text = self.text[begin..].lines().next().unwrap_or_default();
        let column = self.text[begin..start].chars().count() + 1;
        let rest = text.chars().count() + 1 - (column - 1).min(text.chars().count());
        let width = self.text[start..end].chars().count().clamp(1, rest.max(1));
        FileError::Marked(Marked {
            path: self.path.clone(),
            line: self.text[..begin].matches('\n').count() + 1,
            column,
            width,
            text: without_numbers(&without_credentials(text)),
            fault: fault.trim().replace('\n', "; "),
        })
    }
}

/// The address of a proxy can hold a password, and a fault goes to the journal.
fn without_credentials(text: &str) -> String {
    let hidden = text.split_once("://").and_then(|(scheme, rest)| {
        let (_, host) = rest.split_once('@')?;
        Some(format!("{scheme}://\u{2026}@{host}"))
    });
    hidden.unwrap_or_else(|| text.to_owned())
}

/// Digits in a row that can name a person, and the last of them that are shown.
const NAMES_SOMEONE: usize = 8;
const TAIL: usize = 4;

/// Nor does the journal name people, as a DoD ID or a UPN does.
fn without_numbers(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for run in text.split_inclusive(|c: char| !c.is_ascii_digit()) {
        let digits = run.bytes().filter(u8::is_ascii_digit).count();
        let hidden = digits.saturating_sub(TAIL);
        if digits < NAMES_SOMEONE {
            shown.push_str(run);
        } else {
            shown.extend(std::iter::repeat_n('\u{2022}', hidden));
            shown.push_str(&run[hidden..]);
        }
    }
    shown
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Example {
        #[expect(dead_code, reason = "only its span matters")]
        port: Spanned<u16>,
    }

    #[test]
    fn a_fault_is_shown_with_its_line_and_a_mark_under_it() {
        let source = Source::new(Path::new("a.toml"), "# first\nport = \"x\"\n".into());

        let error = source.parse::<Example>().unwrap_err().to_string();

        assert_eq!(
            error,
            "a.toml:2:8: invalid type: string \"x\", expected u16\n  |\n2 | port = \"x\"\n  |        ^^^"
        );
    }

    #[test]
    fn a_line_that_is_shown_names_nobody() {
        let text = "port = \"1234567890157004@mil\" # 8443, 1234567890";
        let source = Source::new(Path::new("a.toml"), text.into());

        let error = source.parse::<Example>().unwrap_err().to_string();

        let line = "1 | port = \"••••••••••••7004@mil\" # 8443, ••••••7890";
        assert!(error.contains(line), "{error}");
    }

    #[test]
    fn a_fault_at_the_very_end_or_in_an_empty_file_is_shown_too() {
        for text in ["", "port", "port = ", "port = 5\nö = \"", "\n\n\n"] {
            let source = Source::new(Path::new("a.toml"), text.into());

            let error = source.parse::<Example>().unwrap_err().to_string();

            assert!(error.starts_with("a.toml:"), "{error}");
        }
    }
}
