//! The agents of a user, which systemd knows since 257: one of them is asked
//! for the PIN, where nobody is root.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use anyhow::{Context as _, ensure};
use cac_tests::harness::{LIMIT, jane};
use cac_tests::system::{ADMINISTRATOR, System};
use cac_tests::virtual_card::{CardModel, samples};
use cac_tests::wait;

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s74_an_agent_of_the_user_is_asked_for_the_pin() -> anyhow::Result<()> {
    let mut system = System::with_cacd()?;
    system.welcome(samples::jane())?;
    system.wait_for("the readers are seen", |snapshot| {
        snapshot.readers.len() == 2
    })?;
    let card = jane(CardModel::T1)?;
    system.insert(0, &card)?;
    system.wait_for_status(0, "needs PIN")?;
    system.session(ADMINISTRATOR)?;

    // On its own, as what a desktop starts.
    let register = ["cacctl", "register", "--pin-from", "ask-password"];
    let begins = [&["systemd-run", "--user", "--quiet"], &register[..]].concat();
    let begun = system.run_in_session(ADMINISTRATOR, &begins)?;
    ensure!(begun.status.success(), "{begun:?}");
    let uid = system.does(&["id", "--user", ADMINISTRATOR])?;
    let questions = system.path(&format!("/run/user/{uid}/systemd/ask-password"));
    let question = wait::wait_for("a question is there", LIMIT, || question_in(&questions))?;
    let socket = question
        .lines()
        .find_map(|line| line.strip_prefix("Socket="))
        .context("a question names its socket")?;
    let answer = format!("+{}", samples::PIN);
    UnixDatagram::unbound()?.send_to(answer.as_bytes(), system.path(socket))?;
    system.wait_for_status(0, "registered")?;

    ensure!(!question.contains("DOE"), "{question}");
    assert_eq!(card.log().pin_attempts(), 1);
    Ok(())
}

fn question_in(folder: &Path) -> Option<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| fs::read_to_string(entry.path()).ok())
        .find(|text| text.lines().any(|line| line == "Id=cacd:pin"))
}
