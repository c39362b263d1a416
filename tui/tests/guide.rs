//! The user guide in docs/guide: a page for each status, and the glossary,
//! made from the catalogue, the keys and the command line that there are.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which fail by panicking"
)]

#[path = "support/guide.rs"]
mod guide;
#[path = "../../common/tests/support/statuses.rs"]
mod statuses;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cac_common::cause::Kind;
use cac_common::registration::RegistrationStatus;
use cacctl::check::{self, Check, Outcome, Verdict, capitals};
use cacctl::cli::Cli;
use cacctl::glossary::{GLOSSARY, Term};
use cacctl::keys::TABLE;
use cacctl::print;
use clap::CommandFactory as _;
use guide::{Leads, Page, leads_to, page_of};

const MADE: &str = "\
<!-- Made from what cacd and cacctl say themselves; written anew by
UPDATE_DOCS=1 cargo test -p cacctl --test guide -->
";

const HEAD: &str = "\
# What do I do now?

The dashboard (`cacctl`) and `cacctl status` say where your card stands at each
portal. Look the words up here: each page says what they mean, what to do, and
what goes on by itself. Not sure where it hangs? Press `t` in the dashboard: a
checklist, whose first line that failed is the cause.
";

const CHECKS: &str = "
## What is in the way?

`cacctl check`, and `t` in the dashboard, look at all of these, in this order.
The first that failed is the cause of the others.

| check | what should be so |
|---|---|
";

const CAPITALS: &str = "
What stands in capitals is found out on your machine.

";

const STATUSES: &str = "
Each STATUS has a [page of its own](README.md), which says what to do.

";

const FOOT: &str = "
Words that you do not know are in the [glossary](glossary.md).
";

#[test]
fn the_guide_says_what_the_programs_say() {
    let folder = folder();
    let pages = pages();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        for old in files(&folder) {
            std::fs::remove_file(folder.join(old)).unwrap();
        }
        for (name, text) in &pages {
            std::fs::write(folder.join(name), text).unwrap();
        }
    }

    let names: BTreeSet<String> = pages.keys().cloned().collect();
    assert_eq!(files(&folder), names);
    for (name, text) in &pages {
        let there = std::fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(&there, text, "{name}: UPDATE_DOCS=1 writes it anew");
    }
}

#[test]
fn every_cause_leads_to_a_page_that_says_what_happened() {
    for kind in Kind::ALL {
        let labels: Vec<&str> = statuses()
            .iter()
            .filter(|status| leads_to(kind).contains(&Leads::of(status)))
            .map(RegistrationStatus::label)
            .collect();

        let is_of_the_wizard = matches!(kind, Kind::OtherPage | Kind::NoticeFirst);
        assert_eq!(labels.is_empty(), is_of_the_wizard, "{kind}");
    }
}

#[test]
fn every_link_leads_to_a_page() {
    let pages = pages();
    for (name, text) in &pages {
        let links = text.split("](").skip(1);
        for link in links.filter_map(|rest| rest.split(')').next()) {
            let known = pages.contains_key(link) || folder().join(link).exists();
            assert!(known, "{name}: {link}");
        }
    }
}

/// Those that have a page: one of each that has a name of its own.
fn statuses() -> Vec<RegistrationStatus> {
    let mut statuses = statuses::statuses();
    statuses.dedup_by_key(|status| status.label());
    statuses
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide")
}

fn files(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Every file by its name.
fn pages() -> BTreeMap<String, String> {
    let mut pages: BTreeMap<String, String> = statuses()
        .iter()
        .map(|status| (file_of(status), about(status)))
        .collect();
    pages.extend(check::all().map(|check| (file_of_check(check), about_check(check))));
    pages.insert("README.md".into(), index());
    pages.insert("glossary.md".into(), glossary());
    pages
}

fn file_of(status: &RegistrationStatus) -> String {
    let words = status.label().to_lowercase();
    let name: String = words
        .chars()
        .filter(|it| it.is_ascii_lowercase() || *it == ' ')
        .collect();
    format!("{}.md", name.replace(' ', "-"))
}

fn index() -> String {
    let mut text = format!("{MADE}{HEAD}");
    text.push_str("\n| it says | that is |\n|---|---|\n");
    for status in statuses() {
        let (label, file) = (status.label(), file_of(&status));
        writeln!(text, "| [{label}]({file}) | {} |", page_of(&status).brief).unwrap();
    }
    text.push_str(CHECKS);
    for check in check::all() {
        let (name, file) = (check.name, file_of_check(check));
        writeln!(text, "| [{name}]({file}) | {} |", check.title).unwrap();
    }
    text.push_str(FOOT);
    text
}

fn file_of_check(check: &Check) -> String {
    let page = print::check::page(check);
    let name = page.rsplit('/').next().unwrap();
    name.to_owned()
}

fn about_check(check: &Check) -> String {
    let Check {
        name,
        title,
        meaning,
        ..
    } = check;
    let mut text = format!("{MADE}# Check: {title}\n\n");
    let (heading, how) = if check.is_stated() {
        (
            "What to do where it is not so",
            "Nothing can test it: it is yours to say.",
        )
    } else if check::of_the_machine().any(|it| it == *name) {
        (
            "What it looks at",
            "It is looked up on this machine, by whoever asks.",
        )
    } else {
        ("What it looks at", "It is worked out from what cacd tells.")
    };
    writeln!(text, "## {heading}\n\n{meaning}\n\n{how}\n").unwrap();
    let links = |names: Vec<&'static str>| {
        let links = names.iter().map(|it| {
            let check = check::named(it).unwrap();
            format!("[{}]({})", check.title, file_of_check(check))
        });
        links.collect::<Vec<_>>().join(", ")
    };
    if !check.is_stated() {
        outcomes(&mut text, check);
    }
    let needed: Vec<_> = check.after().collect();
    if !needed.is_empty() {
        writeln!(text, "## What has to be so before\n\n{}.\n", links(needed)).unwrap();
    }
    let following = check::all().filter(|other| other.after().any(|it| it == *name));
    let following: Vec<_> = following.map(|it| it.name).collect();
    if !following.is_empty() {
        let heading = "What cannot be judged without it";
        writeln!(text, "## {heading}\n\n{}.\n", links(following)).unwrap();
    }
    writeln!(
        text,
        "## In a shell\n\n| | |\n|---|---|\n\
         | `cacctl check --only {name}` | makes this check, and says the cause and how to mend it |\n\
         | `cacctl check --explain {name}` | says what stands here |\n"
    )
    .unwrap();
    text.push_str("[All checks](README.md) · [Glossary](glossary.md)\n");
    text
}

