//! A profile as it is written, and what it has to keep to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_spanned::Spanned;
use url::Url;

use super::{
    AccountKey, Consent, Field, FieldKind, HeaderRule, Link, Lockout, Profile, Purpose, Rule,
    RuleResult, Step,
};
use crate::eligibility::{Category, Route, Sponsor, Way};
use crate::snapshot::HelpDesk;
use crate::span;
use crate::toml_file::{FileError, Source};

const LONGEST_NAME: usize = 32;
const RECHECK: Duration = Duration::from_hours(30 * 24);

/// Of one wizard, and of one step of it.
const MOST_STEPS: usize = 32;
const MOST_FIELDS: usize = 16;

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
    #[serde(default)]
    revocation_lists: Vec<PathBuf>,
    recheck: Option<Spanned<String>>,
    #[serde(default)]
    outcome: Vec<Spanned<RuleTable>>,
    consent: Option<Spanned<ConsentTable>>,
    lockout: Option<Spanned<LockoutTable>>,
    #[serde(default)]
    eligibility: Vec<Spanned<RouteTable>>,
    #[serde(default)]
    wizard: Vec<Spanned<StepTable>>,
    help_desk: Option<HelpDesk>,
    #[serde(default)]
    links: Vec<Spanned<Link>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    result: RuleResult,
    status: Option<Spanned<u16>>,
    path: Option<String>,
    redirect: Option<Spanned<String>>,
    header: Option<HeaderRule>,
    selector: Option<String>,
    text: Option<String>,
    account_selector: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentTable {
    selector: String,
    form: String,
    button: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockoutTable {
    tries: u32,
    wait: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteTable {
    #[serde(default)]
    categories: Vec<Category>,
    #[serde(default)]
    components: Vec<String>,
    question: Option<String>,
    way: Way,
    text: String,
    sponsor: Option<Sponsor>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepTable {
    title: String,
    page: Option<Spanned<String>>,
    form: Option<String>,
    #[serde(default)]
    fields: Vec<Field>,
    proof: Option<String>,
    #[serde(default)]
    certificate: bool,
    account_selector: Option<String>,
}

pub(super) fn check(source: &Source) -> Result<Profile, FileError> {
    let file: ProfileFile = source.parse()?;

    if !is_name(file.name.get_ref()) {
        return Err(source.fault_at(
            &file.name,
            "a name is 1 to 32 of the characters a-z, 0-9 and -",
        ));
    }
    if file.title.get_ref().trim().is_empty() {
        return Err(source.fault_at(&file.title, "a portal needs a title that people know it by"));
    }
    let origin = https(source, &file.origin)?;
    let start = path_at(&origin, &file.start).ok_or_else(|| {
        source.fault_at(
            &file.start,
            "start is a path at the origin, such as \"/sign-in\"",
        )
    })?;
    let redirect_origins: Vec<Url> = file
        .redirect_origins
        .iter()
        .map(|text| https(source, text))
        .collect::<Result<_, _>>()?;
    let recheck = match &file.recheck {
        None => RECHECK,
        Some(text) => span(source, text)?,
    };
    let folder = source.path().parent().unwrap_or(Path::new("/"));
    let beside = |paths: &[PathBuf]| paths.iter().map(|path| folder.join(path)).collect();
    let rules = file
        .outcome
        .into_iter()
        .map(|table| rule(source, &origin, table))
        .collect::<Result<_, _>>()?;
    let mut wizard = Vec::new();
    let mut last_span = None;
    for table in file.wizard {
        let span = table.span();
        last_span = Some(span.clone());
        let step = step(source, &origin, &redirect_origins, table)?;
        let lacks_a_page = step.page.is_none() && !step.is_told();
        let has_one_before = wizard.iter().any(|before: &Step| !before.is_told());
        if wizard.len() == MOST_STEPS || lacks_a_page && !has_one_before {
            return Err(source.fault(
                span,
                "a wizard has up to 32 steps, and the first that is not a person's has a page",
            ));
        }
        wizard.push(step);
    }
    // 200 alone proves nothing: it can be a log-in form.
    let gives = |step: &Step| {
        let mut fields = step.fields.iter();
        step.certificate || fields.any(|field| field.kind == FieldKind::Certificate)
    };
    if let Some(last) = wizard.iter().rposition(gives)
        && wizard[last..].iter().all(|step| step.proof.is_none())
    {
        let span = last_span.unwrap_or_default();
        return Err(source.fault(
            span,
            "a wizard that gives the certificate ends with a proof that it was registered",
        ));
    }
    Ok(Profile {
        name: file.name.into_inner(),
        title: file.title.into_inner(),
        enabled: file.enabled,
        start,
        redirect_origins: redirect_origins.iter().map(Url::origin).collect(),
        certificate: file.certificate,
        account: file.account,
        trust_anchors: beside(&file.trust_anchors),
        revocation_lists: beside(&file.revocation_lists),
        recheck,
        rules,
        consent: file
            .consent
            .map(|table| consent(source, table))
            .transpose()?,
        lockout: file
            .lockout
            .map(|table| lockout(source, table))
            .transpose()?,
        eligibility: file
            .eligibility
            .into_iter()
            .map(|table| route(source, table))
            .collect::<Result<_, _>>()?,
        wizard,
        help_desk: file.help_desk,
        links: file
            .links
            .into_iter()
            .map(|link| self::link(source, link))
            .collect::<Result<_, _>>()?,
        fingerprint: source.fingerprint(),
    })
}

fn rule(source: &Source, origin: &Url, table: Spanned<RuleTable>) -> Result<Rule, FileError> {
    let span = table.span();
    let table = table.into_inner();
    let conditions = [&table.path, &table.selector, &table.text];
    let has_others = table.status.is_some() || table.redirect.is_some() || table.header.is_some();
    if !has_others && conditions.iter().all(|condition| condition.is_none()) {
        return Err(source.fault(
            span,
            "an outcome needs a condition: status, path, redirect, header, selector or text",
        ));
    }
    let header = table.header.as_ref();
    let of_header = header.into_iter().flat_map(|header| {
        let name = std::iter::once(header.name.as_str());
        name.chain(header.contains.as_deref())
    });
    let words = conditions.into_iter().filter_map(Option::as_deref);
    let is_empty = |condition: &str| condition.trim().is_empty();
    if words.chain(of_header).any(is_empty) {
        return Err(source.fault(span, "an empty condition would match every page"));
    }
    if let Some(status) = &table.status
        && !(100..=599).contains(status.get_ref())
    {
        return Err(source.fault_at(status, "an HTTP status is a number from 100 to 599"));
    }
    // 200 alone proves nothing: it can be a log-in form.
    if table.result == RuleResult::Registered && table.selector.is_none() && table.text.is_none() {
        return Err(source.fault(
            span,
            "\"registered\" needs a selector or a text that proves it",
        ));
    }
    let redirect = match &table.redirect {
        None => None,
        Some(text) => Some(https_at(origin, text).ok_or_else(|| {
            source.fault_at(
                text,
                "redirect is a path at the origin, such as \"/error\", or an https:// address",
            )
        })?),
    };
    Ok(Rule {
        result: table.result,
        status: table.status.map(Spanned::into_inner),
        path: table.path,
        redirect,
        header: table.header,
        selector: table.selector,
        text: table.text,
        account_selector: table.account_selector,
    })
}

fn consent(source: &Source, table: Spanned<ConsentTable>) -> Result<Consent, FileError> {
    let span = table.span();
    let ConsentTable {
        selector,
        form,
        button,
    } = table.into_inner();
    let words = [Some(&selector), Some(&form), button.as_ref()];
    if words.into_iter().flatten().any(|it| it.trim().is_empty()) {
        return Err(source.fault(
            span,
            "a consent page needs the selector of its notice, and of the form that accepts it",
        ));
    }
    Ok(Consent {
        selector,
        form,
        button,
    })
}

fn lockout(source: &Source, table: Spanned<LockoutTable>) -> Result<Lockout, FileError> {
    let span = table.span();
    let LockoutTable { tries, wait } = table.into_inner();
    if tries == 0 {
        return Err(source.fault(span, "a lockout comes after one try or more"));
    }
    let wait = wait.map(|text| self::span(source, &text)).transpose()?;
    Ok(Lockout { tries, wait })
}

fn route(source: &Source, table: Spanned<RouteTable>) -> Result<Route, FileError> {
    let span = table.span();
    let table = table.into_inner();
    if table.text.trim().is_empty() {
        return Err(source.fault(span, "a way needs a text that says what to do"));
    }
    if table.sponsor.is_some() && !table.way.needs_sponsor() {
        return Err(source.fault(span, "only \"sponsor\" and \"guest\" have a sponsor"));
    }
    let sponsor = table.sponsor.iter();
    let said = sponsor.map(|sponsor| &sponsor.who).chain(&table.question);
    let components = table.components.iter();
    if said.chain(components).any(|text| text.trim().is_empty()) {
        return Err(source.fault(span, "a component, a question or a sponsor is not empty"));
    }
    Ok(Route {
        categories: table.categories,
        components: table.components,
        question: table.question,
        way: table.way,
        text: table.text,
        sponsor: table.sponsor,
    })
}

fn step(
    source: &Source,
    origin: &Url,
    others: &[Url],
    table: Spanned<StepTable>,
) -> Result<Step, FileError> {
    let span = table.span();
    let table = table.into_inner();
    let is_proven = |proof: &String| !proof.trim().is_empty();
    let lacks_proof = table.form.is_some() && !table.proof.as_ref().is_some_and(is_proven);
    if table.title.trim().is_empty() || lacks_proof {
        return Err(source.fault(
            span,
            "a step needs a title, and with a form a selector that proves it has worked",
        ));
    }
    if !table.fields.is_empty() && table.form.is_none() {
        return Err(source.fault(span, "fields need the selector of the form they are in"));
    }
    if table.certificate && table.form.is_none() && table.page.is_none() {
        return Err(source.fault(span, "a certificate goes along with a form or a page"));
    }
    let is_nameless = |field: &Field| {
        let needs_label = field.kind != FieldKind::Certificate;
        field.name.is_empty() || needs_label && field.label.trim().is_empty()
    };
    if table.fields.len() > MOST_FIELDS || table.fields.iter().any(is_nameless) {
        return Err(source.fault(
            span,
            "a step has up to 16 fields, each with the name that the form gives it and a label",
        ));
    }
    let page = match &table.page {
        None => None,
        Some(text) => Some(
            https_at(origin, text)
                .filter(|page| {
                    let mut known = std::iter::once(origin).chain(others);
                    known.any(|known| known.origin() == page.origin())
                })
                .ok_or_else(|| {
                    source.fault_at(
                        text,
                        "page is a path at the origin, or an address at one of redirect_origins",
                    )
                })?,
        ),
    };
    Ok(Step {
        title: table.title,
        page,
        form: table.form,
        fields: table.fields,
        proof: table.proof,
        certificate: table.certificate,
        account_selector: table.account_selector,
    })
}

fn link(source: &Source, link: Spanned<Link>) -> Result<Link, FileError> {
    let is_web = Url::parse(&link.get_ref().url)
        .is_ok_and(|url| matches!(url.scheme(), "https" | "http" | "mailto"));
    if is_web {
        Ok(link.into_inner())
    } else {
        Err(source.fault_at(&link, "a link is an https://, http:// or mailto: address"))
    }
}

fn https(source: &Source, text: &Spanned<String>) -> Result<Url, FileError> {
    Url::parse(text.get_ref())
        .ok()
        .filter(|url| url.scheme() == "https" && url.host().is_some())
        .filter(|url| url.path() == "/" && url.query().is_none() && url.fragment().is_none())
        .filter(|url| url.username().is_empty() && url.password().is_none())
        .ok_or_else(|| source.fault_at(text, "an origin is https://, a host and perhaps a port"))
}

fn path_at(origin: &Url, text: &Spanned<String>) -> Option<Url> {
    https_at(origin, text).filter(|url| url.origin() == origin.origin())
}

/// An address of its own, or a path at the origin.
fn https_at(origin: &Url, text: &Spanned<String>) -> Option<Url> {
    origin
        .join(text.get_ref())
        .ok()
        .filter(|url| url.scheme() == "https" && url.host().is_some())
        .filter(|url| url.username().is_empty() && url.password().is_none())
}

fn span(source: &Source, text: &Spanned<String>) -> Result<Duration, FileError> {
    span::parse(text.get_ref()).map_err(|error| source.fault_at(text, &error.to_string()))
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
