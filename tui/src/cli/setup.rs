//! What can be typed after `cacctl setup`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

pub(super) const EXAMPLES: &str = "\
Examples:
  cacctl setup --dry-run
      Only says what is missing, and what would be done.
  cacctl setup
      Shows the plan, asks, and does it for your own account.
  sudo cacctl setup --system
      For all users: p11-kit, and Firefox by its policies.
  cacctl setup --roots dod.zip --digest 8A1F...
      Has your browsers trust the authorities in a bundle that you have fetched.
  cacctl setup --undo
      Puts back what was there.";

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags, as clap takes them")]
pub struct Setup {
    /// For everybody on this machine, by root: p11-kit and Firefox's policies, and nothing in a home folder.
    #[arg(long)]
    pub system: bool,

    /// Put back what was there before, the last change first.
    #[arg(long, conflicts_with_all = ["only", "roots", "digest", "system_store"])]
    pub undo: bool,

    /// With --undo: also where somebody has changed a file since.
    #[arg(long, requires = "undo")]
    pub force: bool,

    /// Only these steps; once for each.
    #[arg(long, value_name = "STEP", value_parser = crate::setup::STEPS)]
    pub only: Vec<String>,

    /// Only say what would be done.
    #[arg(long)]
    pub dry_run: bool,

    /// Do not ask.
    #[arg(long)]
    pub yes: bool,

    /// Authorities to trust: PEM, DER, PKCS #7 (.p7b), or a ZIP archive of them. cacctl fetches none.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub roots: Option<PathBuf>,

    /// What the SHA-256 of that file has to be, as its publisher names it.
    #[arg(long, value_name = "SHA256", requires = "roots")]
    pub digest: Option<String>,

    /// With --system and --roots: every program of the system is to trust them, not Firefox alone.
    #[arg(long, requires_all = ["system", "roots"])]
    pub system_store: bool,

    /// Print one JSON object when all is done.
    #[arg(long)]
    pub json: bool,
}
