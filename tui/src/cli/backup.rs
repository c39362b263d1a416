//! `cacctl backup`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

pub(super) const EXAMPLES: &str = "\
Examples:
  cacctl backup /root/cacd-$(date +%F).tar
      A copy in a file that is root's alone.
  cacctl backup - | age -r age1... > cacd.tar.age
      Never on a disk but encrypted.
  cd /var/lib/cacd && tar -xf /root/cacd.tar && chown cacd:cacd cacd.db cacd.key
      Restores it, where the service is stopped and its files are moved away.";

#[derive(Debug, Args)]
pub struct Backup {
    /// The file, which must not be there yet; "-" is standard output.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Print the file and its length as JSON.
    #[arg(long)]
    pub json: bool,
}
