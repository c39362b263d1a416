//! What is known of a portal: a profile as written in `portals.d`, and as checked.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_spanned::Spanned;
use url::{Origin, Url};

use crate::snapshot::HelpDesk;
use crate::span;
use crate::toml_file::{FileError, Source};

const LONGEST_NAME: usize = 32;
const RECHECK: Duration = Duration::from_hours(30 * 24);

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
    /// How long a registration counts before it is checked again.
    pub recheck: Duration,
    /// The first whose every condition holds tells the outcome.
    pub rules: Vec<Rule>,
    pub help_desk: Option<HelpDesk>,
    pub links: Vec<Link>,
    /// Names the contents: another one means that the file was changed.
    pub fingerprint: String,
}

/// Which certificate signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    Authentication,
    /// The signature certificate, where the portal insists.
    Signature,
}

/// What identifies the account at the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountKey {
    Upn,
    Edipi,
    Subject,
}

/// How to tell one outcome by the page that came last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub result: RuleResult,
    pub status: Option<u16>,
    /// The path of the last page starts with this.
    pub path: Option<String>,
    /// CSS selector that something on the page matches.
    pub selector: Option<String>,
    /// Text on the page, white space folded.
    pub text: Option<String>,
    /// CSS selector of the account's name.
    pub account_selector: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
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

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub title: String,
    pub url: String,
}

/// A profile, as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    name: Spanned<String>,
    title: Spanned<String>,
    #[serde(default = "yes")]
    enabled: bool,
    origin: Spanned<String>,
    start: Spanned<String>,
    #[serde(default)]
    redirect_origins: Vec<Spanned<String>>,
    #[serde(default = "authentication")]
    certificate: Purpose,
    #[serde(default = "upn")]
    account: AccountKey,
    #[serde(default)]
    trust_anchors: Vec<PathBuf>,
    recheck: Option<Spanned<String>>,
    #[serde(default)]
    outcome: Vec<Spanned<RuleTable>>,
    help_desk: Option<HelpDesk>,
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    result: RuleResult,
    status: Option<u16>,
    path: Option<String>,
    selector: Option<String>,
    text: Option<String>,
    account_selector: Option<String>,
}

impl Profile {
    pub fn read(path: &Path) -> Result<Self, FileError> {
        Self::check(&Source::read(path)?)
    }

    pub fn check(source: &Source) -> Result<Self, FileError> {
        let file: ProfileFile = source.parse()?;

        if !is_name(file.name.get_ref()) {
            return Err(source.fault_at(
                &file.name,
                "a name is 1 to 32 of the characters a-z, 0-9 and -",
            ));
        }
        if file.title.get_ref().trim().is_empty() {
            return Err(
                source.fault_at(&file.title, "a portal needs a title that people know it by")
            );
        }
        let origin = https(source, &file.origin)?;
        let start = origin
            .join(file.start.get_ref())
            .ok()
            .filter(|start| start.origin() == origin.origin())
            .ok_or_else(|| {
                source.fault_at(
                    &file.start,
                    "start is a path at the origin, such as \"/sign-in\"",
                )
            })?;
        let redirect_origins = file
            .redirect_origins
            .iter()
            .map(|text| https(source, text).map(|url| url.origin()))
            .collect::<Result<_, _>>()?;
        let recheck = match file.recheck {
            None => RECHECK,
            Some(text) => span::parse(text.get_ref())
                .map_err(|error| source.fault_at(&text, &error.to_string()))?,
        };
        let folder = source.path().parent().unwrap_or(Path::new("/"));
        let rules = file
            .outcome
            .into_iter()
            .map(|table| rule(source, table))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            name: file.name.into_inner(),
            title: file.title.into_inner(),
            enabled: file.enabled,
            start,
            redirect_origins,
            certificate: file.certificate,
            account: file.account,
            trust_anchors: file
                .trust_anchors
                .iter()
                .map(|path| folder.join(path))
                .collect(),
            recheck,
            rules,
            help_desk: file.help_desk,
            links: file.links,
            fingerprint: source.fingerprint(),
        })
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

