//! The users of this machine by name. The service writes their numbers down
//! alone; what shows them resolves the names, as whoever looks.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::sync::OnceLock;

use cac_common::identity::readable;
use rustix::process::getuid;

const FILE: &str = "/etc/passwd";

/// No more of it is read.
const LONGEST_FILE: u64 = 1 << 20;

/// Names by number: a trait of the machine, as its clock is.
static NAMES: OnceLock<BTreeMap<u32, String>> = OnceLock::new();

/// Looks them up, once. Before that nobody but root has a name.
pub fn learn() {
    NAMES.get_or_init(|| {
        let mut text = Vec::new();
        // Without it they are shown by number.
        let _ = File::open(FILE).and_then(|file| file.take(LONGEST_FILE).read_to_end(&mut text));
        let mut names = listed(&String::from_utf8_lossy(&text));
        // Who is known to a directory alone knows at least themselves.
        if let Some(own) = std::env::var("LOGNAME")
            .ok()
            .filter(|name| !name.is_empty())
        {
            names.entry(getuid().as_raw()).or_insert(own);
        }
        names
    });
}

/// `root`, `jane (uid 1000)`, `user 1001`; harmless to a terminal.
pub fn told(uid: u32) -> String {
    if uid == 0 {
        return "root".to_owned();
    }
    match NAMES.get().and_then(|names| names.get(&uid)) {
        Some(name) => format!("{} (uid {uid})", readable(name)),
        None => format!("user {uid}"),
    }
}

/// The user of this process by name; empty for root, and where there is none.
pub(crate) fn own() -> String {
    if getuid().is_root() {
        return String::new();
    }
    let own = NAMES.get().and_then(|names| names.get(&getuid().as_raw()));
    own.cloned().unwrap_or_default()
}

/// `jane:x:1000:…`, a line each; the first of those with one number counts.
fn listed(text: &str) -> BTreeMap<u32, String> {
    let mut names = BTreeMap::new();
    for line in text.lines() {
        let mut fields = line.split(':');
        let (name, uid) = (fields.next(), fields.nth(1));
        if let (Some(name), Some(uid)) = (name, uid.and_then(|uid| uid.parse().ok()))
            && !name.is_empty()
        {
            names.entry(uid).or_insert_with(|| name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_a_number_counts_and_what_is_no_line_does_not() {
        let text = "root:x:0:0:root:/root:/bin/sh\njane:x:1000:1000::/home/jane:/bin/sh\n\
                    janet:x:1000:1000::/:/bin/sh\nhalf:x\n:x:7:7\nx:y:-1\n\n";

        let names: Vec<_> = listed(text).into_iter().collect();

        assert_eq!(names, [(0, "root".to_owned()), (1000, "jane".to_owned())]);
    }

    #[test]
    fn whoever_has_no_name_is_told_by_number() {
        assert_eq!(told(0), "root");
        assert_eq!(told(u32::MAX), "user 4294967295");
    }
}
