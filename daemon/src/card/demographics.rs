//! The person and personnel containers of the CAC edge (GSC-IS 2.1, DoD data
//! model): who holds the card and in what category, in the words of DEERS.
//!
//! Only what tells who it is and in what role is kept. The person identifier,
//! once a social security number, the birth date, sex and blood type are not.

use cac_common::eligibility::Category;
use cac_common::identity::{Edipi, HolderName, readable};

use super::date::Date;
use super::simple_tlv::{CutShort, Element, elements};

/// What the Person Instance container says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    pub name: Option<HolderName>,
    pub edipi: Option<Edipi>,
    pub issued: Option<Date>,
    pub expires: Option<Date>,
}

/// What the Personnel container says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Personnel {
    /// Branch of service, one character.
    pub branch: Option<char>,
    /// Personnel category code (PCC), one letter.
    pub category: Option<char>,
    pub pay_plan: Option<String>,
    pub pay_grade: Option<String>,
    pub rank: Option<String>,
}

impl Person {
    /// Reads the contents of both buffers.
    pub fn parse(tags: &[u8], values: &[u8]) -> Result<Self, CutShort> {
        let mut person = Self::default();
        let [mut last, mut first, mut middle, mut suffix] = [const { None }; 4];
        for element in elements(tags, values) {
            let Element { tag, value } = element?;
            match tag {
                0x01 => first = text(value),
                0x02 => middle = text(value),
                0x03 => last = text(value),
                0x04 => suffix = text(value),
                0x17 => person.edipi = text(value).and_then(|text| text.parse().ok()),
                0x62 => person.issued = Date::from_digits(value),
                0x63 => person.expires = Date::from_digits(value),
                _ => {}
            }
        }
        person.name = last.map(|last| HolderName {
            last,
            first,
            middle,
            suffix,
        });
        Ok(person)
    }
}

impl Personnel {
    /// Reads the contents of both buffers.
    pub fn parse(tags: &[u8], values: &[u8]) -> Result<Self, CutShort> {
        let mut personnel = Self::default();
        for element in elements(tags, values) {
            let Element { tag, value } = element?;
            match tag {
                0x24 => personnel.branch = code(value),
                0x25 => personnel.pay_grade = text(value),
                0x26 => personnel.rank = text(value),
                0x34 => personnel.category = code(value),
                0x36 => personnel.pay_plan = text(value),
                _ => {}
            }
        }
        Ok(personnel)
    }

    /// The category in words (personnel category codes of DEERS).
    pub fn category_title(&self) -> Option<&'static str> {
        Some(match self.category? {
            'A' => "active duty",
            'B' => "presidential appointee",
            'C' => "civilian",
            'D' => "disabled veteran",
            'E' => "contractor",
            'F' => "former member",
            'G' | 'N' => "National Guard",
            'H' => "Medal of Honor recipient",
            'I' => "civilian of another agency",
            'J' => "academy student",
            'K' => "non-appropriated fund employee",
            'L' => "lighthouse service",
            'M' => "civilian associate",
            'O' => "contractor of another agency",
            'Q' => "reserve retiree",
            'R' => "retired",
            'S' | 'V' => "reserve",
            'T' => "foreign affiliate",
            'U' => "overseas hire",
            'W' => "beneficiary",
            'Y' => "civilian retiree",
            _ => return None,
        })
    }

    /// The same, as profiles know it.
    pub fn role(&self) -> Option<Category> {
        Some(match self.category? {
            'A' => Category::ActiveDuty,
            'G' | 'N' => Category::NationalGuard,
            'S' | 'V' => Category::Reserve,
            'J' => Category::Uniformed,
            'B' | 'C' | 'I' | 'K' => Category::Civilian,
            'E' | 'O' => Category::Contractor,
            'M' => Category::Affiliate,
            'T' => Category::ForeignAffiliate,
            'Q' | 'R' | 'Y' => Category::Retiree,
            'D' | 'F' | 'H' => Category::Veteran,
            'W' => Category::Beneficiary,
            _ => return None,
        })
    }

    /// The branch of service in words.
    pub fn branch_title(&self) -> Option<&'static str> {
        Some(match self.branch? {
            'A' => "Army",
            'C' => "Coast Guard",
            'D' => "DoD",
            'F' => "Air Force",
            'H' => "Public Health Service",
            'M' => "Marine Corps",
            'N' => "Navy",
            'O' => "NOAA",
            '1'..='4' => "foreign service",
            _ => return None,
        })
    }
}

