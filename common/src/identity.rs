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

/// In what capacity a person holds a card: the tail of a FASC-N, and of the UPN
/// in a PIV Authentication certificate (TIG SCEPACS 2.3, section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Affiliation {
    /// Organisational category: 1 is the federal government.
    pub category: u8,
    /// Organisational identifier, four digits: an agency code (SP 800-87) where
    /// the category is 1.
    pub organisation: u16,
    /// Association of the person with the organisation.
    pub association: u8,
}

impl Affiliation {
    /// What the person is there (TIG SCEPACS 2.3, table 4).
    pub fn association_title(self) -> Option<&'static str> {
        match self.association {
            1 | 2 => Some("civilian"),
            3 => Some("executive staff"),
            4 => Some("uniformed service"),
            5 => Some("contractor"),
            6 => Some("affiliate"),
            7 => Some("beneficiary"),
            _ => None,
        }
    }

    /// Where, of the agencies that issue the cards we meet (SP 800-87).
    pub fn organisation_title(self) -> Option<&'static str> {
        match (self.category, self.organisation) {
            (1, 1700) => Some("Navy"),
            (1, 2100) => Some("Army"),
            (1, 5700) => Some("Air Force"),
            (1, 9700) => Some("DoD"),
            (1, 3600) => Some("VA"),
            (1, 4700) => Some("GSA"),
            _ => None,
        }
    }
}

/// `117001`, as it ends a UPN.
impl fmt::Display for Affiliation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            category,
            organisation,
            association,
        } = self;
        write!(f, "{category}{organisation:04}{association}")
    }
}

/// A person in a role, as a UPN or a FASC-N names them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Persona {
    pub edipi: Edipi,
    pub capacity: Capacity,
}

/// What is said of the role.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Capacity {
    /// Nothing: the number alone.
    Unsaid,
    Affiliation(Affiliation),
    /// Letters or digits after the number, their meaning not published.
    Suffix(String),
}

/// The domain that a UPN of the DoD ends in.
const UPN_DOMAIN: &str = "mil";
/// Digits of an EDIPI.
const EDIPI_DIGITS: usize = 10;
/// The longest suffix that may follow an EDIPI in a UPN.
const LONGEST_SUFFIX: usize = 4;

impl Persona {
    /// Takes a UPN of the DoD apart: ten digits are the EDIPI; sixteen are the
    /// EDIPI and an affiliation; ten and a few letters are the EDIPI and a
    /// suffix. `None` for any other.
    pub fn from_upn(upn: &str) -> Option<Self> {
        let (name, domain) = upn.split_once('@')?;
        if !domain.eq_ignore_ascii_case(UPN_DOMAIN) {
            return None;
        }
        let edipi = name.get(..EDIPI_DIGITS)?.parse().ok()?;
        let tail = &name[EDIPI_DIGITS..];
        let capacity = if tail.is_empty() {
            Capacity::Unsaid
        } else if let Some(affiliation) = affiliation(tail) {
            Capacity::Affiliation(affiliation)
        } else {
            Capacity::Suffix(suffix(tail)?)
        };
        Some(Self { edipi, capacity })
    }

    /// One person in two roles: the same EDIPI, and something different after
    /// it. One that says nothing of the role is no other than any.
    pub fn is_other_role_of(&self, other: &Self) -> bool {
        use Capacity::{Affiliation, Suffix};
        let differ = match (&self.capacity, &other.capacity) {
            (Affiliation(one), Affiliation(two)) => one != two,
            (Suffix(one), Suffix(two)) => one != two,
            (Affiliation(_) | Suffix(_) | Capacity::Unsaid, _) => false,
        };
        self.edipi == other.edipi && differ
    }

    pub fn affiliation(&self) -> Option<Affiliation> {
        match self.capacity {
            Capacity::Affiliation(affiliation) => Some(affiliation),
            Capacity::Unsaid | Capacity::Suffix(_) => None,
        }
    }
}

