//! What the demo says on standard output.

use std::io::{self, Stdout, Write};

/// Says one line after the other. Nobody listening any more is an error, so
/// that the demo ends in order instead of with a panic.
pub(super) struct Told {
    out: Stdout,
}

impl Told {
    pub(super) fn to_standard_output() -> Self {
        Self { out: io::stdout() }
    }

    pub(super) fn say(&mut self, line: &str) -> io::Result<()> {
        let mut out = self.out.lock();
        writeln!(out, "{line}")?;
        out.flush()
    }

    /// One thing that the demo is made of.
    pub(super) fn part(&mut self, name: &str, what: &str) -> io::Result<()> {
        self.say(&format!("  {name:<10} {what}"))
    }

    /// A step that went well.
    pub(super) fn done(&mut self, step: &str) -> io::Result<()> {
        self.say(&format!("  ✔ {step}"))
    }

    /// The step that did not.
    pub(super) fn failed(&mut self, step: &str) -> io::Result<()> {
        self.say(&format!("  ✖ {step}"))
    }
}
