//! What can be typed after `cacctl status`.

use clap::{Args, ValueEnum};

use crate::completion;

#[derive(Debug, Args)]
pub struct Status {
    /// Print the whole state as one JSON object.
    #[arg(long)]
    pub json: bool,

    /// Say nothing before this is so, and end with 4 once it cannot become so without a person.
    #[arg(long, value_name = "STATUS", value_enum)]
    pub wait_for: Option<WaitFor>,

    /// With --wait-for: only this portal.
    #[arg(long, value_name = "NAME", requires = "wait_for", add = completion::enabled_portals())]
    pub portal: Option<String>,

    /// With --wait-for: only this card, instead of each that is in a reader.
    #[arg(long, value_name = "ID", requires = "wait_for", add = completion::cards())]
    pub card: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WaitFor {
    /// Each card is registered at each portal.
    Registered,
    /// A card is in a reader, and is read.
    Card,
    /// A portal waits for the PIN of a card.
    Pin,
    /// No card is being read, and none signs in.
    Idle,
    /// No card is in a reader.
    NoCard,
}
