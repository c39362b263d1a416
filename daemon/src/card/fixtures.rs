//! Certificates for tests, written byte by byte: what they say is as wanted,
//! and their signature is none.

use std::time::Duration;

use cac_common::certificate::{Applet, Slot};
use cac_common::time::UtcSeconds;
use der::Encode as _;
use der::asn1::{ObjectIdentifier, UtcTime};
use der::flagset::FlagSet;
use x509_cert::ext::pkix::{KeyUsage, KeyUsages};

use super::certificate::parse;
use super::facts::CardCertificate;
use super::tlv;

pub(super) const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
pub(super) const MAIL: &str = "1.3.6.1.5.5.7.3.4";
pub(super) const LOGON: &str = "1.3.6.1.4.1.311.20.2.2";
pub(super) const CARD_AUTH: &str = "2.16.840.1.101.3.6.8";
pub(super) const HARDWARE: &str = "2.16.840.1.101.2.1.11.42";
pub(super) const PIV_AUTH: &str = "2.16.840.1.101.3.2.1.3.13";
pub(super) const CARD_ONLY: &str = "2.16.840.1.101.3.2.1.3.17";
pub(super) const TEST: &str = "2.16.840.1.101.3.2.1.48.11";

/// 2027-01-15 and 2030-12-31, of every draft that says nothing else.
pub(super) const BEGINS: i64 = 1_800_000_000;
pub(super) const ENDS: i64 = 1_924_905_600;
/// A moment between.
pub(super) const NOW: UtcSeconds = UtcSeconds(1_850_000_000);

/// 9700-1234-123456, the same as in the example of a CHUID.
pub(super) const FASCN: &[u8] = b"\xD4\xF8\x10\xDA\x08\xC9\x2D\x04\x64\x95\x6D\x83\x68\x5A\x08\xC9\x2A\xDE\x0A\x61\x84\xF8\x10\x93\xFF";
pub(super) const UUID: &str = "urn:uuid:00112233-4455-4677-8899-aabbccddeeff";

/// What a certificate is to say.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) slot: Slot,
    /// Common name.
    pub(super) subject: String,
    pub(super) units: Vec<&'static str>,
    /// Common name.
    pub(super) issuer: String,
    pub(super) usage: Option<FlagSet<KeyUsages>>,
    pub(super) extended: Vec<&'static str>,
    pub(super) policies: Vec<&'static str>,
    pub(super) upn: Option<&'static str>,
    pub(super) mail: Option<&'static str>,
    pub(super) fascn: Option<&'static [u8]>,
    pub(super) uri: Option<&'static str>,
    pub(super) not_before: i64,
    pub(super) not_after: i64,
    pub(super) key: Key,
}

#[derive(Clone, Copy)]
pub(super) enum Key {
    /// Bits, a multiple of eight.
    Rsa(u32),
    P256,
}

/// A PKI applet by its number; a CAC has its ID certificate in the first, 0.
pub(super) fn applet(number: u8) -> Slot {
    Slot::Applet(Applet::new(number).unwrap())
}

impl Draft {
    /// 9A, as a CAC has it today.
    pub(super) fn authentication() -> Self {
        Self {
            slot: Slot::Authentication,
            usage: Some(KeyUsages::DigitalSignature.into()),
            extended: vec![CLIENT_AUTH, LOGON],
            policies: vec![HARDWARE, PIV_AUTH],
            upn: Some("1234567890157004@mil"),
            fascn: Some(FASCN),
            uri: Some(UUID),
            ..Self::bare(Slot::Authentication)
        }
    }

    /// 9C.
    pub(super) fn signature() -> Self {
        Self {
            issuer: "DOD EMAIL CA-9901".into(),
            usage: Some(KeyUsages::DigitalSignature | KeyUsages::NonRepudiation),
            extended: vec![MAIL],
            policies: vec![HARDWARE],
            upn: Some("1234567890@mil"),
            mail: Some("jane.q.doe.civ@example.com"),
            ..Self::bare(Slot::Signature)
        }
    }

    /// 9D.
    pub(super) fn encryption() -> Self {
        Self {
            issuer: "DOD EMAIL CA-9901".into(),
            usage: Some(KeyUsages::KeyEncipherment.into()),
            extended: vec![MAIL],
            policies: vec![HARDWARE],
            mail: Some("jane.q.doe.civ@example.com"),
            ..Self::bare(Slot::KeyManagement)
        }
    }

    /// 9E.
    pub(super) fn card() -> Self {
        Self {
            subject: "9700123412345601".into(),
            units: vec!["DoD", "PKI"],
            usage: Some(KeyUsages::DigitalSignature.into()),
            extended: vec![CARD_AUTH],
            policies: vec![CARD_ONLY],
            fascn: Some(FASCN),
            uri: Some(UUID),
            ..Self::bare(Slot::CardAuthentication)
        }
    }

    /// The ID certificate of an older CAC.
    pub(super) fn identity(slot: Slot) -> Self {
        Self {
            usage: Some(KeyUsages::DigitalSignature | KeyUsages::NonRepudiation),
            policies: vec![HARDWARE],
            ..Self::bare(slot)
        }
    }

