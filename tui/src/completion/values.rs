//! What can stand where: names of readers, portals and cards, places on a card,
//! categories.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use cac_common::certificate::Slot;
use cac_common::client::Client;
use cac_common::eligibility::Category;
use cac_common::identity::readable;
use cac_common::paths::socket_to_ask;
use cac_common::snapshot::{Card, Snapshot};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use crate::{check, phrase, theme};

/// Nobody waits longer for a word.
const LONGEST: Duration = Duration::from_millis(200);

/// A value, and what it is.
type Value = (String, String);

pub(crate) fn readers() -> ArgValueCompleter {
    told_by_the_daemon(|snapshot| {
        let readers = snapshot.readers.iter();
        let told = readers.map(|reader| {
            let card = reader.card.as_ref();
            let what = card.map_or_else(|| phrase::reader(reader.status).into(), whose);
            (reader.name.0.clone(), what)
        });
        told.collect()
    })
}

/// Those that are enabled.
pub(crate) fn enabled_portals() -> ArgValueCompleter {
    told_by_the_daemon(|snapshot| {
        let portals = snapshot.portals.iter().filter(|portal| portal.enabled);
        portals
            .map(|portal| (portal.name.clone(), portal.title.clone()))
            .collect()
    })
}

pub(crate) fn portals() -> ArgValueCompleter {
    told_by_the_daemon(|snapshot| {
        let portals = snapshot.portals.iter();
        portals
            .map(|portal| (portal.name.clone(), portal.title.clone()))
            .collect()
    })
}

/// Those in readers.
pub(crate) fn cards() -> ArgValueCompleter {
    told_by_the_daemon(in_readers)
}

/// Those in readers, and those that were seen before.
pub(crate) fn every_card() -> ArgValueCompleter {
    told_by_the_daemon(|snapshot| {
        let mut all = in_readers(snapshot);
        for known in &snapshot.known {
            if all.iter().all(|(id, _)| *id != known.card.0) {
                all.push((known.card.0.clone(), known.name.clone()));
            }
        }
        all
    })
}

/// Those that a card in a reader has; all, if it is not known.
pub(crate) fn slots() -> ArgValueCompleter {
    let all = || ("all".to_owned(), "every certificate".to_owned());
    ArgValueCompleter::new(move |typed: &OsStr| {
        let snapshot = ask();
        let readers = snapshot.iter().flat_map(|snapshot| &snapshot.readers);
        let cards = readers.filter_map(|reader| reader.card.as_ref());
        let mut there: Vec<Slot> = cards
            .flat_map(|card| &card.certificates)
            .map(|certificate| certificate.slot)
            .collect();
        there.sort_unstable();
        there.dedup();
        if there.is_empty() {
            there = Slot::all().collect();
        }
        let slots = there.into_iter().map(|slot| {
            let told = slot.to_string();
            let number = told.split(' ').next().unwrap_or_default();
            (number.to_owned(), slot.title().to_owned())
        });
        fitting(typed, [all()].into_iter().chain(slots).collect())
    })
}

pub(crate) fn categories() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let all = Category::ALL.map(|one| (one.name().to_owned(), one.title().to_owned()));
        fitting(typed, all.into())
    })
}

pub(crate) fn checks() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let all = check::all().map(|check| (check.name.to_owned(), check.title.to_owned()));
        fitting(typed, all.collect())
    })
}

pub(crate) fn themes() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let mut all = theme::all(|name| std::env::var_os(name));
        all.push(("list".into(), "tells what each is for".into()));
        fitting(typed, all)
    })
}

fn in_readers(snapshot: &Snapshot) -> Vec<Value> {
    let readers = snapshot.readers.iter();
    readers
        .filter_map(|reader| {
            let card = reader.card.as_ref()?;
            let id = card.id.as_ref()?.0.clone();
            Some((id, format!("{} in {}", whose(card), reader.name)))
        })
        .collect()
}

