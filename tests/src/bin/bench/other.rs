//! The programs that others made.

use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context as _, ensure};
use cac_tests::virtual_card::samples;

use crate::place::Place;

/// A program with what it is asked to do.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    /// As it stands in the table.
    pub(crate) name: &'static str,
    words: &'static [&'static str],
    /// What begins a line for each certificate that it finds.
    finds: Option<&'static str>,
}

pub(crate) const LIST: Program = Program {
    name: "pkcs11-tool -O",
    words: &["pkcs11-tool", "-O"],
    finds: Some("Certificate Object"),
};

pub(crate) const STATUS: Program = Program {
    name: "yubico-piv-tool -a status",
    words: &["yubico-piv-tool", "-a", "status", "-r", "Virtual PCD"],
    finds: Some("Fingerprint:"),
};

pub(crate) const SIGN: Program = Program {
    name: "pkcs11-tool --sign",
    words: &[
        "pkcs11-tool",
        "--sign",
        "--id",
        "01",
        "--mechanism",
        "SHA256-RSA-PKCS",
        "--input-file",
        "/dev/null",
        "--output-file",
        "/dev/null",
        "--pin",
        samples::PIN,
    ],
    finds: None,
};

impl Program {
    /// What it keeps, it keeps in `home`.
    pub(crate) fn run(self, place: &Place, certificates: usize, home: &Path) -> anyhow::Result<()> {
        let output = start(place, self.words, home)?;
        let said = String::from_utf8_lossy(&output.stdout);
        let complaints = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "{} fails: {said}{complaints}",
            self.name
        );
        if let Some(mark) = self.finds {
            let found = said
                .lines()
                .filter(|line| line.trim_start().starts_with(mark))
                .count();
            ensure!(
                found == certificates,
                "{} finds {found} certificates, not {certificates}: {said}",
                self.name
            );
        }
        Ok(())
    }
}

/// The readers, as OpenSC lists them.
pub(crate) fn readers(place: &Place) -> String {
    let words = ["opensc-tool", "--list-readers"];
    let output = start(place, &words, Path::new("/nonexistent"));
    output.map_or_else(
        |error| error.to_string(),
        |output| String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

pub(crate) fn start(place: &Place, words: &[&str], home: &Path) -> anyhow::Result<Output> {
    let (program, arguments) = words.split_first().context("a program has a name")?;
    let (variable, socket) = place.variable();
    Command::new(program)
        .args(arguments)
        .env(variable, socket)
        .env("HOME", home)
        .env("XDG_CACHE_HOME", home)
        .output()
        .with_context(|| format!("{program} does not start (see make deps)"))
}
