//! What a certificate is for, by its own word: key usage, extended key usage
//! and policies; never by the place where it lies on the card.

use cac_common::certificate::Role;
use der::asn1::ObjectIdentifier;
use x509_cert::TbsCertificate;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{CertificatePolicies, ExtendedKeyUsage, KeyUsage, SubjectAltName};

type Oid = ObjectIdentifier;

const fn oid(text: &str) -> Oid {
    Oid::new_unwrap(text)
}

/// RFC 5280 §4.2.1.12, and those of Microsoft, Kerberos (RFC 4556 §3.2.4) and
/// PIV (FIPS 201-3 §4.2.2, SP 800-73pt1-5 §3.1.2).
const CLIENT_AUTH: Oid = oid("1.3.6.1.5.5.7.3.2");
const EMAIL_PROTECTION: Oid = oid("1.3.6.1.5.5.7.3.4");
const SMARTCARD_LOGON: Oid = oid("1.3.6.1.4.1.311.20.2.2");
const PKINIT: Oid = oid("1.3.6.1.5.2.3.4");
const ANY_USAGE: Oid = oid("2.5.29.37.0");
const CARD_AUTH: Oid = oid("2.16.840.1.101.3.6.8");
const CONTENT_SIGNING: Oid = oid("2.16.840.1.101.3.6.7");
const USAGES: [(Oid, &str); 9] = [
    (oid("1.3.6.1.5.5.7.3.1"), "serverAuth"),
    (CLIENT_AUTH, "clientAuth"),
    (EMAIL_PROTECTION, "emailProtection"),
    (SMARTCARD_LOGON, "smartcardLogon"),
    (PKINIT, "pkinit-KPClientAuth"),
    (CARD_AUTH, "id-PIV-cardAuth"),
    (CONTENT_SIGNING, "id-PIV-content-signing"),
    (ANY_USAGE, "anyExtendedKeyUsage"),
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
/// Of the same arc: its holder stands behind it when signing in.
const PIV: [u32; 1] = [13];
const DERIVED: [u32; 2] = [40, 41];
const PIV_I: [u32; 2] = [45, PIV_I_HARDWARE];
/// It stands in signature certificates of PIV-I as well.
const PIV_I_HARDWARE: u32 = 18;
const FOR_THE_CARD: [u32; 3] = [17, 19, 46];
const FOR_CONTENT: [u32; 3] = [20, 39, 47];

/// The arc of the policies that are for tests alone (NIST, Computer Security
/// Objects Register: test certificate policies).
const TEST: Oid = oid("2.16.840.1.101.3.2.1.48");

/// The arc of the DoD's policies (DoD X.509 Certificate Policy §1.2).
const DOD: Oid = oid("2.16.840.1.101.2.1.11");
const DOD_NAMES: [(u32, &str); 21] = [
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
    (61, "id-US-dod-internalNPE-128"),
    (62, "id-US-dod-internalNPE-192"),
];

/// Under which kind of policy a holder stands behind a certificate when signing in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vouching {
    Piv,
    /// Derived from a PIV card, for another device.
    Derived,
    /// Interoperable with PIV, issued outside the federal government.
    PivI,
}

/// What a certificate says it may be used for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Purposes {
    /// None at all restricts nothing (RFC 5280 §4.2.1.3).
    usage: Option<KeyUsage>,
    extended: Vec<Oid>,
    policies: Vec<Oid>,
    /// A mail address stands in it.
    names_mail: bool,
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
        let names = match certificate.get_extension::<SubjectAltName>() {
            Ok(Some((_, names))) => names.0,
            Ok(None) | Err(_) => Vec::new(),
        };
        Self {
            usage,
            extended,
            names_mail: names
                .iter()
                .any(|name| matches!(name, GeneralName::Rfc822Name(_))),
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
        self.vouching().is_some()
    }

    /// The kind of that policy.
    pub fn vouching(&self) -> Option<Vouching> {
        if self.has_policy(&PIV) {
            Some(Vouching::Piv)
        } else if self.has_policy(&DERIVED) {
            Some(Vouching::Derived)
        } else if self.has_policy(&PIV_I) {
            Some(Vouching::PivI)
        } else {
            None
        }
    }

    /// It follows a policy that is for tests, and is never to be accepted.
    pub fn is_test_policy(&self) -> bool {
        self.policies.iter().any(|policy| is_under(policy, &TEST))
    }

    pub fn has_smartcard_logon(&self) -> bool {
        self.extended.contains(&SMARTCARD_LOGON)
    }

    pub fn role(&self) -> Role {
        if self.extended.contains(&CONTENT_SIGNING) || self.has_policy(&FOR_CONTENT) {
            Role::ContentSigning
        } else if self.is_for_the_card_alone() {
            Role::Card
        } else if self.is_for_encryption() {
            Role::Encryption
        } else if !self.may_sign() {
            Role::Other
        } else if self.is_for_signatures() {
            Role::Signature
        } else if self.is_for_its_holder() || self.is_for_logon() {
            Role::Authentication
        } else {
            self.role_without_logon()
        }
    }

    /// Its key opens what was encrypted, and signs nobody in. Outside the DoD
    /// one key may do both.
    fn is_for_encryption(&self) -> bool {
        let may = |allows: fn(&KeyUsage) -> bool| self.usage.is_some_and(|usage| allows(&usage));
        let opens = may(KeyUsage::key_encipherment) || may(KeyUsage::key_agreement);
        let is_for_clients = self.is_for_logon() || self.extended.contains(&CLIENT_AUTH);
        opens && !(self.may_sign() && (is_for_clients || self.is_for_its_holder()))
    }

    /// It is made for mail and documents. Older ones of the DoD allow logon as
    /// well; those of PIV-I share a policy with what signs in.
    fn is_for_signatures(&self) -> bool {
        let is_of_piv_i = self.has_policy(&[PIV_I_HARDWARE]) && !self.is_for_logon();
        if self.is_for_its_holder() && !is_of_piv_i {
            return false;
        }
        self.extended.contains(&EMAIL_PROTECTION) || is_of_piv_i && self.vouches()
    }

    /// nonRepudiation: what it signs binds its holder.
    fn vouches(&self) -> bool {
        self.usage.is_some_and(|usage| usage.non_repudiation())
    }

    /// Made for signing in at a computer.
    fn is_for_logon(&self) -> bool {
        self.has_smartcard_logon() || self.extended.contains(&PKINIT)
    }

    /// What may sign and says nothing of logon: the CAC's ID certificate says
    /// digitalSignature and nonRepudiation, with no extended usage or
    /// clientAuth; a PIV signature certificate may leave extended usage out
    /// too, and then is known by its mail address.
    fn role_without_logon(&self) -> Role {
        let says_nothing = self.extended.iter().all(|usage| *usage == ANY_USAGE);
        let is_of_the_dod = self.policies.iter().any(|policy| is_under(policy, &DOD));
        if says_nothing && self.vouches() && self.names_mail {
            Role::Signature
        } else if says_nothing && self.usage.is_some() {
            Role::Identity
        } else if !self.extended.contains(&CLIENT_AUTH) {
            Role::Other
        } else if self.vouches() || is_of_the_dod {
            Role::Identity
        } else {
            Role::Authentication
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

fn is_under(policy: &Oid, arc: &Oid) -> bool {
    let mut arcs = policy.arcs();
    arc.arcs().all(|number| arcs.next() == Some(number))
}

#[cfg(test)]
mod tests;
