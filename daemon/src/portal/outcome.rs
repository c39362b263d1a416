//! What the last page of a sign-in means.
//!
//! The profile's rules come first, in their order. Where none matches, only
//! what HTTP itself and the usual servers say counts; the rest is not guessed.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use cac_common::cause::{Cause, Kind};
use cac_common::identity::readable;
use cac_common::profile::{Rule, RuleResult};
use cac_common::registration::Outcome;
use cac_common::trace::RuleTried;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use url::Url;

use super::consent::hex;
use super::page::Page;
use super::refusal::Own;
use super::witness::{Seen, Withheld};
use super::{Markers, Portal};

/// Where F5's access policy sends those whom it does not let in.
const F5_LOG_OUT: &str = "/my.logout.php3";

/// The last answer, redirects behind us.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) url: Url,
    pub(super) status: StatusCode,
    /// Wherever a redirect led on the way here, or would have.
    pub(super) redirects: Vec<Url>,
    pub(super) headers: HeaderMap,
    pub(super) content_type: Option<String>,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

pub(super) fn judge(
    portal: &Portal,
    answer: &Answer,
    own: &Own,
    seen: Seen,
    tried: &mut Vec<RuleTried>,
) -> Outcome {
    if let Some(outcome) = withheld(own, seen) {
        return outcome;
    }
    let Ok(page) = Page::parse(answer.content_type.as_deref(), &answer.body) else {
        return Outcome::Unrecognised {
            cause: Cause::new(Kind::UnknownPage, "a page too complex to read"),
        };
    };
    // A rule that goes by the status would call it something else.
    if asks_too_late(answer, &page) {
        return post_handshake();
    }
    let outcome = find(portal, tried, |rule, markers| {
        miss(rule, markers, answer, &page)
    })
    .map_or_else(
        || by_status(answer, &page, own, seen),
        |(rule, markers)| match rule.result {
            RuleResult::Rejected => refused_by_rule(answer, &page, own, seen),
            RuleResult::Registered
            | RuleResult::NeedsWizard
            | RuleResult::NotEligible
            | RuleResult::NeedsSponsor
            | RuleResult::NotFound
            | RuleResult::Forbidden
            | RuleResult::LockedOut
            | RuleResult::Waiting => by_rule(rule, markers, answer, &page),
        },
    );
    let is_registered = matches!(outcome, Outcome::Registered { .. });
    if is_registered && seen.signed == 0 {
        return Outcome::Unsupported {
            cause: Cause::new(
                Kind::NeverAsks,
                "the portal let us in without asking for the card's certificate",
            ),
        };
    }
    outcome
}

/// What follows from having sent no certificate, whatever the portal made of it.
pub(super) fn withheld(own: &Own, seen: Seen) -> Option<Outcome> {
    if seen.signed > 0 {
        return None;
    }
    without_certificate(own, seen)
}

/// What follows from the last server that asked having got no certificate.
fn without_certificate(own: &Own, seen: Seen) -> Option<Outcome> {
    Some(match seen.withheld? {
        Withheld::IssuerNotAccepted => Outcome::Rejected {
            cause: own.not_accepted(),
        },
        Withheld::NoSchemeInCommon => Outcome::Unsupported {
            cause: Cause::new(
                Kind::NoCommonSignature,
                "the portal wants a kind of signature that the card's key cannot make",
            ),
        },
    })
}

/// What a rule makes of a redirect that leads out of the profile, and is not followed.
pub(super) fn judge_elsewhere(
    portal: &Portal,
    answer: &Answer,
    tried: &mut Vec<RuleTried>,
) -> Option<Outcome> {
    let page = Page::Text(String::new());
    let (rule, markers) = find(portal, tried, |rule, markers| {
        // Any other rule is about a page that nobody has seen.
        match &rule.redirect {
            Some(_) => miss(rule, markers, answer, &page),
            None => Some("the portal sends us elsewhere, and shows no page".into()),
        }
    })?;
    Some(by_rule(rule, markers, answer, &page))
}

/// The first rule that misses nothing.
fn find<'a>(
    portal: &'a Portal,
    tried: &mut Vec<RuleTried>,
    misses: impl Fn(&Rule, &Markers) -> Option<String>,
) -> Option<(&'a Rule, &'a Markers)> {
    let rules = portal.profile.rules.iter().zip(&portal.markers);
    for (number, (rule, markers)) in (1..).zip(rules) {
        let misses = misses(rule, markers);
        let is_found = misses.is_none();
        tried.push(RuleTried {
            number,
            result: rule.result,
            misses,
        });
        if is_found {
            return Some((rule, markers));
        }
    }
    None
}

