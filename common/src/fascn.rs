//! The FASC-N, 25 bytes that number a federal credential, decoded and encoded.
//!
//! 40 symbols of five bits: four of data, least significant first, then one of
//! odd parity (TIG SCEPACS 2.3, section 2.1).

use std::fmt;

use crate::persona::{Affiliation, Capacity, Persona};

const SYMBOLS: usize = 40;
const START: u8 = 0xB;
const SEPARATOR: u8 = 0xD;
const END: u8 = 0xF;

/// Where each field stands, in symbols.
const AGENCY: std::ops::Range<usize> = 1..5;
const SYSTEM: std::ops::Range<usize> = 6..10;
const CREDENTIAL: std::ops::Range<usize> = 11..17;
const SERIES: usize = 18;
const ISSUE: usize = 20;
const PERSON: std::ops::Range<usize> = 22..32;
const CATEGORY: usize = 32;
const ORGANISATION: std::ops::Range<usize> = 33..37;
const ASSOCIATION: usize = 37;
const LRC: usize = 39;

/// A FASC-N, each field as its digits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FascN {
    /// Agency code (SP 800-87), four digits.
    pub agency: String,
    /// System code: the issuing site, four digits.
    pub system: String,
    /// Credential number, six digits.
    pub credential: String,
    /// Credential series.
    pub series: u8,
    /// Individual credential issue: counts re-issues.
    pub issue: u8,
    /// Person identifier, ten digits: the EDIPI on a CAC.
    pub person: String,
    /// Organisational category: 1 is the federal government.
    pub category: u8,
    /// Organisational identifier, four digits.
    pub organisation: String,
    /// Association of the person with the organisation: 4 uniformed, 5 contractor.
    pub association: u8,
}

/// What was read, and whether its last symbol, the check, is right. A wrong
/// one occurs on cards that are otherwise fine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    pub fascn: FascN,
    pub check_is_right: bool,
}

/// The bytes are no FASC-N.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAFascN {
    #[error("a FASC-N is 25 bytes, not {0}")]
    Length(usize),
    #[error("symbol {0} of the FASC-N has a wrong parity bit")]
    Parity(usize),
    #[error("symbol {0} of the FASC-N is no digit")]
    Digit(usize),
    #[error("symbol {0} of the FASC-N is not the mark that belongs there")]
    Mark(usize),
}

impl FascN {
    pub fn decode(bytes: &[u8]) -> Result<Decoded, NotAFascN> {
        let bytes: &[u8; 25] = bytes
            .try_into()
            .map_err(|_| NotAFascN::Length(bytes.len()))?;
        let mut symbols = [0u8; SYMBOLS];
        for (at, symbol) in symbols.iter_mut().enumerate() {
            let bits: Vec<u8> = (0..5).map(|bit| bit_at(bytes, at * 5 + bit)).collect();
            if bits.iter().sum::<u8>() % 2 == 0 {
                return Err(NotAFascN::Parity(at));
            }
            *symbol = bits[0] | bits[1] << 1 | bits[2] << 2 | bits[3] << 3;
        }
        for (at, mark) in marks() {
            if symbols[at] != mark {
                return Err(NotAFascN::Mark(at));
            }
        }
        let digit = |at: usize| match symbols[at] {
            digit @ 0..=9 => Ok(digit),
            _ => Err(NotAFascN::Digit(at)),
        };
        let digits = |range: std::ops::Range<usize>| {
            range
                .map(|at| digit(at).map(|digit| char::from(b'0' + digit)))
                .collect::<Result<String, _>>()
        };
        let check = symbols[..LRC].iter().fold(0, |sum, symbol| sum ^ symbol);
        Ok(Decoded {
            fascn: Self {
                agency: digits(AGENCY)?,
                system: digits(SYSTEM)?,
                credential: digits(CREDENTIAL)?,
                series: digit(SERIES)?,
                issue: digit(ISSUE)?,
                person: digits(PERSON)?,
                category: digit(CATEGORY)?,
                organisation: digits(ORGANISATION)?,
                association: digit(ASSOCIATION)?,
            },
            check_is_right: check == symbols[LRC],
        })
    }

