//! What can be asked about one portal.

use serde::{Deserialize, Serialize};

use crate::eligibility::Route;
use crate::identity::CardId;
use crate::profile::{AccountKey, Link, Profile, Purpose, RuleResult};
use crate::registration::RegistrationStatus;
use crate::snapshot::{HelpDesk, Visit};
use crate::trace::Trace;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetPortal {
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortalReply {
    pub portal: PortalDetails,
}

/// A profile, as it is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortalDetails {
    pub name: String,
    pub title: String,
    pub enabled: bool,
    /// Where signing in starts.
    pub start: String,
    pub redirect_origins: Vec<String>,
    pub certificate: Purpose,
    pub account: AccountKey,
    /// Files; those of the system where there is none.
    pub trust_anchors: Vec<String>,
    pub revocation_lists: Vec<String>,
    /// In seconds.
    pub recheck: u64,
    pub rules: Vec<RuleDetails>,
    /// It shows a notice that has to be accepted.
    pub has_consent: bool,
    pub lockout_tries: Option<u32>,
    /// In seconds; until somebody unlocks it, if absent.
    pub lockout_wait: Option<u64>,
    pub eligibility: Vec<Route>,
    pub wizard: Vec<StepDetails>,
    pub help_desk: Option<HelpDesk>,
    pub links: Vec<Link>,
    /// Names the contents of its file.
    pub fingerprint: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleDetails {
    pub result: RuleResult,
    /// In words; all have to hold.
    pub conditions: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepDetails {
    pub title: String,
    pub page: Option<String>,
    /// What is asked for.
    pub fields: Vec<String>,
}

/// A sign-in by hand, whose every hop is told and of which nothing is kept.
/// The PIN travels as with [`super::SubmitPin`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestPortal {
    pub portal: String,
    pub card: CardId,
    pub visit: Visit,
    #[serde(default)]
    pub even_the_last_try: bool,
    /// Answer with the last page too: it may hold what is personal.
    #[serde(default)]
    pub with_page: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReply {
    /// What would be written down.
    pub outcome: RegistrationStatus,
    pub trace: Trace,
    pub page: Option<String>,
}

impl From<&Profile> for PortalDetails {
    fn from(profile: &Profile) -> Self {
        let paths = |paths: &[std::path::PathBuf]| {
            let paths = paths.iter();
            paths.map(|path| path.display().to_string()).collect()
        };
        let rules = profile.rules.iter().map(|rule| RuleDetails {
            result: rule.result,
            conditions: rule.conditions(),
        });
        let wizard = profile.wizard.iter().map(|step| StepDetails {
            title: step.title.clone(),
            page: step.page.as_ref().map(ToString::to_string),
            fields: step.fields.iter().map(|it| it.label.clone()).collect(),
        });
        let lockout = profile.lockout;
        Self {
            name: profile.name.clone(),
            title: profile.title.clone(),
            enabled: profile.enabled,
            start: profile.start.to_string(),
            redirect_origins: profile
                .redirect_origins
                .iter()
                .map(url::Origin::ascii_serialization)
                .collect(),
            certificate: profile.certificate,
            account: profile.account,
            trust_anchors: paths(&profile.trust_anchors),
            revocation_lists: paths(&profile.revocation_lists),
            recheck: profile.recheck.as_secs(),
            rules: rules.collect(),
            has_consent: profile.consent.is_some(),
            lockout_tries: lockout.map(|it| it.tries),
            lockout_wait: lockout.and_then(|it| Some(it.wait?.as_secs())),
            eligibility: profile.eligibility.clone(),
            wizard: wizard.collect(),
            help_desk: profile.help_desk.clone(),
            links: profile.links.clone(),
            fingerprint: profile.fingerprint.clone(),
        }
    }
}
