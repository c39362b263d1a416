//! Whether a certificate leads up to an authority that is trusted (RFC 5280 section 6).

use std::collections::VecDeque;

use cac_common::certificate::ChainStatus;
use cac_common::time::UtcSeconds;
use cac_common::x509::signature::SignatureFault;
use cac_common::x509::{Certificate, DistinguishedName, NotACertificate};
use der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::KeyUsage;

use super::policy::{self, Policies, PolicyFault};

/// The most certificates on a path, the anchor among them. Through the Federal
/// Bridge they are about six.
const LONGEST: usize = 8;

/// Whoever puts certificates together to mislead us gets this many signatures
/// looked at, and no more.
const MOST_SIGNATURES: usize = 100;

/// Policies of test cards (NIST CSOR, 2.16.840.1.101.3.2.1.48).
const TEST_POLICIES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.2.1.48");

/// What the names of authorities for tests hold, in lower case: the DoD's,
/// the GSA's and NIST's.
const TEST_NAMES: [&str; 3] = ["jitc", "icam test card", "test piv cards"];

/// What is known of a certificate's authorities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// No anchor is configured, so nothing can be said.
    NotConfigured,
    Trusted(TrustedPath),
    /// It comes from an authority for tests, which is never trusted.
    Test {
        authority: String,
    },
    NotTrusted(PathFault),
}

/// The way from a certificate up to an anchor; every step was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedPath {
    /// The certificate first, the anchor last.
    certificates: Vec<Certificate>,
    pub policies: Policies,
}

/// Why a certificate is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    #[error("it cannot be read: {0}")]
    Unreadable(NotACertificate),
    #[error("the certificate of its issuer {issuer} is not there")]
    NoIssuer { issuer: String },
    #[error("it leads up to {root}, which is not trusted here")]
    NotAnAnchor { root: String },
    #[error("{subject} is not valid yet")]
    NotYetValid { subject: String },
    #[error("{subject} has expired")]
    Expired { subject: String },
    #[error("{subject} issued it, and is no authority")]
    NotAnAuthority { subject: String },
    #[error("{subject} may not sign certificates")]
    MayNotSign { subject: String },
    #[error("{subject} allows fewer authorities below it")]
    TooDeep { subject: String },
    #[error("{subject} has a critical extension that is not understood here, {extension}")]
    Extension {
        subject: String,
        extension: ObjectIdentifier,
    },
    #[error("{subject}: {fault}")]
    Signature {
        subject: String,
        fault: SignatureFault,
    },
    #[error("{0}")]
    Policy(PolicyFault),
    #[error("its chain has more than {LONGEST} certificates")]
    TooLong,
    #[error("{MOST_SIGNATURES} signatures were looked at, and none led to a trusted authority")]
    TooMany,
}

/// Where authorities are looked for.
pub(super) struct Pool<'a> {
    pub(super) anchors: &'a [Certificate],
    /// No root among them.
    pub(super) intermediates: &'a [Certificate],
    /// Roots that are there, and are not trusted.
    pub(super) other_roots: &'a [Certificate],
}

/// When, and for what, a certificate is to be trusted.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub at: UtcSeconds,
    /// One of them has to hold; any does where none is named.
    pub policies: &'a [ObjectIdentifier],
}

impl PathFault {
    /// How much it says: every path that leads nowhere ends without an
    /// issuer, and any namesake of the issuer gives a wrong signature.
    fn weight(&self) -> u8 {
        match self {
            Self::NoIssuer { .. } => 0,
            Self::Signature {
                fault: SignatureFault::Wrong,
                ..
            } => 1,
            Self::NotAnAnchor { .. } => 2,
            Self::Unreadable(_)
            | Self::NotYetValid { .. }
            | Self::Expired { .. }
            | Self::NotAnAuthority { .. }
            | Self::MayNotSign { .. }
            | Self::TooDeep { .. }
            | Self::Extension { .. }
            | Self::Signature { .. }
            | Self::Policy(_)
            | Self::TooLong
            | Self::TooMany => 3,
        }
    }
}

impl TrustedPath {
    /// The certificate that was asked about.
    pub fn certificate(&self) -> &Certificate {
        self.certificates
            .first()
            .expect("a path has two ends or more")
    }

