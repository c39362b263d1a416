//! The Card Holder Unique Identifier: which card it is (SP 800-73pt1-5 §3.1.2).

use cac_common::fascn::FascN;
use cac_common::finding::Finding;
use cac_common::identity::CardId;

use super::certificate::hex;
use super::tlv;

// Tags of what it says (SP 800-73pt1-5, table 9).
const FASCN: u32 = 0x30;
const CARD_UUID: u32 = 0x34;
const EXPIRES: u32 = 0x35;

/// What a CHUID says. Everything is optional, since cards leave things out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chuid {
    pub fascn: Option<FascN>,
    /// Card UUID, if it is there and not all zero.
    pub uuid: Option<[u8; 16]>,
    /// `YYYY-MM-DD`.
    pub expires: Option<String>,
    /// What could not be read, in words.
    pub findings: Vec<Finding>,
}

impl Chuid {
    /// Reads the content of the object, without its outer tag.
    pub fn parse(bytes: &[u8]) -> Self {
        Self::read(bytes, true)
    }

    fn read(bytes: &[u8], is_whole: bool) -> Self {
        let mut chuid = Self::default();
        for element in tlv::elements(bytes) {
            let Ok(element) = element else {
                if is_whole {
                    chuid.findings.push(fault("it is cut short"));
                }
                break;
            };
            match element.tag {
                FASCN => chuid.take_fascn(element.value),
                CARD_UUID => chuid.uuid = uuid(element.value),
                EXPIRES => match date(element.value) {
                    Some(date) => chuid.expires = Some(date),
                    None => chuid.findings.push(fault("its expiry date is no date")),
                },
                _ => {}
            }
        }
        chuid
    }

    /// Reads the front of one; that it is cut short is no finding.
    pub fn parse_head(bytes: &[u8]) -> Self {
        Self::read(bytes, false)
    }

    /// Whether the front of one has everything that says which card it is,
    /// whose, and until when: the order varies between issuers.
    pub fn is_enough(bytes: &[u8]) -> bool {
        [FASCN, CARD_UUID, EXPIRES]
            .into_iter()
            .all(|tag| tlv::find(bytes, tag).is_some())
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

fn uuid(bytes: &[u8]) -> Option<[u8; 16]> {
    bytes
        .try_into()
        .ok()
        .filter(|uuid: &[u8; 16]| uuid.iter().any(|byte| *byte != 0))
}

fn date(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (year, month, day) = (&text[..4], &text[4..6], &text[6..]);
    let in_range = ("01"..="12").contains(&month) && ("01"..="31").contains(&day);
    in_range.then(|| format!("{year}-{month}-{day}"))
}

fn hyphenated(uuid: [u8; 16]) -> String {
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

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Chuid::parse(&bytes).card_id();
        }
    }
}
