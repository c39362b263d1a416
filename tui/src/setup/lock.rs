//! One setup at a time.

use std::fs::DirBuilder;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, stat};

use super::fault::SetupFault;
use super::record::FOLDER_MODE;

/// What was killed leaves programs that end soon.
const PATIENCE: Duration = Duration::from_secs(20);

/// Of the folder, which is made where it is missing. The programs that are
/// started inherit it, so that it is held until the last of them has ended.
pub(super) async fn lock(folder: &Path) -> Result<OwnedFd, SetupFault> {
    let folder = folder.to_owned();
    let held = tokio::task::spawn_blocking(move || {
        loop {
            DirBuilder::new()
                .recursive(true)
                .mode(FOLDER_MODE)
                .create(&folder)
                .map_err(SetupFault::file(&folder, "made"))?;
            let held = (|| {
                let open: OwnedFd =
                    rustix::fs::open(&folder, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
                flock(&open, FlockOperation::LockExclusive)?;
                // Whoever had it may have removed it.
                let (ours, there) = (fstat(&open)?, stat(&folder));
                let is_there =
                    there.is_ok_and(|it| (it.st_dev, it.st_ino) == (ours.st_dev, ours.st_ino));
                Ok::<_, rustix::io::Errno>(is_there.then_some(open))
            })();
            match held {
                Ok(Some(open)) => return Ok(open),
                Ok(None) | Err(rustix::io::Errno::NOENT) => {}
                Err(error) => return Err(SetupFault::file(&folder, "locked")(error.into())),
            }
        }
    });
    match tokio::time::timeout(PATIENCE, held).await {
        Ok(Ok(held)) => held,
        Ok(Err(_)) | Err(_) => Err(SetupFault::Busy),
    }
}
