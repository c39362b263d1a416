//! A certificate, as far as its path and its revocation are concerned.

pub mod signature;

use der::asn1::ObjectIdentifier;
use der::{Decode as _, Encode as _};
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::pem::{self, LineEnding};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies,
    CrlDistributionPoints, ExtendedKeyUsage, InhibitAnyPolicy, KeyUsage, PolicyConstraints,
    PolicyMappings, SubjectKeyIdentifier,
};
use x509_cert::name::Name;

use self::signature::{PublicKey, SignatureFault, Signed};
use crate::identity::readable;
use crate::time::UtcSeconds;

/// A certificate larger than this is not looked at; those of the DoD have 2 kB.
const LARGEST: usize = 64 * 1024;

/// What one certificate may name of a kind: policies, mappings, addresses.
const MOST_NAMED: usize = 64;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
// RFC 5280 section 4.2.1 and 4.2.2.
const SUBJECT_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");
const CRL_POINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.31");
const POLICIES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32");
const POLICY_MAPPINGS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.33");
const AUTHORITY_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
const POLICY_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.36");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const INHIBIT_ANY_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.54");
const AUTHORITY_ACCESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.1");
const ACCESS_OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");

/// The bytes are no X.509 certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotACertificate {
    #[error("it is no X.509 certificate")]
    Malformed,
    #[error("it has {bytes} bytes, more than a certificate should")]
    TooLarge { bytes: usize },
    #[error("its extension {extension} cannot be read")]
    Extension { extension: ObjectIdentifier },
    #[error("its extension {extension} stands there twice")]
    Repeated { extension: ObjectIdentifier },
    #[error("its extension {extension} names more than {MOST_NAMED}")]
    TooMany { extension: ObjectIdentifier },
}

/// An X.509 certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub der: Vec<u8>,
    pub subject: DistinguishedName,
    pub issuer: DistinguishedName,
    pub serial: Vec<u8>,
    pub key: PublicKey,
    pub not_before: UtcSeconds,
    pub not_after: UtcSeconds,
    pub extensions: Extensions,
}

/// What the extensions say that are understood here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extensions {
    pub is_authority: bool,
    /// How many authorities may stand between this one and a card.
    pub path_length: Option<u8>,
    pub key_usage: Option<KeyUsage>,
    pub extended_key_usage: Option<Vec<ObjectIdentifier>>,
    /// None where there is no such extension.
    pub policies: Option<Vec<ObjectIdentifier>>,
    /// From the policy of the issuer to that of the subject.
    pub mappings: Vec<(ObjectIdentifier, ObjectIdentifier)>,
    pub require_explicit_policy: Option<u32>,
    pub inhibit_policy_mapping: Option<u32>,
    pub inhibit_any_policy: Option<u32>,
    pub subject_key_id: Option<Vec<u8>>,
    pub authority_key_id: Option<Vec<u8>>,
    /// Addresses of those who answer OCSP.
    pub ocsp: Vec<String>,
    /// Addresses of CRLs that are complete for all reasons.
    pub crls: Vec<String>,
    /// One that is critical, or constrains names, and is not understood.
    pub not_understood: Option<ObjectIdentifier>,
}

/// A distinguished name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistinguishedName {
    pub der: Vec<u8>,
    /// As RFC 4514 writes it, in lower case, white space folded.
    folded: String,
    /// Its common name; the whole name where it has none.
    pub title: String,
}

impl Certificate {
    pub fn parse(der: &[u8]) -> Result<Self, NotACertificate> {
        if der.len() > LARGEST {
            return Err(NotACertificate::TooLarge { bytes: der.len() });
        }
        let certificate =
            x509_cert::Certificate::from_der(der).map_err(|_| NotACertificate::Malformed)?;
        let tbs = certificate.tbs_certificate();
        // RFC 5280 section 4.1.1.2: both name the same algorithm.
        if tbs.signature() != certificate.signature_algorithm() {
            return Err(NotACertificate::Malformed);
        }
        Self::of(der, tbs)
    }

