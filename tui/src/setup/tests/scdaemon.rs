//! GnuPG's scdaemon: its options are added to those that are there.

use super::*;

/// A program that knows some options.
pub(super) fn install(bench: &Bench) {
    let program = bench.places.system("usr/lib/gnupg/scdaemon");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    let script = "#!/bin/sh\nprintf -- '--help\\n--disable-ccid\\n--pcsc-shared\\n'\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
}

fn state(lines: &[Line]) -> Option<Standing> {
    let mut lines = lines.iter();
    Some(lines.find(|line| line.step == "scdaemon")?.state)
}

#[tokio::test]
async fn without_it_nothing_is_told() {
    let bench = Bench::new();

    assert_eq!(state(&bench.set_up(Scope::User, None).await), None);
}

#[tokio::test]
async fn its_options_are_written_and_undone_with_their_folder() {
    let bench = Bench::new();
    install(&bench);
    let before = bench.picture();
    let path = bench.home(".gnupg/scdaemon.conf");

    let done = bench.set_up(Scope::User, None).await;
    let text = fs::read_to_string(&path).unwrap();
    let folder = fs::metadata(path.parent().unwrap()).unwrap();
    let again = bench.plan(Scope::User, None).await;
    bench.undo(Force::Own).await;

    assert_eq!(state(&done), Some(Standing::Done));
    assert_eq!(text, "disable-ccid\npcsc-shared\n");
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    let again: Vec<Line> = again.iter().map(Line::from).collect();
    assert_eq!(state(&again), Some(Standing::There));
    assert_eq!(bench.picture(), before);
}

#[tokio::test]
async fn options_that_are_there_stay_and_come_back() {
    for (own, merged) in [
        (
            "# mine\ncard-timeout 5",
            "# mine\ncard-timeout 5\ndisable-ccid\npcsc-shared\n",
        ),
        ("  pcsc-shared\n", "  pcsc-shared\ndisable-ccid\n"),
        (
            "#disable-ccid\n",
            "#disable-ccid\ndisable-ccid\npcsc-shared\n",
        ),
    ] {
        let bench = Bench::new();
        install(&bench);
        let path = bench.home(".gnupg/scdaemon.conf");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, own).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let before = bench.picture();

        bench.set_up(Scope::User, None).await;
        let text = fs::read_to_string(&path).unwrap();
        bench.undo(Force::Own).await;

        assert_eq!(text, merged);
        assert_eq!(bench.picture(), before);
    }
}

#[tokio::test]
async fn an_option_that_it_does_not_know_is_left_out() {
    let bench = Bench::new();
    install(&bench);
    let program = bench.places.system("usr/lib/gnupg/scdaemon");
    fs::write(program, "#!/bin/sh\necho --disable-ccid\n").unwrap();

    bench.set_up(Scope::User, None).await;

    let text = fs::read_to_string(bench.home(".gnupg/scdaemon.conf")).unwrap();
    assert_eq!(text, "disable-ccid\n");
}
