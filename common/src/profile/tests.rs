use std::path::Path;
use std::time::Duration;

use url::Url;

use super::*;
use crate::eligibility::Way;

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

[[outcome]]
result = "needs-wizard"
redirect = "https://accounts.example/error?code=unknown"
header = { name = "X-Auth", contains = "unknown" }

[consent]
selector = "#notice"
form = "form#accept"

[lockout]
tries = 3
wait = "15m"

[[eligibility]]
categories = ["contractor"]
components = ["Army"]
way = "sponsor"
text = "Ask your Task Monitor."

[[eligibility]]
way = "self"
text = "Put your card in."

[[wizard]]
title = "Sign in with your user name"
page = "/login"
form = "form#login"
fields = [{ name = "user", label = "User name" }, { name = "pw", label = "Password", kind = "password" }]
proof = "#my-account"

[[links]]
title = "Help"
url = "https://portal.example:8443/help"
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
    assert_eq!(profile.rules.len(), 3);
    assert_eq!(profile.rules[1].result, RuleResult::NotFound);
    assert_eq!(profile.origin(), "https://portal.example:8443");
    assert_eq!(
        profile.lockout,
        Some(Lockout {
            tries: 3,
            wait: Some(Duration::from_mins(15))
        })
    );
    assert_eq!(profile.eligibility[0].way, Way::Sponsor);
    assert_eq!(profile.eligibility[1].way, Way::Self_);
    let step = &profile.wizard[0];
    assert_eq!(
        step.page.as_ref().map(Url::as_str),
        Some("https://portal.example:8443/login")
    );
    assert_eq!(step.fields[0].kind, FieldKind::Text);
    assert_eq!(step.fields[1].kind, FieldKind::Password);
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
        (
            "redirect = \"https",
            "redirect = \"http",
            "p.toml:24:12: redirect is",
        ),
        (
            "text = \"User Not Found\"",
            "status = 20",
            "p.toml:20:10: an HTTP status",
        ),
        (
            "contains = \"unknown\"",
            "contains = \" \"",
            "p.toml:22:1: an empty condition",
        ),
        (
            "form = \"form#accept\"",
            "form = \"\"",
            "p.toml:27:1: a consent page",
        ),
        ("tries = 3", "tries = 0", "p.toml:31:1: a lockout"),
        ("\"15m\"", "\"later\"", "p.toml:33:8: a length of time"),
        (
            "\"Ask your Task Monitor.\"",
            "\"\"",
            "p.toml:35:1: a way needs",
        ),
        ("\"sponsor\"", "\"bribe\"", "p.toml:38:7: unknown variant"),
        (
            "page = \"/login\"",
            "page = \"https://evil.example/login\"",
            "p.toml:47:8: page is",
        ),
        ("form = \"form#login\"", "", "p.toml:45:1: fields need"),
        (
            "proof = \"#my-account\"",
            "proof = \"\"",
            "p.toml:45:1: a step needs",
        ),
        ("page = \"/login\"", "", "p.toml:45:1: a wizard has up to"),
        (
            "label = \"Password\"",
            "label = \"\"",
            "p.toml:45:1: a step has up to",
        ),
        (
            "[[links]]",
            "[[wizard]]\ntitle = \"Register\"\npage = \"/cards\"\ncertificate = true\n[[links]]",
            "p.toml:52:1: a wizard that gives the certificate ends with a proof",
        ),
        (
            "[[links]]",
            "[[wizard]]\ntitle = \"Register\"\ncertificate = true\n[[links]]",
            "p.toml:52:1: a certificate goes along",
        ),
        (
            "url = \"https",
            "url = \"javascript",
            "p.toml:52:1: a link is",
        ),
    ] {
        let error = check(&WHOLE.replacen(find, replace, 1))
            .unwrap_err()
            .to_string();

        let place = place.replace("p.toml", "/etc/cacd/portals.d/p.toml");
        assert!(error.starts_with(&place), "{error}");
    }
}

#[test]
fn every_profile_that_is_shipped_can_be_read() {
    for (name, text, enabled) in [
        (
            "example",
            include_str!("../../../systemd/portals.d/portal.toml.sample"),
            false,
        ),
        (
            "reference",
            include_str!("../../../systemd/portals.d/reference.toml.sample"),
            true,
        ),
        (
            "ako",
            include_str!("../../../systemd/portals.d/ako.toml.sample"),
            false,
        ),
    ] {
        let profile = check(text).unwrap();

        assert_eq!(profile.name, name);
        assert_eq!(profile.enabled, enabled, "{name}");
    }
}

#[test]
fn the_sample_explains_every_key() {
    let sample = include_str!("../../../systemd/portals.d/portal.toml.sample");
    // What is commented out there is an example all the same.
    let lines = sample.lines().map(|line| match line.strip_prefix('#') {
        Some(key) if !key.starts_with([' ', '#']) => key,
        _ => line,
    });
    let whole: Vec<&str> = lines.collect();

    let profile = check(&whole.join("\n")).unwrap();

    assert!(profile.consent.is_some() && profile.lockout.is_some());
    assert!(!profile.trust_anchors.is_empty() && !profile.revocation_lists.is_empty());
    assert!(profile.rules.iter().any(|rule| rule.redirect.is_some()));
    assert!(profile.rules.iter().any(|rule| rule.header.is_some()));
    assert!(
        profile
            .rules
            .iter()
            .any(|rule| rule.account_selector.is_some())
    );
}

fn check(text: &str) -> Result<Profile, FileError> {
    Profile::check(&Source::new(
        Path::new("/etc/cacd/portals.d/p.toml"),
        text.into(),
    ))
}
