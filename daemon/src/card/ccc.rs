//! The Card Capability Container: what kind of card it is, and which
//! applications it has beside PIV (SP 800-73pt1-5 §3.1.1; GSC-IS 2.1, §6.3).

use cac_common::certificate::Applet;
use cac_common::finding::Finding;

use super::cac;
use super::simple_tlv;
use super::tlv;

/// How it is named in findings.
const NAME: &str = "CCC";

/// The registered application provider of the CAC, and the application type of
/// its PKI applets: what a CardURL of theirs begins with.
const CAC_PKI: ([u8; 5], u8) = ([0xA0, 0x00, 0x00, 0x00, 0x79], 0x04);
/// A CardURL, as cards write it (GSC-IS 2.1, §6.3).
const CARD_URL: usize = 16;
/// More applications than any card has.
const MOST_URLS: usize = 64;

/// What a CCC says. Cards leave nearly all of it out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ccc {
    pub card: Option<CardIdentifier>,
    pub urls: Vec<CardUrl>,
    /// `10` is PIV.
    pub data_model: Option<u8>,
    /// What could not be read, in words.
    pub findings: Vec<Finding>,
}

/// Who made the card, and which of them it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardIdentifier {
    /// Registered application provider: of PIV, or of the CAC.
    pub provider: [u8; 5],
    pub manufacturer: u8,
    /// 1 is a card of files, 2 a Java card.
    pub card_type: u8,
    pub unique: [u8; 14],
}

/// Where an object of another application lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardUrl {
    pub provider: [u8; 5],
    /// 1 is generic, 2 symmetric, 4 PKI.
    pub application_type: u8,
    pub object: u16,
    pub application: u16,
    /// As long as cards of today write it.
    is_whole: bool,
}

impl Ccc {
    /// Reads the content of the object, without its outer tag.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut ccc = Self::default();
        for element in tlv::elements(bytes) {
            let Ok(element) = element else {
                ccc.findings.push(note("it is cut short"));
                break;
            };
            ccc.take(element.tag, element.value);
        }
        ccc
    }

    /// Reads the contents of both buffers of the CAC edge.
    pub fn parse_buffers(tags: &[u8], values: &[u8]) -> Self {
        let mut ccc = Self::default();
        for element in simple_tlv::elements(tags, values) {
            let Ok(element) = element else {
                ccc.findings.push(note("it is cut short"));
                break;
            };
            ccc.take(u32::from(element.tag), element.value);
        }
        ccc
    }

    /// The applets of certificates that it names.
    pub fn pki_applets(&self) -> impl Iterator<Item = Applet> {
        self.urls
            .iter()
            .filter(|url| (url.provider, url.application_type) == CAC_PKI)
            .filter_map(|url| cac::applet_of(url.aid()))
    }

    /// The card has the applets of the CAC beside PIV.
    pub fn is_dual(&self) -> bool {
        self.urls
            .iter()
            .any(|url| url.is_whole && (url.provider, url.application_type) == CAC_PKI)
    }

    fn take(&mut self, tag: u32, value: &[u8]) {
        match (tag, value) {
            // A card may leave any value empty (SP 800-73pt1-5 §3.1.1).
            (_, []) => {}
            (0xF0, value) => match CardIdentifier::parse(value) {
                Some(card) => self.card = Some(card),
                None => self.findings.push(note("its card identifier is malformed")),
            },
            (0xF3, value) if value.len() % CARD_URL == 0 => {
                value.chunks(CARD_URL).for_each(|url| self.take_url(url));
            }
            (0xF3, value) => self.take_url(value),
            (0xF5, [model, ..]) => self.data_model = Some(*model),
            _ => {}
        }
    }

    fn take_url(&mut self, value: &[u8]) {
        match CardUrl::parse(value) {
            Some(url) if self.urls.len() < MOST_URLS => self.urls.push(url),
            Some(_) => {}
            None => self.findings.push(note("it names an application wrongly")),
        }
        self.findings.dedup();
    }
}

impl CardIdentifier {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (provider, rest) = bytes.split_first_chunk()?;
        let (&[manufacturer, card_type], unique) = rest.split_first_chunk()?;
        Some(Self {
            provider: *provider,
            manufacturer,
            card_type,
            unique: unique.try_into().ok()?,
        })
    }
}

