use super::*;

fn file(folder: &Path) -> Inner {
    Inner {
        path: folder.join("cacd.prom"),
        stage: Mutex::new(Stage::Untouched),
    }
}

fn names(folder: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

#[test]
fn others_may_read_it_and_nothing_lies_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    // What a daemon that was killed in the middle left behind.
    fs::write(folder.path().join(".cacd.prom.new"), "half").unwrap();
    let file = file(folder.path());

    file.write("cacd_up 1\n").unwrap();
    file.write("cacd_up 1\ncacd_readers 2\n").unwrap();

    assert_eq!(
        fs::read_to_string(&file.path).unwrap(),
        "cacd_up 1\ncacd_readers 2\n"
    );
    let mode = fs::metadata(&file.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, MODE);
    assert_eq!(names(folder.path()), ["cacd.prom"]);
}

#[test]
fn a_link_in_its_place_is_replaced_and_what_it_leads_to_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::NamedTempFile::new().unwrap();
    fs::write(elsewhere.path(), "kept").unwrap();
    for name in ["cacd.prom", ".cacd.prom.new"] {
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join(name)).unwrap();
    }

    file(folder.path()).write("cacd_up 1\n").unwrap();

    assert_eq!(fs::read_to_string(elsewhere.path()).unwrap(), "kept");
    assert_eq!(names(folder.path()), ["cacd.prom"]);
}

#[test]
fn a_daemon_that_ends_leaves_that_behind_and_writes_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path());
    file.write("cacd_up 1\n").unwrap();

    file.end(true).unwrap();
    file.write("cacd_up 1\n").unwrap();

    let left = fs::read_to_string(&file.path).unwrap();
    assert!(left.ends_with("\ncacd_up 0\n"), "{left}");
}

#[test]
fn a_file_that_is_wanted_no_more_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path());
    file.write("cacd_up 1\n").unwrap();

    file.end(false).unwrap();
    file.write("cacd_up 1\n").unwrap();

    assert!(names(folder.path()).is_empty());
}

#[test]
fn what_somebody_else_wrote_there_is_not_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path());
    fs::write(&file.path, "theirs").unwrap();

    file.end(false).unwrap();

    assert_eq!(fs::read_to_string(&file.path).unwrap(), "theirs");
}

#[test]
fn where_it_cannot_be_written_nothing_is_left_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path());
    // A folder cannot be replaced by a file.
    fs::create_dir(&file.path).unwrap();

    file.write("cacd_up 1\n").unwrap_err();

    assert_eq!(names(folder.path()), ["cacd.prom"]);
}