/// What a check can come to: what is wrong first.
fn outcomes(text: &mut String, check: &Check) {
    let of = |verdicts: &[Verdict]| {
        let outcomes = check.outcomes.iter().copied();
        let outcomes = outcomes.filter(|it| verdicts.contains(&it.verdict));
        outcomes.collect::<Vec<Outcome>>()
    };
    text.push_str("## What it can say\n\n| | cause | what to do |\n|---|---|---|\n");
    for verdicts in [
        &[Verdict::Failed][..],
        &[Verdict::Warning],
        &[Verdict::Unknown],
        &[Verdict::NotApplicable],
        &[Verdict::Fine],
    ] {
        for outcome in of(verdicts) {
            let mut next = outcome.advice.map(capitals).unwrap_or_default();
            if let Some(command) = outcome.command() {
                write!(next, " `{command}`").unwrap();
            }
            let verdict = outcome.verdict.title();
            let (cause, next) = (in_a_table(&outcome.shown()), in_a_table(&next));
            writeln!(text, "| {verdict} | {cause} | {next} |").unwrap();
        }
    }
    if check.outcomes.iter().any(Outcome::names_what_is_found) {
        text.push_str(CAPITALS);
    } else {
        text.push('\n');
    }
    if check.name == "portal" {
        text.push_str(STATUSES);
    }
}

/// A bar would end the cell.
fn in_a_table(text: &str) -> String {
    text.replace('|', "\\|")
}

fn about(status: &RegistrationStatus) -> String {
    let Page {
        brief: _,
        means,
        then,
        alone,
        keys,
        commands,
    } = page_of(status);
    let mut text = format!("{MADE}# {}\n\n", status.label());
    if let Some(advice) = status.advice() {
        writeln!(text, "> {advice}\n").unwrap();
    }
    writeln!(text, "## What it means\n\n{means}\n").unwrap();
    text.push_str("## What to do\n\n");
    for (at, step) in then.iter().enumerate() {
        writeln!(text, "{}. {step}", at + 1).unwrap();
    }
    writeln!(text, "\n## What goes on by itself\n\n{alone}").unwrap();
    if !keys.is_empty() || !commands.is_empty() {
        text.push_str("\n## Keys and commands\n\n| | |\n|---|---|\n");
    }
    for key in keys {
        let binding = TABLE.iter().find(|it| it.command == *key).unwrap();
        let (shown, help) = (binding.shown, binding.help);
        writeln!(text, "| `{shown}` in the dashboard | {help} |").unwrap();
    }
    for command in commands {
        writeln!(text, "| `cacctl {command}` | {} |", said_of(command)).unwrap();
    }
    causes(&mut text, status);
    text.push_str("\n[All statuses](README.md) · [Glossary](glossary.md)\n");
    text
}

/// What `cacctl --help` says of a subcommand, or of one below it.
fn said_of(command: &str) -> String {
    let mut of = Cli::command();
    for name in command.split(' ') {
        of = of.find_subcommand(name).unwrap().clone();
    }
    of.get_about().unwrap().to_string()
}

fn causes(text: &mut String, status: &RegistrationStatus) {
    let of = Leads::of(status);
    let leading: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|kind| leads_to(*kind).contains(&of))
        .collect();
    if leading.is_empty() {
        return;
    }
    text.push_str(
        "\n## What leads here\n\nThe screen says which it is.\n\n\
         | what happened | what it means | what to do |\n|---|---|---|\n",
    );
    for kind in leading {
        let entry = kind.entry();
        writeln!(
            text,
            "| {} (`{kind}`) | {} | {} |",
            entry.cause, entry.means, entry.next
        )
        .unwrap();
    }
}

fn glossary() -> String {
    let mut text = format!(
        "{MADE}# Glossary\n\nThe words of the field, as `?` in the dashboard has them.\n\n| | |\n|---|---|\n"
    );
    for Term { term, meaning } in GLOSSARY {
        writeln!(text, "| **{term}** | {meaning} |").unwrap();
    }
    text.push_str("\n[What do I do now?](README.md)\n");
    text
}
