//! The data objects on the card beside the certificates (SP 800-73pt1-5, appendix A).

use super::tlv::{constructed, take, tlv};

/// A data object, named as in GET DATA.
pub(crate) type Tag = Vec<u8>;

pub(crate) const CHUID: &[u8] = &[0x5F, 0xC1, 0x02];
pub(crate) const CARD_CAPABILITY: &[u8] = &[0x5F, 0xC1, 0x07];
pub(crate) const DISCOVERY: &[u8] = &[0x7E];
pub(crate) const KEY_HISTORY: &[u8] = &[0x5F, 0xC1, 0x0C];
pub(crate) const PRINTED_INFORMATION: &[u8] = &[0x5F, 0xC1, 0x09];
pub(crate) const SECURITY_OBJECT: &[u8] = &[0x5F, 0xC1, 0x06];

/// Container identifiers, as the Security Object names what it holds the hash of.
pub(crate) const CHUID_CONTAINER: [u8; 2] = [0x30, 0x00];
pub(crate) const PRINTED_CONTAINER: [u8; 2] = [0x30, 0x01];

/// The PIV application identifier with its version.
pub(crate) const PIV_AID: [u8; 11] = [
    0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00,
];

/// Under which the CAC's applets are named.
const CAC_RID: [u8; 5] = [0xA0, 0x00, 0x00, 0x00, 0x79];

/// Every object ends with an empty error detection code.
const ERROR_DETECTION: &[u8] = &[0xFE, 0x00];

/// A calendar day, as cards write it.
#[derive(Clone, Copy)]
pub(crate) struct Date {
    pub(crate) year: u16,
    pub(crate) month: u8,
    pub(crate) day: u8,
}

/// What GET DATA answers for one certificate.
pub(crate) fn certificate(der: &[u8]) -> Vec<u8> {
    certificate_object(der, 0x00)
}

/// The same, packed or not, and what is said of it.
pub(crate) fn certificate_object(bytes: &[u8], info: u8) -> Vec<u8> {
    object(&[tlv(&[0x70], bytes), tlv(&[0x71], &[info])])
}

/// What the Card Holder Unique Identifier says, without its signature.
pub(crate) struct Chuid {
    pub(crate) fascn: [u8; 25],
    pub(crate) card: [u8; 16],
    pub(crate) expires: Date,
    /// The cardholder, the same on all cards of one person.
    pub(crate) holder: Option<[u8; 16]>,
}

impl Chuid {
    /// What the issuer signs: every element but the signature, the error detection code included.
    pub(crate) fn to_be_signed(&self) -> Vec<u8> {
        [&self.elements(), ERROR_DETECTION].concat()
    }

    /// What GET DATA answers.
    pub(crate) fn object(&self, signature: &[u8]) -> Vec<u8> {
        object(&[self.elements(), tlv(&[0x3E], signature)])
    }

    fn elements(&self) -> Vec<u8> {
        let Date { year, month, day } = self.expires;
        let date = format!("{year:04}{month:02}{day:02}");
        let mut elements = [
            tlv(&[0x30], &self.fascn),
            tlv(&[0x34], &self.card),
            tlv(&[0x35], date.as_bytes()),
        ]
        .concat();
        if let Some(holder) = self.holder {
            elements.extend(tlv(&[0x36], &holder));
        }
        elements
    }
}

/// Security Object: which data group stands for which container, and the signed list of hashes.
pub(crate) fn security_object(containers: &[[u8; 2]], signed_hashes: &[u8]) -> Vec<u8> {
    let mapping: Vec<u8> = (1..)
        .zip(containers)
        .flat_map(|(group, [high, low])| [group, *high, *low])
        .collect();
    object(&[tlv(&[0xBA], &mapping), tlv(&[0xBB], signed_hashes)])
}

/// What stands inside the outer tag of an object that was written here.
pub(crate) fn content(object: &[u8]) -> &[u8] {
    take(object).map_or(&[], |(_, content, _)| content)
}

/// Card Capability Container of a PIV card without CAC applets.
pub(crate) fn card_capability(card: &[u8; 16]) -> Vec<u8> {
    capability(&PIV_AID[..5], card, &[])
}

/// Card Capability Container that names three PKI applets beside PIV.
pub(crate) fn card_capability_of_a_dual_card(card: &[u8; 16]) -> Vec<u8> {
    let urls: Vec<Vec<u8>> = (0..3)
        .map(|applet| {
            // Type 04 is PKI; then object, application, and an empty access profile.
            let record = [0x04, 0x01, applet, 0x01, applet, 0, 0, 0, 0, 0, 0];
            [&CAC_RID, &record[..]].concat()
        })
        .map(|record| tlv(&[0xF3], &record))
        .collect();
    capability(&CAC_RID, card, &urls)
}

