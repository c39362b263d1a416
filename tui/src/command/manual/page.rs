//! A manual page for a command, made from what clap knows of it.

use clap::{Arg, Command};
use roff::{Inline, Roff, bold, italic, roman};

use super::beside::{self, Named};
use crate::failure::Exit;
use crate::phrase::capitalised;
use crate::view::text::wrap;

/// The day on which the pages were last read through.
const REVISED: &str = "2026-11-27";

/// Columns of a line of the source.
const LINE: u16 = 72;

/// The page of one command; those above it are built, and so is it.
pub(super) fn page(command: &Command) -> String {
    let name = name(command);
    let mut roff = Roff::new();
    let source = concat!("cacd ", env!("CARGO_PKG_VERSION"));
    roff.control(
        "TH",
        [&name.to_uppercase(), "1", REVISED, source, "User commands"],
    );
    roff.control("SH", ["NAME"]);
    let about = command.get_about().map(ToString::to_string);
    let about = about.unwrap_or_default();
    roff.text([roman(format!("{name} - {}", about.trim_end_matches('.')))]);
    synopsis(&mut roff, command);
    description(&mut roff, command);
    options(&mut roff, command);
    commands(&mut roff, command);
    exit_status(&mut roff, &name);
    list(&mut roff, "ENVIRONMENT", &beside::environment(&name));
    list(&mut roff, "FILES", &beside::files(&name));
    examples(&mut roff, command);
    see_also(&mut roff, &name, command);
    roff.render()
}

/// `cacctl-card-show`.
pub(super) fn name(command: &Command) -> String {
    let name = command.get_display_name();
    name.unwrap_or_else(|| command.get_name()).to_owned()
}

/// Help stands with every command, as the global options do.
fn is_of_every_command(option: &Arg) -> bool {
    option.is_global_set() || matches!(option.get_id().as_str(), "help" | "version")
}

fn synopsis(roff: &mut Roff, command: &Command) {
    roff.control("SH", ["SYNOPSIS"]);
    let called = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let mut parts = vec![bold(called)];
    let mut named: Vec<&str> = Vec::new();
    for group in command.get_groups().filter(|group| group.is_required_set()) {
        parts.push(roman(" {"));
        for (at, id) in group.get_args().enumerate() {
            let one = command.get_arguments().find(|one| one.get_id() == id);
            named.push(id.as_str());
            parts.extend((at > 0).then(|| roman(" | ")));
            parts.extend(one.into_iter().flat_map(option_with_value));
        }
        parts.push(roman("}"));
    }
    let own = command.get_arguments().filter(|one| {
        let is_named = named.contains(&one.get_id().as_str());
        !one.is_positional() && !is_of_every_command(one) && !is_named
    });
    for option in own {
        let (open, close) = if option.is_required_set() {
            (" ", "")
        } else {
            (" [", "]")
        };
        parts.push(roman(open));
        parts.extend(option_with_value(option));
        parts.push(roman(close));
    }
    for value in command.get_positionals() {
        let name = value_name(value).unwrap_or_default();
        if value.is_required_set() {
            parts.extend([roman(" "), italic(name)]);
        } else {
            parts.extend([roman(" ["), italic(name), roman("]")]);
        }
    }
    if command.has_subcommands() {
        let is_needed = command.is_subcommand_required_set();
        let (open, close) = if is_needed { (" ", "") } else { (" [", "]") };
        parts.extend([roman(open), italic("COMMAND"), roman(close)]);
    }
    roff.text(parts);
}

/// `--card ID`.
fn option_with_value(option: &Arg) -> Vec<Inline> {
    let mut parts = Vec::new();
    parts.extend(option.get_long().map(|long| bold(format!("--{long}"))));
    if let Some(name) = value_name(option) {
        parts.extend([roman(" "), italic(name)]);
    }
    parts
}

/// Nothing for a flag.
fn value_name(option: &Arg) -> Option<String> {
    let takes_some = option.get_num_args().is_some_and(|it| it.takes_values());
    let names = option.get_value_names().unwrap_or_default();
    let names = names.iter().map(|name| name.to_uppercase());
    takes_some.then(|| names.collect::<Vec<_>>().join(" "))
}

fn description(roff: &mut Roff, command: &Command) {
    roff.control("SH", ["DESCRIPTION"]);
    let about = command.get_long_about().or_else(|| command.get_about());
    paragraphs(roff, &about.map(ToString::to_string).unwrap_or_default());
}

fn paragraphs(roff: &mut Roff, text: &str) {
    for (at, part) in text.split("\n\n").enumerate() {
        if at > 0 {
            roff.control("PP", []);
        }
        sentence(roff, part);
    }
}

/// clap takes the full stop away from a single sentence.
fn sentence(roff: &mut Roff, text: &str) {
    let text = text.trim();
    let stop = if text.ends_with(['.', ':', '?']) || text.is_empty() {
        ""
    } else {
        "."
    };
    for line in wrap(&format!("{text}{stop}"), LINE) {
        roff.text([roman(line)]);
    }
}

