//! What is known of a portal: a profile that was read from `portals.d` and checked.

#[cfg(test)]
mod tests;
mod written;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::{Origin, Url};

use crate::eligibility::Route;
use crate::snapshot::HelpDesk;
use crate::toml_file::{FileError, Source};

/// A profile that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Letters, digits and `-`; unique.
    pub name: String,
    pub title: String,
    pub enabled: bool,
    /// Where signing in by card starts; `https`.
    pub start: Url,
    /// Where a redirect may go besides the origin of `start`.
    pub redirect_origins: Vec<Origin>,
    pub certificate: Purpose,
    pub account: AccountKey,
    /// Files with the only certificates its server is trusted by; the
    /// system's count where there is none.
    pub trust_anchors: Vec<PathBuf>,
    /// Files with lists of server certificates that were taken back.
    pub revocation_lists: Vec<PathBuf>,
    /// How long a registration counts before it is checked again.
    pub recheck: Duration,
    /// The first whose every condition holds tells the outcome.
    pub rules: Vec<Rule>,
    /// A notice that has to be accepted before the portal goes on.
    pub consent: Option<Consent>,
    pub lockout: Option<Lockout>,
    /// The first that fits a person is theirs.
    pub eligibility: Vec<Route>,
    /// Registering by hand, step by step.
    pub wizard: Vec<Step>,
    pub help_desk: Option<HelpDesk>,
    pub links: Vec<Link>,
    /// Names the contents: another one means that the file was changed.
    pub fingerprint: String,
}

/// Which certificate signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    Authentication,
    /// The signature certificate, where the portal insists.
    Signature,
}

/// What identifies the account at the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountKey {
    Upn,
    Edipi,
    Subject,
}

/// How to tell one outcome by the answer that came last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub result: RuleResult,
    pub status: Option<u16>,
    /// The path of the last page starts with this.
    pub path: Option<String>,
    /// A redirect on the way, or one that was not followed, went to an address
    /// that starts with this.
    pub redirect: Option<Url>,
    pub header: Option<HeaderRule>,
    /// CSS selector that something on the page matches.
    pub selector: Option<String>,
    /// Text on the page, white space folded.
    pub text: Option<String>,
    /// CSS selector of the account's name.
    pub account_selector: Option<String>,
}

impl Rule {
    /// In words, one each: `status 200`.
    pub fn conditions(&self) -> Vec<String> {
        let said = |what: &str, text: &Option<String>| {
            let text = text.as_deref()?;
            Some(format!("{what} {text}"))
        };
        let header = self.header.as_ref().map(|header| match &header.contains {
            Some(text) => format!("header {} with {text}", header.name),
            None => format!("header {}", header.name),
        });
        let status = self.status.map(|status| format!("status {status}"));
        let redirect = self.redirect.as_ref();
        [
            status,
            said("path", &self.path),
            redirect.map(|url| format!("redirect {url}")),
            header,
            said("selector", &self.selector),
            self.text
                .as_deref()
                .map(|text| format!("text \u{201c}{text}\u{201d}")),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// A header of the last answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderRule {
    /// Capitals or not.
    pub name: String,
    /// Stands somewhere in its value; any value will do without it.
    pub contains: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleResult {
    Registered,
    NeedsWizard,
    NotEligible,
    NeedsSponsor,
    NotFound,
    Forbidden,
    LockedOut,
    Rejected,
    Waiting,
}

/// A notice-and-consent page, and what accepts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// CSS selector of the notice's text.
    pub selector: String,
    /// CSS selector of the form whose sending accepts it.
    pub form: String,
    /// CSS selector of the button that accepts it, where it has several.
    pub button: Option<String>,
}

/// How the portal locks an account whose password was wrong too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lockout {
    /// So many wrong passwords lock it.
    pub tries: u32,
    /// For so long; until somebody unlocks it, if absent.
    pub wait: Option<Duration>,
}

/// One page of registering by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub title: String,
    /// Where the page is; where the step before led, if absent.
    pub page: Option<Url>,
    /// CSS selector of the form on it.
    pub form: Option<String>,
    pub fields: Vec<Field>,
    /// CSS selector of what is there once the step has worked.
    pub proof: Option<String>,
    /// The card's certificate goes along with the form, or with the request for
    /// the page where there is no form.
    pub certificate: bool,
    /// CSS selector of the account's name on the page that the step leads to.
    pub account_selector: Option<String>,
}

impl Step {
    /// Neither page nor form: a person does it elsewhere, and says so.
    pub fn is_told(&self) -> bool {
        self.page.is_none() && self.form.is_none() && self.proof.is_none()
    }
}

/// Something a person types into a form.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Of the form's input.
    pub name: String,
    /// What people call it; may be left out of a certificate's.
    #[serde(default)]
    pub label: String,
    #[serde(default)]
    pub kind: FieldKind,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldKind {
    #[default]
    Text,
    /// Not shown, not kept, and sent once.
    Password,
    /// Not asked for: the card's certificate is put in (PEM), as a file where the
    /// form takes one.
    Certificate,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub title: String,
    pub url: String,
}

impl Profile {
    pub fn read(path: &Path) -> Result<Self, FileError> {
        Self::check(&Source::read(path)?)
    }

    pub fn check(source: &Source) -> Result<Self, FileError> {
        written::check(source)
    }

    /// Whether a redirect may go to `url`.
    pub fn allows(&self, url: &Url) -> bool {
        let origin = url.origin();
        url.scheme() == "https"
            && (origin == self.start.origin() || self.redirect_origins.contains(&origin))
    }

    /// `https://portal.example:8443`, as people read it.
    pub fn origin(&self) -> String {
        self.start.origin().ascii_serialization()
    }
}