    /// Each certificate with its issuer, from the bottom up.
    pub fn steps(&self) -> impl Iterator<Item = (&Certificate, &Certificate)> {
        self.certificates
            .iter()
            .zip(self.certificates.iter().skip(1))
    }

    /// The subjects from its issuer up to the anchor.
    pub fn titles(&self) -> Vec<String> {
        let above = self.certificates.iter().skip(1);
        above
            .map(|authority| authority.title().to_owned())
            .collect()
    }

    fn authority_for_tests(&self) -> Option<String> {
        let mut above = self.certificates.iter().skip(1);
        above.find_map(name_for_tests)
    }
}

impl Verdict {
    pub fn status(&self) -> ChainStatus {
        match self {
            Self::NotConfigured => ChainStatus::NotConfigured,
            Self::Trusted(path) => ChainStatus::Trusted {
                path: path.titles(),
            },
            Self::Test { authority } => ChainStatus::Test {
                authority: authority.clone(),
            },
            Self::NotTrusted(fault) => ChainStatus::NotTrusted {
                reason: fault.to_string(),
            },
        }
    }
}

/// Tries every issuer that fits, so that a cross-certificate which leads
/// nowhere does not hide the root beside it; the shortest path wins.
pub(super) fn judge(pool: &Pool<'_>, leaf: &[u8], question: Question<'_>) -> Verdict {
    let leaf = match Certificate::parse(leaf) {
        Ok(leaf) => leaf,
        Err(error) => return Verdict::NotTrusted(PathFault::Unreadable(error)),
    };
    if has_test_policy(&leaf) || is_for_tests(&leaf.issuer) {
        return Verdict::Test {
            authority: leaf.issuer.title.clone(),
        };
    }
    let mut search = Search {
        question,
        signatures_left: MOST_SIGNATURES,
        fault: None,
        test: None,
    };
    let found = search.find(pool, &leaf);
    let test = match &found {
        Some(path) => path.authority_for_tests(),
        None => search.test.take(),
    };
    if let Some(authority) = test {
        return Verdict::Test { authority };
    }
    if pool.anchors.is_empty() {
        return Verdict::NotConfigured;
    }
    match (found, search.fault) {
        (Some(path), _) => Verdict::Trusted(path),
        (None, Some(fault)) => Verdict::NotTrusted(fault),
        (None, None) => Verdict::NotTrusted(PathFault::NoIssuer {
            issuer: leaf.issuer.title,
        }),
    }
}

fn has_test_policy(certificate: &Certificate) -> bool {
    let policies = certificate.extensions.policies.as_deref();
    policies.unwrap_or_default().iter().any(|policy| {
        let mut arcs = policy.arcs();
        TEST_POLICIES.arcs().all(|arc| arcs.next() == Some(arc))
    })
}

fn name_for_tests(authority: &Certificate) -> Option<String> {
    [&authority.subject, &authority.issuer]
        .into_iter()
        .find(|name| is_for_tests(name))
        .map(|name| name.title.clone())
}

fn is_for_tests(name: &DistinguishedName) -> bool {
    TEST_NAMES.iter().any(|test| name.mentions(test))
}

/// One search for a path.
struct Search<'a> {
    question: Question<'a>,
    signatures_left: usize,
    fault: Option<PathFault>,
    /// An authority for tests that stands above the certificate.
    test: Option<String>,
}