fn options(roff: &mut Roff, command: &Command) {
    let (general, own): (Vec<&Arg>, Vec<&Arg>) = command
        .get_arguments()
        .filter(|one| !one.is_hide_set())
        .partition(|one| is_of_every_command(one));
    roff.control("SH", ["OPTIONS"]);
    for one in own.iter().filter(|one| one.is_positional()) {
        option(roff, one);
    }
    for one in own.iter().filter(|one| !one.is_positional()) {
        option(roff, one);
    }
    if !own.is_empty() {
        roff.control("SS", ["Of every command"]);
    }
    for one in general {
        option(roff, one);
    }
}

fn option(roff: &mut Roff, option: &Arg) {
    roff.control("TP", []);
    let mut head = Vec::new();
    if let Some(short) = option.get_short() {
        head.extend([bold(format!("-{short}")), roman(", ")]);
    }
    if option.is_positional() {
        head.extend(value_name(option).map(italic));
    } else {
        head.extend(option_with_value(option));
    }
    roff.text(head);
    let help = option.get_long_help().or_else(|| option.get_help());
    let mut help = help.map(ToString::to_string).unwrap_or_default();
    let by_default = option.get_default_values();
    let by_default: Vec<String> = by_default
        .iter()
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    if value_name(option).is_some() && !by_default.is_empty() {
        help = format!(
            "{}; {} by default",
            help.trim_end_matches('.'),
            by_default.join(" ")
        );
    }
    sentence(roff, &help);
    let has_values = value_name(option).is_some();
    let values = option.get_possible_values();
    let told = values
        .iter()
        .filter(|value| has_values && !value.is_hide_set());
    let told: Vec<_> = told.collect();
    if told.iter().all(|value| value.get_help().is_none()) && !told.is_empty() {
        let names: Vec<&str> = told.iter().map(|value| value.get_name()).collect();
        sentence(roff, &format!("One of {}", names.join(", ")));
        return;
    }
    if told.is_empty() {
        return;
    }
    roff.control("RS", []);
    for value in told {
        roff.control("TP", []);
        roff.text([bold(value.get_name())]);
        let help = value.get_help().map(ToString::to_string);
        sentence(roff, &help.unwrap_or_default());
    }
    roff.control("RE", []);
}

fn commands(roff: &mut Roff, command: &Command) {
    if !command.has_subcommands() {
        return;
    }
    roff.control("SH", ["COMMANDS"]);
    for one in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        roff.control("TP", []);
        roff.text([bold(name(one)), roman("(1)")]);
        let about = one.get_about().map(ToString::to_string);
        sentence(roff, &about.unwrap_or_default());
    }
}

fn exit_status(roff: &mut Roff, name: &str) {
    roff.control("SH", ["EXIT STATUS"]);
    if let Some(text) = beside::exit_status(name) {
        sentence(roff, text);
        return;
    }
    for exit in Exit::ALL {
        roff.control("TP", []);
        roff.text([bold((exit as u8).to_string())]);
        sentence(roff, &capitalised(exit.meaning()));
    }
}

fn list(roff: &mut Roff, title: &str, named: &[Named]) {
    roff.control("SH", [title]);
    for (name, what) in named {
        roff.control("TP", []);
        roff.text([italic(*name)]);
        sentence(roff, what);
    }
}

/// From the end of its help, where they stand as a line to type and one below
/// it with what that is for.
fn examples(roff: &mut Roff, command: &Command) {
    roff.control("SH", ["EXAMPLES"]);
    let help = command.get_after_help().map(ToString::to_string);
    let help = help.unwrap_or_default();
    let lines = help.lines().take_while(|line| *line != "Exit codes:");
    for line in lines.filter(|line| *line != "Examples:" && !line.is_empty()) {
        match line.strip_prefix("  ") {
            Some(text) if text.starts_with(' ') => sentence(roff, text),
            Some(typed) => {
                roff.control("TP", []);
                roff.text([bold(typed)]);
            }
            None => {
                roff.control("PP", []);
                sentence(roff, line);
            }
        }
    }
}

fn see_also(roff: &mut Roff, name: &str, command: &Command) {
    roff.control("SH", ["SEE ALSO"]);
    let mut pages: Vec<String> = Vec::new();
    // The one above, and those below.
    if let Some((above, _)) = name.rsplit_once('-') {
        pages.push(format!("{above}(1)"));
    }
    let below = command.get_subcommands();
    pages.extend(below.map(|one| format!("{}(1)", self::name(one))));
    pages.extend(beside::see_also(name).iter().map(|page| (*page).to_owned()));
    pages.push("cacd(8)".into());
    let mut parts = Vec::new();
    for (at, page) in pages.iter().enumerate() {
        let (title, section) = page.split_once('(').unwrap_or((page, ""));
        parts.extend((at > 0).then(|| roman(", ")));
        parts.extend([bold(title), roman(format!("({section}"))]);
    }
    roff.text(parts);
}
