//! What a person wants to keep: in a file of their own, or printed.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cac_common::identity::readable;

use crate::failure::Failure;

/// It names its holder.
const MODE: u32 = 0o600;

/// What to do about a file that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Keep,
    Replace,
}

/// The path that was typed, in which `~/` is the home of whoever typed it.
pub fn path(typed: &str, home: Option<&Path>) -> PathBuf {
    match (typed.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => typed.into(),
    }
}

/// Writes a file for its owner alone.
pub fn save(contents: &str, path: &Path, existing: Existing) -> Result<(), Failure> {
    free(path, existing)?;
    let not_written = |source| Failure::File {
        path: path.to_owned(),
        source,
    };
    if existing == Existing::Replace && fs::symlink_metadata(path).is_ok() {
        // Removed, so that a link that lies there leads nowhere.
        fs::remove_file(path).map_err(not_written)?;
    }
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(path)
        .map_err(not_written)?;
    file.write_all(contents.as_bytes()).map_err(not_written)
}

/// Fails where something lies that is to be kept.
pub fn free(path: &Path, existing: Existing) -> Result<(), Failure> {
    if existing == Existing::Keep && fs::symlink_metadata(path).is_ok() {
        return Err(Failure::FileExists {
            path: path.to_owned(),
        });
    }
    Ok(())
}

/// Hands a text to `lp`, and gives back what that says. Blocks until it has ended.
pub fn print(text: &str) -> Result<String, Failure> {
    print_with("lp", text)
}

fn print_with(program: &str, text: &str) -> Result<String, Failure> {
    let spawned = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = spawned.map_err(Failure::NoLp)?;
    if let Some(mut paper) = child.stdin.take() {
        // One that does not read to the end says why by how it ends.
        let _ = paper.write_all(text.as_bytes());
    }
    let failed = |error: io::Error| Failure::NotPrinted {
        said: error.to_string(),
    };
    let ended = child.wait_with_output().map_err(failed)?;
    let said = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        readable(text.lines().next().unwrap_or_default())
    };
    if ended.status.success() {
        return Ok(said(&ended.stdout));
    }
    let said = match said(&ended.stderr) {
        said if said.is_empty() => ended.status.to_string(),
        said => said,
    };
    Err(Failure::NotPrinted { said })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const TEXT: &str = "Your CAC is registered.\n";

    /// A folder of its own, gone when dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = format!("cacctl-paper-{}-{name}", std::process::id());
            let folder = std::env::temp_dir().join(folder);
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn program(&self, script: &str) -> String {
            let path = self.0.join("lp");
            let mut options = OpenOptions::new();
            let options = options.write(true).create_new(true).mode(0o755);
            let mut file = options.open(&path).unwrap();
            file.write_all(format!("#!/bin/sh\n{script}\n").as_bytes())
                .unwrap();
            path.to_str().unwrap().to_owned()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_is_saved_is_for_its_owner_alone() {
        let folder = Folder::new("saved");
        let path = folder.0.join("it.txt");

        save(TEXT, &path, Existing::Keep).unwrap();

        assert_eq!(fs::read_to_string(&path).unwrap(), TEXT);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_there_is_kept_unless_it_is_to_be_replaced() {
        let folder = Folder::new("there");
        let (path, elsewhere) = (folder.0.join("it.txt"), folder.0.join("elsewhere"));
        fs::write(&elsewhere, "mine").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();

        let kept = save(TEXT, &path, Existing::Keep);
        save(TEXT, &path, Existing::Replace).unwrap();

        assert!(matches!(kept, Err(Failure::FileExists { .. })), "{kept:?}");
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "mine");
        assert!(fs::read_to_string(&path).unwrap().contains("registered"));
    }

    #[test]
    fn the_home_stands_for_its_sign() {
        let home = Path::new("/home/jane");

        assert_eq!(path("~/it.txt", Some(home)), Path::new("/home/jane/it.txt"));
        assert_eq!(path("~/it.txt", None), Path::new("~/it.txt"));
        assert_eq!(path("it~/x", Some(home)), Path::new("it~/x"));
    }

    #[test]
    fn the_printer_gets_the_text_and_its_answer_is_told() {
        let folder = Folder::new("printed");
        let paper = folder.0.join("paper");
        let script = format!("cat > '{}'; echo request id is PDF-1", paper.display());

        let said = print_with(&folder.program(&script), TEXT).unwrap();

        assert_eq!(said, "request id is PDF-1");
        let printed = fs::read_to_string(paper).unwrap();
        assert!(
            printed.starts_with("Your CAC is registered.\n"),
            "{printed}"
        );
    }

    #[test]
    fn where_nothing_prints_it_is_said_why() {
        let folder = Folder::new("no_printer");
        let lp = folder.program("echo 'lp: Error - No default destination' >&2; exit 1");

        let none = print_with("/nowhere/lp", TEXT).unwrap_err();
        let no_printer = print_with(&lp, TEXT).unwrap_err();

        assert!(matches!(none, Failure::NoLp(_)), "{none}");
        let told = no_printer.to_string();
        assert!(told.contains("No default destination"), "{told}");
    }
}
