//! Whether a user has a dashboard open, where a person sees what is asked for.
//!
//! It is a lock on a file, which the kernel lets go of however the dashboard
//! ends; whoever wants to know asks for it without taking it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::process::{Flock, FlockType, fcntl_getlk};

const FILE: &str = "cacctl.dashboard";

/// A dashboard is open for as long as this lives. No other descriptor of this
/// process may be open on the file: its closing would let go of the lock.
pub struct Presence {
    _lock: File,
}

/// The folder where a user's programs find each other (XDG Base Directory
/// Specification 0.8), if there is one.
pub fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    folder.filter(|folder| folder.is_absolute())
}

impl Presence {
    /// Says that a dashboard is open; several may be.
    pub fn show(folder: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join(FILE))?;
        fcntl_lock(&file, FlockOperation::NonBlockingLockShared)?;
        Ok(Self { _lock: file })
    }
}

/// Whether another process of this user shows a dashboard.
pub fn is_shown(folder: &Path) -> bool {
    let wanted = Flock::from(FlockType::WriteLock);
    File::open(folder.join(FILE))
        .and_then(|file| Ok(fcntl_getlk(&file, &wanted)?))
        .is_ok_and(|in_the_way| in_the_way.is_some())
}
