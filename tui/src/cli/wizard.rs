//! What can be typed after `cacctl wizard`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::completion;

pub(super) const EXAMPLES: &str = "\
Examples:
  cacctl wizard ako --save confirmation.txt --save confirmation.html
      Goes through the steps, and keeps what the portal shows at the end as text and as it came.
  cacctl wizard --confirmation ako --print
      Prints what it showed the last time.

Ctrl-C asks what to do: go on, back, stop, or leave it as it is.";

#[derive(Debug, Args)]
pub struct Wizard {
    /// The portal, if not the only one that waits for this.
    #[arg(value_name = "PORTAL", add = completion::portals())]
    pub portal: Option<String>,

    /// The card, if several are in readers; with --confirmation also one that is in none.
    #[arg(long, value_name = "ID", add = completion::every_card())]
    pub card: Option<String>,

    /// Send the PIN even if it may be the last try before the card is blocked.
    #[arg(long)]
    pub even_the_last_try: bool,

    /// Show what the portal showed at the end of the last time, and ask nothing.
    #[arg(long, conflicts_with = "even_the_last_try")]
    pub confirmation: bool,

    #[command(flatten)]
    pub keep: Keep,

    /// Print the end as one JSON object; what is asked is asked all the same.
    #[arg(long)]
    pub json: bool,
}

/// What to do with a confirmation.
#[derive(Debug, Args)]
pub struct Keep {
    /// Write the confirmation to a file for you alone: the page as it came to one named .html, else its text. May be given twice.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub save: Vec<PathBuf>,

    /// With --save: write over a file that is there.
    #[arg(long, requires = "save")]
    pub force: bool,

    /// Print the confirmation on the default printer (lp).
    #[arg(long)]
    pub print: bool,
}
