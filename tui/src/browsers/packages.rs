//! Which packages of dpkg have a file: by the lists that it keeps (deb(5),
//! `/var/lib/dpkg/info`).

use std::fs;
use std::path::Path;

use cac_common::bounded_file;

const LISTS: &str = "var/lib/dpkg/info";

/// A machine has some thousand packages.
const MOST_LISTS: usize = 200_000;

/// The packages that are looked for have a dozen files.
const LARGEST_LIST: u64 = 256 * 1024;

/// Those of these packages that are installed with a file of one of these names.
/// Of a package that was removed its settings alone are listed.
pub(crate) fn installed(
    root: &Path,
    packages: &[&'static str],
    files: &[&str],
) -> Vec<&'static str> {
    let entries = fs::read_dir(root.join(LISTS)).into_iter().flatten();
    let mut installed: Vec<&str> = entries
        .take(MOST_LISTS)
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let package = name.to_str()?.strip_suffix(".list").map(named)?;
            let package = packages.iter().find(|it| **it == package)?;
            let list = bounded_file::read(&entry.path(), LARGEST_LIST).ok()?;
            let list = String::from_utf8_lossy(&list);
            let mut names = list
                .lines()
                .filter_map(|line| Path::new(line).file_name()?.to_str());
            names.any(|name| files.contains(&name)).then_some(*package)
        })
        .collect();
    installed.sort_unstable();
    installed.dedup();
    installed
}

/// Without the machine that it is for: `coolkey:amd64`.
fn named(list: &str) -> &str {
    list.split_once(':').map_or(list, |(package, _)| package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_counts_that_is_looked_for_and_has_the_file() {
        let root = tempfile::tempdir().unwrap();
        let lists = root.path().join(LISTS);
        fs::create_dir_all(&lists).unwrap();
        for (list, text) in [
            ("a.list", "/.\n/usr/lib/a.so\n"),
            ("b:amd64.list", "/usr/lib/pkcs11/b.so\n"),
            ("b:i386.list", "/usr/lib/pkcs11/b.so\n"),
            // Removed, and not purged.
            ("c.list", "/etc/c.conf\n"),
            ("d.list", "/usr/lib/a.so\n"),
            ("a.md5sums", "/usr/lib/a.so\n"),
        ] {
            fs::write(lists.join(list), text).unwrap();
        }
        let found = |packages: &[&'static str]| installed(root.path(), packages, &["a.so", "b.so"]);

        assert_eq!(found(&["b", "a", "c"]), ["a", "b"]);
        assert_eq!(found(&["c"]), [""; 0]);
        assert_eq!(installed(&lists, &["a"], &["a.so"]), [""; 0]);
    }
}
