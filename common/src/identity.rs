//! Who a card belongs to, and which card it is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The number that names a person in the DoD: the EDIPI, "DoD ID number".
///
/// It stands in every certificate on the card. It is no secret, but it does
/// name someone, so `Debug` (and with it every log line) shows only its tail.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Edipi(u64);

/// The text was not ten digits.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an EDIPI is ten digits")]
pub struct NotAnEdipi;

impl Edipi {
    /// `••••••7890`.
    pub fn masked(self) -> String {
        format!("••••••{}", self.tail())
    }

    /// The last four digits, which is all that is kept on disk.
    pub fn tail(self) -> String {
        format!("{:04}", self.0 % 10_000)
    }
}

impl FromStr for Edipi {
    type Err = NotAnEdipi;

    fn from_str(text: &str) -> Result<Self, NotAnEdipi> {
        let ten_digits = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit());
        if !ten_digits {
            return Err(NotAnEdipi);
        }
        text.parse().map(Self).map_err(|_| NotAnEdipi)
    }
}

impl TryFrom<String> for Edipi {
    type Error = NotAnEdipi;

    fn try_from(text: String) -> Result<Self, NotAnEdipi> {
        text.parse()
    }
}

impl From<Edipi> for String {
    fn from(edipi: Edipi) -> Self {
        edipi.to_string()
    }
}

impl fmt::Display for Edipi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:010}", self.0)
    }
}

impl fmt::Debug for Edipi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Edipi(…{:04})", self.0 % 10_000)
    }
}

/// Which card it is: the Card UUID, else the FASC-N identifier, else the hash
/// of its authentication certificate. Changes with every card that is issued;
/// a copied card shows the same, so it recognises and never authorises.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CardId(pub String);

impl fmt::Display for CardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A person in a role, as a keyed hash: the same person as civilian and as
/// reservist is two personas. Made by the daemon, meaningless elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonaId(pub String);

/// Digits of an EDIPI.
const EDIPI_DIGITS: usize = 10;

/// A holder's name, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HolderName {
    pub last: String,
    pub first: Option<String>,
    pub middle: Option<String>,
    pub suffix: Option<String>,
}

const SUFFIXES: [&str; 6] = ["JR", "SR", "II", "III", "IV", "V"];

impl HolderName {
    /// Takes a common name of the form `LAST.FIRST[.MIDDLE][.SUFFIX][.EDIPI]`
    /// apart. Where there is no middle name and a suffix, the third part is
    /// taken for a suffix only if it is one of the usual ones. A name of any
    /// other form is kept whole, as the last name. What follows the EDIPI, as
    /// on alternate tokens, is added to the suffix.
    pub fn from_common_name(common_name: &str) -> (Self, Option<Edipi>) {
        let parts: Vec<&str> = common_name.split('.').collect();
        let number_at = parts.iter().rposition(|part| part.parse::<Edipi>().is_ok());
        let (parts, after) = match number_at {
            Some(at) => (&parts[..at], &parts[at + 1..]),
            None => (parts.as_slice(), &[][..]),
        };
        let edipi = number_at.and_then(|at| common_name.split('.').nth(at)?.parse().ok());
        let word = |text: &&str| Some(readable(text)).filter(|word| !word.is_empty());
        let mut name = match parts {
            [last, first] => Self::of(last, Some(first), None, None),
            [last, first, third] if SUFFIXES.contains(third) => {
                Self::of(last, Some(first), None, word(third))
            }
            [last, first, middle] => Self::of(last, Some(first), word(middle), None),
            [last, first, middle, suffix] if SUFFIXES.contains(suffix) => {
                Self::of(last, Some(first), word(middle), word(suffix))
            }
            _ => Self::of(&parts.join("."), None, None, None),
        };
        let suffixes: Vec<String> = name
            .suffix
            .take()
            .into_iter()
            .chain(after.iter().filter_map(word))
            .collect();
        name.suffix = (!suffixes.is_empty()).then(|| suffixes.join(" "));
        (name, edipi)
    }

    fn of(last: &str, first: Option<&str>, middle: Option<String>, suffix: Option<String>) -> Self {
        Self {
            last: readable(last),
            first: first.map(readable).filter(|word| !word.is_empty()),
            middle,
            suffix,
        }
    }
}

/// `DOE, JANE Q JR`.
impl fmt::Display for HolderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.last)?;
        let rest = [&self.first, &self.middle, &self.suffix];
        for (at, word) in rest.into_iter().flatten().enumerate() {
            write!(f, "{}{word}", if at == 0 { ", " } else { " " })?;
        }
        Ok(())
    }
}

