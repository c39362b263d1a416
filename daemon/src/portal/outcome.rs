//! What the last page of a sign-in means.
//!
//! The profile's rules come first, in their order. Where none matches, only
//! what HTTP itself and the usual servers say counts; the rest is not guessed.

use std::time::Duration;

use cac_common::profile::{Rule, RuleResult};
use cac_common::registration::Outcome;
use reqwest::StatusCode;
use url::Url;

use super::page::Page;
use super::witness::{Seen, Withheld};
use super::{Markers, Portal};

/// The last answer, redirects behind us.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) url: Url,
    pub(super) status: StatusCode,
    pub(super) content_type: Option<String>,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

pub(super) fn judge(portal: &Portal, answer: &Answer, seen: Seen) -> Outcome {
    if let Some(outcome) = withheld(seen) {
        return outcome;
    }
    let Ok(page) = Page::parse(answer.content_type.as_deref(), &answer.body) else {
        return Outcome::Unrecognised {
            title: "a page too complex to read".into(),
        };
    };
    let outcome = portal
        .profile
        .rules
        .iter()
        .zip(&portal.markers)
        .find(|(rule, markers)| matches(rule, markers, answer, &page))
        .map_or_else(
            || by_status(answer, &page, seen),
            |(rule, markers)| by_rule(rule, markers, answer, &page),
        );
    let is_registered = matches!(outcome, Outcome::Registered { .. });
    if is_registered && seen.signed == 0 {
        return Outcome::Unsupported {
            why: "the portal let us in without asking for the card's certificate".into(),
        };
    }
    outcome
}

/// What follows from having sent no certificate, whatever the portal made of it.
pub(super) fn withheld(seen: Seen) -> Option<Outcome> {
    if seen.signed > 0 {
        return None;
    }
    Some(match seen.withheld? {
        Withheld::IssuerNotAccepted => Outcome::Rejected {
            cause: "the portal does not accept your card's issuer".into(),
        },
        Withheld::NoSchemeInCommon => Outcome::Unsupported {
            why: "the portal wants a kind of signature that the card's key cannot make".into(),
        },
    })
}

fn matches(rule: &Rule, markers: &Markers, answer: &Answer, page: &Page) -> bool {
    rule.status
        .is_none_or(|status| answer.status.as_u16() == status)
        && rule
            .path
            .as_ref()
            .is_none_or(|path| answer.url.path().starts_with(path))
        && markers
            .selector
            .as_ref()
            .is_none_or(|selector| page.has(selector))
        && markers
            .text
            .as_ref()
            .is_none_or(|text| page.text().contains(text))
}

fn by_rule(rule: &Rule, markers: &Markers, answer: &Answer, page: &Page) -> Outcome {
    match rule.result {
        RuleResult::Registered => Outcome::Registered {
            account: markers
                .account
                .as_ref()
                .and_then(|selector| page.first(selector)),
        },
        RuleResult::NeedsWizard => Outcome::NeedsWizard,
        RuleResult::NotEligible => Outcome::NotEligible,
        RuleResult::NeedsSponsor => Outcome::NeedsSponsor,
        RuleResult::NotFound => Outcome::NotFound,
        RuleResult::Forbidden => Outcome::Forbidden {
            cause: said(answer, page),
        },
        RuleResult::LockedOut => Outcome::LockedOut,
        RuleResult::Rejected => Outcome::Rejected {
            cause: said(answer, page),
        },
        RuleResult::Waiting => Outcome::Unavailable {
            cause: said(answer, page),
            retry_after: answer.retry_after,
        },
    }
}

fn by_status(answer: &Answer, page: &Page, seen: Seen) -> Outcome {
    match answer.status.as_u16() {
        400 if page.text().contains("No required SSL certificate was sent") => {
            rejected("no certificate reached the portal")
        }
        // nginx has one text for every fault of a certificate.
        400 if page.text().contains("The SSL certificate error") => rejected(
            "the portal does not accept it; it may have expired, be revoked, or its issuer not be known there",
        ),
        401 => Outcome::Forbidden {
            cause: "the portal does not know this certificate".into(),
        },
        403 => forbidden(answer, page, seen),
        408 | 425 | 429 | 500..=599 => Outcome::Unavailable {
            cause: said(answer, page),
            retry_after: answer.retry_after,
        },
        _ => Outcome::Unrecognised {
            title: page.title().unwrap_or_else(|| untitled(answer)),
        },
    }
}

/// 403 has many causes; Apache and IIS tell some of them apart.
fn forbidden(answer: &Answer, page: &Page, seen: Seen) -> Outcome {
    let text = page.text();
    if text.contains("Cannot perform Post-Handshake Authentication") {
        return Outcome::Unsupported {
            why: "the portal asks for the certificate too late, after the connection is made"
                .into(),
        };
    }
    let sub_status = ["403.7", "403.13", "403.16", "403.17"]
        .into_iter()
        .find(|code| text.contains(&format!("HTTP Error {code}")));
    match sub_status {
        Some("403.7") => rejected("no certificate reached the portal"),
        Some("403.13") => rejected("it is revoked, or the portal could not find out whether it is"),
        Some("403.16") => rejected("the portal does not trust who issued it"),
        Some("403.17") => rejected("it has expired or is not valid yet"),
        _ if seen.asked == 0 => Outcome::Forbidden {
            cause: format!(
                "{}, without asking for your certificate",
                said(answer, page)
            ),
        },
        _ => Outcome::Forbidden {
            cause: said(answer, page),
        },
    }
}

fn rejected(cause: &str) -> Outcome {
    Outcome::Rejected {
        cause: cause.into(),
    }
}

/// What the portal said, in its own words where it has any.
fn said(answer: &Answer, page: &Page) -> String {
    match page.title() {
        Some(title) => format!("the portal says \u{201c}{title}\u{201d}"),
        None => format!("the portal answered {}", answer.status),
    }
}

fn untitled(answer: &Answer) -> String {
    format!("a page without a title, {}", answer.status)
}
