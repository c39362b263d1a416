//! Portals, and how a sign-in went, for a person.

use std::io::Write;
use std::time::Duration;

use cac_common::eligibility::Route;
use cac_common::identity::{masked, readable};
use cac_common::interface::{PortalDetails, TestReply};
use cac_common::profile::{AccountKey, Purpose, RuleResult};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{HelpDesk, Snapshot};
use cac_common::time::UtcSeconds;
use cac_common::trace::{Hop, RuleTried};
use jiff::tz::TimeZone;

use super::line;
use super::table::{Cell, Table, field as field_of, hanging, paragraph};
use crate::failure::Failure;
use crate::phrase::{self, Tone};
use crate::sheet::Sheet;
use crate::view::text::width;

/// Columns of what a value is called.
const NAME: usize = 16;

/// A line each, and what is wrong with the configuration.
pub fn list(out: &mut impl Write, snapshot: &Snapshot, sheet: Sheet) -> Result<(), Failure> {
    let mut table = Table::new(0, &["NAME", "TITLE", "ORIGIN", "ENABLED"]);
    for portal in &snapshot.portals {
        let enabled = if portal.enabled {
            Cell::toned("yes".into(), Tone::Good)
        } else {
            Cell::toned("no".into(), Tone::Wanted)
        };
        table.row(vec![
            readable(&portal.name).into(),
            readable(&portal.title).into(),
            readable(&portal.origin).into(),
            enabled,
        ]);
    }
    table.print(out, sheet)?;
    if snapshot.portals.is_empty() {
        line(out, "no portal is described")?;
    }
    if snapshot.portals.is_empty() && !sheet.quiet {
        line(
            out,
            "Put a profile into portals.d, such as a copy of portal.toml.sample.",
        )?;
    }
    for problem in &snapshot.problems {
        line(out, "")?;
        for text in problem.lines() {
            // The mark stands under what is wrong.
            let words = text.trim_start();
            let margin = text.len() - words.len();
            line(out, &format!("{:margin$}{}", "", readable(words)))?;
        }
    }
    Ok(())
}

/// All that a profile says, a value a line.
pub fn details(out: &mut impl Write, portal: &PortalDetails, sheet: Sheet) -> Result<(), Failure> {
    for (name, value) in itself(portal) {
        field(out, sheet, name, &value)?;
    }
    if !portal.rules.is_empty() {
        line(out, "")?;
        line(out, "outcomes, of which the first that matches counts")?;
    }
    for (number, rule) in (1..).zip(&portal.rules) {
        let conditions = rule.conditions.iter().map(|it| readable(it));
        let conditions: Vec<String> = conditions.collect();
        let head = format!("{number:>3}  {:<13} ", result(rule.result));
        hanging(out, sheet, &head, &conditions.join(", "))?;
    }
    if !portal.wizard.is_empty() {
        line(out, "")?;
        line(out, "registering by hand")?;
    }
    for (number, step) in (1..).zip(&portal.wizard) {
        let fields: Vec<String> = step.fields.iter().map(|it| readable(it)).collect();
        let asks = if fields.is_empty() {
            String::new()
        } else {
            format!(" ({})", fields.join(", "))
        };
        let head = format!("{number:>3}  ");
        hanging(
            out,
            sheet,
            &head,
            &format!("{}{asks}", readable(&step.title)),
        )?;
    }
    if !portal.eligibility.is_empty() {
        line(out, "")?;
        line(out, "who may register, of which the first that fits counts")?;
    }
    for route in &portal.eligibility {
        paragraph(out, sheet, 5, &who(route))?;
        paragraph(out, sheet, 7, &readable(&route.text))?;
    }
    if !portal.links.is_empty() {
        line(out, "")?;
    }
    let titles = portal.links.iter().map(|link| readable(&link.title));
    let titles: Vec<String> = titles.collect();
    let widest = titles.iter().map(|title| usize::from(width(title))).max();
    let wide = NAME.max(widest.unwrap_or_default() + 2);
    for (title, link) in titles.iter().zip(&portal.links) {
        field_of(out, sheet, "", (title, wide), &readable(&link.url))?;
    }
    Ok(())
}

