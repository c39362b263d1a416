//! The Card Holder Unique Identifier: which card it is (SP 800-73pt1-5 §3.1.2;
//! the buffer length, and that no signature covers it, SP 800-73-4 part 1).

use cac_common::fascn::FascN;
use cac_common::finding::Finding;
use cac_common::identity::{CardId, Edipi};

use super::certificate::hex;
use super::date::Date;
use super::tlv;

/// What a CHUID says. Everything is optional, since cards leave things out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chuid {
    pub fascn: Option<FascN>,
    /// Card UUID, if it is there and not all zero.
    pub uuid: Option<[u8; 16]>,
    /// `YYYY-MM-DD`.
    pub expires: Option<String>,
    /// Cardholder UUID: the same on every card of the person.
    pub cardholder: Option<[u8; 16]>,
    /// The issuer's signature, CMS SignedData without its content; empty where
    /// there is none.
    pub issuer_signature: Vec<u8>,
    /// What that signature covers: every element as it stands, save the
    /// signature itself and the buffer length that old cards put first.
    pub signed_content: Vec<u8>,
    /// What could not be read, in words.
    pub findings: Vec<Finding>,
}

/// What the first part of a CHUID says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// Without signature and without what it covers.
    pub chuid: Chuid,
    /// FASC-N, Card UUID and expiry are all in it: the rest holds nothing that
    /// numbers the card.
    pub is_enough: bool,
}

/// Elements of a CHUID.
const BUFFER_LENGTH: u32 = 0xEE;
const FASC_N: u32 = 0x30;
const CARD_UUID: u32 = 0x34;
const EXPIRES: u32 = 0x35;
const CARDHOLDER_UUID: u32 = 0x36;
const SIGNATURE: u32 = 0x3E;

impl Chuid {
    /// Reads the content of the object, without its outer tag.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut chuid = Self::default();
        let mut signed_content = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while !rest.is_empty() {
            let Ok((element, after)) = tlv::first(rest) else {
                chuid.findings.push(fault("it is cut short"));
                return chuid;
            };
            let written = &rest[..rest.len() - after.len()];
            match element.tag {
                SIGNATURE => chuid.issuer_signature = element.value.to_vec(),
                BUFFER_LENGTH => {}
                _ => signed_content.extend_from_slice(written),
            }
            chuid.take(element);
            rest = after;
        }
        chuid.signed_content = signed_content;
        chuid
    }

    /// Reads as much of the content as has come so far. That it ends before
    /// its end is no fault.
    pub fn parse_head(bytes: &[u8]) -> Head {
        let mut chuid = Self::default();
        let mut seen = Vec::new();
        for element in tlv::elements(bytes).map_while(Result::ok) {
            seen.push(element.tag);
            chuid.take(element);
        }
        let is_enough = [FASC_N, CARD_UUID, EXPIRES]
            .iter()
            .all(|tag| seen.contains(tag));
        Head { chuid, is_enough }
    }

    /// The DoD ID in the FASC-N, where a federal card has one; fields that are
    /// not used are zero (SP 800-73pt1-5 §3.1.2).
    pub fn dod_id(&self) -> Option<Edipi> {
        let fascn = self.fascn.as_ref().filter(|fascn| fascn.is_federal())?;
        let is_used = fascn.person.bytes().any(|digit| digit != b'0');
        fascn.person.parse().ok().filter(|_| is_used)
    }

    /// What names the card, if the CHUID says it: the Card UUID, else the
    /// FASC-N identifier, unless it is one that many cards share.
    pub fn card_id(&self) -> Option<CardId> {
        if let Some(uuid) = self.uuid {
            return Some(CardId(hyphenated(uuid)));
        }
        let fascn = self.fascn.as_ref()?;
        let all_zero = fascn.identifier() == "0000-0000-000000";
        (fascn.is_federal() && !all_zero).then(|| CardId(fascn.identifier()))
    }

    fn take(&mut self, element: tlv::Element<'_>) {
        match element.tag {
            FASC_N => self.take_fascn(element.value),
            CARD_UUID => self.take_uuid(element.value),
            EXPIRES => match Date::from_digits(element.value) {
                Some(date) => self.expires = Some(date.to_string()),
                None => self.findings.push(fault("its expiry date is no date")),
            },
            CARDHOLDER_UUID => self.cardholder = element.value.try_into().ok(),
            _ => {}
        }
    }

    fn take_uuid(&mut self, bytes: &[u8]) {
        match <[u8; 16]>::try_from(bytes) {
            // As very old cards have it.
            Ok(uuid) if uuid == [0; 16] => self.findings.push(Finding::note(
                NAME,
                "its Card UUID is all zeros",
                "The card is told by its FASC-N instead: it works.",
            )),
            Ok(uuid) => self.uuid = Some(uuid),
            Err(_) => self.findings.push(fault("its Card UUID is not 16 bytes")),
        }
    }

    fn take_fascn(&mut self, bytes: &[u8]) {
        match FascN::decode(bytes) {
            Ok(decoded) => {
                if !decoded.check_is_right {
                    // Seen on cards that are otherwise fine.
                    self.findings.push(Finding::note(
                        NAME,
                        "the check of its FASC-N is wrong",
                        "The number itself is whole: the card works.",
                    ));
                }
                self.fascn = Some(decoded.fascn);
            }
            Err(error) => self.findings.push(fault(&error.to_string())),
        }
    }
}