    /// The 25 bytes, with their parity bits and check. Fields that are too
    /// short or hold anything but digits are an error.
    pub fn encode(&self) -> Result<[u8; 25], NotAFascN> {
        let mut symbols = [0u8; SYMBOLS];
        for (at, mark) in marks() {
            symbols[at] = mark;
        }
        for (range, text) in [
            (AGENCY, &self.agency),
            (SYSTEM, &self.system),
            (CREDENTIAL, &self.credential),
            (PERSON, &self.person),
            (ORGANISATION, &self.organisation),
        ] {
            if text.len() != range.len() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(NotAFascN::Digit(range.start));
            }
            for (at, byte) in range.zip(text.bytes()) {
                symbols[at] = byte - b'0';
            }
        }
        for (at, digit) in [
            (SERIES, self.series),
            (ISSUE, self.issue),
            (CATEGORY, self.category),
            (ASSOCIATION, self.association),
        ] {
            if digit > 9 {
                return Err(NotAFascN::Digit(at));
            }
            symbols[at] = digit;
        }
        symbols[LRC] = symbols[..LRC].iter().fold(0, |sum, symbol| sum ^ symbol);

        let mut bytes = [0u8; 25];
        for (at, symbol) in symbols.iter().enumerate() {
            let parity = u8::from(symbol.count_ones() % 2 == 0);
            for (bit, value) in [
                symbol & 1,
                symbol >> 1 & 1,
                symbol >> 2 & 1,
                symbol >> 3,
                parity,
            ]
            .into_iter()
            .enumerate()
            {
                let position = at * 5 + bit;
                bytes[position / 8] |= value << (7 - position % 8);
            }
        }
        Ok(bytes)
    }

    /// Agency, system and credential number: what is unique for each card.
    pub fn identifier(&self) -> String {
        format!("{}-{}-{}", self.agency, self.system, self.credential)
    }

    /// The person and the role, if a person is numbered at all. On the card of
    /// an agency outside the DoD the number is that agency's own, no EDIPI.
    pub fn persona(&self) -> Option<Persona> {
        if self.person.bytes().all(|digit| digit == b'0') {
            return None;
        }
        Some(Persona {
            edipi: self.person.parse().ok()?,
            capacity: Capacity::Affiliation(self.affiliation()?),
        })
    }

    /// What follows the person; none where it is all zeros, as it may be
    /// (SP 800-73pt1-5 §3.1.2).
    pub fn affiliation(&self) -> Option<Affiliation> {
        let affiliation = Affiliation {
            category: self.category,
            organisation: self.organisation.parse().ok()?,
            association: self.association,
        };
        let is_empty = affiliation.to_string() == "000000";
        (!is_empty).then_some(affiliation)
    }

    /// Agency 9999: PIV-I, or otherwise not federal; such numbers are no key.
    pub fn is_federal(&self) -> bool {
        self.agency != "9999"
    }
}

/// Shows what names the card, not what names the person.
impl fmt::Debug for FascN {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FascN({})", self.identifier())
    }
}

fn bit_at(bytes: &[u8; 25], position: usize) -> u8 {
    bytes[position / 8] >> (7 - position % 8) & 1
}

