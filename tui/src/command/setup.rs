//! `cacctl setup`: makes the card available to browsers and other programs,
//! after it has said what that changes, and takes it back.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::ask_yes;
use crate::check::look::{self, Looked, Place};
use crate::check::{self, Finding};
use crate::cli;
use crate::failure::{Exit, Failure};
use crate::phrase::Tone;
use crate::print;
use crate::print::table::{hanging, paragraph};
use crate::setup::{
    self, Force, Line, Places, Roots, Scope, SetupFault, Standing, State, Step, Wanted,
};
use crate::sheet::Sheet;

/// What is checked once it is done, in this order.
const CHECKS: [&str; 4] = [
    "pkcs11-module",
    "p11-kit",
    "browser-module",
    "browser-roots",
];

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub struct Printed {
    pub scope: &'static str,
    pub dry_run: bool,
    pub undo: bool,
    pub roots: Option<PrintedRoots>,
    pub steps: Vec<Line>,
    /// What the checks say of it afterwards; none, where nothing was done.
    pub checks: Vec<Checked>,
}

/// What one check found.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    /// What `cacctl check --only` takes.
    pub check: &'static str,
    pub about: String,
    pub verdict: &'static str,
    pub cause: String,
}

#[derive(Debug, Serialize)]
pub struct PrintedRoots {
    /// SHA-256 of the file.
    pub digest: String,
    /// What is trusted.
    pub anchors: Vec<String>,
    /// How many come along, and are not trusted by themselves.
    pub others: usize,
}

pub async fn run(socket: PathBuf, wanted: cli::Setup, sheet: Sheet) -> Result<Exit, Failure> {
    let scope = if wanted.system {
        Scope::System
    } else {
        Scope::User
    };
    let places = Places::of(scope, |name| std::env::var_os(name))?;
    let told = Telling {
        sheet,
        json: wanted.json,
    };
    if wanted.undo {
        return take_back(&places, &wanted, told).await;
    }
    let takes_roots = |name: &String| setup::OF_ROOTS.contains(&name.as_str());
    let has_only = !wanted.only.is_empty();
    if wanted.roots.is_some() && has_only && !wanted.only.iter().any(takes_roots) {
        return Err(SetupFault::RootsUnused.into());
    }
    let digest = wanted.digest.as_deref();
    let roots = wanted.roots.as_deref();
    let roots = roots.map(|path| Roots::read(path, digest)).transpose()?;
    let asked_for = Wanted {
        scope,
        roots: roots.as_ref(),
        system_store: wanted.system_store,
        only: &wanted.only,
    };
    let plan = setup::plan(&places, asked_for).await;
    let is_to_do = plan.iter().any(Step::is_to_do);
    let mut lines: Vec<Line> = plan.iter().map(Line::from).collect();
    if let Some(roots) = &roots {
        told.roots(roots)?;
    }
    for line in &lines {
        told.line(line)?;
    }
    if is_to_do && !wanted.dry_run {
        if !wanted.yes {
            confirm("Do it?").await?;
        } else if roots.is_some() && digest.is_none() {
            return Err(SetupFault::NoDigest.into());
        }
        told.heading("")?;
        lines = setup::carry_out(&places, plan, |line| told.news(line)).await?;
        prove(&places, asked_for, &mut lines).await;
    }
    let mut checks = Vec::new();
    if is_to_do && !wanted.dry_run {
        checks = check_again(socket, scope, told).await?;
    }
    told.whole(&Printed {
        scope: name_of(scope),
        dry_run: wanted.dry_run,
        undo: false,
        roots: roots.as_ref().map(printed),
        steps: lines.clone(),
        checks,
    })?;
    let failed = count(&lines, Standing::Failed);
    if failed > 0 {
        return Err(SetupFault::NotDone { count: failed }.into());
    }
    let is_blocked = count(&lines, Standing::Blocked) > 0;
    let undo = match scope {
        Scope::User => "cacctl setup --undo",
        Scope::System => "sudo cacctl setup --system --undo",
    };
    if wanted.dry_run && is_to_do {
        told.sentence("Nothing was changed.")?;
    } else if !is_to_do && is_blocked {
        told.sentence("Nothing can be done as long as that is in the way.")?;
    } else if !is_to_do {
        told.sentence("Nothing is to do.")?;
    } else if is_blocked {
        told.sentence(&format!(
            "Done as far as nothing is in the way; what is blocked is left. {undo} takes it back."
        ))?;
    } else {
        told.sentence(&format!(
            "Done, and looked at again: it is so. {undo} takes it back."
        ))?;
    }
    if is_blocked && !wanted.dry_run {
        return Ok(Exit::NeedsPerson);
    }
    Ok(Exit::Fine)
}

async fn take_back(places: &Places, wanted: &cli::Setup, told: Telling) -> Result<Exit, Failure> {
    let mut lines = setup::undoable(places).await?;
    let is_to_do = !lines.is_empty();
    for line in &lines {
        told.line(line)?;
    }
    if is_to_do && !wanted.dry_run {
        if !wanted.yes {
            confirm("Put it back?").await?;
        }
        told.heading("")?;
        let force = if wanted.force {
            Force::Everything
        } else {
            Force::Own
        };
        lines = setup::take_back(places, force, |line| told.news(line)).await?;
    }
    told.whole(&Printed {
        scope: name_of(if wanted.system {
            Scope::System
        } else {
            Scope::User
        }),
        dry_run: wanted.dry_run,
        undo: true,
        roots: None,
        steps: lines.clone(),
        checks: Vec::new(),
    })?;
    let left = count(&lines, Standing::Failed) + count(&lines, Standing::Kept);
    if left > 0 {
        return Err(SetupFault::NotUndone { count: left }.into());
    }
    told.sentence(if !is_to_do {
        "Nothing is to undo."
    } else if wanted.dry_run {
        "Nothing was changed."
    } else {
        "It is as it was."
    })?;
    Ok(Exit::Fine)
}

