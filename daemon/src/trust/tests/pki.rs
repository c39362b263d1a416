//! Authorities and certificates made for one test.

use cac_common::time::UtcSeconds;
use cac_common::x509::Certificate;
use der::Encode as _;
use der::asn1::ObjectIdentifier;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DnType,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams,
    SerialNumber, date_time_ymd,
};
use x509_cert::ext::pkix::certpolicy::PolicyInformation;
use x509_cert::ext::pkix::{CertificatePolicies, PolicyConstraints, PolicyMapping, PolicyMappings};

use crate::trust::TrustedPath;
use crate::trust::path::{Pool, Question, Verdict, judge};

/// 2026-06-01 00:00 UTC. What is made here is good from 2020 to 2040.
pub(super) const NOW: UtcSeconds = UtcSeconds(1_780_272_000);

pub(super) const MEDIUM_HARDWARE: &str = "2.16.840.1.101.2.1.11.42";
pub(super) const AUTHENTICATION: &str = "2.16.840.1.101.3.2.1.3.13";
pub(super) const ANY_POLICY: &str = "2.5.29.32.0";

pub(super) const OCSP: &str = "http://ocsp.example/";
pub(super) const CRL: &str = "http://crl.example/a.crl";

pub(super) struct Authority {
    pub(super) issuer: Issuer<'static, KeyPair>,
    pub(super) der: Vec<u8>,
    name: String,
    key: Vec<u8>,
}

impl Authority {
    pub(super) fn root(name: &str) -> Self {
        Self::root_with(name, |_| {})
    }

    pub(super) fn root_with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = authority(name, change);
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self::new(name, params, key, der)
    }

    pub(super) fn below(&self, name: &str) -> Self {
        self.below_with(name, |_| {})
    }

    pub(super) fn below_with(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = authority(name, change);
        let der = params.signed_by(&key, &self.issuer).unwrap().der().to_vec();
        Self::new(name, params, key, der)
    }

    /// Another certificate for `other`, by this one: a cross-certificate.
    pub(super) fn vouch_for(&self, other: &Self) -> Vec<u8> {
        self.vouch_with(other, |_| {})
    }

    pub(super) fn vouch_with(
        &self,
        other: &Self,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Vec<u8> {
        let params = authority(&other.name, change);
        let certificate = params.signed_by(&other.key(), &self.issuer).unwrap();
        certificate.der().to_vec()
    }

    pub(super) fn key(&self) -> KeyPair {
        KeyPair::try_from(self.key.as_slice()).unwrap()
    }

    pub(super) fn card(&self) -> Vec<u8> {
        self.card_with(|_| {})
    }

    pub(super) fn card_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        self.issue("DOE.JANE.Q.1234567890", change).0
    }

    /// A certificate that is no authority's, and its key.
    pub(super) fn issue(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (Vec<u8>, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = plain(name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.der().to_vec(), key)
    }

    /// Of the year 2026, from `from` to `until` as month and day.
    pub(super) fn crl(&self, from: (u8, u8), until: (u8, u8), revoked: &[&[u8]]) -> Vec<u8> {
        self.crl_with(from, until, revoked, |_| {})
    }

    pub(super) fn crl_with(
        &self,
        from: (u8, u8),
        until: (u8, u8),
        revoked: &[&[u8]],
        change: impl FnOnce(&mut CertificateRevocationListParams),
    ) -> Vec<u8> {
        let entry = |certificate: &&[u8]| RevokedCertParams {
            serial_number: SerialNumber::from_slice(&parse(certificate).serial),
            revocation_time: date_time_ymd(2026, 5, 1),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        };
        // Others, before and after: enough for several pieces.
        let other = |number: u16| RevokedCertParams {
            serial_number: SerialNumber::from(u64::from(number) + 1),
            revocation_time: date_time_ymd(2026, 4, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let others = || (0..200).map(other);
        let mut params = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, from.0, from.1),
            next_update: date_time_ymd(2026, until.0, until.1),
            crl_number: SerialNumber::from(7_u64),
            issuing_distribution_point: None,
            revoked_certs: others()
                .chain(revoked.iter().map(entry))
                .chain(others())
                .collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        change(&mut params);
        params.signed_by(&self.issuer).unwrap().der().to_vec()
    }

    fn new(name: &str, params: CertificateParams, key: KeyPair, der: Vec<u8>) -> Self {
        Self {
            name: name.into(),
            key: key.serialize_der(),
            issuer: Issuer::new(params, key),
            der,
        }
    }
}

fn plain(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Fictional Test Government");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    params.use_authority_key_identifier_extension = true;
    params
}

fn authority(name: &str, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = plain(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
    ];
    change(&mut params);
    params
}

/// Only until 2026-05-01.
pub(super) fn expired(params: &mut CertificateParams) {
    params.not_after = date_time_ymd(2026, 5, 1);
}

pub(super) fn with_path_length(length: u8) -> impl FnOnce(&mut CertificateParams) {
    move |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(length))
}