    /// Jane's, and no extension at all.
    pub(super) fn bare(slot: Slot) -> Self {
        Self {
            slot,
            subject: "DOE.JANE.Q.1234567890".into(),
            units: vec!["DoD", "PKI", "USAF"],
            issuer: "DOD ID CA-9901".into(),
            usage: None,
            extended: Vec::new(),
            policies: Vec::new(),
            upn: None,
            mail: None,
            fascn: None,
            uri: None,
            not_before: BEGINS,
            not_after: ENDS,
            key: Key::Rsa(2048),
        }
    }

    pub(super) fn certificate(&self) -> CardCertificate {
        parse(self.slot, self.der()).unwrap()
    }

    pub(super) fn der(&self) -> Vec<u8> {
        let algorithm = sequence(&[oid("1.2.840.113549.1.1.11"), vec![0x05, 0x00]]);
        let mut body = vec![
            tlv::write(0xA0, b"\x02\x01\x02"),
            b"\x02\x01\x2A".to_vec(),
            algorithm.clone(),
            name(&["DoD", "PKI"], &self.issuer),
            sequence(&[moment(self.not_before), moment(self.not_after)]),
            name(&self.units, &self.subject),
            self.key.info(),
        ];
        let extensions = self.extensions();
        if !extensions.is_empty() {
            body.push(tlv::write(0xA3, &sequence(&extensions)));
        }
        sequence(&[sequence(&body), algorithm, bits(&[0; 4])])
    }

    fn extensions(&self) -> Vec<Vec<u8>> {
        let all = |oids: &[&str]| oids.iter().map(|text| oid(text)).collect::<Vec<_>>();
        let names = self.alt_names();
        let usage = self.usage.map(|usage| KeyUsage(usage).to_der().unwrap());
        let policies: Vec<_> = all(&self.policies)
            .into_iter()
            .map(|policy| sequence(&[policy]))
            .collect();
        let extended = all(&self.extended);
        [
            usage.map(|usage| extension("2.5.29.15", &usage)),
            (!extended.is_empty()).then(|| extension("2.5.29.37", &sequence(&extended))),
            (!policies.is_empty()).then(|| extension("2.5.29.32", &sequence(&policies))),
            (!names.is_empty()).then(|| extension("2.5.29.17", &sequence(&names))),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn alt_names(&self) -> Vec<Vec<u8>> {
        let other = |kind, value: Vec<u8>| {
            tlv::write(0xA0, &[oid(kind), tlv::write(0xA0, &value)].concat())
        };
        let fascn = |bytes| other("2.16.840.1.101.3.6.6", tlv::write(0x04, bytes));
        let upn = |text: &str| other("1.3.6.1.4.1.311.20.2.3", tlv::write(0x0C, text.as_bytes()));
        [
            self.fascn.map(fascn),
            self.upn.map(upn),
            self.mail.map(|text| tlv::write(0x81, text.as_bytes())),
            self.uri.map(|text| tlv::write(0x86, text.as_bytes())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl Key {
    fn info(self) -> Vec<u8> {
        match self {
            Self::Rsa(size) => {
                let modulus = vec![0xC1; usize::try_from(size / 8).unwrap()];
                let key = sequence(&[
                    tlv::write(0x02, &[vec![0x00], modulus].concat()),
                    b"\x02\x03\x01\x00\x01".to_vec(),
                ]);
                let algorithm = sequence(&[oid("1.2.840.113549.1.1.1"), vec![0x05, 0x00]]);
                sequence(&[algorithm, bits(&key)])
            }
            Self::P256 => {
                let algorithm = [oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")];
                sequence(&[sequence(&algorithm), bits(&[0x04; 65])])
            }
        }
    }
}

fn name(units: &[&str], common_name: &str) -> Vec<u8> {
    let attribute = |kind, text: &str| {
        let attribute = sequence(&[oid(kind), tlv::write(0x0C, text.as_bytes())]);
        tlv::write(0x31, &attribute)
    };
    let mut parts = vec![
        attribute("2.5.4.6", "US"),
        attribute("2.5.4.10", "Example Government"),
    ];
    parts.extend(units.iter().map(|unit| attribute("2.5.4.11", unit)));
    parts.push(attribute("2.5.4.3", common_name));
    sequence(&parts)
}

fn moment(seconds: i64) -> Vec<u8> {
    let since_1970 = Duration::from_secs(u64::try_from(seconds).unwrap());
    UtcTime::from_unix_duration(since_1970)
        .unwrap()
        .to_der()
        .unwrap()
}

fn extension(kind: &str, value: &[u8]) -> Vec<u8> {
    sequence(&[oid(kind), tlv::write(0x04, value)])
}

fn oid(text: &str) -> Vec<u8> {
    ObjectIdentifier::new(text).unwrap().to_der().unwrap()
}

fn bits(bytes: &[u8]) -> Vec<u8> {
    tlv::write(0x03, &[&[0], bytes].concat())
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv::write(0x30, &parts.concat())
}