/// Padding is left out.
fn text(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    Some(readable(text.trim_matches(['\0', ' ']))).filter(|text| !text.is_empty())
}

fn code(value: &[u8]) -> Option<char> {
    let text = text(value)?;
    let mut letters = text.chars();
    let code = letters.next()?;
    (code.is_ascii_alphanumeric() && letters.next().is_none()).then_some(code)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::simple_tlv::content;
    use super::*;

    #[test]
    fn the_person_is_read() {
        let (tags, values) = buffers(&[
            (0x01, b"JANE"),
            (0x02, b"Q"),
            (0x03, b"DOE   "),
            (0x04, b"JR"),
            (0x17, b"1234567890"),
            (0x62, b"20270101"),
            (0x63, b"20301231"),
        ]);

        let person = Person::parse(&tags, &values).unwrap();

        assert_eq!(person.name.unwrap().to_string(), "DOE, JANE Q JR");
        assert_eq!(person.edipi, "1234567890".parse().ok());
        assert_eq!(person.issued, Date::from_iso("2027-01-01"));
        assert_eq!(person.expires, Date::from_iso("2030-12-31"));
    }

    #[test]
    fn the_shape_in_the_reference_is_read() {
        let tags = content(b"\x04\x00\x01\x04\x03\x03").unwrap();
        let values = content(b"\x07\x00JANEDOE").unwrap();

        let person = Person::parse(tags, values).unwrap();

        assert_eq!(person.name.unwrap().to_string(), "DOE, JANE");
    }

    #[test]
    fn the_person_identifier_and_what_is_private_are_not_kept() {
        let (tags, values) = buffers(&[
            (0x05, b"987654321"),
            (0x06, b"19700101"),
            (0x07, b"F"),
            (0x11, b"AB+"),
        ]);

        let person = Person::parse(&tags, &values).unwrap();

        assert_eq!(person, Person::default());
    }

    #[test]
    fn the_personnel_record_is_read_and_put_into_words() {
        let (tags, values) = buffers(&[
            (0x24, b"M"),
            (0x25, b"05"),
            (0x26, b"SGT "),
            (0x34, b"V"),
            (0x36, b"ME"),
            (0xD3, b"01"),
        ]);

        let personnel = Personnel::parse(&tags, &values).unwrap();

        assert_eq!(personnel.category_title(), Some("reserve"));
        assert_eq!(personnel.branch_title(), Some("Marine Corps"));
        assert_eq!(personnel.rank.as_deref(), Some("SGT"));
        assert_eq!(personnel.pay_grade.as_deref(), Some("05"));
        assert_eq!(personnel.pay_plan.as_deref(), Some("ME"));
    }

    #[test]
    fn a_code_that_is_none_has_no_words() {
        for value in [&b""[..], b" ", b"VV", b"\x1B", b"\xFF", b"?"] {
            let (tags, values) = buffers(&[(0x24, value), (0x34, value)]);

            let personnel = Personnel::parse(&tags, &values).unwrap();

            assert_eq!(personnel.category_title(), None, "{value:02X?}");
            assert_eq!(personnel.branch_title(), None, "{value:02X?}");
        }
    }

    #[test]
    fn what_is_cut_short_is_told() {
        assert_eq!(Person::parse(b"\x01\x04", b"JAN"), Err(CutShort));
        assert_eq!(Personnel::parse(b"\x34", b"V"), Err(CutShort));
    }

    fn buffers(fields: &[(u8, &[u8])]) -> (Vec<u8>, Vec<u8>) {
        let tags = fields
            .iter()
            .flat_map(|(tag, value)| [*tag, u8::try_from(value.len()).unwrap()])
            .collect();
        let values = fields
            .iter()
            .flat_map(|(_, value)| value.to_vec())
            .collect();
        (tags, values)
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            tags in proptest::collection::vec(any::<u8>(), 0..60),
            values in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let _ = Person::parse(&tags, &values);
            let _ = Personnel::parse(&tags, &values).map(|it| (it.category_title(), it.branch_title()));
        }
    }
}
