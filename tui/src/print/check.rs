//! What the checks came to, and what one looks at.

use std::io::Write;

use cac_common::identity::{legible, masked, readable};
use serde::Serialize;

use super::line;
use super::table::{hanging, set};
use crate::check::{self, Check, Finding, Fix, Verdict, capitals};
use crate::failure::Failure;
use crate::sheet::Sheet;
use crate::theme::Theme;
use crate::view::text::{cut, fit};

/// Columns of the verdict, and of what should be so.
const VERDICT: u16 = 8;
const TITLE: u16 = 30;

/// Where the guide is installed, a page for each check in it.
const GUIDE: &str = "/usr/share/doc/cacd/guide";

/// Where more is told of a check.
pub fn page(check: &Check) -> String {
    format!("{GUIDE}/check-{}.md", check.name)
}

/// One line, or several where there is something to do.
pub fn finding(out: &mut impl Write, finding: &Finding, sheet: Sheet) -> Result<(), Failure> {
    let verdict = finding.verdict();
    let mark = mark(verdict);
    let title = fit(&readable(finding.title()), TITLE);
    let word = fit(verdict.title(), VERDICT);
    let painted = format!(
        "{}  {title}  ",
        sheet.paint(verdict.tone(), &format!("{mark} {word}"))
    );
    let plain = format!("{mark} {word}  {title}  ");
    let cause = masked(&legible(finding.cause()));
    set(out, sheet, (&plain, &painted), &cause)?;
    let is_wanted = matches!(verdict, Verdict::Failed | Verdict::Warning);
    if !is_wanted || sheet.quiet {
        return Ok(());
    }
    if let Some(advice) = finding.advice() {
        hanging(out, sheet, &" ".repeat(12), &masked(&legible(advice)))?;
    }
    if let Some(fix) = finding.fix() {
        // On a line of its own, and whole, to be copied.
        line(out, &format!("{:14}{}", "", legible(&fix.command())))?;
    }
    let name = finding.check.name;
    line(
        out,
        &format!("{:12}more: cacctl check --explain {name}", ""),
    )
}

/// One that runs or waits for such a one, in a line that is no longer than the
/// terminal is wide.
pub(crate) fn unfinished(finding: &Finding, spinner: &str, columns: usize) -> String {
    let verdict = finding.verdict();
    let mark = match verdict {
        Verdict::Running => spinner,
        Verdict::Fine
        | Verdict::Warning
        | Verdict::Failed
        | Verdict::NotApplicable
        | Verdict::Unknown => mark(verdict),
    };
    let (word, title) = (fit(verdict.title(), VERDICT), readable(finding.title()));
    let columns = u16::try_from(columns).unwrap_or(u16::MAX);
    cut(
        &format!("{mark} {word}  {title}"),
        columns.saturating_sub(1),
    )
}

pub(crate) fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Unknown => "?",
        Verdict::Fine
        | Verdict::Warning
        | Verdict::Failed
        | Verdict::NotApplicable
        | Verdict::Running => Theme::mark(verdict.tone()),
    }
}

pub fn summary(out: &mut impl Write, findings: &[Finding], sheet: Sheet) -> Result<(), Failure> {
    let (tone, text) = check::summary(findings);
    line(out, "")?;
    line(out, &sheet.paint(tone, &masked(&legible(&text))))
}

pub fn explain(out: &mut impl Write, check: &Check, sheet: Sheet) -> Result<(), Failure> {
    line(
        out,
        &sheet.strong(&format!("{}: {}", check.name, check.title)),
    )?;
    hanging(out, sheet, "", check.meaning)?;
    let after: Vec<&str> = check.after().collect();
    if !after.is_empty() {
        hanging(out, sheet, "needs    ", &after.join(", "))?;
    }
    for outcome in check.outcomes.iter().filter(|it| is_told(it.verdict)) {
        line(out, "")?;
        let word = fit(outcome.verdict.title(), VERDICT);
        let mark = mark(outcome.verdict);
        hanging(out, sheet, &format!("{mark} {word} "), &outcome.shown())?;
        if let Some(advice) = outcome.advice {
            hanging(out, sheet, &" ".repeat(11), &capitals(advice))?;
        }
        if let Some(command) = outcome.command() {
            line(out, &format!("{:13}{command}", ""))?;
        }
    }
    line(out, "")?;
    hanging(out, sheet, "more     ", &page(check))
}

/// What is worth telling beforehand.
fn is_told(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Failed | Verdict::Warning | Verdict::Unknown => true,
        Verdict::Fine | Verdict::NotApplicable | Verdict::Running => false,
    }
}

#[derive(Debug, Serialize)]
struct Told<'a> {
    /// The worst of all.
    verdict: &'static str,
    findings: Vec<Line<'a>>,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    check: &'static str,
    title: &'static str,
    about: Option<Of<'a>>,
    verdict: &'static str,
    cause: &'a str,
    advice: Option<&'a str>,
    fix: Option<How>,
    more: String,
}

#[derive(Debug, Serialize)]
struct Of<'a> {
    key: &'a str,
    title: &'a str,
}

#[derive(Debug, Serialize)]
struct How {
    command: String,
    setup: Option<&'static str>,
}

pub fn json(out: &mut impl Write, findings: &[Finding]) -> Result<(), Failure> {
    let lines = findings.iter().map(|finding| Line {
        check: finding.check.name,
        title: finding.check.title,
        about: finding.about().map(|about| Of {
            key: &about.key,
            title: &about.title,
        }),
        verdict: finding.verdict().name(),
        cause: finding.cause(),
        advice: finding.advice(),
        fix: finding.fix().map(|fix| How {
            command: fix.command(),
            setup: match fix {
                Fix::Command(_) => None,
                Fix::Setup(step) => Some(step),
            },
        }),
        more: page(finding.check),
    });
    let told = Told {
        verdict: check::worst(findings).name(),
        findings: lines.collect(),
    };
    super::json(out, &told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_wants_a_check_explained_is_told_every_cause_and_its_remedy() {
        let mut out = Vec::new();
        let unit = check::named("unit").expect("there is one");

        explain(&mut out, unit, Sheet::PLAIN).expect("it is written");

        let text = String::from_utf8(out).expect("it is text");
        for line in [
            "✖ failed   cacd.service is masked",
            "  sudo systemctl unmask cacd.service cacd.socket",
            "✖ failed   it has failed (RESULT)",
            "! warning  it runs, and does not start with the machine",
            "? unknown  systemctl: WHAT IT SAID",
            "more     /usr/share/doc/cacd/guide/check-unit.md",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
