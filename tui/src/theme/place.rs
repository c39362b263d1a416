//! Where themes are: built in, and in the user's own folder.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cac_common::identity::readable;
use cac_common::toml_file::{FileError, Source};

use super::file::File;
use crate::cli::Options;
use crate::failure::{Failure, there_are};
use crate::{folders, print};

/// In the order in which they are listed.
pub(super) const BUILT_IN: [(&str, &str); 6] = [
    ("default", include_str!("../../themes/default.toml")),
    ("light", include_str!("../../themes/light.toml")),
    (
        "high-contrast",
        include_str!("../../themes/high-contrast.toml"),
    ),
    (
        "colour-blind",
        include_str!("../../themes/colour-blind.toml"),
    ),
    (
        "colour-blind-light",
        include_str!("../../themes/colour-blind-light.toml"),
    ),
    ("monochrome", include_str!("../../themes/monochrome.toml")),
];

const VARIABLE: &str = "CACCTL_THEME";

/// A longer name is none.
const LONGEST_NAME: usize = 64;

/// No list shows more of the user's own.
const MOST_LISTED: usize = 256;

/// Why there is no such theme.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    #[error("the name of a theme has letters, digits, - and _ alone, 64 at most")]
    NotAName,
    #[error("no theme has the name {name:?}{}", there_are("theme", name, there))]
    NoSuch { name: String, there: Vec<String> },
    #[error(transparent)]
    File(#[from] FileError),
}

/// The theme that is wanted; `None` if nothing is said.
pub(super) fn named(
    options: &Options,
    setting: Option<&str>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<File>, ThemeError> {
    let from_variable = || variable(VARIABLE).filter(|value| !value.is_empty());
    let name = match &options.theme {
        Some(name) => name.clone(),
        None => match from_variable() {
            Some(name) => name.into_string().map_err(|_| ThemeError::NotAName)?,
            None => match setting {
                Some(name) => name.to_owned(),
                None => return Ok(None),
            },
        },
    };
    find(&name, folder(variable).as_deref()).map(Some)
}

/// A line for each theme: its name, what it is made for, what it is for.
pub fn list(
    out: &mut impl Write,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<(), Failure> {
    let all = all(variable);
    let names = all.iter().map(|(name, _)| name.len());
    let widest = names.max().unwrap_or_default();
    for (name, told) in all {
        print::line(out, &format!("{name:widest$}  {told}"))?;
    }
    Ok(())
}

/// Each theme there is: its name, and what it is for or why it cannot be used.
pub fn all(variable: impl Fn(&str) -> Option<OsString>) -> Vec<(String, String)> {
    let folder = folder(variable);
    let told = |name: &str| match find(name, folder.as_deref()) {
        Ok(file) => format!("{} ({})", readable(&file.about), file.made_for.words()),
        Err(ThemeError::File(error)) => {
            let error = error.to_string();
            format!(
                "cannot be used: {}",
                error.lines().next().unwrap_or_default()
            )
        }
        Err(error) => format!("cannot be used: {error}"),
    };
    let names = names(folder.as_deref()).into_iter();
    names
        .map(|name| {
            let told = told(&name);
            (name, told)
        })
        .collect()
}

/// Those built in, and the user's own.
fn names(folder: Option<&Path>) -> Vec<String> {
    let built_in = BUILT_IN.iter().map(|(name, _)| (*name).to_owned());
    built_in
        .chain(folder.map(own).unwrap_or_default())
        .collect()
}

/// Whether the options name one that there is, for whoever draws nothing with it.
pub fn check(
    options: &Options,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<(), ThemeError> {
    match &options.theme {
        Some(name) => find(name, folder(variable).as_deref()).map(drop),
        None => Ok(()),
    }
}

/// One of the user's own goes before one that is built in.
pub(super) fn find(name: &str, folder: Option<&Path>) -> Result<File, ThemeError> {
    if !is_name(name) {
        return Err(ThemeError::NotAName);
    }
    if let Some(folder) = folder {
        match Source::read(&folder.join(format!("{name}.toml"))) {
            Err(FileError::Unreadable { source, .. })
                if source.kind() == io::ErrorKind::NotFound => {}
            own => return Ok(File::parse(&own?)?),
        }
    }
    let built_in = BUILT_IN.iter().find(|(built_in, _)| *built_in == name);
    let (_, text) = built_in.ok_or_else(|| ThemeError::NoSuch {
        name: name.to_owned(),
        there: names(folder),
    })?;
    let path = PathBuf::from(format!("{name}.toml"));
    Ok(File::parse(&Source::new(&path, (*text).to_owned()))?)
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(fits)
}

/// Where the user's own are.
fn folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    Some(folders::configuration(variable)?.join("cacctl/themes"))
}

/// The names of the user's own that stand in for none that is built in.
fn own(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries.take(MOST_LISTED).filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        let name = name.strip_suffix(".toml")?;
        let is_new = BUILT_IN.iter().all(|(built_in, _)| *built_in != name);
        (is_new && is_name(name)).then(|| name.to_owned())
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}
