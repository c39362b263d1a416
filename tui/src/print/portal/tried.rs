//! How a sign-in went that was tried by hand, for a person.

use std::io::Write;

use cac_common::identity::{masked, readable};
use cac_common::interface::TestReply;
use cac_common::profile::RuleResult;
use cac_common::registration::RegistrationStatus;
use cac_common::time::UtcSeconds;
use cac_common::trace::{Hop, RuleTried};
use jiff::tz::TimeZone;

use crate::failure::Failure;
use crate::phrase;
use crate::print::line;
use crate::print::table::{hanging, paragraph};
use crate::sheet::Sheet;

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

pub(super) fn result(result: RuleResult) -> &'static str {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cac_common::cause::{Cause, Kind};
    use cac_common::trace::Trace;

    use super::*;
    use crate::invented;

    fn told(print: impl FnOnce(&mut Vec<u8>) -> Result<(), Failure>) -> String {
        let mut out = Vec::new();
        print(&mut out).unwrap();
        String::from_utf8(out).unwrap()
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