fn itself(portal: &PortalDetails) -> Vec<(&'static str, String)> {
    let several = |texts: &[String]| {
        let texts: Vec<String> = texts.iter().map(|text| readable(text)).collect();
        texts.join(", ")
    };
    let anchors = if portal.trust_anchors.is_empty() {
        "those of the system".into()
    } else {
        several(&portal.trust_anchors)
    };
    let lockout = portal.lockout_tries.map(|tries| {
        let wait = portal.lockout_wait.map(Duration::from_secs);
        let wait = wait.map_or_else(|| "until somebody unlocks it".into(), phrase::span);
        let tries = phrase::counted(u64::from(tries), "wrong password", "wrong passwords");
        format!("after {tries}, {wait}")
    });
    vec![
        ("portal", readable(&portal.title)),
        ("name", readable(&portal.name)),
        ("enabled", if portal.enabled { "yes" } else { "no" }.into()),
        ("signing in", readable(&portal.start)),
        ("redirects to", several(&portal.redirect_origins)),
        (
            "certificate",
            match portal.certificate {
                Purpose::Authentication => "authentication",
                Purpose::Signature => "signature",
            }
            .into(),
        ),
        (
            "account by",
            match portal.account {
                AccountKey::Upn => "UPN",
                AccountKey::Edipi => "DoD ID",
                AccountKey::Subject => "subject",
            }
            .into(),
        ),
        ("trusted by", anchors),
        ("revocation", several(&portal.revocation_lists)),
        (
            "checked again",
            phrase::span(Duration::from_secs(portal.recheck)),
        ),
        (
            "notice",
            if portal.has_consent {
                "to be accepted before it goes on".into()
            } else {
                String::new()
            },
        ),
        ("locks accounts", lockout.unwrap_or_default()),
        (
            "help desk",
            portal.help_desk.as_ref().map(help_desk).unwrap_or_default(),
        ),
    ]
}

/// `help desk: Desk, 555-0100`.
pub(crate) fn desk(desk: &HelpDesk) -> String {
    format!("help desk: {}", help_desk(desk))
}

fn help_desk(desk: &HelpDesk) -> String {
    let parts = [&desk.name, &desk.phone, &desk.email, &desk.url];
    let parts: Vec<String> = parts
        .into_iter()
        .flatten()
        .map(|part| readable(part))
        .collect();
    parts.join(", ")
}

fn who(route: &Route) -> String {
    let categories = route.categories.iter();
    let who = either(categories.map(|category| category.title().to_owned()));
    let components = route.components.iter();
    let of = either(components.map(|component| readable(component)));
    let of = of.map_or_else(String::new, |of| format!(" of {of}"));
    let question = route.question.as_ref();
    let asked = question.map_or_else(String::new, |text| format!(" ({})", readable(text)));
    let who = who.as_deref().unwrap_or("anyone");
    format!("{who}{of}{asked}: {}", route.way.title())
}

fn either(words: impl Iterator<Item = String>) -> Option<String> {
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| words.join(" or "))
}

/// Each hop, each rule, and what came of it.
pub fn test(
    out: &mut impl Write,
    reply: &TestReply,
    sheet: Sheet,
    now: UtcSeconds,
    zone: &TimeZone,
) -> Result<(), Failure> {
    for (number, hop) in (1..).zip(&reply.trace.hops) {
        hanging(out, sheet, &format!("{number:>3}  "), &request(hop))?;
        for told in told_of(hop) {
            paragraph(out, sheet, 5, &told)?;
        }
    }
    line(out, "")?;
    for (head, why) in rules(reply) {
        hanging(out, sheet, &head, &why)?;
    }
    line(out, "")?;
    for (at, told) in outcome(reply, now, zone).iter().enumerate() {
        if at == 0 {
            let told = sheet.paint(phrase::tone(&reply.outcome), told);
            line(out, &format!("outcome  {told}"))?;
        } else {
            paragraph(out, sheet, 9, told)?;
        }
    }
    if sheet.quiet {
        return Ok(());
    }
    paragraph(
        out,
        sheet,
        9,
        "Nothing was written down; cacctl register signs in for good.",
    )
}

/// `GET https://portal.example/`.
pub(crate) fn request(hop: &Hop) -> String {
    format!("{} {}", hop.method, readable(&hop.url))
}

