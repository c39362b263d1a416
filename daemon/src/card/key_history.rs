//! The Key History object: how many retired keys the card has, and where the
//! certificates are that do not lie on it (SP 800-73pt1-5 §3.3.3).

use cac_common::certificate::Retired;
use cac_common::finding::Finding;
use cac_common::identity::readable;

use super::tlv;

/// How it is named in findings.
const NAME: &str = "Key History";

/// Keys 82 to 95.
const MOST_KEYS: u8 = 20;
const LONGEST_URL: usize = 118;

/// What a Key History says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyHistory {
    /// Retired keys whose certificates lie on the card: the first so many.
    pub on_card: u8,
    /// Retired keys whose certificates lie elsewhere: the last so many.
    pub off_card: u8,
    /// Where.
    pub url: Option<String>,
    /// What could not be read, in words.
    pub findings: Vec<Finding>,
}

impl KeyHistory {
    /// Reads the content of the object, without its outer tag.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut history = Self::default();
        for element in tlv::elements(bytes) {
            let Ok(element) = element else {
                history.findings.push(note("it is cut short"));
                break;
            };
            match (element.tag, element.value) {
                (0xC1, [count]) => history.on_card = *count,
                (0xC2, [count]) => history.off_card = *count,
                (0xC1 | 0xC2, _) => history.findings.push(note("a count in it is not one byte")),
                (0xF3, value) => history.take_url(value),
                _ => {}
            }
        }
        if u16::from(history.on_card) + u16::from(history.off_card) > u16::from(MOST_KEYS) {
            history
                .findings
                .push(note("it counts more keys than a card can have"));
            history.on_card = history.on_card.min(MOST_KEYS);
            history.off_card = history.off_card.min(MOST_KEYS - history.on_card);
        }
        history
    }

    /// The retired keys whose certificates lie on the card.
    pub fn on_card_keys(&self) -> impl Iterator<Item = Retired> + use<> {
        Retired::all().take(usize::from(self.on_card))
    }

    fn take_url(&mut self, value: &[u8]) {
        let text = std::str::from_utf8(value).ok().map(readable);
        match text {
            Some(text) if value.len() <= LONGEST_URL => {
                self.url = Some(text).filter(|text| !text.is_empty());
            }
            Some(_) | None => self
                .findings
                .push(note("where its other certificates lie cannot be read")),
        }
    }
}

fn note(fault: &str) -> Finding {
    Finding::note(
        NAME,
        fault,
        "Old encrypted mail may not open with this card. Signing in does not depend on it.",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_counted_from_both_ends() {
        let url = "http://example.com/0011";
        let content = [
            &b"\xC1\x01\x03\xC2\x01\x02\xF3\x17"[..],
            url.as_bytes(),
            b"\xFE\x00",
        ]
        .concat();

        let history = KeyHistory::parse(&content);

        assert_eq!((history.on_card, history.off_card), (3, 2));
        assert_eq!(history.url.as_deref(), Some(url));
        assert_eq!(history.on_card_keys().last(), Retired::new(3));
        assert!(history.findings.is_empty());
    }

    #[test]
    fn a_card_without_retired_keys_says_so() {
        let history = KeyHistory::parse(b"\xC1\x01\x00\xC2\x01\x00\xFE\x00");

        assert_eq!(history, KeyHistory::default());
        assert_eq!(history.on_card_keys().next(), None);
    }

    #[test]
    fn more_keys_than_can_be_are_told_and_not_counted() {
        for (content, on_card, off_card) in [
            (&b"\xC1\x01\xFF\xC2\x01\xFF"[..], 20, 0),
            (b"\xC1\x01\x10\xC2\x01\x10", 16, 4),
        ] {
            let history = KeyHistory::parse(content);

            assert_eq!((history.on_card, history.off_card), (on_card, off_card));
            assert_eq!(history.findings.len(), 1, "{:?}", history.findings);
        }
    }

    #[test]
    fn what_is_malformed_is_told() {
        let long = [&b"\xF3\x77"[..], &[b'a'; 0x77]].concat();
        for content in [
            &b"\xC1\x02\x00\x01"[..],
            b"\xC2\x00",
            b"\xF3\x01\xFF",
            b"\xC1\x05a",
            &long,
        ] {
            let history = KeyHistory::parse(content);

            assert_eq!(history.findings.len(), 1, "{content:02X?}");
            assert_eq!(history.url, None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_count_no_more_keys_than_there_can_be(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let history = KeyHistory::parse(&bytes);

            prop_assert!(history.on_card + history.off_card <= MOST_KEYS);
        }
    }
}