/// Says where its revocation is asked for.
pub(super) fn with_addresses(params: &mut CertificateParams) {
    params.serial_number = Some(SerialNumber::from_slice(&[0xF0, 1, 2, 3, 4, 5, 6, 7]));
    params.crl_distribution_points = vec![rcgen::CrlDistributionPoint {
        uris: vec!["ldap://crl.example/a".into(), CRL.into()],
    }];
    let address = tlv(0x86, &[OCSP.as_bytes()]);
    let access = tlv(0x30, &[&tlv(0x30, &[&oid("1.3.6.1.5.5.7.48.1"), &address])]);
    add(params, &[1, 3, 6, 1, 5, 5, 7, 1, 1], false, access);
}

pub(super) fn with_policies(policies: &[&str]) -> impl FnOnce(&mut CertificateParams) {
    let policies = policies
        .iter()
        .map(|policy| PolicyInformation {
            policy_identifier: identifier(policy),
            policy_qualifiers: None,
        })
        .collect();
    let value = CertificatePolicies(policies).to_der().unwrap();
    move |params| add(params, &[2, 5, 29, 32], false, value)
}

pub(super) fn add_mapping(params: &mut CertificateParams, pairs: &[(&str, &str)]) {
    let mappings = pairs
        .iter()
        .map(|(issuer, subject)| PolicyMapping {
            issuer_domain_policy: identifier(issuer),
            subject_domain_policy: identifier(subject),
        })
        .collect();
    let value = PolicyMappings(mappings).to_der().unwrap();
    add(params, &[2, 5, 29, 33], true, value);
}

pub(super) fn add_constraints(
    params: &mut CertificateParams,
    require_explicit_policy: Option<u32>,
    inhibit_policy_mapping: Option<u32>,
) {
    let constraints = PolicyConstraints {
        require_explicit_policy,
        inhibit_policy_mapping,
    };
    add(params, &[2, 5, 29, 36], true, constraints.to_der().unwrap());
}

pub(super) fn add(params: &mut CertificateParams, oid: &[u64], critical: bool, value: Vec<u8>) {
    let mut extension = CustomExtension::from_oid_content(oid, value);
    extension.set_criticality(critical);
    params.custom_extensions.push(extension);
}

pub(super) fn identifier(text: &str) -> ObjectIdentifier {
    text.parse().unwrap()
}

pub(super) fn oid(text: &str) -> Vec<u8> {
    identifier(text).to_der().unwrap()
}

pub(super) fn parse(der: &[u8]) -> Certificate {
    Certificate::parse(der).unwrap()
}

pub(super) fn parse_all(ders: &[&[u8]]) -> Vec<Certificate> {
    ders.iter().map(|der| parse(der)).collect()
}

/// One element of DER.
pub(super) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut element = vec![tag];
    match content.len() {
        length @ 0..=0x7F => element.push(u8::try_from(length).unwrap()),
        length => {
            element.push(0x82);
            let length = u16::try_from(length).unwrap();
            if length < 0x100 {
                element.pop();
                element.push(0x81);
                element.push(u8::try_from(length).unwrap());
            } else {
                element.extend(length.to_be_bytes());
            }
        }
    }
    element.extend(content);
    element
}

pub(super) fn judged(anchors: &[&[u8]], intermediates: &[&[u8]], leaf: &[u8]) -> Verdict {
    judged_for(anchors, intermediates, leaf, &[])
}

pub(super) fn judged_for(
    anchors: &[&[u8]],
    intermediates: &[&[u8]],
    leaf: &[u8],
    policies: &[&str],
) -> Verdict {
    let (anchors, intermediates) = (parse_all(anchors), parse_all(intermediates));
    let pool = Pool {
        anchors: &anchors,
        intermediates: &intermediates,
        other_roots: &[],
    };
    let policies: Vec<_> = policies.iter().map(|policy| identifier(policy)).collect();
    let question = Question {
        at: NOW,
        policies: &policies,
    };
    judge(&pool, leaf, question)
}

pub(super) fn trusted(verdict: Verdict) -> TrustedPath {
    match verdict {
        Verdict::Trusted(path) => path,
        other @ (Verdict::NotConfigured | Verdict::Test { .. } | Verdict::NotTrusted(_)) => {
            panic!("{other:?}")
        }
    }
}