/// Six digits: category, organisation, association.
fn affiliation(digits: &str) -> Option<Affiliation> {
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Affiliation {
        category: digits[..1].parse().ok()?,
        organisation: digits[1..5].parse().ok()?,
        association: digits[5..].parse().ok()?,
    })
}

/// One to four letters or digits, perhaps after a dot or hyphen.
fn suffix(text: &str) -> Option<String> {
    let word = text.strip_prefix(['.', '-']).unwrap_or(text);
    let is_short = (1..=LONGEST_SUFFIX).contains(&word.len());
    let is_plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_short && is_plain).then(|| word.to_ascii_uppercase())
}

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
    text.chars()
        .map(|c| {
            let turns = matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
            let breaks = matches!(c, '\u{2028}' | '\u{2029}');
            if c.is_control() || turns || breaks { '\u{FFFD}' } else { c }
        })
        .take(256)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
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
    fn a_upn_is_taken_apart() {
        let in_role = |category, organisation, association| {
            Capacity::Affiliation(Affiliation {
                category,
                organisation,
                association,
            })
        };
        let suffix = |text: &str| Capacity::Suffix(text.into());
        for (upn, edipi, capacity) in [
            ("1234567890@mil", "1234567890", Capacity::Unsaid),
            ("1234567890117001@mil", "1234567890", in_role(1, 1700, 1)),
            ("1000000001121004@mil", "1000000001", in_role(1, 2100, 4)),
            ("1000000002121002@MIL", "1000000002", in_role(1, 2100, 2)),
            ("1000000003121005@mil", "1000000003", in_role(1, 2100, 5)),
            ("1000000004117001@mil", "1000000004", in_role(1, 1700, 1)),
            ("1000000001157005@mil", "1000000001", in_role(1, 5700, 5)),
            ("1234567890C@mil", "1234567890", suffix("C")),
            ("1234567890.ctr@mil", "1234567890", suffix("CTR")),
            ("1234567890-V@mil", "1234567890", suffix("V")),
        ] {
            let persona = Persona::from_upn(upn).unwrap();

            assert_eq!(persona.edipi.to_string(), edipi, "{upn}");
            assert_eq!(persona.capacity, capacity, "{upn}");
        }
    }

    #[test]
    fn what_is_no_upn_of_the_dod_names_no_persona() {
        for upn in [
            "",
            "@mil",
            "1234567890",
            "1234567890@example.com",
            "123456789@mil",
            "jane.doe@mil",
            "1234567890.TOOLONG@mil",
            "1234567890-@mil",
            "123456789\u{e9}0@mil",
            "1234567890\u{e9}@mil",
        ] {
            assert_eq!(Persona::from_upn(upn), None, "{upn}");
        }
    }

    #[test]
    fn one_person_in_two_roles_is_told_from_two_people_and_from_one_role() {
        let is_other = |one: &str, other: &str| {
            let persona = |upn| Persona::from_upn(upn).unwrap();
            persona(one).is_other_role_of(&persona(other))
        };

        assert!(is_other("1000000001121004@mil", "1000000001157005@mil"));
        assert!(is_other("1000000001C@mil", "1000000001V@mil"));
        assert!(!is_other("1000000001121004@mil", "1000000001121004@mil"));
        assert!(!is_other("1000000001121004@mil", "1000000002121002@mil"));
        assert!(!is_other("1000000001121004@mil", "1000000001@mil"));
    }

    #[test]
    fn an_affiliation_is_said_in_words_where_it_has_some() {
        let of = |upn| Persona::from_upn(upn).unwrap().affiliation().unwrap();

        let navy = of("1234567890117001@mil");
        let unknown = of("1234567890230000@mil");

        assert_eq!(navy.to_string(), "117001");
        assert_eq!(navy.association_title(), Some("civilian"));
        assert_eq!(navy.organisation_title(), Some("Navy"));
        assert_eq!(unknown.association_title(), None);
        assert_eq!(unknown.organisation_title(), None, "a state's code");
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
}