impl CardUrl {
    /// The application to select: provider and application.
    pub fn aid(&self) -> [u8; 7] {
        let mut aid = [0; 7];
        let (provider, application) = aid.split_at_mut(self.provider.len());
        provider.copy_from_slice(&self.provider);
        application.copy_from_slice(&self.application.to_be_bytes());
        aid
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (provider, rest) = bytes.split_first_chunk()?;
        let (&application_type, rest) = rest.split_first()?;
        let (object, rest) = rest.split_first_chunk()?;
        let application = rest.first_chunk()?;
        Some(Self {
            provider: *provider,
            application_type,
            object: u16::from_be_bytes(*object),
            application: u16::from_be_bytes(*application),
            is_whole: bytes.len() == CARD_URL,
        })
    }
}

fn note(fault: &str) -> Finding {
    Finding::note(
        NAME,
        fault,
        "What else the card can do is not known for certain; signing in does not depend on it.",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PIV_IDENTIFIER: &[u8] = b"\xF0\x15\xA0\x00\x00\x03\x08\x01\x02\
        \x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\x0E";

    #[test]
    fn a_piv_card_says_who_made_it() {
        let bytes = [PIV_IDENTIFIER, b"\xF1\x01\x21\xF2\x01\x21\xF3\x00\xF4\x01\x00\xF5\x01\x10\xF6\x00\xF7\x00\xFA\x00\xFB\x00\xFC\x00\xFD\x00\xFE\x00"].concat();

        let ccc = Ccc::parse(&bytes);

        let card = ccc.card.unwrap();
        assert_eq!(card.provider, [0xA0, 0, 0, 3, 8]);
        assert_eq!((card.manufacturer, card.card_type), (1, 2));
        assert_eq!(card.unique[13], 0x0E);
        assert_eq!(ccc.data_model, Some(0x10));
        assert!(!ccc.is_dual());
        assert!(ccc.findings.is_empty());
    }

    #[test]
    fn a_dual_card_names_the_applets_of_the_cac() {
        let bytes = b"\xF3\x10\xA0\x00\x00\x00\x79\x04\x01\x00\x01\x00\x00\x00\x00\x00\x00\x00\
            \xF3\x20\xA0\x00\x00\x00\x79\x01\x02\x00\x02\x00\x00\x00\x00\x00\x00\x00\
            \xA0\x00\x00\x00\x79\x04\x01\x01\x01\x01\x00\x00\x00\x00\x00\x00";

        let ccc = Ccc::parse(bytes);

        assert!(ccc.is_dual());
        assert_eq!(ccc.urls[0].aid(), [0xA0, 0, 0, 0, 0x79, 0x01, 0x00]);
        assert_eq!(ccc.urls[0].object, 0x0100);
        assert_eq!(ccc.urls[1].application_type, 1);
        assert_eq!(ccc.urls[2].aid(), [0xA0, 0, 0, 0, 0x79, 0x01, 0x01]);
    }

    #[test]
    fn other_applications_make_no_dual_card() {
        for url in [
            &b"\xF3\x10\xA0\x00\x00\x00\x79\x01\x02\x00\x02\x00\x00\x00\x00\x00\x00\x00"[..],
            b"\xF3\x10\xA0\x00\x00\x01\x16\x04\x01\x00\x01\x00\x00\x00\x00\x00\x00\x00",
            b"\xF3\x0A\xA0\x00\x00\x00\x79\x04\x01\x00\x01\x00",
        ] {
            assert!(!Ccc::parse(url).is_dual(), "{url:02X?}");
        }
    }

    #[test]
    fn what_is_malformed_is_told_once_and_the_rest_is_read() {
        let ccc = Ccc::parse(b"\xF3\x02\xA0\x00\xF3\x01\xA0\xF0\x03abc\xF5\x01\x10\xF1\x05a");

        assert_eq!(ccc.data_model, Some(0x10));
        assert_eq!(ccc.findings.len(), 3, "{:?}", ccc.findings);
    }

    #[test]
    fn applications_without_end_are_bounded() {
        let url = b"\xF3\x0A\xA0\x00\x00\x00\x79\x04\x01\x00\x01\x00";

        assert_eq!(Ccc::parse(&url.repeat(1000)).urls.len(), MOST_URLS);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Ccc::parse(&bytes).is_dual();
        }
    }
}
