//! `cacctl completions` and `cacctl man`: what a package installs beside the program.

mod beside;
mod page;

use std::io;
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::completion;
use crate::failure::{Exit, Failure};

pub fn completions(shell: Shell) -> Result<Exit, Failure> {
    let script = completion::registration(shell).map_err(Failure::Output)?;
    crate::print::bytes(&mut io::stdout().lock(), &script)?;
    Ok(Exit::Fine)
}

/// One page for `cacctl` and one for each subcommand.
pub fn pages(folder: &Path) -> Result<Exit, Failure> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| Failure::File { path, source }
    };
    std::fs::create_dir_all(folder).map_err(at(folder))?;
    for (name, text) in every_page() {
        let path = folder.join(format!("{name}.1"));
        std::fs::write(&path, text).map_err(at(&path))?;
    }
    Ok(Exit::Fine)
}

/// Each name and its text.
fn every_page() -> Vec<(String, String)> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    let mut left = vec![&command];
    while let Some(command) = left.pop() {
        pages.push((page::name(command), page::page(command)));
        left.extend(command.get_subcommands().filter(|one| !one.is_hide_set()));
    }
    pages
}

/// What stands in the page of each command.
#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::Write as _;
    use std::process::Stdio;

    use super::*;

    const SECTIONS: [&str; 9] = [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OPTIONS",
        "EXIT STATUS",
        "ENVIRONMENT",
        "FILES",
        "EXAMPLES",
        "SEE ALSO",
    ];

    /// The lines of one section.
    fn section<'a>(text: &'a str, title: &str) -> Vec<&'a str> {
        let quoted = format!(".SH \"{title}\"");
        let plain = format!(".SH {title}");
        text.lines()
            .skip_while(|line| *line != quoted && *line != plain)
            .skip(1)
            .take_while(|line| !line.starts_with(".SH"))
            .collect()
    }

    #[test]
    fn each_page_has_every_section_and_something_in_it() {
        let pages = every_page();

        assert!(pages.len() > 15, "{}", pages.len());
        for (name, text) in pages {
            for title in SECTIONS {
                assert!(!section(&text, title).is_empty(), "{name}: {title}");
            }
            let typed = section(&text, "EXAMPLES");
            assert!(typed.contains(&".TP"), "{name}");
        }
    }

    #[test]
    fn each_option_stands_in_the_page_of_its_command() {
        let mut command = Cli::command();
        command.build();
        let status = command.find_subcommand("status").unwrap();
        let text = page::page(status);

        for option in ["json", "wait\\-for", "portal", "card", "quiet", "timeout"] {
            assert!(
                text.contains(&format!("\\fB\\-\\-{option}\\fR")),
                "{option}"
            );
        }
        assert!(text.contains("\\fBno\\-card\\fR"), "{text}");
    }

    #[test]
    fn the_pages_of_ours_that_others_name_are_there() {
        let pages = every_page();
        let there: BTreeSet<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();

        for (name, text) in &pages {
            for line in section(text, "SEE ALSO") {
                let plain = line
                    .replace("\\fB", "")
                    .replace("\\fR", "")
                    .replace("\\-", "-");
                for other in plain.split(", ").filter(|it| it.starts_with("cacctl")) {
                    let other = other.trim_end_matches("(1)");
                    assert!(there.contains(other), "{name} names {other}");
                }
            }
        }
    }

    /// What a program that reads pages has against one.
    fn complaints(program: &str, arguments: &[&str], text: &str) -> String {
        let mut child = std::process::Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}; make deps installs it"));
        let mut input = child.stdin.take().unwrap();
        let text = text.to_owned();
        let written = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = child.wait_with_output().unwrap();
        written.join().unwrap().unwrap();
        let lint = program == "mandoc";
        let said = if lint { output.stdout } else { output.stderr };
        String::from_utf8(said).unwrap()
    }

    #[test]
    fn nothing_that_reads_pages_has_anything_against_them() {
        let service = include_str!("../../../systemd/cacd.8").to_owned();
        let pages = every_page().into_iter();

        for (name, text) in pages.chain([("cacd".to_owned(), service)]) {
            for (program, arguments) in [
                ("groff", &["-man", "-Tutf8", "-ww", "-z"][..]),
                ("mandoc", &["-Tlint", "-Wwarning"]),
            ] {
                let said = complaints(program, arguments, &text);
                assert_eq!(said, "", "{name}, {program}");
            }
        }
    }
}