fn rule(source: &Source, table: Spanned<RuleTable>) -> Result<Rule, FileError> {
    let span = table.span();
    let table = table.into_inner();
    let conditions = [&table.path, &table.selector, &table.text];
    if table.status.is_none() && conditions.iter().all(|condition| condition.is_none()) {
        return Err(source.fault(
            span,
            "an outcome needs a condition: status, path, selector or text",
        ));
    }
    if conditions
        .into_iter()
        .flatten()
        .any(|condition| condition.trim().is_empty())
    {
        return Err(source.fault(span, "an empty condition would match every page"));
    }
    // 200 alone proves nothing: it can be a log-in form.
    if table.result == RuleResult::Registered && table.selector.is_none() && table.text.is_none() {
        return Err(source.fault(
            span,
            "\"registered\" needs a selector or a text that proves it",
        ));
    }
    Ok(Rule {
        result: table.result,
        status: table.status,
        path: table.path,
        selector: table.selector,
        text: table.text,
        account_selector: table.account_selector,
    })
}

fn https(source: &Source, text: &Spanned<String>) -> Result<Url, FileError> {
    Url::parse(text.get_ref())
        .ok()
        .filter(|url| url.scheme() == "https" && url.host().is_some())
        .filter(|url| url.path() == "/" && url.query().is_none() && url.fragment().is_none())
        .filter(|url| url.username().is_empty() && url.password().is_none())
        .ok_or_else(|| source.fault_at(text, "an origin is https://, a host and perhaps a port"))
}

fn is_name(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn yes() -> bool {
    true
}

fn authentication() -> Purpose {
    Purpose::Authentication
}

fn upn() -> AccountKey {
    AccountKey::Upn
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r##"
name = "reference"
title = "Reference portal"
origin = "https://portal.example:8443"
start = "/sign-in"
trust_anchors = ["ca.pem", "/srv/other.pem"]
redirect_origins = ["https://accounts.example"]
recheck = "7d"

[help_desk]
phone = "555-0100"

[[outcome]]
result = "registered"
selector = "main#account"
account_selector = "#name"

[[outcome]]
result = "not-found"
text = "User Not Found"
"##;

    #[test]
    fn a_whole_profile_is_read() {
        let profile = check(WHOLE).unwrap();

        assert_eq!(
            profile.start.as_str(),
            "https://portal.example:8443/sign-in"
        );
        assert_eq!(
            profile.trust_anchors,
            [
                Path::new("/etc/cacd/portals.d/ca.pem"),
                Path::new("/srv/other.pem")
            ]
        );
        assert_eq!(profile.rules.len(), 2);
        assert_eq!(profile.rules[1].result, RuleResult::NotFound);
        assert_eq!(profile.origin(), "https://portal.example:8443");
    }

    #[test]
    fn redirects_stay_within_the_origins_named() {
        let profile = check(WHOLE).unwrap();

        for (url, allowed) in [
            ("https://portal.example:8443/account", true),
            ("https://accounts.example/", true),
            ("https://portal.example/", false),
            ("http://portal.example:8443/", false),
            ("https://portal.example.evil.example:8443/", false),
        ] {
            assert_eq!(profile.allows(&Url::parse(url).unwrap()), allowed, "{url}");
        }
    }

    #[test]
    fn a_mistake_is_shown_where_it_stands() {
        for (find, replace, place) in [
            ("\"reference\"", "\"Reference!\"", "p.toml:2:8: a name is"),
            (
                "https://portal.example:8443",
                "http://portal.example",
                "p.toml:4:10: an origin is",
            ),
            (
                "https://portal.example:8443",
                "https://u:p@portal.example",
                "p.toml:4:10: an origin is",
            ),
            (
                "\"/sign-in\"",
                "\"https://evil.example/\"",
                "p.toml:5:9: start is",
            ),
            ("\"7d\"", "\"soon\"", "p.toml:8:11: a length of time"),
            (
                "text = \"User Not Found\"",
                "",
                "p.toml:18:1: an outcome needs a condition",
            ),
            (
                "selector = \"main#account\"",
                "status = 200",
                "p.toml:13:1: \"registered\" needs",
            ),
            ("title =", "titel =", "p.toml:3:1: unknown field"),
        ] {
            let error = check(&WHOLE.replacen(find, replace, 1))
                .unwrap_err()
                .to_string();

            let place = place.replace("p.toml", "/etc/cacd/portals.d/p.toml");
            assert!(error.starts_with(&place), "{error}");
        }
    }

    fn check(text: &str) -> Result<Profile, FileError> {
        Profile::check(&Source::new(
            Path::new("/etc/cacd/portals.d/p.toml"),
            text.into(),
        ))
    }
}