/// Text that may name a person by number, such as a common name, a subject or a
/// UPN, with every EDIPI in it masked: of ten digits or more in a row, the
/// first six are hidden.
pub fn masked(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let end = from
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(from.len());
        let (digits, after) = from.split_at(end);
        shown.push_str(before);
        if digits.len() >= EDIPI_DIGITS {
            shown.push_str("••••••");
            shown.push_str(&digits[EDIPI_DIGITS - 4..]);
        } else {
            shown.push_str(digits);
        }
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// Text from a card or a portal, made harmless for a terminal and a log: no
/// control characters, no line breaks, no marks that turn the direction of
/// writing, at most 256 characters.
pub fn readable(text: &str) -> String {
    harmless(text)
        .take(256)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// The same, however long.
pub fn legible(text: &str) -> String {
    harmless(text).collect::<String>().trim().to_owned()
}

fn harmless(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(|c| {
        let turns = matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
        let breaks = matches!(c, '\u{2028}' | '\u{2029}');
        if c.is_control() || turns || breaks { '\u{FFFD}' } else { c }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ten_digits_survive_the_round_trip() {
        let edipi: Edipi = "0123456789".parse().unwrap();

        assert_eq!(edipi.to_string(), "0123456789");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "123456789", "12345678901", "12345678a0", "+123456789"] {
            assert_eq!(text.parse::<Edipi>(), Err(NotAnEdipi), "{text}");
        }
    }

    #[test]
    fn debug_and_the_mask_hide_all_but_the_tail() {
        let edipi: Edipi = "1234567890".parse().unwrap();

        assert_eq!(format!("{edipi:?}"), "Edipi(…7890)");
        assert_eq!(edipi.masked(), "••••••7890");
    }

    #[test]
    fn common_names_are_taken_apart() {
        for (common_name, shown, edipi) in [
            ("DOE.JANE.Q.1234567890", "DOE, JANE Q", Some("1234567890")),
            ("DOE.JANE.1234567890", "DOE, JANE", Some("1234567890")),
            (
                "ROE.JOHN.III.1234567890",
                "ROE, JOHN III",
                Some("1234567890"),
            ),
            (
                "ROE.JOHN.X.JR.1234567890",
                "ROE, JOHN X JR",
                Some("1234567890"),
            ),
            (
                "VAN DER ROE.JO-ANN.1234567890",
                "VAN DER ROE, JO-ANN",
                Some("1234567890"),
            ),
            ("DOE.JANE.Q.ADMIN", "DOE.JANE.Q.ADMIN", None),
            (
                "DOE.JANE.Q.1234567890.ADM",
                "DOE, JANE Q ADM",
                Some("1234567890"),
            ),
            ("1234567890", "", Some("1234567890")),
            ("card 42", "card 42", None),
            ("", "", None),
        ] {
            let (name, number) = HolderName::from_common_name(common_name);

            assert_eq!(name.to_string(), shown, "{common_name}");
            assert_eq!(
                number,
                edipi.map(|text| text.parse().unwrap()),
                "{common_name}"
            );
        }
    }

    #[test]
    fn escape_sequences_in_a_name_are_made_harmless() {
        let (name, _) = HolderName::from_common_name("\u{1b}[2JDOE.JA\u{202e}NE.1234567890");

        assert_eq!(name.to_string(), "\u{FFFD}[2JDOE, JA\u{FFFD}NE");
    }
    #[test]
    fn every_number_of_a_person_in_a_text_is_masked() {
        for (text, shown) in [
            (
                "CN=DOE.JANE.Q.1234567890,OU=USAF",
                "CN=DOE.JANE.Q.••••••7890,OU=USAF",
            ),
            ("1234567890117001@mil", "••••••7890117001@mil"),
            ("DOD ID CA-64", "DOD ID CA-64"),
            ("", ""),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    #[test]
    fn what_breaks_a_line_or_turns_the_writing_is_made_harmless() {
        assert_eq!(readable("a\u{2028}b\u{61C}c"), "a\u{FFFD}b\u{FFFD}c");
    }

    proptest! {
        #[test]
        fn any_name_is_taken_apart_and_any_text_masked(text in "\\PC*|[0-9.A-Z]{0,40}") {
            let _ = HolderName::from_common_name(&text).0.to_string();
            let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
            let numbers = text
                .split(|c: char| !c.is_ascii_digit())
                .filter(|digits| digits.len() >= EDIPI_DIGITS)
                .count();

            prop_assert_eq!(digits(&masked(&text)), digits(&text) - 6 * numbers);
        }
    }
}