fn whose(card: &Card) -> String {
    let holder = card.holder.as_ref();
    holder.map_or_else(|| "card".into(), |holder| holder.name.to_string())
}

fn told_by_the_daemon(
    values: impl Fn(&Snapshot) -> Vec<Value> + Send + Sync + 'static,
) -> ArgValueCompleter {
    ArgValueCompleter::new(move |typed: &OsStr| {
        let snapshot = ask();
        snapshot.map_or_else(Vec::new, |snapshot| fitting(typed, values(&snapshot)))
    })
}

fn ask() -> Option<Snapshot> {
    let named = named(std::env::args_os());
    let socket = socket_to_ask(
        named,
        |name| std::env::var_os(name),
        std::path::Path::exists,
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .ok()?;
    let asked = async {
        let mut client = Client::connect(&socket).await?;
        client.snapshot().await
    };
    let answer = runtime.block_on(async { tokio::time::timeout(LONGEST, asked).await });
    answer.ok()?.ok()
}

/// The socket that the line names which is being typed.
fn named(words: impl Iterator<Item = OsString>) -> Option<PathBuf> {
    let mut words = words.skip_while(|word| word != "--").skip(1);
    while let Some(word) = words.next() {
        if word == "--socket" {
            return words.next().map(PathBuf::from);
        }
        let path = word
            .to_str()
            .and_then(|word| word.strip_prefix("--socket="));
        if let Some(path) = path {
            return Some(path.into());
        }
    }
    None
}

/// Those that begin as typed, capitals or not. What a shell could not show
/// harmlessly is none of them.
fn fitting(typed: &OsStr, values: Vec<Value>) -> Vec<CompletionCandidate> {
    let Some(typed) = typed.to_str() else {
        return Vec::new();
    };
    let typed = unquoted(typed).to_lowercase();
    let fits = |value: &str| value.to_lowercase().starts_with(&typed) && readable(value) == value;
    values
        .into_iter()
        .filter(|(value, _)| fits(value))
        .map(|(value, what)| CompletionCandidate::new(value).help(Some(readable(&what).into())))
        .collect()
}

/// Shells hand over what is typed with its quotes.
fn unquoted(typed: &str) -> String {
    let mut plain = String::new();
    let mut letters = typed.trim_start_matches(['\'', '"']).chars();
    while let Some(letter) = letters.next() {
        let meant = if letter == '\\' {
            letters.next()
        } else {
            Some(letter)
        };
        plain.extend(meant);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_compared_without_its_quotes() {
        for (typed, plain) in [
            ("SCR", "SCR"),
            (r"SCR3310\ \[CC", "SCR3310 [CC"),
            ("'SCR3310 [", "SCR3310 ["),
            ("\"SCR3310 ", "SCR3310 "),
            ("\\", ""),
        ] {
            assert_eq!(unquoted(typed), plain);
        }
    }

    #[test]
    fn a_value_that_could_harm_a_terminal_is_not_offered() {
        let values = vec![
            ("a\u{1b}[2J".to_owned(), String::new()),
            ("ako".to_owned(), "AKO\u{1b}[2J".to_owned()),
        ];

        let offered = fitting(OsStr::new("A"), values);

        assert_eq!(offered.len(), 1);
        assert_eq!(offered[0].get_value(), "ako");
        let help = offered[0].get_help().unwrap().to_string();
        assert!(!help.contains('\u{1b}'), "{help:?}");
    }

    #[test]
    fn the_socket_of_the_line_is_asked() {
        let line = |words: &[&str]| named(words.iter().map(OsString::from));

        for words in [
            &["cacctl", "--", "cacctl", "--socket", "/s", "card"][..],
            &["cacctl", "--", "cacctl", "--socket=/s", "card"],
        ] {
            assert_eq!(line(words), Some("/s".into()));
        }
        assert_eq!(line(&["cacctl", "--socket", "/s", "--", "cacctl"]), None);
    }
}
