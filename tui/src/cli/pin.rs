//! What can be typed after `cacctl pin`.

use clap::{Args, Subcommand};

use super::{PinPrompt, examples};
use crate::completion;

#[derive(Debug, Subcommand)]
pub enum Pin {
    /// Say how many tries are left, and what to do where the PIN is blocked. Spends none.
    #[command(after_help = examples::PIN_STATUS)]
    Status(PinStatus),
    /// Change the PIN: asks for the old one, and twice for the new one.
    ///
    /// A PIN has six to eight digits. Both are looked at before the card is
    /// asked, and sent to it once, in one command: a wrong old PIN costs one try.
    /// A PIN that cacd held for the card is wiped, and the new one is not kept.
    ///
    /// Ctrl-C and --timeout end the waiting for the card's answer, and not what
    /// the card was sent: cacctl history says what came of it.
    ///
    /// Without a terminal they are taken from standard input: three lines, the
    /// old PIN, the new one, and the new one again.
    #[command(after_help = examples::PIN_CHANGE)]
    Change(PinChange),
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

#[derive(Debug, Args)]
pub struct PinChange {
    /// The card, if several are in readers.
    #[arg(long, value_name = "ID", add = completion::cards())]
    pub card: Option<String>,

    /// Send the old PIN even if it may be the last try before the card is blocked.
    #[arg(long)]
    pub even_the_last_try: bool,

    #[command(flatten)]
    pub prompt: PinPrompt,

    /// Print how the PIN stands afterwards, as one JSON object.
    #[arg(long)]
    pub json: bool,
}
