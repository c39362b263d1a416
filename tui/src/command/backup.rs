//! `cacctl backup`: a copy of everything that is kept, in a file of the caller's own.
//!
//! The file is made here, by whoever calls and for nobody else to read; the
//! daemon writes into a pipe, and opens no file for anyone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal as _, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use cac_common::client::{Client, ClientError};
use serde::Serialize;
use tokio::net::unix::pipe::Receiver;

use crate::cli;
use crate::failure::{Exit, Failure};
use crate::print;
use crate::print::table::hanging;
use crate::sheet::Sheet;

/// For whoever makes it, as the database is for the service alone.
const MODE: u32 = 0o600;

/// What is taken out of the pipe at one go, and told of.
const CHUNK: usize = 64 * 1024;
const TOLD: u64 = 1024 * 1024;

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub struct Written {
    pub file: String,
    pub bytes: u64,
}

pub async fn run(socket: &Path, wanted: cli::Backup, sheet: Sheet) -> Result<Exit, Failure> {
    let is_told = !sheet.quiet && !wanted.json && io::stderr().is_terminal();
    if wanted.file == Path::new("-") {
        let mut out = io::stdout();
        if wanted.json || out.is_terminal() {
            return Err(Failure::BackupOutput);
        }
        fetch(socket, &mut out, &wanted.file, is_told).await?;
        return Ok(Exit::Fine);
    }
    let mut unfinished = Unfinished::begin(&wanted.file)?;
    let bytes = fetch(socket, &mut unfinished.file, &wanted.file, is_told).await?;
    unfinished.finish(&wanted.file)?;
    let file = wanted.file.display().to_string();
    let mut out = io::stdout().lock();
    if wanted.json {
        print::json(&mut out, &Written { file, bytes })?;
    } else if !sheet.quiet {
        let text = format!(
            "{file}: {}, looked through and whole. The key is in it: keep it as safe as the database.",
            size(bytes)
        );
        hanging(&mut out, sheet, "", &text)?;
    }
    Ok(Exit::Fine)
}

/// Tells how much was written.
async fn fetch(
    socket: &Path,
    out: &mut impl Write,
    path: &Path,
    is_told: bool,
) -> Result<u64, Failure> {
    let (read_end, write_end) = io::pipe().map_err(ClientError::Pipe)?;
    let pipe = Receiver::from_owned_fd(OwnedFd::from(read_end)).map_err(ClientError::Pipe)?;
    let mut client = Client::connect(socket).await?;
    let (answer, copied) = tokio::join!(client.backup(write_end), copy(pipe, out, is_told));
    if is_told {
        // What was said meanwhile is wiped.
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
    let copied = copied.map_err(|source| Failure::File {
        path: path.to_owned(),
        source,
    })?;
    if answer?.bytes != copied {
        return Err(Failure::BackupCutShort);
    }
    Ok(copied)
}

async fn copy(pipe: Receiver, out: &mut impl Write, is_told: bool) -> io::Result<u64> {
    let mut chunk = vec![0; CHUNK];
    let mut copied = 0;
    loop {
        pipe.readable().await?;
        match pipe.try_read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => {
                out.write_all(&chunk[..read])?;
                let before = copied / TOLD;
                copied += read as u64;
                if is_told && copied / TOLD > before {
                    // Nobody has to see it.
                    let _ = write!(io::stderr(), "\r{} written", size(copied));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    out.flush()?;
    Ok(copied)
}

/// A file beside the one that was asked for, which takes its name when it is
/// whole, and is removed otherwise.
struct Unfinished {
    path: PathBuf,
    file: File,
}

impl Unfinished {
    fn begin(wanted: &Path) -> Result<Self, Failure> {
        if fs::symlink_metadata(wanted).is_ok() {
            return Err(there_already(wanted));
        }
        let mut path = wanted.as_os_str().to_owned();
        path.push(format!(".{}.part", std::process::id()));
        let path = PathBuf::from(path);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(MODE)
            .open(&path)
            .map_err(|source| not_written(wanted, source))?;
        Ok(Self { path, file })
    }

    /// Takes no other file's place, whoever made that meanwhile.
    fn finish(self, wanted: &Path) -> Result<(), Failure> {
        self.file
            .sync_all()
            .map_err(|source| not_written(wanted, source))?;
        match fs::hard_link(&self.path, wanted) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(there_already(wanted));
            }
            // Some file systems have no links.
            Err(_) => {
                fs::rename(&self.path, wanted).map_err(|source| not_written(wanted, source))?;
            }
            Ok(()) => {}
        }
        let folder = wanted
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))
            .and_then(|folder| folder.sync_all())
            .map_err(|source| not_written(wanted, source))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Where it has taken the other name there is none to remove.
        let _ = fs::remove_file(&self.path);
    }
}

fn there_already(path: &Path) -> Failure {
    Failure::FileExists {
        path: path.to_owned(),
    }
}

fn not_written(path: &Path, source: io::Error) -> Failure {
    Failure::File {
        path: path.to_owned(),
        source,
    }
}

/// `20.1 MB`
fn size(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    if bytes < 1_000_000 {
        format!("{} kB", tenths(1000))
    } else {
        format!("{} MB", tenths(1_000_000))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_size_is_told_in_the_unit_that_fits() {
        assert_eq!(size(0), "0.0 kB");
        assert_eq!(size(69_120), "69.1 kB");
        assert_eq!(size(20_187_136), "20.1 MB");
    }

    #[test]
    fn a_file_has_its_name_when_it_is_whole_and_is_its_makers_alone() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = folder.path().join("backup.tar");

        let mut unfinished = Unfinished::begin(&wanted).unwrap();
        unfinished.file.write_all(b"whole").unwrap();
        let before = wanted.exists();
        unfinished.finish(&wanted).unwrap();

        assert!(!before);
        assert_eq!(fs::read(&wanted).unwrap(), b"whole");
        let mode = fs::metadata(&wanted).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_came_to_nothing_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = folder.path().join("backup.tar");

        drop(Unfinished::begin(&wanted).unwrap());

        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn no_other_file_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = folder.path().join("backup.tar");
        let unfinished = Unfinished::begin(&wanted).unwrap();
        fs::write(&wanted, "of somebody else").unwrap();

        let late = unfinished.finish(&wanted);
        let early = Unfinished::begin(&wanted);

        assert!(matches!(late, Err(Failure::FileExists { .. })));
        assert!(matches!(early, Err(Failure::FileExists { .. })));
        assert_eq!(fs::read(&wanted).unwrap(), b"of somebody else");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
