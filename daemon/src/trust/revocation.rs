//! Whether a certificate was taken back before its time: OCSP first, the CRL
//! where that gives no answer.
//!
//! Asked only about a path that was found good: so the addresses that are
//! called are ones that a trusted authority wrote into a certificate.

mod crl;
mod kept;
mod listed;
mod ocsp;
mod sieve;

use std::collections::BTreeMap;
use std::error::Error;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use cac_common::certificate::Revocation;
use cac_common::error_chain::Chain;
use cac_common::identity::readable;
use cac_common::time::UtcSeconds;
use cac_common::x509::Certificate;
use url::Url;
use x509_cert::ext::pkix::CrlReason;

use self::crl::{CrlFault, Scan};
use self::kept::Kept;
use self::listed::{About, Crl, Listed};
use self::ocsp::OcspFault;
use self::sieve::Sieve;
use super::path::TrustedPath;

/// An answer with its signer's certificate has about 5 kB.
const LARGEST_OCSP_ANSWER: u64 = 64 * 1024;
const OCSP_LIMIT: Duration = Duration::from_secs(10);

/// The CRL of a busy DoD CA has several megabytes. None is held in memory.
const LARGEST_CRL: u64 = 64 * 1024 * 1024;
const CRL_LIMIT: Duration = Duration::from_mins(1);

/// Addresses of one kind that are tried for one certificate.
const MOST_ADDRESSES: usize = 2;

/// An answer is asked for anew after this long, even if it says that it is
/// good for longer: a lost card is taken back within the day.
const KEPT_AT_MOST: Duration = Duration::from_hours(12);

/// Answers that are kept; a card has four certificates and some authorities.
const MOST_KEPT: usize = 256;

/// CRLs of which is kept what they list, each in 256 KiB at most.
const MOST_CRLS: usize = 8;

/// Whoever could not be reached, or sent a useless CRL, is left alone for this
/// long: the certificates of a card would each wait for them in turn.
const AWAY_FOR: Duration = Duration::from_secs(30);

/// Clocks differ by this much and nobody is to blame.
const SKEW: Duration = Duration::from_mins(5);

/// RFC 9654 section 2.1.
const NONCE_BYTES: usize = 32;

/// Brings what is at an address. Whoever does revocation's network work.
pub trait Fetch: Send + Sync {
    /// Gives the body of the answer to `take` piece by piece, no more than
    /// `request.largest` bytes of it, until that breaks off, and within
    /// `request.limit`.
    fn fetch(
        &self,
        request: FetchRequest,
        take: &mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
    ) -> impl Future<Output = Result<(), FetchError>> + Send;
}

#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// Of HTTP or HTTPS.
    pub url: Url,
    /// None asks with GET.
    pub post: Option<Post>,
    pub largest: u64,
    pub limit: Duration,
}

#[derive(Debug, Clone)]
pub struct Post {
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

/// Why nothing came.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("{host} cannot be reached")]
    Unreachable {
        host: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("{host} did not answer in time")]
    TimedOut { host: String },
    #[error("{host} answered with HTTP status {status}")]
    Status { host: String, status: u16 },
    #[error("{host} sent more than {largest} bytes")]
    TooLarge { host: String, largest: u64 },
    #[error("{host} sends us elsewhere, to {target}")]
    Elsewhere { host: String, target: String },
    #[error("{host} sends us on and on")]
    Circle { host: String },
}

/// Asks, and keeps what it was told for as long as that is good.
pub struct Revocations<F> {
    fetch: F,
    answers: Kept<Fingerprint, Revocation>,
    /// By their addresses those who could not be reached, and why.
    away: Kept<String, String>,
    crls: Mutex<BTreeMap<About, Crl>>,
}

/// SHA-256 of a certificate.
type Fingerprint = [u8; 32];

/// What an authority, or who speaks for it, says of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    status: Status,
    this_update: UtcSeconds,
    next_update: UtcSeconds,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Status {
    Good,
    Revoked {
        since: UtcSeconds,
        reason: Option<CrlReason>,
    },
    Unknown,
}

/// What came of asking everyone.
#[derive(Default)]
struct Attempts {
    /// Who could not be reached.
    away: Vec<String>,
    /// Who answered, and said nothing of use.
    useless: Vec<String>,
}