    fn of(der: &[u8], tbs: &TbsCertificate) -> Result<Self, NotACertificate> {
        let validity = tbs.validity();
        Ok(Self {
            der: der.to_vec(),
            subject: DistinguishedName::of(tbs.subject())?,
            issuer: DistinguishedName::of(tbs.issuer())?,
            serial: tbs.serial_number().as_bytes().to_vec(),
            key: PublicKey::of(tbs.subject_public_key_info()),
            not_before: moment(validity.not_before),
            not_after: moment(validity.not_after),
            extensions: Extensions::of(tbs.extensions().map_or(&[], Vec::as_slice))?,
        })
    }

    /// DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// As RFC 7468 §5 writes it.
    pub fn pem(&self) -> String {
        let text = pem::encode_string("CERTIFICATE", LineEnding::LF, &self.der);
        text.expect("a certificate is far from too long")
    }

    /// The common name of its subject; the whole name where it has none.
    pub fn title(&self) -> &str {
        &self.subject.title
    }

    /// Whether its extended key usage names this purpose.
    pub fn is_for(&self, purpose: ObjectIdentifier) -> bool {
        let usage = self.extensions.extended_key_usage.as_ref();
        usage.is_some_and(|purposes| purposes.contains(&purpose))
    }

    /// A root: an authority that is its own issuer.
    pub fn is_self_signed_authority(&self) -> bool {
        self.extensions.is_authority
            && self.is_self_issued()
            && Signed::from_der(&self.der).is_ok_and(|signed| signed.is_by(&self.key))
    }

    /// Its subject and its issuer have one name; another key of the issuer's
    /// may have signed it.
    pub fn is_self_issued(&self) -> bool {
        self.subject.is_same(&self.issuer)
    }

    /// Another certificate of one authority: a path that comes by it twice
    /// goes in a circle.
    pub fn is_same_authority(&self, other: &Self) -> bool {
        self.key == other.key && self.subject.is_same(&other.subject)
    }

    pub fn names_as_issuer(&self, issuer: &Self) -> bool {
        self.issuer.is_same(&issuer.subject)
    }

    /// Whether `issuer` has the key that this one says, where both identify it.
    pub fn identifies_key_of(&self, issuer: &Self) -> bool {
        match (
            &self.extensions.authority_key_id,
            &issuer.extensions.subject_key_id,
        ) {
            (Some(wanted), Some(found)) => wanted == found,
            (None, _) | (_, None) => true,
        }
    }

    pub fn verify_signature(&self, issuer: &PublicKey) -> Result<(), SignatureFault> {
        Signed::from_der(&self.der)
            .map_err(|_| SignatureFault::Wrong)?
            .verify(issuer)
    }

    /// Without a key usage, every use is allowed (RFC 5280 section 4.2.1.3).
    pub fn may(&self, usage: impl FnOnce(&KeyUsage) -> bool) -> bool {
        self.extensions.key_usage.as_ref().is_none_or(usage)
    }
}

impl Extensions {
    fn of(extensions: &[Extension]) -> Result<Self, NotACertificate> {
        let mut read = Self::default();
        for (at, extension) in extensions.iter().enumerate() {
            let name = extension.extn_id;
            if extensions[..at].iter().any(|other| other.extn_id == name) {
                return Err(NotACertificate::Repeated { extension: name });
            }
            read.add(extension)
                .map_err(|_| NotACertificate::Extension { extension: name })?;
            if read.names_too_many() {
                return Err(NotACertificate::TooMany { extension: name });
            }
        }
        Ok(read)
    }

