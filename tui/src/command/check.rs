//! `cacctl check`: what is in the way, told as it is found out.

mod gathering;
mod streamed;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use cac_common::identity::readable;
use jiff::tz::TimeZone;

use self::gathering::Gathering;
use self::streamed::Streamed;
use crate::check::report::report;
use crate::check::{self, Check, Finding, Verdict};
use crate::cli;
use crate::failure::{Exit, Failure};
use crate::print;
use crate::sheet::Sheet;

/// Of the whole; what is not known by then is told as such.
const LIMIT: Duration = Duration::from_secs(9);

/// How often what is being found out is drawn anew.
const TURN: Duration = Duration::from_millis(250);

pub async fn run(socket: PathBuf, wanted: cli::Check, sheet: Sheet) -> Result<Exit, Failure> {
    if let Some(name) = &wanted.explain {
        print::check::explain(&mut io::stdout().lock(), named(name)?, sheet)?;
        return Ok(Exit::Fine);
    }
    let only = wanted.only.iter().map(|name| named(name));
    let only: Vec<&'static Check> = only.collect::<Result<_, _>>()?;
    let needed: BTreeSet<&'static str> = only.iter().flat_map(|it| check::needed_by(it)).collect();
    let is_told = |finding: &Finding| {
        let name = finding.check.name;
        only.is_empty()
            || only.iter().any(|it| it.name == name)
            || needed.contains(name) && is_in_the_way(finding.verdict())
    };
    let zone = TimeZone::system();
    let looked_up = only.iter().map(|it| it.name).chain(needed.iter().copied());
    let mut gathering = Gathering::begin(socket, wanted.card.clone(), looked_up.collect());
    let mut streamed = Streamed::new(sheet);
    let streams = !wanted.json && !wanted.report;
    let end = tokio::time::sleep(LIMIT);
    tokio::pin!(end);
    let findings = loop {
        gathering.has_the_card()?;
        let mut findings = gathering.findings(&zone);
        findings.retain(is_told);
        if findings.iter().all(|it| it.verdict() != Verdict::Running) {
            break findings;
        }
        if streams {
            streamed.tell(&mut io::stdout().lock(), &findings)?;
        }
        let turn = tokio::time::sleep(TURN);
        tokio::select! {
            () = gathering.more() => {}
            () = turn, if streams && streamed.turns() => {}
            () = &mut end => {
                break findings.into_iter().map(Finding::given_up).collect();
            }
        }
    };
    let mut out = io::stdout().lock();
    if wanted.json {
        print::check::json(&mut out, &findings)?;
    } else if wanted.report {
        let text = report(&findings, gathering.snapshot());
        print::bytes(&mut out, text.as_bytes())?;
    } else {
        streamed.tell(&mut out, &findings)?;
        if !sheet.quiet && only.is_empty() {
            print::check::summary(&mut out, &findings, sheet)?;
        }
    }
    Ok(exit(&findings))
}

fn named(name: &str) -> Result<&'static Check, Failure> {
    check::named(name).ok_or_else(|| Failure::NoSuchCheck {
        name: readable(name),
        there: check::all().map(|check| check.name.to_owned()).collect(),
    })
}

/// Of what those that were asked for need: they wait for it, or are not made for it.
fn is_in_the_way(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Failed | Verdict::Running => true,
        Verdict::Fine | Verdict::Warning | Verdict::NotApplicable | Verdict::Unknown => false,
    }
}

/// By the worst of them.
fn exit(findings: &[Finding]) -> Exit {
    let is_away = |it: &Finding| it.check.name == check::SERVICE && it.verdict() == Verdict::Failed;
    match check::worst(findings) {
        Verdict::Failed if findings.iter().any(is_away) => Exit::Unreachable,
        Verdict::Failed => Exit::Failed,
        Verdict::Warning => Exit::NeedsPerson,
        Verdict::Fine | Verdict::NotApplicable | Verdict::Unknown | Verdict::Running => Exit::Fine,
    }
}