/// Why one address gave no answer.
#[derive(Debug, thiserror::Error)]
enum AskFault {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It was so a moment ago.
    #[error("{why}")]
    Away { why: String },
    #[error("OCSP")]
    Ocsp(#[from] OcspFault),
    #[error("CRL")]
    Crl(#[from] CrlFault),
    #[error("{address} is no address")]
    Address { address: String },
}

impl<F: Fetch> Revocations<F> {
    pub fn new(fetch: F) -> Self {
        Self {
            fetch,
            answers: Kept::new(MOST_KEPT),
            away: Kept::new(MOST_KEPT),
            crls: Mutex::default(),
        }
    }

    /// What is known of the certificate of `path`. It is revoked too where an
    /// authority above it is; where of an authority nothing can be learnt,
    /// what is known of the certificate itself stands.
    pub async fn check(&self, path: &TrustedPath, now: UtcSeconds) -> Revocation {
        let mut steps = path.steps();
        let Some((certificate, issuer)) = steps.next() else {
            return Revocation::NotChecked;
        };
        let own = self.ask(certificate, issuer, now).await;
        if !matches!(own, Revocation::Good { .. }) {
            return own;
        }
        for (authority, issuer) in steps {
            let above = self.ask(authority, issuer, now).await;
            if let Revocation::Revoked { since, reason } = above {
                let why = reason.map_or_else(String::new, |reason| format!(": {reason}"));
                return Revocation::Revoked {
                    since,
                    reason: Some(format!(
                        "its authority {} was revoked{why}",
                        authority.title()
                    )),
                };
            }
        }
        own
    }

    /// For how long it is of no use to ask for `path` again, since everyone was
    /// heard who could be.
    pub fn good_for(&self, path: &TrustedPath, now: UtcSeconds) -> Duration {
        path.steps()
            .filter_map(|(certificate, _)| self.answers.get(&fingerprint(certificate), now))
            .map(|(_, until)| until.since(now))
            .min()
            .unwrap_or(KEPT_AT_MOST)
    }

    async fn ask(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: UtcSeconds,
    ) -> Revocation {
        let fingerprint = fingerprint(certificate);
        if let Some((revocation, _)) = self.answers.get(&fingerprint, now) {
            return revocation;
        }
        let mut attempts = Attempts::default();
        let answer = self.answer(certificate, issuer, now, &mut attempts).await;
        let Some(answer) = answer else {
            return attempts.verdict();
        };
        let revocation = match answer.status {
            Status::Good => Revocation::Good {
                at: answer.this_update,
            },
            Status::Revoked { since, reason } => Revocation::Revoked {
                since,
                reason: reason.map(|reason| reason_word(reason).to_owned()),
            },
            Status::Unknown => return attempts.verdict(),
        };
        let until = answer.next_update.min(now.after(KEPT_AT_MOST));
        self.answers
            .keep(fingerprint, revocation.clone(), (now, until));
        revocation
    }

    /// The first answer that says something.
    async fn answer(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: UtcSeconds,
        attempts: &mut Attempts,
    ) -> Option<Answer> {
        let mut is_unknown = false;
        for address in certificate.extensions.ocsp.iter().take(MOST_ADDRESSES) {
            match self.ask_ocsp(address, certificate, issuer, now).await {
                Ok(answer) if answer.status == Status::Unknown => {
                    is_unknown = true;
                    attempts
                        .useless
                        .push("OCSP: the responder does not know it".into());
                }
                Ok(answer) => return Some(answer),
                Err(fault) => attempts.note(&fault),
            }
        }
        for address in certificate.extensions.crls.iter().take(MOST_ADDRESSES) {
            match self.ask_crl(address, certificate, issuer, now).await {
                // A CRL lists what was taken back, not what was issued: it
                // cannot vouch for what the responder does not know.
                Ok(answer) if is_unknown && answer.status == Status::Good => {}
                Ok(answer) => return Some(answer),
                Err(fault) => attempts.note(&fault),
            }
        }
        None
    }

    async fn ask_ocsp(
        &self,
        address: &str,
        certificate: &Certificate,
        issuer: &Certificate,
        now: UtcSeconds,
    ) -> Result<Answer, AskFault> {
        let mut nonce = [0; NONCE_BYTES];
        rand::fill(&mut nonce).map_err(|_| OcspFault::NoRequest)?;
        let post = Post {
            content_type: "application/ocsp-request",
            body: ocsp::request(certificate, issuer, &nonce)?,
        };
        let request = FetchRequest {
            url: parse(address)?,
            post: Some(post),
            largest: LARGEST_OCSP_ANSWER,
            limit: OCSP_LIMIT,
        };
        let mut answer = Vec::new();
        self.bring(request, now, &mut |piece| {
            answer.extend_from_slice(piece);
            ControlFlow::Continue(())
        })
        .await?;
        Ok(ocsp::read(&answer, certificate, issuer, &nonce, now)?)
    }

    /// One at a time reads a CRL, and those who waited need not.
    async fn ask_crl(
        &self,
        address: &str,
        certificate: &Certificate,
        issuer: &Certificate,
        now: UtcSeconds,
    ) -> Result<Answer, AskFault> {
        let crl = self.crl(About {
            address: address.to_owned(),
            issuer: fingerprint(issuer),
            addresses: certificate.extensions.crls.clone(),
            is_authority: certificate.extensions.is_authority,
        });
        let mut listed = crl.lock().await;
        let known = listed.as_ref();
        if let Some(answer) = known.and_then(|listed| listed.answer(&certificate.serial, now)) {
            return Ok(answer?);
        }
        match self.read_crl(address, certificate, issuer, now).await {
            Ok((answer, serials)) => {
                let until = answer.next_update.min(now.after(KEPT_AT_MOST));
                let read = Ok((serials, answer.this_update));
                *listed = Some(Listed::new(read, (now, until)));
                Ok(answer)
            }
            Err(fault) => {
                if let AskFault::Crl(fault) = &fault {
                    let until = now.after(AWAY_FOR);
                    *listed = Some(Listed::new(Err(fault.clone()), (now, until)));
                }
                Err(fault)
            }
        }
    }

    fn crl(&self, about: About) -> Crl {
        let mut crls = self.crls.lock().unwrap_or_else(PoisonError::into_inner);
        if crls.len() >= MOST_CRLS && !crls.contains_key(&about) {
            // Those that nobody reads, or waits for.
            crls.retain(|_, crl| Arc::strong_count(crl) > 1);
        }
        Arc::clone(crls.entry(about).or_default())
    }

    async fn read_crl(
        &self,
        address: &str,
        certificate: &Certificate,
        issuer: &Certificate,
        now: UtcSeconds,
    ) -> Result<(Answer, Sieve), AskFault> {
        let request = FetchRequest {
            url: parse(address)?,
            post: None,
            largest: LARGEST_CRL,
            limit: CRL_LIMIT,
        };
        let mut scan = Scan::new(certificate, issuer);
        let mut fault = None;
        self.bring(request, now, &mut |piece| match scan.feed(piece) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                fault = Some(error);
                ControlFlow::Break(())
            }
        })
        .await?;
        if let Some(fault) = fault {
            return Err(fault.into());
        }
        Ok(scan.finish(now)?)
    }

