//! `profiles.ini`: which profiles Firefox and Thunderbird have, by their own list.

use std::io;
use std::path::{Component, Path, PathBuf};

use cac_common::bounded_file;
use cac_common::identity::readable;

/// Mozilla's own has a few hundred bytes.
const LARGEST_FILE: u64 = 256 * 1024;

const MOST_PROFILES: usize = 64;

/// Why a list of profiles is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProfilesFault {
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
    #[error("it is no text")]
    NotText,
    #[error("line {number} is no section, no setting and no comment")]
    Line { number: usize },
    #[error("section {section} has no path")]
    NoPath { section: String },
    #[error("section {section} names a path that is none of its own")]
    Path { section: String },
    #[error("section {section} says neither 0 nor 1 for IsRelative")]
    IsRelative { section: String },
    #[error("it lists more than {MOST_PROFILES} profiles")]
    TooMany,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Harmless text.
    pub(crate) name: String,
    /// From the folder of the list, or from the root of the file system.
    pub(crate) path: PathBuf,
}

/// None where there is no list.
pub(crate) fn read(list: &Path) -> Result<Vec<Listed>, ProfilesFault> {
    match bounded_file::read(list, LARGEST_FILE) {
        Ok(bytes) => parse(&bytes),
        Err(error) if is_absent(&error) => Ok(Vec::new()),
        Err(error) => Err(ProfilesFault::Unreadable(error)),
    }
}

pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// What a section says so far.
struct Section {
    title: String,
    name: Option<String>,
    path: Option<String>,
    is_relative: Option<String>,
}

fn parse(bytes: &[u8]) -> Result<Vec<Listed>, ProfilesFault> {
    let text = std::str::from_utf8(bytes).map_err(|_| ProfilesFault::NotText)?;
    let mut listed = Vec::new();
    let mut open: Option<Section> = None;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with([';', '#']) {
            continue;
        }
        let title = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if let Some(title) = title {
            close(open.take(), &mut listed)?;
            open = Some(Section {
                title: readable(title),
                name: None,
                path: None,
                is_relative: None,
            });
            continue;
        }
        let fault = ProfilesFault::Line { number: at + 1 };
        let Some((key, value)) = line.split_once('=') else {
            return Err(fault);
        };
        let section = open.as_mut().ok_or(fault)?;
        match key {
            "Name" => section.name = Some(readable(value)),
            "Path" => section.path = Some(value.to_owned()),
            "IsRelative" => section.is_relative = Some(value.to_owned()),
            _ => {}
        }
    }
    close(open, &mut listed)?;
    Ok(listed)
}

/// Sections of other kinds, `[General]` and `[Install…]`, list nothing.
fn close(section: Option<Section>, listed: &mut Vec<Listed>) -> Result<(), ProfilesFault> {
    let Some(section) = section else {
        return Ok(());
    };
    let number = section.title.strip_prefix("Profile");
    let is_profile = number
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit()));
    if !is_profile {
        return Ok(());
    }
    let section_title = section.title;
    let Some(path) = section.path.filter(|path| !path.is_empty()) else {
        return Err(ProfilesFault::NoPath {
            section: section_title,
        });
    };
    let is_relative = match section.is_relative.as_deref() {
        None | Some("1") => true,
        Some("0") => false,
        Some(_) => {
            return Err(ProfilesFault::IsRelative {
                section: section_title,
            });
        }
    };
    let path = PathBuf::from(path);
    let has_only_names = path
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::RootDir));
    if path.is_absolute() == is_relative || !has_only_names {
        return Err(ProfilesFault::Path {
            section: section_title,
        });
    }
    if listed.len() == MOST_PROFILES {
        return Err(ProfilesFault::TooMany);
    }
    listed.push(Listed {
        name: section.name.unwrap_or(section_title),
        path,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    const USUAL: &str = "\
[Install4F96D1932A9F858E]
Default=k2.default-release
Locked=1

[Profile1]
Name=default
IsRelative=1
Path=k1.default
Default=1

[Profile0]
Name=default-release
IsRelative=1
Path=k2.default-release

[Profile2]
Name=elsewhere
IsRelative=0
Path=/srv/profiles/mine

[General]
StartWithLastProfile=1
Version=2
";

    #[test]
    fn the_profiles_of_a_usual_list_are_found_in_its_order() {
        let listed = parse(USUAL.as_bytes()).unwrap();

        let shown: Vec<(&str, &str)> = listed
            .iter()
            .map(|it| (it.name.as_str(), it.path.to_str().unwrap()))
            .collect();
        assert_eq!(
            shown,
            [
                ("default", "k1.default"),
                ("default-release", "k2.default-release"),
                ("elsewhere", "/srv/profiles/mine"),
            ]
        );
    }

    #[test]
    fn a_list_that_is_broken_says_where() {
        let told = |text: &str| parse(text.as_bytes()).unwrap_err().to_string();

        assert_eq!(
            told("Name=a"),
            "line 1 is no section, no setting and no comment"
        );
        assert_eq!(
            told("[Profile0]\n\nName"),
            "line 3 is no section, no setting and no comment"
        );
        assert_eq!(told("[Profile0]\nName=a"), "section Profile0 has no path");
        assert_eq!(
            told("[Profile0]\nPath=a\nIsRelative=yes"),
            "section Profile0 says neither 0 nor 1 for IsRelative"
        );
        for path in ["../../other/x", "/etc", "./a/../b"] {
            assert_eq!(
                told(&format!("[Profile0]\nPath={path}")),
                "section Profile0 names a path that is none of its own"
            );
        }
        assert_eq!(
            parse(b"[Profile0]\nPath=\xFF").unwrap_err().to_string(),
            "it is no text"
        );
    }

    #[test]
    fn profiles_are_listed_up_to_a_limit() {
        let list = |count: usize| {
            (0..count).fold(String::new(), |mut text, number| {
                writeln!(text, "[Profile{number}]\nPath=p{number}").unwrap();
                text
            })
        };

        assert_eq!(
            parse(list(MOST_PROFILES).as_bytes()).unwrap().len(),
            MOST_PROFILES
        );
        assert!(matches!(
            parse(list(MOST_PROFILES + 1).as_bytes()),
            Err(ProfilesFault::TooMany)
        ));
    }

    proptest! {
        #[test]
        fn whatever_a_list_is_it_is_read_or_refused(text in "[\\[\\]=\\n a-zA-Z0-9/.]{0,200}") {
            let _ = parse(text.as_bytes());
        }
    }
}
