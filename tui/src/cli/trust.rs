//! What can be typed after `cacctl trust`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueHint};

use super::examples;

#[derive(Debug, Subcommand)]
pub enum Trust {
    /// Say which authorities lie here, which of them are trusted, from where and when, and whether the cards in the readers lead up to them.
    #[command(after_help = examples::TRUST_LIST)]
    List(TrustList),
    /// Say all of the authorities in one file, in the folder or anywhere else.
    #[command(after_help = examples::TRUST_SHOW)]
    Show(TrustShow),
    /// Put the authorities of a file into the folder: a bundle (.p7b), PEM, DER, or a ZIP archive of such.
    ///
    /// Says first what is in it, with the SHA-256 of each root, and asks: a root
    /// that is in the folder is trusted for whatever it signs. Compare the
    /// digests with what its publisher names, on another way than the file came.
    /// --digest compares them here, and then nothing is asked.
    ///
    /// It is written as one PEM file that says where it came from and when, all
    /// of it or nothing, and the service takes it over by itself. What is there
    /// already is not written again, and another file that was imported under
    /// its name only goes where --replace says so. A file without a root makes nothing
    /// trusted, and lies beside the anchors.
    #[command(after_help = examples::TRUST_IMPORT)]
    Import(TrustImport),
}

/// Where authorities lie.
#[derive(Debug, Args)]
pub struct TrustFolder {
    /// The folder, if it is not the usual: /etc/cacd/trust, and for a daemon of your own ~/.config/cacd/trust.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct TrustList {
    #[command(flatten)]
    pub place: TrustFolder,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct TrustShow {
    /// A file as `cacctl trust list` names it, or the path of any other.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    #[command(flatten)]
    pub place: TrustFolder,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct TrustImport {
    /// The file.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// The SHA-256 that the file has to have, or else each of its roots; once for each. Case, colons and blanks do not count.
    #[arg(long, value_name = "SHA256")]
    pub digest: Vec<Digest>,

    /// What it is called in the folder, without the ending; after the file, if not given.
    #[arg(long, value_name = "NAME")]
    pub name: Option<FileName>,

    /// Put it in the place of a file that was imported under this name before, from another file.
    #[arg(long)]
    pub replace: bool,

    #[command(flatten)]
    pub place: TrustFolder,

    /// Print what was done as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// A SHA-256: 64 hexadecimal digits, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest(pub String);

/// The text was no SHA-256.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 is 64 hexadecimal digits")]
pub struct NotADigest;

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let kept = text.chars().filter(|it| !matches!(it, ':' | ' '));
        let digits = kept.collect::<String>().to_ascii_lowercase();
        let is_one = digits.len() == 64 && digits.bytes().all(|it| it.is_ascii_hexdigit());
        is_one.then_some(Self(digits)).ok_or(NotADigest)
    }
}

/// A name that is safe in any folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName(pub String);

/// The most letters that such a name has.
const LONGEST_NAME: usize = 64;

/// The text was no such name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has up to 64 letters, digits, dots, hyphens and underscores, and no dot first")]
pub struct NotAName;

impl FromStr for FileName {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let is_one = (1..=LONGEST_NAME).contains(&text.len())
            && !text.starts_with('.')
            && text.chars().all(is_plain);
        is_one.then(|| Self(text.to_owned())).ok_or(NotAName)
    }
}

impl FileName {
    /// As near as can be to what a file is called, without its ending.
    pub fn near(text: &str) -> Self {
        let plain = text.chars().map(|it| if is_plain(it) { it } else { '-' });
        let name: String = plain.take(LONGEST_NAME).collect();
        let name = name.trim_start_matches('.');
        Self(if name.is_empty() { "imported" } else { name }.to_owned())
    }
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_as_people_write_it() {
        let plain = "b107b33f453e5510f68e513110c6f6944bacc263df0137f821c1b3c2f8f863d2";
        let upper = plain.to_uppercase();
        let colons: Vec<&str> = (0..32).map(|at| &upper[2 * at..2 * at + 2]).collect();

        for text in [plain.to_owned(), upper.clone(), colons.join(":")] {
            assert_eq!(text.parse(), Ok(Digest(plain.into())), "{text}");
        }
        for text in [
            "",
            &plain[1..],
            &format!("{plain}0"),
            &plain.replace('b', "g"),
        ] {
            assert_eq!(text.parse::<Digest>(), Err(NotADigest), "{text}");
        }
    }

    #[test]
    fn no_name_leads_out_of_its_folder() {
        for text in [
            "",
            ".",
            "..",
            ".hidden",
            "a/b",
            "../a",
            "a b",
            "é",
            &"a".repeat(65),
        ] {
            assert_eq!(text.parse::<FileName>(), Err(NotAName), "{text}");

            let near = FileName::near(text);
            assert_eq!(near.0.parse(), Ok(near.clone()), "{text}");
        }
        assert_eq!(FileName::near("../DoD CAs v5.15").0, "-DoD-CAs-v5.15");
    }
}