fn capability(rid: &[u8], card: &[u8; 16], urls: &[Vec<u8>]) -> Vec<u8> {
    let identifier = [rid, &[0xFF, 0x02], &card[..14]].concat();
    let mut parts = vec![
        tlv(&[0xF0], &identifier),
        tlv(&[0xF1], &[0x21]),
        tlv(&[0xF2], &[0x21]),
    ];
    if urls.is_empty() {
        parts.push(tlv(&[0xF3], &[]));
    } else {
        parts.extend_from_slice(urls);
    }
    parts.extend([tlv(&[0xF4], &[0x00]), tlv(&[0xF5], &[0x10])]);
    parts.extend([0xF6, 0xF7, 0xFA, 0xFB, 0xFC, 0xFD].map(|tag| tlv(&[tag], &[])));
    object(&parts)
}

/// Usage policies of the Discovery Object (SP 800-73pt1-5, section 3.3.2).
pub(crate) const APPLICATION_PIN_ONLY: [u8; 2] = [0x40, 0x00];
pub(crate) const GLOBAL_PIN_FIRST: [u8; 2] = [0x60, 0x20];

/// Discovery Object: which PINs there are, and which of them comes first.
pub(crate) fn discovery(policy: [u8; 2]) -> Vec<u8> {
    let pin_usage = tlv(&[0x5F, 0x2F], &policy);
    constructed(DISCOVERY, &[tlv(&[0x4F], &PIV_AID), pin_usage])
}

/// Key History: how many encryption keys of former cards have their
/// certificates here, and how many elsewhere.
pub(crate) fn key_history(here: u8, elsewhere: u8) -> Vec<u8> {
    let mut parts = vec![tlv(&[0xC1], &[here]), tlv(&[0xC2], &[elsewhere])];
    if elsewhere > 0 {
        // The name of the file is its own SHA-256; there is no such file.
        let url = format!("http://keys.test.invalid/{elsewhere:064X}");
        parts.push(tlv(&[0xF3], url.as_bytes()));
    }
    object(&parts)
}

/// What is printed on the front.
pub(crate) fn printed_information(
    name: &str,
    affiliation: &str,
    expires: Date,
    credential: u32,
) -> Vec<u8> {
    const MONTHS: [&str; 12] = [
        "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
    ];
    let month = MONTHS[usize::from(expires.month.clamp(1, 12)) - 1];
    let date = format!("{:04}{month}{:02}", expires.year, expires.day);
    object(&[
        tlv(&[0x01], name.as_bytes()),
        tlv(&[0x02], affiliation.as_bytes()),
        tlv(&[0x04], date.as_bytes()),
        tlv(&[0x05], format!("{credential:06}").as_bytes()),
        tlv(&[0x06], b"TEST97000000001"),
    ])
}

fn object(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut value = parts.concat();
    value.extend_from_slice(ERROR_DETECTION);
    tlv(&[0x53], &value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::virtual_card::hex::to_hex;

    const NEW_YEARS_EVE: Date = Date {
        year: 2030,
        month: 12,
        day: 31,
    };

    #[test]
    fn a_chuid_is_laid_out_as_the_standard_says() {
        let fascn = crate::virtual_card::fascn::FascN {
            agency: 9700,
            system: 1234,
            credential: 123_456,
            series: 0,
            issue: 1,
            person: 1_234_567_890,
            category: 1,
            organisation: 9700,
            association: 4,
        };
        let card = 0x0011_2233_4455_4677_8899_AABB_CCDD_EEFFu128.to_be_bytes();

        let chuid = Chuid {
            fascn: fascn.encode(),
            card,
            expires: NEW_YEARS_EVE,
            holder: None,
        };

        let object = chuid.object(&[]);

        assert_eq!(
            to_hex(&object),
            "533B3019D4F810DA08C92D0464956D83685A08C92ADE0A6184F81093FF\
             341000112233445546778899AABBCCDDEEFF350832303330313233313E00FE00"
        );
    }

    #[test]
    fn printed_information_spells_the_month() {
        let object = printed_information("DOE, JANE Q", "CIVILIAN", NEW_YEARS_EVE, 123);

        assert!(to_hex(&object).contains("0409323033304445433331"));
    }

    #[test]
    fn the_discovery_object_names_the_application_pin() {
        assert_eq!(
            to_hex(&discovery(APPLICATION_PIN_ONLY)),
            "7E124F0BA0000003080000100001005F2F024000"
        );
    }
}