    /// Fetches, unless that just failed.
    async fn bring(
        &self,
        request: FetchRequest,
        now: UtcSeconds,
        take: &mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
    ) -> Result<(), AskFault> {
        let address = request.url.to_string();
        if let Some((why, _)) = self.away.get(&address, now) {
            return Err(AskFault::Away { why });
        }
        let fetched = self.fetch.fetch(request, take).await;
        if let Err(fault) = &fetched {
            let until = now.after(AWAY_FOR);
            self.away
                .keep(address, Chain(fault).to_string(), (now, until));
        }
        Ok(fetched?)
    }
}

impl Attempts {
    fn note(&mut self, fault: &AskFault) {
        let text = Chain(fault).to_string();
        match fault {
            AskFault::Fetch(_) | AskFault::Away { .. } => self.away.push(text),
            AskFault::Ocsp(_) | AskFault::Crl(_) | AskFault::Address { .. } => {
                self.useless.push(text);
            }
        }
    }

    fn verdict(self) -> Revocation {
        if self.useless.is_empty() && !self.away.is_empty() {
            return Revocation::Offline {
                why: self.away.join("; "),
            };
        }
        let why = [self.useless, self.away].concat().join("; ");
        if why.is_empty() {
            return Revocation::Unknown {
                why: "it names nobody who could be asked".into(),
            };
        }
        Revocation::Unknown { why }
    }
}

fn parse(address: &str) -> Result<Url, AskFault> {
    Url::parse(address).map_err(|_| AskFault::Address {
        address: readable(address),
    })
}

fn fingerprint(certificate: &Certificate) -> Fingerprint {
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest(&SHA256, certificate.der()).as_ref());
    fingerprint
}

/// RFC 5280 section 5.3.1.
fn reason_word(reason: CrlReason) -> &'static str {
    match reason {
        CrlReason::Unspecified => "unspecified",
        CrlReason::KeyCompromise => "keyCompromise",
        CrlReason::CaCompromise => "cACompromise",
        CrlReason::AffiliationChanged => "affiliationChanged",
        CrlReason::Superseded => "superseded",
        CrlReason::CessationOfOperation => "cessationOfOperation",
        CrlReason::CertificateHold => "certificateHold",
        CrlReason::RemoveFromCRL => "removeFromCRL",
        CrlReason::PrivilegeWithdrawn => "privilegeWithdrawn",
        CrlReason::AaCompromise => "aACompromise",
    }
}