impl Search<'_> {
    /// Breadth first: no path is looked at before every shorter one.
    fn find(&mut self, pool: &Pool<'_>, leaf: &Certificate) -> Option<TrustedPath> {
        if let Err(fault) = self.check_dates(leaf, &called(leaf, 0)) {
            self.fault = Some(fault);
            return None;
        }
        let mut waiting = VecDeque::from([vec![leaf]]);
        while let Some(path) = waiting.pop_front() {
            let last = *path.last()?;
            for anchor in candidates(pool.anchors, last) {
                match self.step(&path, anchor) {
                    Ok(whole) => match self.validate(&whole) {
                        Ok(found) => return Some(found),
                        Err(fault) => self.note(fault),
                    },
                    Err(fault) => self.note(fault),
                }
            }
            let mut leads_on = false;
            for issuer in candidates(pool.intermediates, last) {
                if path.iter().any(|one| one.is_same_authority(issuer)) {
                    continue;
                }
                match self.step(&path, issuer) {
                    // The anchor is still to come.
                    Ok(longer) if longer.len() < LONGEST => {
                        leads_on = true;
                        waiting.push_back(longer);
                    }
                    Ok(_) => self.note(PathFault::TooLong),
                    Err(fault) => self.note(fault),
                }
            }
            if self.signatures_left == 0 {
                self.note(PathFault::TooMany);
                return None;
            }
            if let Some(root) = candidates(pool.other_roots, last).next() {
                self.note(PathFault::NotAnAnchor {
                    root: root.title().to_owned(),
                });
            } else if !leads_on {
                self.note(PathFault::NoIssuer {
                    issuer: last.issuer.title.clone(),
                });
            }
        }
        None
    }

    /// Keeps the first of those that say most.
    fn note(&mut self, fault: PathFault) {
        let known = self.fault.as_ref().map(PathFault::weight);
        if known.is_none_or(|known| known < fault.weight()) {
            self.fault = Some(fault);
        }
    }

    /// Whether `issuer` may stand above `path`, and signed its last certificate.
    fn step<'c>(
        &mut self,
        path: &[&'c Certificate],
        issuer: &'c Certificate,
    ) -> Result<Vec<&'c Certificate>, PathFault> {
        let subject = || called(issuer, path.len());
        let Some((last, below)) = path.split_last().filter(|_| self.signatures_left > 0) else {
            return Err(PathFault::TooMany);
        };
        self.signatures_left -= 1;
        last.verify_signature(&issuer.key)
            .map_err(|fault| PathFault::Signature {
                subject: called(last, below.len()),
                fault,
            })?;
        if self.test.is_none() {
            self.test = name_for_tests(issuer);
        }
        self.check_dates(issuer, &subject())?;
        if !issuer.extensions.is_authority {
            return Err(PathFault::NotAnAuthority { subject: subject() });
        }
        if !issuer.may(KeyUsage::key_cert_sign) {
            return Err(PathFault::MayNotSign { subject: subject() });
        }
        let mut longer = path.to_vec();
        longer.push(issuer);
        Ok(longer)
    }

    fn check_dates(&self, certificate: &Certificate, called: &str) -> Result<(), PathFault> {
        let subject = || called.to_owned();
        if self.question.at < certificate.not_before {
            return Err(PathFault::NotYetValid { subject: subject() });
        }
        if self.question.at > certificate.not_after {
            return Err(PathFault::Expired { subject: subject() });
        }
        Ok(())
    }

    /// What can be said only of a whole path.
    fn validate(&self, path: &[&Certificate]) -> Result<TrustedPath, PathFault> {
        let mut authorities_below = 0_usize;
        for (at, certificate) in path.iter().enumerate() {
            let subject = || called(certificate, at);
            let extensions = &certificate.extensions;
            if let Some(extension) = extensions.not_understood {
                return Err(PathFault::Extension {
                    subject: subject(),
                    extension,
                });
            }
            let is_leaf = at == 0;
            let allowed = extensions.path_length.map(usize::from);
            if !is_leaf && allowed.is_some_and(|allowed| authorities_below > allowed) {
                return Err(PathFault::TooDeep { subject: subject() });
            }
            // Section 6.1.4 (l): a self-issued one does not count.
            if !is_leaf && !certificate.is_self_issued() {
                authorities_below += 1;
            }
        }
        let below_anchor = path.iter().rev().skip(1).copied();
        let policies =
            policy::check(below_anchor, self.question.policies).map_err(PathFault::Policy)?;
        Ok(TrustedPath {
            certificates: path.iter().map(|one| (*one).clone()).collect(),
            policies,
        })
    }
}

/// By its place on a path. The first one names a person, with the DoD ID, and
/// what is said of it goes where that may not.
fn called(certificate: &Certificate, place: usize) -> String {
    if place == 0 {
        "the certificate".into()
    } else {
        certificate.title().to_owned()
    }
}

/// Those with the name of the issuer; first those with the key that is named too.
fn candidates<'a>(
    from: &'a [Certificate],
    certificate: &Certificate,
) -> impl Iterator<Item = &'a Certificate> {
    let named: Vec<_> = from
        .iter()
        .filter(|issuer| certificate.names_as_issuer(issuer))
        .collect();
    let (first, then): (Vec<_>, Vec<_>) = named
        .into_iter()
        .partition(|issuer| certificate.identifies_key_of(issuer));
    first.into_iter().chain(then)
}