/// What was done is planned again: what is still to do has failed, whoever said
/// that it was done.
async fn prove(places: &Places, wanted: Wanted<'_>, lines: &mut [Line]) {
    for step in setup::plan(places, wanted).await {
        if !matches!(step.state, State::ToDo { .. } | State::Blocked { .. }) {
            continue;
        }
        let done = lines.iter_mut().find(|line| {
            line.state == Standing::Done && line.step == step.name && line.about == step.about
        });
        if let Some(line) = done {
            line.state = Standing::Failed;
            line.text = vec!["looked at again, it is not so".into()];
            line.text.extend(Line::from(&step).text);
        }
    }
}

/// Makes the checks that setup is to mend, as `cacctl check` does.
async fn check_again(
    socket: PathBuf,
    scope: Scope,
    told: Telling,
) -> Result<Vec<Checked>, Failure> {
    let names = match scope {
        Scope::User => &CHECKS[..],
        // In root's own home nothing was done.
        Scope::System => &CHECKS[..2],
    };
    let mut looked = look::around(&Arc::new(Place::here(socket, None)), |check| {
        names.contains(&check.name)
    });
    let mut found = Vec::new();
    while let Some(Looked {
        check,
        found: of_it,
    }) = looked.recv().await
    {
        let check = check::named(check);
        found.extend(of_it.into_iter().filter_map(|found| {
            Some(Finding {
                check: check?,
                found,
            })
        }));
    }
    let place = |finding: &Finding| CHECKS.iter().position(|name| *name == finding.check.name);
    found.sort_by_key(place);
    for finding in &found {
        told.finding(finding)?;
    }
    let checked = found.iter().map(|finding| Checked {
        check: finding.check.name,
        about: finding.title().to_owned(),
        verdict: finding.verdict().name(),
        cause: finding.cause().to_owned(),
    });
    Ok(checked.collect())
}

fn count(lines: &[Line], state: Standing) -> usize {
    lines.iter().filter(|line| line.state == state).count()
}

fn name_of(scope: Scope) -> &'static str {
    match scope {
        Scope::User => "user",
        Scope::System => "system",
    }
}

fn printed(roots: &Roots) -> PrintedRoots {
    PrintedRoots {
        digest: roots.digest.clone(),
        anchors: roots.titles(),
        others: roots.others.len(),
    }
}

/// Asks on the terminal; without one nobody can say yes.
async fn confirm(question: &str) -> Result<(), Failure> {
    if io::stdin().is_terminal() && ask_yes::ask(&format!("{question} [y/N] ")).await? {
        Ok(())
    } else {
        Err(Failure::NotConfirmed)
    }
}

/// Standard output, for people or for programs.
#[derive(Clone, Copy)]
struct Telling {
    sheet: Sheet,
    json: bool,
}

impl Telling {
    fn roots(self, roots: &Roots) -> Result<(), Failure> {
        self.sentence(&format!(
            "The bundle has the SHA-256 {}. Compare it with the one that its publisher names, from another place than the file came from. It would have these trusted, and {} more found: {}.",
            roots.digest,
            roots.others.len(),
            roots.titles().join(", ")
        ))
    }

    fn line(self, line: &Line) -> Result<(), Failure> {
        if self.json || self.sheet.quiet {
            return Ok(());
        }
        let text = format!("{}: {}", line.about, line.text.join("; "));
        self.told(line.state.title(), line.state.tone(), &text)?;
        match &line.fix {
            Some(fix) => paragraph(&mut io::stdout().lock(), self.sheet, WIDE, fix),
            None => Ok(()),
        }
    }

    fn told(self, title: &str, tone: Tone, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        let filled = WIDE.saturating_sub(title.len());
        if self.sheet.columns.is_some() {
            let head = format!("{title}{:filled$}", "");
            return hanging(&mut out, self.sheet, &head, text);
        }
        let painted = self.sheet.paint(tone, title);
        print::line(&mut out, &format!("{painted}{:filled$}{text}", ""))
    }

    fn finding(self, finding: &Finding) -> Result<(), Failure> {
        if self.json || self.sheet.quiet {
            return Ok(());
        }
        let (title, tone) = (finding.verdict().title(), finding.verdict().tone());
        let about = format!("check {}: {}", finding.check.name, finding.title());
        self.told(title, tone, &format!("{about}: {}", finding.cause()))
    }

    /// Of what was told in the plan only what is done is told again.
    fn news(self, line: &Line) -> Result<(), Failure> {
        match line.state {
            Standing::There | Standing::Told | Standing::Blocked | Standing::ToDo => Ok(()),
            Standing::Done | Standing::Undone | Standing::Failed | Standing::Kept => {
                self.line(line)
            }
        }
    }

    fn heading(self, text: &str) -> Result<(), Failure> {
        if self.json || self.sheet.quiet {
            return Ok(());
        }
        print::line(&mut io::stdout().lock(), text)
    }

    fn sentence(self, text: &str) -> Result<(), Failure> {
        if self.json || self.sheet.quiet {
            return Ok(());
        }
        hanging(&mut io::stdout().lock(), self.sheet, "", text)
    }

    fn whole(self, printed: &Printed) -> Result<(), Failure> {
        if !self.json {
            return Ok(());
        }
        print::json(&mut io::stdout().lock(), printed)
    }
}

/// The longest title, and a gap.
const WIDE: usize = 9;
