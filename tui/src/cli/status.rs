//! What can be typed after `cacctl status`.

use clap::{Args, ValueEnum};

use crate::completion;

#[derive(Debug, Args)]
pub struct Status {
    /// Print the state as one JSON object.
    #[arg(long)]
    pub json: bool,

    /// Say nothing before this is so, and end with 4 once it cannot become so without a person.
    #[arg(long, value_name = "STATUS", value_enum)]
    pub wait_for: Option<WaitFor>,

    /// Only this portal: of what is told, and of what is waited for.
    #[arg(long, value_name = "NAME", add = completion::portals())]
    pub portal: Option<String>,

    /// Only this card, in a reader or seen before: of what is told, and of what is waited for.
    #[arg(long, value_name = "ID", add = completion::every_card())]
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
