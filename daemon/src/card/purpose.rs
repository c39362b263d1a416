//! What a certificate is for, by its own word: key usage, extended key usage
//! and policies; never by the place where it lies on the card.

use cac_common::certificate::Role;
use der::asn1::ObjectIdentifier;
use x509_cert::TbsCertificate;
use x509_cert::ext::pkix::{CertificatePolicies, ExtendedKeyUsage, KeyUsage};

type Oid = ObjectIdentifier;

const fn oid(text: &str) -> Oid {
    Oid::new_unwrap(text)
}

/// RFC 5280 §4.2.1.12, and those of Microsoft, Kerberos (RFC 4556 §3.2.4) and
/// PIV (FIPS 201-3 §4.2.2, SP 800-73pt1-5 §3.1.2).
const CLIENT_AUTH: Oid = oid("1.3.6.1.5.5.7.3.2");
const EMAIL_PROTECTION: Oid = oid("1.3.6.1.5.5.7.3.4");
const SMARTCARD_LOGON: Oid = oid("1.3.6.1.4.1.311.20.2.2");
const CARD_AUTH: Oid = oid("2.16.840.1.101.3.6.8");
const CONTENT_SIGNING: Oid = oid("2.16.840.1.101.3.6.7");
const USAGES: [(Oid, &str); 9] = [
    (oid("1.3.6.1.5.5.7.3.1"), "serverAuth"),
    (CLIENT_AUTH, "clientAuth"),
    (EMAIL_PROTECTION, "emailProtection"),
    (SMARTCARD_LOGON, "smartcardLogon"),
    (oid("1.3.6.1.5.2.3.4"), "pkinit-KPClientAuth"),
    (CARD_AUTH, "id-PIV-cardAuth"),
    (CONTENT_SIGNING, "id-PIV-content-signing"),
    (oid("2.5.29.37.0"), "anyExtendedKeyUsage"),
    (oid("1.3.6.1.5.5.7.3.9"), "OCSPSigning"),
];

/// The arc of the Federal PKI's policies (X.509 Certificate Policy for the
/// U.S. Federal PKI Common Policy Framework, §1.2), by their last number.
const COMMON: Oid = oid("2.16.840.1.101.3.2.1.3");
const COMMON_NAMES: [(u32, &str); 19] = [
    (6, "id-fpki-common-policy"),
    (7, "id-fpki-common-hardware"),
    (8, "id-fpki-common-devices"),
    (13, "id-fpki-common-authentication"),
    (16, "id-fpki-common-high"),
    (17, "id-fpki-common-cardAuth"),
    (18, "id-fpki-certpcy-pivi-hardware"),
    (19, "id-fpki-certpcy-pivi-cardAuth"),
    (20, "id-fpki-certpcy-pivi-contentSigning"),
    (36, "id-fpki-common-devicesHardware"),
    (39, "id-fpki-common-piv-contentSigning"),
    (40, "id-fpki-common-derived-pivAuth"),
    (41, "id-fpki-common-derived-pivAuth-hardware"),
    (45, "id-fpki-common-pivi-authentication"),
    (46, "id-fpki-common-pivi-cardAuth"),
    (47, "id-fpki-common-pivi-contentSigning"),
    (1, "id-fpki-certpcy-rudimentaryAssurance"),
    (2, "id-fpki-certpcy-basicAssurance"),
    (12, "id-fpki-certpcy-mediumHardware"),
];
/// Of the same arc: its holder stands behind it.
const FOR_ITS_HOLDER: [u32; 5] = [13, 40, 41, 45, 18];
const FOR_THE_CARD: [u32; 3] = [17, 19, 46];
const FOR_CONTENT: [u32; 3] = [20, 39, 47];

/// The arc of the DoD's policies (DoD X.509 Certificate Policy §1.2).
const DOD: Oid = oid("2.16.840.1.101.2.1.11");
const DOD_NAMES: [(u32, &str); 19] = [
    (5, "id-US-dod-medium"),
    (9, "id-US-dod-mediumHardware"),
    (10, "id-US-dod-PIV-Auth"),
    (17, "id-US-dod-mediumNPE"),
    (18, "id-US-dod-medium-2048"),
    (19, "id-US-dod-mediumHardware-2048"),
    (20, "id-US-dod-PIV-Auth-2048"),
    (31, "id-US-dod-peerInterop"),
    (36, "id-US-dod-mediumNPE-112"),
    (37, "id-US-dod-mediumNPE-128"),
    (38, "id-US-dod-mediumNPE-192"),
    (39, "id-US-dod-medium-112"),
    (40, "id-US-dod-medium-128"),
    (41, "id-US-dod-medium-192"),
    (42, "id-US-dod-mediumHardware-112"),
    (43, "id-US-dod-mediumHardware-128"),
    (44, "id-US-dod-mediumHardware-192"),
    (59, "id-US-dod-admin"),
    (60, "id-US-dod-internalNPE-112"),
];

