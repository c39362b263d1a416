//! What standard output is: how wide, whether it has colours, and how much is
//! to stand on it.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};

use rustix::termios::tcgetwinsize;

use crate::cli::{Bounds, Options};
use crate::phrase::Tone;
use crate::theme::Depth;

/// What a text is printed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sheet {
    /// Of a terminal; anything else has room for all.
    pub columns: Option<usize>,
    pub colour: bool,
    /// Nothing but what was asked for.
    pub quiet: bool,
}

impl Sheet {
    /// As wide as need be, and plain.
    pub const PLAIN: Self = Self {
        columns: None,
        colour: false,
        quiet: false,
    };

    /// Standard output, as the options and the environment have it.
    pub fn of_output(
        options: &Options,
        bounds: Bounds,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Self {
        let output = io::stdout();
        let is_terminal = output.is_terminal();
        let size = is_terminal.then(|| tcgetwinsize(&output).ok()).flatten();
        let columns = size.map(|size| usize::from(size.ws_col));
        Self {
            // One that says 0 does not know.
            columns: columns.filter(|columns| *columns > 0),
            colour: is_terminal && Depth::wanted(options, variable) != Depth::None,
            quiet: bounds.quiet,
        }
    }
}

impl Sheet {
    /// In the terminal's own colours (ECMA-48, SGR).
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Quiet => return text.to_owned(),
            Tone::Good => "32",
            Tone::Working => "36",
            Tone::Wanted => "1;33",
            Tone::Bad => "1;31",
        };
        self.with(code, text)
    }

    /// The heads of columns.
    pub(crate) fn strong(self, text: &str) -> String {
        self.with("1", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}
