//! `cacctl trust show`.

use std::io;
use std::path::Path;

use jiff::tz::TimeZone;

use crate::cli::TrustShow;
use crate::clock;
use crate::failure::{Exit, Failure};
use crate::print;
use crate::print::trust::{Shown, show};
use crate::sheet::Sheet;
use crate::trust::Supplied;

pub(super) fn run(socket: &Path, wanted: &TrustShow, sheet: Sheet) -> Result<Exit, Failure> {
    let (folder, held) = super::held(&wanted.place, socket)?;
    let in_folder = folder.join(&wanted.file);
    let path = if in_folder.is_file() {
        &in_folder
    } else {
        &wanted.file
    };
    let supplied = Supplied::read(path)?;
    let shown = Shown::of(&supplied, &held, clock::now());
    let mut out = io::stdout().lock();
    if wanted.json {
        print::json(&mut out, &shown)?;
    } else {
        show(&mut out, &shown, sheet, &TimeZone::system())?;
    }
    Ok(Exit::Fine)
}