fn marks() -> [(usize, u8); 7] {
    [
        (0, START),
        (5, SEPARATOR),
        (10, SEPARATOR),
        (17, SEPARATOR),
        (19, SEPARATOR),
        (21, SEPARATOR),
        (38, END),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Hex, agency-system-credential, series, issue, person, category, organisation, association.
    type Vector = (
        &'static str,
        &'static str,
        u8,
        u8,
        &'static str,
        u8,
        &'static str,
        u8,
    );
    const VECTORS: [Vector; 10] = [
        (
            "D0439458210C2C19A0846D83685A1082108CE73984108CA3FC",
            "0032-0001-092446",
            0,
            1,
            "1112223333",
            1,
            "1223",
            2,
        ),
        (
            "D4F810DA08C92D0464956D83685A08C92ADE0A6184F81093FF",
            "9700-1234-123456",
            0,
            1,
            "1234567890",
            1,
            "9700",
            4,
        ),
        (
            "D4F810D8210C2C10842185A1685A01084210843082201093F0",
            "9700-0001-000001",
            1,
            1,
            "1000000001",
            1,
            "2100",
            4,
        ),
        (
            "D4F810D8210A2C10842145A1685A010842108428822010A3E4",
            "9700-0002-000002",
            1,
            1,
            "1000000002",
            1,
            "2100",
            2,
        ),
        (
            "D4F810D8210E6C108421CDA1685A010842108439822010D7E8",
            "9700-0003-000003",
            1,
            1,
            "1000000003",
            1,
            "2100",
            5,
        ),
        (
            "D4F810D821092C10842125A1685A010842108424843810C3E4",
            "9700-0004-000004",
            1,
            1,
            "1000000004",
            1,
            "1700",
            1,
        ),
        (
            "D4F810D8210D6C108421ADA1685A010842108430857810D7F0",
            "9700-0005-000005",
            1,
            1,
            "1000000001",
            1,
            "5700",
            5,
        ),
        (
            "D4E739DA739CED39CE739DA16858210842108421804210C3F3",
            "9999-9999-999999",
            1,
            1,
            "0000000000",
            1,
            "0000",
            1,
        ),
        (
            "D04210D821086C1084210D8360D821084210842108421087F3",
            "0000-0000-000000",
            0,
            0,
            "0000000000",
            0,
            "0000",
            0,
        ),
        (
            "D13810D828AF2C1084246DA1685828AF0210848D84E739C3EB",
            "4700-0257-000046",
            1,
            1,
            "0257000046",
            1,
            "9999",
            1,
        ),
    ];

    #[test]
    fn published_and_invented_numbers_decode_and_encode_alike() {
        for (hex, identifier, series, issue, person, category, organisation, association) in VECTORS
        {
            let bytes = unhex(hex);

            let decoded = FascN::decode(&bytes).unwrap();

            let fascn = &decoded.fascn;
            assert_eq!(fascn.identifier(), identifier, "{hex}");
            assert_eq!((fascn.series, fascn.issue), (series, issue), "{hex}");
            assert_eq!(fascn.person, person, "{hex}");
            assert_eq!(
                (fascn.category, fascn.association),
                (category, association),
                "{hex}"
            );
            assert_eq!(fascn.organisation, organisation, "{hex}");
            assert!(decoded.check_is_right, "{hex}");
            assert_eq!(fascn.encode().unwrap().to_vec(), bytes, "{hex}");
        }
    }

    #[test]
    fn a_wrong_check_is_told_but_not_refused() {
        // The last five bits, with odd parity kept: 7 becomes 4.
        let mut bytes = unhex(VECTORS[0].0);
        bytes[24] = bytes[24] & 0xE0 | 0b00100;

        assert!(!FascN::decode(&bytes).unwrap().check_is_right);
    }

    #[test]
    fn the_widely_copied_sample_has_a_wrong_check() {
        let bytes = unhex("D4E739DA739CED39CE739DA1685A1082108CE73984119257FC");

        let decoded = FascN::decode(&bytes).unwrap();

        assert_eq!(decoded.fascn.identifier(), "9999-9999-999999");
        assert!(!decoded.check_is_right);
    }

    #[test]
    fn a_fascn_names_the_same_persona_as_the_upn_beside_it() {
        for (hex, upn) in [
            (VECTORS[2].0, "1000000001121004@mil"),
            (VECTORS[3].0, "1000000002121002@mil"),
            (VECTORS[4].0, "1000000003121005@mil"),
            (VECTORS[5].0, "1000000004117001@mil"),
            (VECTORS[6].0, "1000000001157005@mil"),
        ] {
            let fascn = FascN::decode(&unhex(hex)).unwrap().fascn;

            assert_eq!(fascn.persona(), Persona::from_upn(upn), "{hex}");
        }
    }

    #[test]
    fn zeros_name_no_person_and_no_role() {
        let nobody = FascN::decode(&unhex(VECTORS[7].0)).unwrap().fascn;
        let nothing = FascN::decode(&unhex(VECTORS[8].0)).unwrap().fascn;

        assert_eq!(nobody.persona(), None);
        assert!(nobody.affiliation().is_some(), "an employee of nobody");
        assert_eq!(nothing.affiliation(), None);
    }

    #[test]
    fn only_agency_9999_is_not_federal() {
        let is_federal = |hex| FascN::decode(&unhex(hex)).unwrap().fascn.is_federal();

        assert!(is_federal(VECTORS[0].0));
        assert!(!is_federal(VECTORS[7].0));
    }

    #[test]
    fn a_flipped_bit_is_refused() {
        let mut bytes = unhex(VECTORS[1].0);
        bytes[3] ^= 0x10;

        assert_eq!(FascN::decode(&bytes), Err(NotAFascN::Parity(5)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(decoded) = FascN::decode(&bytes) {
                prop_assert_eq!(decoded.fascn.encode().unwrap()[..24].to_vec(), bytes[..24].to_vec());
            }
        }
    }

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    }
}
