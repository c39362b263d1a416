//! Who vouches for a card, what became of its certificates since, and whether
//! its signed objects are as they were issued. Pure: what comes over the
//! network is added by whoever asked.

use std::collections::BTreeMap;
use std::time::Duration;

use cac_common::certificate::{ChainStatus, Revocation, Slot};
use cac_common::finding::Finding;
use cac_common::time::UtcSeconds;
use cac_common::x509::signature::SignatureFault;

use crate::card::facts::CardFacts;
use crate::card::objects::{CAPABILITIES, CHUID, DISCOVERY, KEY_HISTORY, SECURITY};
use crate::card::security_object::{self, HashList, SecurityObject, differing};
use crate::trust::cms::{
    self, CHUID_CONTENT, CONTENT_SIGNING, CmsFault, SECURITY_OBJECT_CONTENT, Signer,
};
use crate::trust::{Authorities, Question, TrustedPath, Verdict};

/// Objects that a Security Object may cover, by their containers (SP 800-73pt1-5 appendix A).
const CONTAINERS: [(u16, u32); 4] = [
    (0x3000, CHUID.tag),
    (0xDB00, CAPABILITIES.tag),
    (0x6050, DISCOVERY.tag),
    (0x6060, KEY_HISTORY.tag),
];

/// The container of Printed Information.
const PRINTED: u16 = 0x3001;

/// What is known of a card's certificates and signed objects, beyond what
/// they say of themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// By the SHA-256 of a certificate, hexadecimal.
    pub chains: BTreeMap<String, ChainStatus>,
    pub revocations: BTreeMap<String, Revocation>,
    /// What is wrong with signed objects, or worth knowing of them.
    pub objects: Vec<Finding>,
    /// What came of asking over the network, once all of it was asked; none
    /// where nothing was.
    pub asked: Option<Asked>,
}

/// When it is worth asking again what became of certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Somebody who should know could not be reached.
    Away,
    /// Everyone answered. Nobody says anything new before this time is over.
    Answered { good_for: Duration },
}

impl Asked {
    /// What came of one more question.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Answered { good_for: one }, Self::Answered { good_for: other }) => {
                Self::Answered {
                    good_for: one.min(other),
                }
            }
            (Self::Away, _) | (_, Self::Away) => Self::Away,
        }
    }
}

impl Judgement {
    /// What was known of certificates stands until somebody says something new.
    pub fn carry_over<'a>(&mut self, facts: &CardFacts, asked: impl IntoIterator<Item = &'a str>) {
        for sha256 in asked {
            let mut certificates = facts.certificates.iter();
            if let Some(known) = certificates.find(|known| known.summary.sha256 == sha256) {
                let revocation = known.summary.revocation.clone();
                self.revocations.insert(sha256.to_owned(), revocation);
            }
        }
    }

    /// Adds it to what was read.
    pub fn apply(&self, facts: &mut CardFacts, at: UtcSeconds) {
        facts.judged = findings(facts, self, at);
        for certificate in &mut facts.certificates {
            let summary = &mut certificate.summary;
            if let Some(chain) = self.chains.get(&summary.sha256) {
                summary.chain = chain.clone();
            }
            let revocation = self.revocations.get(&summary.sha256);
            summary.revocation = revocation.cloned().unwrap_or_default();
        }
        facts.look_into(at);
    }
}

/// The certificates that lead up to an anchor, by their fingerprints: those
/// that can be asked about.
pub type Paths = Vec<(String, TrustedPath)>;

/// Judges all that needs no network.
pub fn judge(facts: &CardFacts, authorities: &Authorities, at: UtcSeconds) -> (Judgement, Paths) {
    let mut chains = BTreeMap::new();
    let mut paths = Vec::new();
    let question = Question { at, policies: &[] };
    for certificate in &facts.certificates {
        let summary = &certificate.summary;
        let verdict = authorities.judge(&certificate.der, question);
        chains.insert(summary.sha256.clone(), verdict.status());
        // What was retired is not used to sign in, and was often taken back.
        if let (Verdict::Trusted(path), false) = (verdict, matches!(summary.slot, Slot::Retired(_)))
        {
            paths.push((summary.sha256.clone(), path));
        }
    }
    // First the one that matters most.
    let login = facts.login.as_ref().map(|login| login.slot);
    let signs_in = |sha256: &str| {
        facts.certificates.iter().any(|certificate| {
            Some(certificate.summary.slot) == login && certificate.summary.sha256 == sha256
        })
    };
    paths.sort_by_key(|(sha256, _)| !signs_in(sha256));
    let judgement = Judgement {
        chains,
        revocations: BTreeMap::new(),
        asked: None,
        objects: objects(facts, authorities, at),
    };
    (judgement, paths)
}