/// How it is named in findings.
const NAME: &str = "CHUID";

fn fault(fault: &str) -> Finding {
    Finding::fault(
        NAME,
        fault,
        "What numbers the card is damaged; doors and portals may not know it. If they refuse, have it replaced at an ID card office.",
    )
}

/// As RFC 4122 writes it.
pub(super) fn hyphenated(uuid: [u8; 16]) -> String {
    let hex = hex(&uuid);
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

#[cfg(test)]
mod tests {
    use cac_common::finding::Weight;
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &[u8] = b"\x30\x19\xD4\xF8\x10\xDA\x08\xC9\x2D\x04\x64\x95\x6D\x83\x68\x5A\x08\xC9\x2A\xDE\x0A\x61\x84\xF8\x10\x93\xFF\x34\x10\x00\x11\x22\x33\x44\x55\x46\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF\x35\x0820301231\x3E\x00\xFE\x00";

    #[test]
    fn a_whole_chuid_is_read() {
        let chuid = Chuid::parse(EXAMPLE);

        assert_eq!(
            chuid.card_id(),
            Some(CardId("00112233-4455-4677-8899-aabbccddeeff".into()))
        );
        assert_eq!(chuid.fascn.unwrap().identifier(), "9700-1234-123456");
        assert_eq!(chuid.expires.as_deref(), Some("2030-12-31"));
        assert!(chuid.findings.is_empty());
    }

    #[test]
    fn without_a_uuid_the_fascn_names_the_card() {
        let mut bytes = EXAMPLE.to_vec();
        bytes[29..45].fill(0);

        assert_eq!(
            Chuid::parse(&bytes).card_id(),
            Some(CardId("9700-1234-123456".into()))
        );
    }

    #[test]
    fn what_is_wrong_is_told_and_the_rest_is_read() {
        let mut bytes = EXAMPLE.to_vec();
        bytes[5] ^= 0x10;
        bytes[47] = b'x';

        let chuid = Chuid::parse(&bytes);

        assert!(chuid.uuid.is_some());
        assert_eq!(chuid.findings.len(), 2, "{:?}", chuid.findings);
    }

    #[test]
    fn a_uuid_of_zeros_is_told_and_numbers_no_card() {
        let mut bytes = EXAMPLE.to_vec();
        bytes[29..45].fill(0);

        let chuid = Chuid::parse(&bytes);

        assert_eq!(chuid.uuid, None);
        assert_eq!(chuid.findings[0].weight, Weight::Note);
    }

    #[test]
    fn a_card_that_is_not_federal_has_no_number_but_its_uuid() {
        let fascn = b"\x30\x19\xD4\xE7\x39\xDA\x73\x9C\xED\x39\xCE\x73\x9D\xA1\x68\x58\x21\x08\x42\x10\x84\x21\x80\x42\x10\xC3\xF3";

        let chuid = Chuid::parse(fascn);

        assert!(!chuid.fascn.as_ref().unwrap().is_federal());
        assert_eq!(chuid.card_id(), None);
    }

    #[test]
    fn the_cardholder_is_numbered_too() {
        let chuid = Chuid::parse(b"\x36\x10ABCDEFGHIJKLMNOP\xFE\x00");

        assert_eq!(chuid.cardholder.as_ref(), Some(b"ABCDEFGHIJKLMNOP"));
    }

    #[test]
    fn the_signature_covers_all_but_itself_and_the_buffer_length() {
        let signed = &EXAMPLE[..55];
        let bytes = [b"\xEE\x02\x00\x3B", signed, b"\x3E\x03abc\xFE\x00"].concat();

        let chuid = Chuid::parse(&bytes);

        assert_eq!(chuid.issuer_signature, b"abc");
        assert_eq!(chuid.signed_content, [signed, b"\xFE\x00"].concat());
        assert!(chuid.findings.is_empty());
    }

    #[test]
    fn a_chuid_that_is_cut_short_has_nothing_that_was_signed() {
        let chuid = Chuid::parse(&EXAMPLE[..56]);

        assert!(chuid.uuid.is_some());
        assert_eq!(chuid.signed_content, b"");
        assert_eq!(chuid.findings.len(), 1);
    }

    #[test]
    fn the_head_is_enough_once_all_that_numbers_the_card_is_in() {
        for length in 0..EXAMPLE.len() {
            let head = Chuid::parse_head(&EXAMPLE[..length]);

            assert_eq!(head.is_enough, length >= 55, "{length}");
            assert_eq!(head.chuid.fascn.is_some(), length >= 27, "{length}");
            assert!(head.chuid.findings.is_empty(), "{length}");
        }
        let head = Chuid::parse_head(EXAMPLE);
        assert_eq!(head.chuid.card_id(), Chuid::parse(EXAMPLE).card_id());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let chuid = Chuid::parse(&bytes);
            let head = Chuid::parse_head(&bytes).chuid;

            prop_assert!(chuid.signed_content.len() <= bytes.len());
            prop_assert_eq!(chuid.card_id(), head.card_id());
        }
    }
}
