//! Signs in at a web portal with a certificate whose key is elsewhere (mutual TLS).
//!
//! Knows nothing of cards: whatever makes the one raw private-key operation
//! is a [`Signer`]. It is called on the thread that drives the sign-in and
//! may block there for as long as it needs, so [`sign_in`] wants a
//! current-thread runtime on a thread of its own.

mod anchors;
mod connecting;
mod consent;
mod cookies;
mod error;
mod failure;
mod filling;
mod form;
mod outcome;
mod padding;
mod page;
mod refusal;
mod revocation;
mod sign_in;
#[cfg(test)]
mod tests;
mod tls;
mod trace;
mod walk;
mod witness;
pub mod wizard;

use std::sync::Arc;

use cac_common::profile::{Profile, Rule};
use cac_common::proxy::Proxy;
use rustls::RootCertStore;
use scraper::Selector;

pub use self::error::{ListError, PrepareError, SignInError, SignerFailed};
pub use self::refusal::Standing;
use self::revocation::Lists;
pub use self::sign_in::{sign_in, sign_in_traced, sign_in_with_page};

/// Makes the one raw private-key operation of a sign-in. Blocks.
pub trait Signer: Send + Sync + 'static {
    /// RSA: `block` is padded and exactly as long as the modulus, and so is
    /// the answer. EC: `block` is the digest, as long as the curve's order,
    /// the answer a DER `SEQUENCE { r, s }`.
    fn sign(&self, block: &[u8]) -> Result<Vec<u8>, SignerFailed>;
}

/// Who signs in: a certificate, what leads from it to a root, and its key.
#[derive(Clone)]
pub struct Identity {
    /// DER.
    pub certificate: Vec<u8>,
    /// DER, the issuer of the certificate first; sent along, since many
    /// portals lack the newest.
    pub intermediates: Vec<Vec<u8>>,
    pub standing: Standing,
    /// Notices that the person has accepted, by the SHA-256 of their texts.
    pub accepted: Vec<String>,
    pub signer: Arc<dyn Signer>,
}

/// A profile with its selectors and anchors made ready.
#[derive(Clone)]
pub struct Portal {
    profile: Profile,
    markers: Vec<Markers>,
    consent: Option<ConsentMarkers>,
    steps: Vec<StepMarkers>,
    anchors: Arc<RootCertStore>,
    lists: Arc<Lists>,
    list_faults: Arc<[ListError]>,
    proxy: Option<Arc<Proxy>>,
}

/// What a rule looks for on a page.
#[derive(Clone)]
struct Markers {
    selector: Option<Selector>,
    account: Option<Selector>,
    /// White space folded, as on the page.
    text: Option<String>,
}

/// What a step of the wizard looks for.
#[derive(Clone)]
struct StepMarkers {
    form: Option<Selector>,
    proof: Option<Selector>,
    account: Option<Selector>,
}

/// How a notice is found, and the form that accepts it.
#[derive(Clone)]
struct ConsentMarkers {
    notice: Selector,
    form: Selector,
    button: Option<Selector>,
}

impl Portal {
    pub fn prepare(profile: Profile) -> Result<Self, PrepareError> {
        let markers = profile
            .rules
            .iter()
            .enumerate()
            .map(|(at, rule)| Markers::prepare(&profile.name, at, rule))
            .collect::<Result<_, _>>()?;
        let selector = |place: &str, text: &str| selector(&profile.name, place, text);
        let consent = match &profile.consent {
            None => None,
            Some(consent) => Some(ConsentMarkers {
                notice: selector("consent", &consent.selector)?,
                form: selector("consent", &consent.form)?,
                button: consent
                    .button
                    .as_deref()
                    .map(|text| selector("consent", text))
                    .transpose()?,
            }),
        };
        let mut steps = Vec::new();
        for (number, step) in (1..).zip(&profile.wizard) {
            let place = format!("step {number} of the wizard");
            let made = |text: &Option<String>| {
                let text = text.as_deref();
                text.map(|text| selector(&place, text)).transpose()
            };
            steps.push(StepMarkers {
                form: made(&step.form)?,
                proof: made(&step.proof)?,
                account: made(&step.account_selector)?,
            });
        }
        let anchors = if profile.trust_anchors.is_empty() {
            anchors::of_the_system()?
        } else {
            anchors::from_files(&profile.trust_anchors)?
        };
        let (lists, list_faults) = Lists::read(&profile.revocation_lists);
        Ok(Self {
            profile,
            markers,
            consent,
            steps,
            anchors: Arc::new(anchors),
            lists: Arc::new(lists),
            list_faults: list_faults.into(),
            proxy: None,
        })
    }

    /// Which proxy leads to it, if one does.
    pub fn set_proxy(&mut self, proxy: Option<Arc<Proxy>>) {
        self.proxy = proxy;
    }

    /// Which of its lists of revoked certificates are of no use.
    pub fn list_faults(&self) -> &[ListError] {
        &self.list_faults
    }

    pub fn profile(&self) -> &Profile {
        &self.profile
    }
}

fn selector(portal: &str, place: &str, text: &str) -> Result<Selector, PrepareError> {
    Selector::parse(text).map_err(|error| PrepareError::Selector {
        portal: portal.to_owned(),
        place: place.to_owned(),
        selector: text.to_owned(),
        reason: error.to_string(),
    })
}

impl Markers {
    fn prepare(portal: &str, at: usize, rule: &Rule) -> Result<Self, PrepareError> {
        let place = format!("outcome {}", at + 1);
        let selector = |text: &Option<String>| {
            text.as_deref()
                .map(|text| selector(portal, &place, text))
                .transpose()
        };
        Ok(Self {
            selector: selector(&rule.selector)?,
            account: selector(&rule.account_selector)?,
            text: rule.text.as_deref().map(page::folded),
        })
    }
}
