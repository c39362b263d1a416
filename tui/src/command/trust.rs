//! `cacctl trust`: the authorities that lie in the daemon's folder.

mod import;
mod list;
mod show;

use std::path::Path;

use crate::cli::{Trust, TrustFolder};
use crate::failure::{Exit, Failure};
use crate::sheet::Sheet;
use crate::trust::{self, Held};

pub async fn run(socket: &Path, wanted: Trust, sheet: Sheet) -> Result<Exit, Failure> {
    match wanted {
        Trust::List(wanted) => list::run(socket, &wanted, sheet).await,
        Trust::Show(wanted) => show::run(socket, &wanted, sheet),
        Trust::Import(wanted) => import::run(socket, &wanted, sheet).await,
    }
}

/// The folder, and what lies in it.
fn held(place: &TrustFolder, socket: &Path) -> Result<(std::path::PathBuf, Held), Failure> {
    let named = place.folder.as_deref();
    let folder = trust::folder(named, socket, |name| std::env::var_os(name));
    let held = Held::read(&folder).map_err(|source| Failure::NotReadable {
        path: folder.clone(),
        source,
    })?;
    Ok((folder, held))
}