/// What came of a request, a line each.
pub(crate) fn told_of(hop: &Hop) -> Vec<String> {
    let mut told = vec![answer(hop)];
    if !hop.fields.is_empty() {
        let fields: Vec<String> = hop.fields.iter().map(|it| readable(it)).collect();
        told.push(format!("with a form: {}", fields.join(", ")));
    }
    told.extend(hop.doubt.as_deref().map(readable));
    let redirect = hop.redirect.as_deref().map(readable);
    told.extend(redirect.map(|to| format!("leads to {to}")));
    told
}

/// The rules of the profile that were asked, a line each: which it is, and why it
/// does not match if it does not.
pub(crate) fn rules(reply: &TestReply) -> Vec<(String, String)> {
    let rules = &reply.trace.rules;
    let mut told: Vec<(String, String)> = rules.iter().map(rule).collect();
    let none = |text: &str| (String::new(), text.to_owned());
    if rules.is_empty() {
        told.push(none("no rule of the profile was asked"));
    } else if rules.iter().all(|it| it.misses.is_some()) {
        told.push(none("no rule of the profile matches"));
    }
    told
}

/// What came of it all, then what that means and what to do: a sentence each.
pub(crate) fn outcome(reply: &TestReply, now: UtcSeconds, zone: &TimeZone) -> Vec<String> {
    // A page can greet its reader by number.
    let harmless = |text: &str| readable(&masked(text));
    let status = if let RegistrationStatus::Waiting { .. } = &reply.outcome {
        // Nothing happens when that is over.
        reply.outcome.label().into()
    } else {
        phrase::status(&reply.outcome, now, zone)
    };
    let mut told = vec![harmless(&status)];
    let advice = reply.outcome.advice_when_tried();
    told.extend(advice.as_deref().map(harmless));
    if let RegistrationStatus::Waiting { until, .. } = &reply.outcome
        && *until > now
    {
        let span = phrase::span(until.since(now));
        told.push(format!("The portal asks to be left alone for {span}."));
    }
    if let RegistrationStatus::Unrecognised { cause } = &reply.outcome
        && let Some(page) = &cause.page
    {
        let sha256 = readable(&page.sha256);
        told.push(format!("status {}, SHA-256 {sha256}", page.status));
    }
    told
}

fn answer(hop: &Hop) -> String {
    let mut parts = Vec::new();
    match (hop.status, &hop.failure) {
        (Some(status), _) => parts.push(format!("status {status}")),
        (None, Some(_)) => {}
        (None, None) => parts.push("no answer in time".into()),
    }
    if let Some(failure) = &hop.failure {
        parts.push(format!("failed: {}", readable(failure)));
    }
    parts.push(format!("{} ms", hop.took));
    parts.extend(hop.protocol.as_deref().map(readable));
    let certificate = match (hop.asked, hop.signed) {
        (_, true) => Some("asked for the certificate, and the card signed"),
        (true, false) => Some("asked for the certificate, and got none"),
        (false, false) => None,
    };
    parts.extend(certificate.map(str::to_owned));
    if hop.cookies > 0 {
        parts.push(phrase::counted(u64::from(hop.cookies), "cookie", "cookies"));
    }
    parts.join(", ")
}

fn rule(tried: &RuleTried) -> (String, String) {
    let why = tried.misses.as_deref().map_or("matches".into(), readable);
    let head = format!("rule {:<3} {:<13} ", tried.number, result(tried.result));
    (head, why)
}

fn result(result: RuleResult) -> &'static str {
    match result {
        RuleResult::Registered => "registered",
        RuleResult::NeedsWizard => "needs-wizard",
        RuleResult::NotEligible => "not-eligible",
        RuleResult::NeedsSponsor => "needs-sponsor",
        RuleResult::NotFound => "not-found",
        RuleResult::Forbidden => "forbidden",
        RuleResult::LockedOut => "locked-out",
        RuleResult::Rejected => "rejected",
        RuleResult::Waiting => "waiting",
    }
}

fn field(out: &mut impl Write, sheet: Sheet, name: &str, value: &str) -> Result<(), Failure> {
    field_of(out, sheet, "", (name, NAME), value)
}

#[cfg(test)]
mod tests {
    use cac_common::cause::{Cause, Kind};
    use cac_common::profile::Profile;
    use cac_common::toml_file::Source;
    use cac_common::trace::Trace;

