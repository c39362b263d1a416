//! Prints each line as soon as those before it are known; at a terminal those
//! that are not stand beneath, and turn into what they come to.

use std::io::Write;

use crate::check::{Finding, Verdict};
use crate::failure::Failure;
use crate::print;
use crate::sheet::Sheet;

const SPINNER: [&str; 4] = ["|", "/", "-", "\\"];

/// Rows that may be drawn anew: no terminal is so low that the first is out of reach.
const MOST_ROWS: usize = 8;

pub(super) struct Streamed {
    sheet: Sheet,
    /// Of a terminal that lines can be taken back on.
    columns: Option<usize>,
    /// Lines that stay as they are.
    printed: usize,
    /// Rows beneath them that are taken back.
    drawn: usize,
    turned: usize,
}

impl Streamed {
    pub(super) fn new(sheet: Sheet) -> Self {
        Self {
            columns: sheet.columns.filter(|_| !sheet.quiet),
            sheet,
            printed: 0,
            drawn: 0,
            turned: 0,
        }
    }

    /// Whether something is drawn that turns.
    pub(super) fn turns(&self) -> bool {
        self.columns.is_some()
    }

    pub(super) fn tell(
        &mut self,
        out: &mut impl Write,
        findings: &[Finding],
    ) -> Result<(), Failure> {
        if self.drawn > 0 {
            // Up to the first of them, and all from there on is wiped (ECMA-48, CPL and ED).
            print::bytes(out, format!("\u{1b}[{}F\u{1b}[J", self.drawn).as_bytes())?;
            self.drawn = 0;
        }
        let mut findings = findings.iter().skip(self.printed).peekable();
        while let Some(finding) = findings.next_if(|it| it.verdict() != Verdict::Running) {
            self.printed += 1;
            if self.is_told(finding) {
                print::check::finding(out, finding, self.sheet)?;
            }
        }
        let Some(columns) = self.columns else {
            return Ok(());
        };
        let spinner = SPINNER[self.turned % SPINNER.len()];
        self.turned += 1;
        for finding in findings.take(MOST_ROWS) {
            print::line(out, &print::check::unfinished(finding, spinner, columns))?;
            self.drawn += 1;
        }
        Ok(())
    }

    /// Whoever wants it quiet hears of what is not as it should be.
    fn is_told(&self, finding: &Finding) -> bool {
        !self.sheet.quiet || matches!(finding.verdict(), Verdict::Failed | Verdict::Warning)
    }
}
