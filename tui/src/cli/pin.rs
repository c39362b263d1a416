//! What can be typed after `cacctl pin`.

use clap::{Args, Subcommand};

use super::examples;
use crate::completion;

#[derive(Debug, Subcommand)]
pub enum Pin {
    /// Say how many tries are left, and what to do where the PIN is blocked. Spends none.
    #[command(after_help = examples::PIN_STATUS)]
    Status(PinStatus),
}

#[derive(Debug, Args)]
pub struct PinStatus {
    /// The card, if several are in readers.
    #[arg(long, value_name = "ID", add = completion::cards())]
    pub card: Option<String>,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}
