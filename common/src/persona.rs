//! A person in a role: what a UPN and the tail of a FASC-N say of both.

use std::fmt;

use crate::eligibility::Category;
use crate::identity::Edipi;

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

    /// The same, as profiles know it.
    pub fn role(self) -> Option<Category> {
        match self.association {
            1..=3 => Some(Category::Civilian),
            4 => Some(Category::Uniformed),
            5 => Some(Category::Contractor),
            6 => Some(Category::Affiliate),
            7 => Some(Category::Beneficiary),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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

    proptest! {
        #[test]
        fn any_text_is_a_upn_or_none(text in "\\PC*|[0-9]{8,17}[.-]?[A-Z]{0,6}@mil") {
            if let Some(persona) = Persona::from_upn(&text) {
                prop_assert!(text.starts_with(&persona.edipi.to_string()));
            }
        }
    }
}