/// The first condition of a rule that does not hold, in words.
fn miss(rule: &Rule, markers: &Markers, answer: &Answer, page: &Page) -> Option<String> {
    let status = answer.status.as_u16();
    if let Some(wanted) = rule.status.filter(|wanted| *wanted != status) {
        return Some(format!("the status is {status}, not {wanted}"));
    }
    let path = answer.url.path();
    if let Some(wanted) = rule
        .path
        .as_ref()
        .filter(|wanted| !path.starts_with(*wanted))
    {
        return Some(format!("the path is {}, not {wanted}", readable(path)));
    }
    if let Some(wanted) = &rule.redirect {
        let mut redirects = answer.redirects.iter();
        if !redirects.any(|url| url.as_str().starts_with(wanted.as_str())) {
            return Some(format!("no redirect went to {wanted}"));
        }
    }
    if let Some(wanted) = &rule.header {
        let mut values = answer.headers.get_all(&wanted.name).iter();
        let is_there = values.any(|value| {
            let text = String::from_utf8_lossy(value.as_bytes());
            (wanted.contains.as_ref()).is_none_or(|part| text.contains(part))
        });
        if !is_there {
            return Some(match &wanted.contains {
                Some(part) => format!("no header {} holds {part}", wanted.name),
                None => format!("there is no header {}", wanted.name),
            });
        }
    }
    if let Some(selector) = &markers.selector
        && !page.has(selector)
    {
        let selector = rule.selector.as_deref().unwrap_or_default();
        return Some(format!("nothing on the page matches {selector}"));
    }
    if let Some(text) = &markers.text
        && !page.text().contains(text)
    {
        return Some(format!("\u{201c}{text}\u{201d} is not on the page"));
    }
    None
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
            cause: said(Kind::Forbidden, answer, page),
        },
        RuleResult::LockedOut => Outcome::LockedOut,
        RuleResult::Rejected => Outcome::Rejected {
            cause: said(Kind::SaidByPortal, answer, page),
        },
        RuleResult::Waiting => Outcome::Unavailable {
            cause: said(Kind::PortalBusy, answer, page),
            retry_after: answer.retry_after,
        },
    }
}

/// A rule says that the certificate is refused, and not why: the server may, or
/// it is known here.
fn refused_by_rule(answer: &Answer, page: &Page, own: &Own, seen: Seen) -> Outcome {
    if let told @ Outcome::Rejected { .. } = by_status(answer, page, own, seen) {
        return told;
    }
    let said = said(Kind::SaidByPortal, answer, page);
    rejected(match own.fault() {
        Some(fault) => Cause::new(fault.kind, format!("{said}; {fault}")),
        None => said,
    })
}

fn by_status(answer: &Answer, page: &Page, own: &Own, seen: Seen) -> Outcome {
    match answer.status.as_u16() {
        400 if page.text().contains("No required SSL certificate was sent") => {
            no_certificate(own, seen)
        }
        // nginx has one text for every fault of a certificate.
        400 if page.text().contains("The SSL certificate error") => rejected(own.unsaid(seen)),
        401 if seen.signed > 0 => Outcome::Forbidden {
            cause: Cause::new(Kind::NotKnown, "the portal does not know this certificate"),
        },
        401 => unasked(answer, page),
        403 => forbidden(answer, page, own, seen),
        status @ (408 | 425 | 429 | 500..=599) => {
            let kind = match status {
                408 | 425 | 429 | 502..=504 => Kind::PortalBusy,
                _ => Kind::PortalError,
            };
            Outcome::Unavailable {
                cause: said(kind, answer, page),
                retry_after: answer.retry_after,
            }
        }
        200 if answer.url.path() == F5_LOG_OUT => forbidden(answer, page, own, seen),
        200 if page.has_password_field() => log_in_form(answer, page, seen),
        _ => Outcome::Unrecognised {
            cause: unknown(
                Kind::UnknownPage,
                page.title().unwrap_or_else(|| untitled(answer)),
                answer,
            ),
        },
    }
}

