use std::collections::BTreeMap;

use cac_common::config::Config;
use cac_common::time::UtcSeconds;

use super::*;
use crate::event::Now;
use crate::metrics::{Observer, Queues};
use crate::sight::Sight;
use crate::state::{DaemonFacts, State};
use crate::supervisor::Published;

const NOW: Now = Now {
    utc: UtcSeconds(0),
    monotonic: Duration::ZERO,
    random: 0,
};

/// Tells of a daemon that has just been started.
fn collector(observer: &Observer) -> Collector {
    let facts = DaemonFacts {
        version: "0".into(),
        host: "test".into(),
        started_at: UtcSeconds(0),
    };
    let snapshot = State::new(facts, Config::default()).snapshot(NOW);
    let published = Published::new(snapshot, Sight::default(), BTreeMap::new(), Vec::new());
    Collector {
        metrics: observer.metrics(),
        snapshots: watch::channel(Arc::new(published)).1,
        store: watch::channel(Err("there is none".into())).1,
    }
}

/// Answers the next question, which is one for each writing.
async fn answer(observer: &mut Observer) {
    let question = observer.question().await.unwrap();
    observer.answer(question, Queues::default());
}

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

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test needs some instant to start from"
)]
async fn however_much_happens_it_is_written_now_and_then_and_after_the_last_of_it() {
    let pace = Pace {
        at_most_every: Duration::from_millis(50),
        try_again: Duration::from_millis(50),
    };
    let folder = tempfile::tempdir().unwrap();
    let file = TextFile(Arc::new(file(folder.path())));
    let mut observer = Observer::new();
    let (collector, metrics) = (collector(&observer), observer.metrics());
    let path = file.0.path.clone();
    let keeping = tokio::spawn(async move { keep(Some(&file), &collector, pace).await });
    answer(&mut observer).await;

    let busy = async {
        for _ in 0..200 {
            metrics.connection_refused();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let begun = tokio::time::Instant::now();
    let mut written = 0;
    let mut busy = std::pin::pin!(busy);
    loop {
        tokio::select! {
            () = answer(&mut observer) => written += 1,
            () = &mut busy => break,
        }
    }
    let most = begun.elapsed().as_millis() / pace.at_most_every.as_millis() + 1;
    let is_whole = || {
        let text = fs::read_to_string(&path);
        text.is_ok_and(|text| text.contains("refused_total 200"))
    };
    while !is_whole() {
        tokio::select! {
            () = answer(&mut observer) => written += 1,
            () = tokio::time::sleep(Duration::from_millis(1)) => {}
        }
    }

    assert!(written <= most + 2, "{written} times, and {most} would do");
    // Nothing happens any more, so nobody asks.
    let silence = tokio::time::timeout(pace.at_most_every * 10, observer.question()).await;
    assert!(silence.is_err());
    keeping.abort();
}

#[tokio::test]
async fn what_could_not_be_written_is_tried_again_though_nothing_happens() {
    let pace = Pace {
        at_most_every: Duration::from_millis(1),
        try_again: Duration::from_millis(1),
    };
    let folder = tempfile::tempdir().unwrap();
    let later = folder.path().join("later");
    let file = TextFile(Arc::new(file(&later)));
    let mut observer = Observer::new();
    let collector = collector(&observer);
    let path = file.0.path.clone();
    let keeping = tokio::spawn(async move { keep(Some(&file), &collector, pace).await });
    answer(&mut observer).await;
    answer(&mut observer).await;
    assert!(!path.exists());

    fs::create_dir(&later).unwrap();
    while !path.exists() {
        tokio::select! {
            () = answer(&mut observer) => {}
            () = tokio::time::sleep(Duration::from_millis(1)) => {}
        }
    }

    keeping.abort();
}
