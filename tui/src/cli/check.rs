//! `cacctl check`.

use clap::Args;

use crate::completion;

pub(super) const EXAMPLES: &str = "\
Examples:
  cacctl check
      Every check. The first line that failed is the cause of the others.
  cacctl check --only pcscd reader card
      These alone; what they need is looked at too, and not told.
  cacctl check --explain pcscd
      What a check looks at, and where more is told.
  cacctl check --report > report.txt
      For the help desk, without names, numbers and addresses of yours.
  cacctl check --json | jq -r '.findings[] | select(.verdict == \"failed\").check'
      The names of what failed, the cause first.";

#[derive(Debug, Args)]
pub struct Check {
    /// Only these checks, by their names, and what keeps them from being made.
    #[arg(long, value_name = "NAME", num_args = 1.., add = completion::checks())]
    pub only: Vec<String>,

    /// The card, if several are in readers.
    #[arg(long, value_name = "ID", add = completion::cards())]
    pub card: Option<String>,

    /// Say what a check looks at, what hangs on it, and every cause that it can tell; nothing is checked.
    #[arg(long, value_name = "NAME", add = completion::checks(), conflicts_with_all = ["only", "card", "report", "json"])]
    pub explain: Option<String>,

    /// Write a report for the help desk, without what names you, your card or your machine.
    #[arg(long, conflicts_with_all = ["only", "json"])]
    pub report: bool,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}