    fn add(&mut self, extension: &Extension) -> der::Result<()> {
        let value = extension.extn_value.as_bytes();
        match extension.extn_id {
            BASIC_CONSTRAINTS => {
                let constraints = BasicConstraints::from_der(value)?;
                self.is_authority = constraints.ca;
                self.path_length = constraints.path_len_constraint;
            }
            KEY_USAGE => self.key_usage = Some(KeyUsage::from_der(value)?),
            EXTENDED_KEY_USAGE => {
                self.extended_key_usage = Some(ExtendedKeyUsage::from_der(value)?.0);
            }
            POLICIES => {
                let CertificatePolicies(policies) = CertificatePolicies::from_der(value)?;
                let named = policies.iter().map(|policy| policy.policy_identifier);
                self.policies = Some(named.collect());
            }
            POLICY_MAPPINGS => {
                let PolicyMappings(mappings) = PolicyMappings::from_der(value)?;
                let pairs = mappings
                    .iter()
                    .map(|mapping| (mapping.issuer_domain_policy, mapping.subject_domain_policy));
                self.mappings = pairs.collect();
            }
            POLICY_CONSTRAINTS => {
                let constraints = PolicyConstraints::from_der(value)?;
                self.require_explicit_policy = constraints.require_explicit_policy;
                self.inhibit_policy_mapping = constraints.inhibit_policy_mapping;
            }
            INHIBIT_ANY_POLICY => {
                self.inhibit_any_policy = Some(InhibitAnyPolicy::from_der(value)?.0);
            }
            SUBJECT_KEY_ID => {
                let SubjectKeyIdentifier(id) = SubjectKeyIdentifier::from_der(value)?;
                self.subject_key_id = Some(id.as_bytes().to_vec());
            }
            AUTHORITY_KEY_ID => {
                let id = AuthorityKeyIdentifier::from_der(value)?.key_identifier;
                self.authority_key_id = id.map(|id| id.as_bytes().to_vec());
            }
            AUTHORITY_ACCESS => self.ocsp = ocsp_addresses(value)?,
            CRL_POINTS => self.crls = crl_addresses(value)?,
            // Names are for whoever reads them, not for the path.
            SUBJECT_ALT_NAME => {}
            NAME_CONSTRAINTS => self.not_understood = Some(NAME_CONSTRAINTS),
            other if extension.critical => self.not_understood = Some(other),
            _ => {}
        }
        Ok(())
    }

    fn names_too_many(&self) -> bool {
        let policies = self.policies.as_ref().map_or(0, Vec::len);
        [
            policies,
            self.mappings.len(),
            self.ocsp.len(),
            self.crls.len(),
        ]
        .into_iter()
        .any(|count| count > MOST_NAMED)
    }
}

impl DistinguishedName {
    fn of(name: &Name) -> Result<Self, NotACertificate> {
        let text = name.to_string();
        let common = name
            .iter()
            .filter(|attribute| attribute.oid == COMMON_NAME)
            .filter_map(|attribute| std::str::from_utf8(attribute.value.value()).ok())
            .last();
        Ok(Self {
            der: name.to_der().map_err(|_| NotACertificate::Malformed)?,
            title: readable(common.unwrap_or(&text)),
            folded: folded(&text),
        })
    }

    /// The same bytes, or the same text in another kind of string (RFC 5280
    /// section 7.1): cross-certificates differ in which they write.
    pub fn is_same(&self, other: &Self) -> bool {
        self.der == other.der || self.folded == other.folded
    }

    /// `text` in lower case.
    pub fn mentions(&self, text: &str) -> bool {
        self.folded.contains(text)
    }

    pub fn is_written(&self, name: &Name) -> bool {
        folded(&name.to_string()) == self.folded
    }
}

/// In lower case, and with one space for each run of white space.
fn folded(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

pub fn moment(time: x509_cert::time::Time) -> UtcSeconds {
    UtcSeconds(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
}

fn ocsp_addresses(value: &[u8]) -> der::Result<Vec<String>> {
    let AuthorityInfoAccessSyntax(descriptions) = AuthorityInfoAccessSyntax::from_der(value)?;
    Ok(descriptions
        .iter()
        .filter(|description| description.access_method == ACCESS_OCSP)
        .filter_map(|description| web_address(&description.access_location))
        .collect())
}

fn crl_addresses(value: &[u8]) -> der::Result<Vec<String>> {
    let CrlDistributionPoints(points) = CrlDistributionPoints::from_der(value)?;
    let mut addresses = Vec::new();
    for point in points {
        // One for some reasons is not the whole, and one by somebody else
        // would need that one's certificate.
        if point.reasons.is_some() || point.crl_issuer.is_some() {
            continue;
        }
        if let Some(DistributionPointName::FullName(names)) = point.distribution_point {
            addresses.extend(names.iter().filter_map(web_address));
        }
    }
    Ok(addresses)
}

/// LDAP is left to others.
pub fn web_address(name: &GeneralName) -> Option<String> {
    let GeneralName::UniformResourceIdentifier(address) = name else {
        return None;
    };
    let is_web = |scheme: &str| {
        address
            .as_str()
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    (is_web("http://") || is_web("https://")).then(|| address.as_str().to_owned())
}
