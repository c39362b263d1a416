//! The FASC-N: the number of a federal smart card, as it stands in the CHUID and the certificates.
//!
//! Forty symbols of five bits, each a digit with its low bit first and an odd
//! parity bit last (PACS Technical Implementation Guidance 2.3, section 2.1).

use serde::{Deserialize, Serialize};

const START_SENTINEL: u8 = 0xB;
const FIELD_SEPARATOR: u8 = 0xD;
const END_SENTINEL: u8 = 0xF;
const SYMBOLS: usize = 40;

/// The fields of a FASC-N, unchecked: a field too long for its place keeps its low digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FascN {
    /// Who issued the card (SP 800-87); 9999 on cards that are not federal.
    pub agency: u16,
    /// The issuing site.
    pub system: u16,
    /// Six digits, unique within agency and system.
    pub credential: u32,
    /// Credential series.
    pub series: u8,
    /// Individual credential issue: counts re-issues.
    pub issue: u8,
    /// Ten digits: the EDIPI on a CAC.
    pub person: u64,
    /// Organisational category; 1 is a federal agency.
    pub category: u8,
    /// The organisation the person belongs to.
    pub organisation: u16,
    /// How the person belongs to it; 4 is uniformed service.
    pub association: u8,
}

impl FascN {
    /// The 25 bytes on the card, with sentinels, separators and check symbol.
    pub fn encode(&self) -> [u8; 25] {
        let mut symbols = Vec::with_capacity(SYMBOLS);
        symbols.push(START_SENTINEL);
        push_digits(&mut symbols, self.agency.into(), 4);
        symbols.push(FIELD_SEPARATOR);
        push_digits(&mut symbols, self.system.into(), 4);
        symbols.push(FIELD_SEPARATOR);
        push_digits(&mut symbols, self.credential.into(), 6);
        symbols.push(FIELD_SEPARATOR);
        push_digits(&mut symbols, self.series.into(), 1);
        symbols.push(FIELD_SEPARATOR);
        push_digits(&mut symbols, self.issue.into(), 1);
        symbols.push(FIELD_SEPARATOR);
        push_digits(&mut symbols, self.person, 10);
        push_digits(&mut symbols, self.category.into(), 1);
        push_digits(&mut symbols, self.organisation.into(), 4);
        push_digits(&mut symbols, self.association.into(), 1);
        symbols.push(END_SENTINEL);
        let check = symbols.iter().fold(0, |check, symbol| check ^ symbol);
        symbols.push(check);
        pack(&symbols)
    }

    /// The sixteen digits that stand before `@mil` in the name for logon.
    pub fn person_tail(&self) -> String {
        format!(
            "{:010}{}{:04}{}",
            self.person, self.category, self.organisation, self.association
        )
    }
}

fn push_digits(symbols: &mut Vec<u8>, value: u64, digits: u32) {
    for place in (0..digits).rev() {
        let digit = value / 10u64.pow(place) % 10;
        symbols.push(u8::try_from(digit).unwrap_or_default());
    }
}

fn pack(symbols: &[u8]) -> [u8; 25] {
    let mut bytes = [0; 25];
    let bits = symbols.iter().flat_map(|symbol| {
        let odd_parity = u8::from(symbol.count_ones() % 2 == 0);
        [
            symbol & 1,
            symbol >> 1 & 1,
            symbol >> 2 & 1,
            symbol >> 3 & 1,
            odd_parity,
        ]
    });
    for (at, bit) in bits.enumerate().take(bytes.len() * 8) {
        bytes[at / 8] |= bit << (7 - at % 8);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::virtual_card::hex::to_hex;

    /// Agency, system, credential, series, issue, person, category, organisation, association.
    type Row = (u16, u16, u32, u8, u8, u64, u8, u16, u8);

    /// The first is the example of the guidance, the last one is test card 46 of GSA's set.
    const VECTORS: [(&str, Row); 10] = [
        (
            "D0439458210C2C19A0846D83685A1082108CE73984108CA3FC",
            (32, 1, 92_446, 0, 1, 1_112_223_333, 1, 1223, 2),
        ),
        (
            "D4F810DA08C92D0464956D83685A08C92ADE0A6184F81093FF",
            (9700, 1234, 123_456, 0, 1, 1_234_567_890, 1, 9700, 4),
        ),
        (
            "D4F810D8210C2C10842185A1685A01084210843082201093F0",
            (9700, 1, 1, 1, 1, 1_000_000_001, 1, 2100, 4),
        ),
        (
            "D4F810D8210A2C10842145A1685A010842108428822010A3E4",
            (9700, 2, 2, 1, 1, 1_000_000_002, 1, 2100, 2),
        ),
        (
            "D4F810D8210E6C108421CDA1685A010842108439822010D7E8",
            (9700, 3, 3, 1, 1, 1_000_000_003, 1, 2100, 5),
        ),
        (
            "D4F810D821092C10842125A1685A010842108424843810C3E4",
            (9700, 4, 4, 1, 1, 1_000_000_004, 1, 1700, 1),
        ),
        (
            "D4F810D8210D6C108421ADA1685A010842108430857810D7F0",
            (9700, 5, 5, 1, 1, 1_000_000_001, 1, 5700, 5),
        ),
        (
            "D4E739DA739CED39CE739DA16858210842108421804210C3F3",
            (9999, 9999, 999_999, 1, 1, 0, 1, 0, 1),
        ),
        (
            "D04210D821086C1084210D8360D821084210842108421087F3",
            (0, 0, 0, 0, 0, 0, 0, 0, 0),
        ),
        (
            "D13810D828AF2C1084246DA1685828AF0210848D84E739C3EB",
            (4700, 257, 46, 1, 1, 257_000_046, 1, 9999, 1),
        ),
    ];

    fn fascn(row: Row) -> FascN {
        FascN {
            agency: row.0,
            system: row.1,
            credential: row.2,
            series: row.3,
            issue: row.4,
            person: row.5,
            category: row.6,
            organisation: row.7,
            association: row.8,
        }
    }

    #[test]
    fn every_known_number_is_encoded_as_published() {
        for (expected, row) in VECTORS {
            let encoded = fascn(row).encode();

            assert_eq!(to_hex(&encoded), expected);
        }
    }

    #[test]
    fn the_tail_is_the_name_for_logon() {
        assert_eq!(fascn(VECTORS[2].1).person_tail(), "1000000001121004");
    }
}
