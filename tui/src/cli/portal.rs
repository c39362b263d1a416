//! What can be typed after `cacctl portal`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::{PinPrompt, examples};
use crate::completion;

#[derive(Debug, Subcommand)]
pub enum Portal {
    /// Say which portals are known, and what is wrong with a profile.
    #[command(after_help = examples::PORTAL_LIST)]
    List(PortalList),
    /// Say how a portal is described: where it is, how its answers are told apart, whom to ask.
    #[command(after_help = examples::PORTAL_SHOW)]
    Show(PortalShow),
    /// Sign in once, and say what was asked, what was answered, and which rule of the profile that met. Nothing is written down.
    #[command(after_help = examples::PORTAL_TEST)]
    Test(PortalTest),
}

#[derive(Debug, Args)]
pub struct PortalList {
    /// Print one JSON array.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct PortalShow {
    /// The portal.
    #[arg(value_name = "NAME", add = completion::portals())]
    pub name: String,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct PortalTest {
    /// The portal; one that is not enabled can be tried too.
    #[arg(value_name = "NAME", add = completion::portals())]
    pub name: String,

    /// The card, if several are in readers.
    #[arg(long, value_name = "ID", add = completion::cards())]
    pub card: Option<String>,

    /// Send the PIN even if it may be the last try before the card is blocked.
    #[arg(long)]
    pub even_the_last_try: bool,

    #[command(flatten)]
    pub prompt: PinPrompt,

    /// Write the last page to a file, as the portal sent it: it may name you.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub page: Option<PathBuf>,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}