    use super::*;
    use crate::invented;

    const WHOLE: &str = r##"
name = "whole"
title = "Whole portal"
origin = "https://whole.example"
start = "/sign-in"
trust_anchors = ["ca.pem"]
redirect_origins = ["https://accounts.example"]

[help_desk]
name = "Desk"
phone = "555-0100"

[consent]
selector = "#notice"
form = "#accept"

[lockout]
tries = 3
wait = "15m"

[[outcome]]
result = "registered"
status = 200
selector = "#account"

[[outcome]]
result = "not-found"
text = "User Not Found"

[[eligibility]]
categories = ["contractor"]
components = ["Army"]
way = "sponsor"
text = "Ask your Task Monitor."

[[eligibility]]
way = "self"
text = "Put your card in."

[[wizard]]
title = "Sign in"
page = "/login"
form = "form"
fields = [{ name = "user", label = "User name" }, { name = "pw", label = "Password", kind = "password" }]
proof = "#in"

[[links]]
title = "Help"
url = "https://whole.example/help"
"##;

    fn told(print: impl FnOnce(&mut Vec<u8>) -> Result<(), Failure>) -> String {
        let mut out = Vec::new();
        print(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_profile_is_told_with_all_that_it_says() {
        let source = Source::new(std::path::Path::new("/etc/p.toml"), WHOLE.into());
        let portal = PortalDetails::from(&Profile::check(&source).unwrap());

        insta::assert_snapshot!(told(|out| details(out, &portal, Sheet::PLAIN)));
    }

    #[test]
    fn portals_are_listed_with_what_is_wrong() {
        let mut snapshot = invented::desk();
        snapshot.problems = vec!["p.toml:1:1: bad\n  |\n1 | x".into()];

        insta::assert_snapshot!(told(|out| list(out, &snapshot, Sheet::PLAIN)));
        snapshot.portals.clear();
        assert!(told(|out| list(out, &snapshot, Sheet::PLAIN)).contains("no portal is described"));
    }

    #[test]
    fn nothing_is_promised_of_a_portal_that_was_tried_and_is_away() {
        for (wait, asks) in [(0, false), (120, true)] {
            let reply = TestReply {
                outcome: RegistrationStatus::Waiting {
                    until: invented::NOW.after(Duration::from_secs(wait)),
                    attempt: 1,
                    cause: Cause::new(Kind::PortalBusy, "the portal answered 503"),
                },
                trace: Trace::default(),
                page: None,
            };

            let told = told(|out| test(out, &reply, Sheet::PLAIN, invented::NOW, &TimeZone::UTC));

            assert!(told.contains("outcome  waiting\n"), "{told}");
            assert!(!told.contains("tried again"), "{told}");
            assert_eq!(told.contains("left alone for 2 min"), asks, "{told}");
        }
    }

    #[test]
    fn a_sign_in_is_told_hop_by_hop() {
        let hop = |url: &str| Hop {
            method: "GET".into(),
            url: url.into(),
            took: 143,
            ..Hop::default()
        };
        let reply = TestReply {
            outcome: RegistrationStatus::Unrecognised {
                cause: Cause::from("Hello 1234567890 \u{1b}[2J").on_page(200, "00ff".into()),
            },
            trace: Trace {
                hops: vec![
                    Hop {
                        status: Some(302),
                        protocol: Some("HTTP/1.1".into()),
                        asked: true,
                        signed: true,
                        cookies: 2,
                        redirect: Some("https://b.example/?token=\u{2026}".into()),
                        ..hop("https://a.example/")
                    },
                    Hop {
                        failure: Some("connection refused".into()),
                        ..hop("https://b.example/?token=\u{2026}")
                    },
                ],
                rules: vec![RuleTried {
                    number: 1,
                    result: RuleResult::Registered,
                    misses: Some("the status is 403, not 200".into()),
                }],
            },
            page: None,
        };

        let told = told(|out| test(out, &reply, Sheet::PLAIN, invented::NOW, &TimeZone::UTC));

        assert!(
            !told.contains('\u{1b}') && !told.contains("1234567890"),
            "{told}"
        );
        insta::assert_snapshot!(told);
    }
}