/// What is to be said of the objects that the issuer signed.
fn objects(facts: &CardFacts, authorities: &Authorities, at: UtcSeconds) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut signer = None;
    // Only the whole says whether it is signed.
    if facts.objects.contains_key(&CHUID.tag) && !facts.chuid.signed_content.is_empty() {
        if facts.chuid.issuer_signature.is_empty() {
            findings.push(Finding::warning(
                "CHUID",
                "its issuer has not signed it",
                "Nothing shows that the numbers on the card are true. Doors may refuse it; portals go by the certificates.",
            ));
        } else {
            let verified = cms::verify_detached(
                &facts.chuid.issuer_signature,
                &facts.chuid.signed_content,
                CHUID_CONTENT,
                &[],
            );
            match verified {
                Ok(found) => {
                    findings.extend(of_signer("CHUID", &found, authorities, at));
                    signer = Some(found);
                }
                Err(fault) => findings.push(not_signed("CHUID", &fault)),
            }
        }
    }
    if let Some(content) = facts.objects.get(&SECURITY.tag).filter(|it| !it.is_empty()) {
        findings.extend(of_security_object(facts, content, signer, authorities, at));
    }
    findings
}

fn of_security_object(
    facts: &CardFacts,
    content: &[u8],
    chuid_signer: Option<Signer>,
    authorities: &Authorities,
    at: UtcSeconds,
) -> Vec<Finding> {
    let object = SecurityObject::parse(content);
    let mut findings = object.findings;
    if object.signed_data.is_empty() {
        return findings;
    }
    let others: Vec<_> = chuid_signer
        .into_iter()
        .map(|signer| signer.certificate)
        .collect();
    let (signer, content) =
        match cms::verify_attached(&object.signed_data, &SECURITY_OBJECT_CONTENT, &others) {
            Ok(verified) => verified,
            Err(fault) => {
                findings.push(not_signed("Security Object", &fault));
                return findings;
            }
        };
    if others.is_empty() {
        findings.extend(of_signer("Security Object", &signer, authorities, at));
    }
    match HashList::parse(&content) {
        Ok(list) => {
            let read: Vec<(u16, &[u8])> = CONTAINERS
                .iter()
                .filter_map(|(container, tag)| {
                    let content = facts.objects.get(tag).filter(|it| !it.is_empty())?;
                    Some((*container, &content[..]))
                })
                .collect();
            let differing = differing(&object.mapping, &list, &read);
            findings.extend(security_object::findings(&differing));
        }
        Err(fault) => findings.push(Finding::warning(
            "Security Object",
            &fault.to_string(),
            "It cannot be told whether the card is as it was issued.",
        )),
    }
    findings
}

/// Whether what is printed is as it was issued, where the Security Object says.
pub fn of_printed(facts: &CardFacts, printed: &[u8]) -> Vec<Finding> {
    let Some(content) = facts.objects.get(&SECURITY.tag) else {
        return Vec::new();
    };
    let object = SecurityObject::parse(content);
    let signer = cms::verify_detached(
        &facts.chuid.issuer_signature,
        &facts.chuid.signed_content,
        CHUID_CONTENT,
        &[],
    );
    let signer: Vec<_> = signer.into_iter().map(|it| it.certificate).collect();
    // What is wrong with the list itself is told of the card.
    let list = cms::verify_attached(&object.signed_data, &SECURITY_OBJECT_CONTENT, &signer)
        .ok()
        .and_then(|(_, content)| HashList::parse(&content).ok());
    let differing = list.map(|list| differing(&object.mapping, &list, &[(PRINTED, printed)]));
    security_object::findings(&differing.unwrap_or_default())
}

/// Who signed: somebody who may, and who is trusted, if anybody is.
fn of_signer(
    object: &str,
    signer: &Signer,
    authorities: &Authorities,
    at: UtcSeconds,
) -> Option<Finding> {
    if !signer.certificate.is_for(CONTENT_SIGNING) {
        return Some(Finding::warning(
            object,
            "it is signed with a key that is not for signing cards",
            "Nothing shows that it comes from the issuer of the card. Doors may refuse it; portals go by the certificates.",
        ));
    }
    let question = Question { at, policies: &[] };
    match authorities.judge(signer.certificate.der(), question) {
        Verdict::NotTrusted(reason) => Some(Finding::note(
            object,
            &format!("whoever signed it is not trusted here: {reason}"),
            "The signature itself is whole. The card works; who made it cannot be told for certain.",
        )),
        Verdict::NotConfigured | Verdict::Trusted(_) | Verdict::Test { .. } => None,
    }
}

