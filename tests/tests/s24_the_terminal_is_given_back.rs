//! However the dashboard ends, the shell has its terminal as it was.

use std::io::Read as _;
use std::process::Command;

use cac_common::paths::SOCKET_VARIABLE;
use cac_tests::harness::{LIMIT, Lab, cacctl};
use cac_tests::pseudoterminal::Pseudoterminal;
use cac_tests::terminal::{Size, Terminal, example};
use cac_tests::wait::wait_for;
use rustix::process::Signal;

const SIZE: Size = Size {
    columns: 80,
    rows: 24,
};

#[test]
fn s24_the_terminal_is_restored_after_a_panic_and_the_message_can_be_read() -> anyhow::Result<()> {
    for (key, message) in [
        ("p", "the loop was told to panic"),
        ("t", "the task was told to panic"),
    ] {
        let folder = tempfile::tempdir()?;
        let terminal = Terminal::open(SIZE, &folder.path().join("socket"))?;
        terminal.add_program(&example("panics")?)?;
        terminal.enter("panics; echo ended with $?")?;
        terminal.shows(&["p or t to panic"])?;
        let open = terminal.behind()?;
        assert!(
            open.is_other_screen && open.takes_mouse && !open.is_as_a_shell_wants_it(),
            "{open:?}"
        );

        terminal.write(key)?;

        terminal.shows(&["ended with 101"])?;
        let screen = terminal.is_the_shells_again()?;
        let lines: Vec<&str> = screen.lines().collect();
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("thread '") && line.contains("panicked at")),
            "{screen}"
        );
        assert!(lines.contains(&message), "{screen}");
    }
    Ok(())
}

#[test]
fn s24_the_terminal_is_restored_when_the_dashboard_is_told_to_end() -> anyhow::Result<()> {
    let lab = Lab::start()?;
    for signal in [Signal::TERM, Signal::HUP] {
        let terminal = lab.dashboard(SIZE)?;

        terminal.signal(signal)?;

        terminal.is_the_shells_again()?;
    }
    Ok(())
}

#[test]
fn s24_the_terminal_is_restored_after_ctrl_c() -> anyhow::Result<()> {
    let lab = Lab::start()?;
    let terminal = lab.dashboard(SIZE)?;

    terminal.press("C-c")?;

    terminal.is_the_shells_again()?;
    Ok(())
}

#[test]
fn s24_the_dashboard_ends_when_its_terminal_has_gone_and_no_signal_tells_it() -> anyhow::Result<()>
{
    let lab = Lab::start()?;
    let keyboard = Pseudoterminal::open(SIZE)?;
    // One screen more, that stays: by writing it would not notice either.
    let mut screen = Pseudoterminal::open(SIZE)?;
    // They control no session, so nobody is told by a signal.
    let mut dashboard = Command::new(cacctl()?)
        .env("TERM", "xterm-256color")
        .env("HOME", lab.folder())
        .env(SOCKET_VARIABLE, lab.socket())
        .stdin(keyboard.theirs)
        .stdout(screen.theirs.try_clone()?)
        .stderr(screen.theirs)
        .spawn()?;
    let mut drawn = String::new();
    let mut chunk = vec![0; 64 * 1024];
    while !drawn.contains("empty") {
        let length = screen.ours.read(&mut chunk)?;
        drawn.push_str(&String::from_utf8_lossy(&chunk[..length]));
    }

    drop(keyboard.ours);

    let ended = wait_for("the dashboard ends", LIMIT, || {
        dashboard.try_wait().transpose()
    });
    if ended.is_err() {
        dashboard.kill()?;
    }
    ended??;
    Ok(())
}