/// What a certificate says it may be used for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Purposes {
    /// None at all restricts nothing (RFC 5280 §4.2.1.3).
    usage: Option<KeyUsage>,
    extended: Vec<Oid>,
    policies: Vec<Oid>,
}

impl Purposes {
    pub(super) fn of(certificate: &TbsCertificate) -> Self {
        let usage = match certificate.get_extension::<KeyUsage>() {
            Ok(usage) => usage.map(|(_, usage)| usage),
            // What cannot be read permits nothing.
            Err(_) => Some(KeyUsage(der::flagset::FlagSet::default())),
        };
        let extended = match certificate.get_extension::<ExtendedKeyUsage>() {
            Ok(Some((_, usages))) => usages.0,
            Ok(None) | Err(_) => Vec::new(),
        };
        let policies = match certificate.get_extension::<CertificatePolicies>() {
            Ok(Some((_, policies))) => policies.0,
            Ok(None) | Err(_) => Vec::new(),
        };
        Self {
            usage,
            extended,
            policies: policies
                .into_iter()
                .map(|policy| policy.policy_identifier)
                .collect(),
        }
    }

    /// Key usage has digitalSignature, or none is given.
    pub fn may_sign(&self) -> bool {
        self.usage.is_none_or(|usage| usage.digital_signature())
    }

    /// It claims to stand for the card or its content, never for its holder.
    pub fn is_for_the_card_alone(&self) -> bool {
        self.has_policy(&FOR_THE_CARD)
            || self.has_policy(&FOR_CONTENT)
            || self.extended.contains(&CARD_AUTH)
            || self.extended.contains(&CONTENT_SIGNING)
    }

    /// It claims a policy by which its holder stands behind it when signing in.
    pub fn is_for_its_holder(&self) -> bool {
        self.has_policy(&FOR_ITS_HOLDER)
    }

    pub fn has_smartcard_logon(&self) -> bool {
        self.extended.contains(&SMARTCARD_LOGON)
    }

    pub fn role(&self) -> Role {
        let usage = self.usage;
        let may = |allows: fn(&KeyUsage) -> bool| usage.is_some_and(|usage| allows(&usage));
        if self.extended.contains(&CONTENT_SIGNING) || self.has_policy(&FOR_CONTENT) {
            Role::ContentSigning
        } else if self.is_for_the_card_alone() {
            Role::Card
        } else if may(KeyUsage::key_encipherment) || may(KeyUsage::key_agreement) {
            Role::Encryption
        } else if !self.may_sign() {
            Role::Other
        } else if self.is_for_its_holder() {
            Role::Authentication
        } else if self.extended.contains(&EMAIL_PROTECTION) {
            Role::Signature
        } else if self.extended.contains(&CLIENT_AUTH) || self.has_smartcard_logon() {
            Role::Authentication
        } else if self.extended.is_empty() && self.usage.is_some() {
            Role::Identity
        } else {
            Role::Other
        }
    }

    /// In the words of RFC 5280.
    pub fn usage_words(&self) -> Vec<String> {
        let Some(usage) = self.usage else {
            return Vec::new();
        };
        [
            (usage.digital_signature(), "digitalSignature"),
            (usage.non_repudiation(), "nonRepudiation"),
            (usage.key_encipherment(), "keyEncipherment"),
            (usage.data_encipherment(), "dataEncipherment"),
            (usage.key_agreement(), "keyAgreement"),
            (usage.key_cert_sign(), "keyCertSign"),
            (usage.crl_sign(), "cRLSign"),
            (usage.encipher_only(), "encipherOnly"),
            (usage.decipher_only(), "decipherOnly"),
        ]
        .into_iter()
        .filter(|(is_allowed, _)| *is_allowed)
        .map(|(_, word)| word.to_owned())
        .collect()
    }

    pub fn extended_words(&self) -> Vec<String> {
        let word = |usage: &Oid| {
            USAGES
                .iter()
                .find(|(known, _)| known == usage)
                .map_or_else(|| usage.to_string(), |(_, word)| (*word).to_owned())
        };
        self.extended.iter().map(word).collect()
    }

    pub fn policy_words(&self) -> Vec<String> {
        self.policies.iter().map(policy_word).collect()
    }

    fn has_policy(&self, last: &[u32]) -> bool {
        self.policies
            .iter()
            .filter_map(|policy| last_number(policy, &COMMON))
            .any(|number| last.contains(&number))
    }
}

fn policy_word(policy: &Oid) -> String {
    let named = |arc: &Oid, names: &[(u32, &'static str)]| {
        let number = last_number(policy, arc)?;
        let (_, name) = names.iter().find(|(known, _)| *known == number)?;
        Some((*name).to_owned())
    };
    named(&COMMON, &COMMON_NAMES)
        .or_else(|| named(&DOD, &DOD_NAMES))
        .unwrap_or_else(|| policy.to_string())
}

/// The number that stands after `arc`, if nothing else does.
fn last_number(policy: &Oid, arc: &Oid) -> Option<u32> {
    (policy.parent().as_ref() == Some(arc)).then(|| policy.arcs().last())?
}
