//! What can be said of notifications on the command line.

use clap::Args;

use crate::settings::{Days, Kinds, QuietHours};

pub(super) const SETTINGS: &str = "\
The same in ~/.config/cacctl.toml, with the terminal that Open starts (without
it: xdg-terminal-exec, x-terminal-emulator or what TERMINAL names):

  terminal = [\"foot\"]
  theme = \"light\"                 # of the dashboard
  [notifications]
  kinds = [\"card\", \"pin\", \"registered\", \"needs-you\", \"expiry\"]
  quiet_hours = \"22:00-07:00\"
  days = [30, 14, 7, 1]

In quiet hours nothing pops up; what still holds at their end is told then.
A PIN is asked for all the same: somebody has just put the card in.";

/// What is told on the desktop, where it is not to be as the settings say.
#[derive(Debug, Clone, Args)]
pub struct Notify {
    /// What to tell on the desktop, parted by commas: card, pin, registered, needs-you and expiry; or none. Without it all of them.
    #[arg(long, value_name = "KINDS")]
    pub notify: Option<Kinds>,

    /// When nothing pops up: 22:00-07:00.
    #[arg(long, value_name = "FROM-TO")]
    pub quiet_hours: Option<QuietHours>,

    /// How many days before a certificate or the card ends it is told, parted by commas. Without it 30, 14, 7 and 1; that it has ended is told in any case.
    #[arg(long, value_name = "DAYS")]
    pub expiry_days: Option<Days>,
}
