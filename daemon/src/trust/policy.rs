//! Which certificate policies hold along a path (RFC 5280 section 6.1).
//!
//! The tree of the RFC grows with the product of what certificates name. What
//! it is asked at its end needs no tree: of each policy that is valid so far,
//! only which of the anchor's policies it stands for. So one level is kept,
//! and each policy stands in it once.

use std::collections::{BTreeMap, BTreeSet};

use cac_common::x509::Certificate;
use der::asn1::ObjectIdentifier;

/// RFC 5280 section 4.2.1.4.
const ANY_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32.0");

/// The policies on one level may not be more than this.
const MOST_POLICIES: usize = 128;

/// The policies of the last certificate that every authority above vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies(BTreeMap<ObjectIdentifier, Origin>);

/// What the anchor would call a policy.
type Origin = BTreeSet<ObjectIdentifier>;

/// Why the policies of a path do not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    #[error("none of its policies is vouched for by every authority above it")]
    None,
    #[error("it was issued under none of the policies that are asked for")]
    NotAcceptable,
    #[error("an authority above it maps any policy, which none may")]
    MapsAny,
    #[error("the authorities above it name more than {MOST_POLICIES} policies")]
    TooMany,
}

impl Policies {
    /// Whether this policy of the certificate holds.
    pub fn holds(&self, policy: ObjectIdentifier) -> bool {
        self.0.contains_key(&policy) || self.0.contains_key(&ANY_POLICY)
    }

    pub fn iter(&self) -> impl Iterator<Item = ObjectIdentifier> {
        self.0.keys().copied()
    }

    /// By the names that the anchor has for them.
    fn holds_one_of(&self, acceptable: &[ObjectIdentifier]) -> bool {
        self.0.values().any(|origin| {
            origin.contains(&ANY_POLICY) || acceptable.iter().any(|policy| origin.contains(policy))
        })
    }
}

/// A path on its way down, with the counters of section 6.1.2.
struct Level {
    /// What the next certificate has to name: expected policy, and its origin.
    expected: BTreeMap<ObjectIdentifier, Origin>,
    explicit: usize,
    mapping: usize,
    any: usize,
}

/// Goes down a path without its anchor, the certificate under the anchor
/// first. Where `acceptable` is not empty, one of them has to hold.
pub(super) fn check<'a>(
    path: impl ExactSizeIterator<Item = &'a Certificate>,
    acceptable: &[ObjectIdentifier],
) -> Result<Policies, PolicyFault> {
    let length = path.len();
    let never = length + 1;
    let mut level = Level {
        expected: BTreeMap::from([(ANY_POLICY, Origin::from([ANY_POLICY]))]),
        explicit: if acceptable.is_empty() { never } else { 0 },
        mapping: never,
        any: never,
    };
    let mut valid = BTreeMap::new();
    for (at, certificate) in path.enumerate() {
        let is_last = at + 1 == length;
        valid = level.valid(certificate, is_last)?;
        if level.explicit == 0 && valid.is_empty() {
            return Err(PolicyFault::None);
        }
        if is_last {
            level.wrap_up(certificate);
        } else {
            level.go_down(certificate, &valid)?;
        }
    }
    let policies = Policies(valid);
    if level.explicit == 0 && policies.0.is_empty() {
        return Err(PolicyFault::None);
    }
    if !acceptable.is_empty() && !policies.holds_one_of(acceptable) {
        return Err(PolicyFault::NotAcceptable);
    }
    Ok(policies)
}

impl Level {
    /// Section 6.1.3 (d) and (e).
    fn valid(
        &self,
        certificate: &Certificate,
        is_last: bool,
    ) -> Result<BTreeMap<ObjectIdentifier, Origin>, PolicyFault> {
        let mut valid = BTreeMap::new();
        let Some(named) = &certificate.extensions.policies else {
            return Ok(valid);
        };
        let under_any = self.expected.get(&ANY_POLICY);
        for policy in named.iter().filter(|policy| **policy != ANY_POLICY) {
            if let Some(origin) = self.expected.get(policy) {
                valid.insert(*policy, origin.clone());
            } else if let Some(origin) = under_any {
                valid.insert(*policy, under(origin, *policy));
            }
        }
        let any_counts = self.any > 0 || (!is_last && certificate.is_self_issued());
        if any_counts && named.contains(&ANY_POLICY) {
            for (policy, origin) in &self.expected {
                valid.entry(*policy).or_insert_with(|| origin.clone());
            }
        }
        if valid.len() > MOST_POLICIES {
            return Err(PolicyFault::TooMany);
        }
        Ok(valid)
    }

    /// Section 6.1.4 (a), (b), (h), (i) and (j).
    fn go_down(
        &mut self,
        certificate: &Certificate,
        valid: &BTreeMap<ObjectIdentifier, Origin>,
    ) -> Result<(), PolicyFault> {
        let extensions = &certificate.extensions;
        self.expected = self.mapped(certificate, valid)?;
        if !certificate.is_self_issued() {
            self.explicit = self.explicit.saturating_sub(1);
            self.mapping = self.mapping.saturating_sub(1);
            self.any = self.any.saturating_sub(1);
        }
        lower(&mut self.explicit, extensions.require_explicit_policy);
        lower(&mut self.mapping, extensions.inhibit_policy_mapping);
        lower(&mut self.any, extensions.inhibit_any_policy);
        Ok(())
    }

    fn mapped(
        &self,
        certificate: &Certificate,
        valid: &BTreeMap<ObjectIdentifier, Origin>,
    ) -> Result<BTreeMap<ObjectIdentifier, Origin>, PolicyFault> {
        let mappings = &certificate.extensions.mappings;
        let is_mapped = |policy: &ObjectIdentifier| mappings.iter().any(|(from, _)| from == policy);
        let mut expected: BTreeMap<_, _> = valid
            .iter()
            .filter(|(policy, _)| !is_mapped(policy))
            .map(|(policy, origin)| (*policy, origin.clone()))
            .collect();
        for (from, to) in mappings {
            if *from == ANY_POLICY || *to == ANY_POLICY {
                return Err(PolicyFault::MapsAny);
            }
            // Where mapping is inhibited, what would be mapped is lost.
            if self.mapping == 0 {
                continue;
            }
            let origin = match (valid.get(from), valid.get(&ANY_POLICY)) {
                (Some(origin), _) => origin.clone(),
                (None, Some(origin)) => under(origin, *from),
                (None, None) => continue,
            };
            expected.entry(*to).or_default().extend(origin);
        }
        if expected.len() > MOST_POLICIES {
            return Err(PolicyFault::TooMany);
        }
        Ok(expected)
    }

    /// Section 6.1.5 (a) and (b).
    fn wrap_up(&mut self, certificate: &Certificate) {
        self.explicit = self.explicit.saturating_sub(1);
        if certificate.extensions.require_explicit_policy == Some(0) {
            self.explicit = 0;
        }
    }
}

/// What a policy stands for that is named under one that stands for `origin`.
fn under(origin: &Origin, policy: ObjectIdentifier) -> Origin {
    if origin.contains(&ANY_POLICY) {
        Origin::from([policy])
    } else {
        origin.clone()
    }
}

fn lower(counter: &mut usize, to: Option<u32>) {
    if let Some(to) = to {
        *counter = (*counter).min(usize::try_from(to).unwrap_or(usize::MAX));
    }
}