fn not_signed(object: &str, fault: &CmsFault) -> Finding {
    let is_proof = matches!(
        fault,
        CmsFault::Changed | CmsFault::Attributes | CmsFault::Signature(SignatureFault::Wrong)
    );
    // A Security Object leaves its signer's certificate to the CHUID.
    if !is_proof && *fault != CmsFault::NoCertificate {
        return Finding::note(
            object,
            &format!("its issuer's signature cannot be checked here: {fault}"),
            "It cannot be told whether the card is as it was issued. The card works all the same.",
        );
    }
    if !is_proof {
        return Finding::warning(
            object,
            "whoever signed it is not named on the card",
            "It cannot be told whether the card is as it was issued. If it is refused somewhere, have it replaced at an ID card office.",
        );
    }
    Finding::fault(
        object,
        &format!("its issuer's signature does not hold: {fault}"),
        "The card was changed after it was issued, or is damaged. Do not rely on it; have it replaced at an ID card office.",
    )
}

/// Why a certificate was taken back, by the word for it (RFC 5280 §5.3.1).
fn in_words(reason: &str) -> &str {
    match reason {
        "keyCompromise" => "its key may be known to others",
        "cACompromise" => "the key of its authority may be known to others",
        "affiliationChanged" => "its holder's place has changed",
        "superseded" => "another certificate has taken its place",
        "cessationOfOperation" => "it is no longer needed",
        "certificateHold" => "it is suspended for the time being",
        "privilegeWithdrawn" => "its holder may no longer use it",
        other => other,
    }
}

/// What the verdicts on certificates mean for the holder.
fn findings(facts: &CardFacts, judgement: &Judgement, at: UtcSeconds) -> Vec<Finding> {
    let login = facts.login.as_ref().map(|login| login.slot);
    let mut findings = judgement.objects.clone();
    for certificate in &facts.certificates {
        let summary = &certificate.summary;
        let object = format!("{} certificate", summary.slot);
        if let Some(ChainStatus::NotTrusted { reason }) = judgement.chains.get(&summary.sha256)
            && login == Some(summary.slot)
            // Its own dates are told by themselves.
            && (summary.not_before..=summary.not_after).contains(&at)
        {
            findings.push(Finding::warning(
                &object,
                &format!("no authority that is trusted here stands above it: {reason}"),
                "A portal may refuse the card for the same reason. If the card is new, the list of authorities on this machine may be old.",
            ));
        }
        if let Some(Revocation::Revoked { reason, .. }) = judgement.revocations.get(&summary.sha256)
        {
            let reason = reason.as_deref().map_or("no reason is given", in_words);
            findings.push(Finding::fault(
                &object,
                &format!("it was revoked: {reason}"),
                "Portals refuse it. Have the card replaced at an ID card office.",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::tests::fixtures::facts;

    const GOOD: Revocation = Revocation::Good { at: UtcSeconds(1) };

    #[test]
    fn one_who_is_away_counts_more_than_all_who_answered() {
        let answered = |seconds| Asked::Answered {
            good_for: Duration::from_secs(seconds),
        };

        assert_eq!(answered(5).and(answered(3)), answered(3));
        assert_eq!(answered(5).and(Asked::Away), Asked::Away);
        assert_eq!(Asked::Away.and(answered(5)), Asked::Away);
    }

    #[test]
    fn a_verdict_that_was_known_is_applied_while_it_is_asked_again() {
        let mut facts = facts(0, 0);
        facts.certificates[0].summary.revocation = GOOD;
        let sha256 = facts.certificates[0].summary.sha256.clone();
        let mut judgement = Judgement::default();

        judgement.carry_over(&facts, [&sha256[..]]);
        judgement.apply(&mut facts, UtcSeconds(2));
        assert_eq!(facts.certificates[0].summary.revocation, GOOD);

        // Nobody vouches for it any more, so nobody is asked about it.
        let mut judgement = Judgement::default();
        judgement.carry_over(&facts, []);
        judgement.apply(&mut facts, UtcSeconds(2));
        let revocation = &facts.certificates[0].summary.revocation;
        assert_eq!(*revocation, Revocation::NotChecked);
    }
}