/// 200 does not say that the certificate signed anyone in.
fn log_in_form(answer: &Answer, page: &Page, seen: Seen) -> Outcome {
    if seen.asked == 0 {
        return Outcome::Unsupported {
            cause: Cause::new(
                Kind::WantsPassword,
                "the portal asks for a password, and not for the card's certificate",
            ),
        };
    }
    let title = page.title().unwrap_or_else(|| untitled(answer));
    Outcome::Unrecognised {
        cause: unknown(
            Kind::LogInForm,
            format!("{title}, a form that asks for a password"),
            answer,
        ),
    }
}

/// 403 has many causes; Apache and IIS tell some of them apart.
fn forbidden(answer: &Answer, page: &Page, own: &Own, seen: Seen) -> Outcome {
    let text = page.text();
    let sub_status = ["403.7", "403.12", "403.13", "403.16", "403.17"]
        .into_iter()
        .find(|code| text.contains(&format!("HTTP Error {code}")));
    match sub_status {
        Some("403.7") => no_certificate(own, seen),
        Some("403.12") => Outcome::Forbidden {
            cause: Cause::new(Kind::NotKnown, "the portal ties this certificate to no account"),
        },
        Some("403.13") => rejected(own.revoked().unwrap_or_else(|| {
            Cause::new(
                Kind::RevocationNotKnown,
                "it is revoked, or the portal could not find out whether it is",
            )
        })),
        Some("403.16") => rejected(Cause::new(
            Kind::IssuerUnknown,
            "the portal does not trust who issued it",
        )),
        Some("403.17") => rejected(own.fault_of_dates().unwrap_or_else(|| {
            Cause::new(
                Kind::CertificateNotYetValid,
                "the portal says that it has expired or is not valid yet; here it is valid, so a clock may be wrong",
            )
        })),
        _ if seen.asked == 0 => unasked(answer, page),
        _ => Outcome::Forbidden {
            cause: said(Kind::Forbidden, answer, page),
        },
    }
}

/// Apache says so where TLS 1.3 lets it ask no more (`SSLVerifyClient` for a path).
fn asks_too_late(answer: &Answer, page: &Page) -> bool {
    answer.status.as_u16() == 403
        && page
            .text()
            .contains("Cannot perform Post-Handshake Authentication")
}

pub(super) fn post_handshake() -> Outcome {
    Outcome::Unsupported {
        cause: Cause::new(
            Kind::AsksLatePostHandshake,
            "the portal asks for the certificate too late, after the connection is made \
             (post-handshake authentication)",
        ),
    }
}

pub(super) fn renegotiation() -> Outcome {
    Outcome::Unsupported {
        cause: Cause::new(
            Kind::AsksLateRenegotiation,
            "the portal asks for the certificate too late, after the connection is made \
             (renegotiation)",
        ),
    }
}

fn unasked(answer: &Answer, page: &Page) -> Outcome {
    Outcome::Forbidden {
        cause: Cause::new(
            Kind::NeverAsks,
            format!(
                "{}, without asking for your certificate when the connection was made",
                said(Kind::NeverAsks, answer, page)
            ),
        ),
    }
}

fn no_certificate(own: &Own, seen: Seen) -> Outcome {
    if seen.asked == 0 {
        return Outcome::Unsupported {
            cause: Cause::new(
                Kind::NeverAsks,
                "the portal wants a certificate, and does not ask for it when the connection is made",
            ),
        };
    }
    without_certificate(own, seen).unwrap_or_else(|| {
        let why = "no certificate reached the portal";
        rejected(Cause::new(Kind::NoCertificate, why))
    })
}

fn rejected(cause: Cause) -> Outcome {
    Outcome::Rejected { cause }
}

/// What the portal said, in its own words where it has any.
fn said(kind: Kind, answer: &Answer, page: &Page) -> Cause {
    let said = match page.title() {
        Some(title) => format!("the portal says \u{201c}{title}\u{201d}"),
        None => format!("the portal answered {}", answer.status),
    };
    Cause::new(kind, said)
}

/// With what is kept of the page.
fn unknown(kind: Kind, title: String, answer: &Answer) -> Cause {
    let sha256 = hex(digest(&SHA256, &answer.body).as_ref());
    Cause::new(kind, title).on_page(answer.status.as_u16(), sha256)
}

fn untitled(answer: &Answer) -> String {
    format!("a page without a title, {}", answer.status)
}
