//! After a sign-in the PIN is looked for wherever it could have been left.

use std::fs;
use std::os::fd::AsFd as _;

use cac_common::interface::{ActivityReply, GetHistory, method};
use cac_tests::harness::{
    LIMIT, Lab, Recorded, appears_in, files_below, memory_of, message, pin_for, pipe_with,
    the_card_of,
};
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::person::Person;
use cac_tests::virtual_card::{CardHandle, CardModel, instruction};

/// Digits that stand nowhere by chance.
const PIN: &str = "83947261";

#[test]
fn s11_after_a_sign_in_the_pin_is_in_no_file_no_message_and_no_memory() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    let file = the_card_of(Person::jane_doe(), KeyAlgorithm::P256, PIN)?;
    lab.welcome(&file)?;
    let card = CardHandle::new(&file, CardModel::T1)?;
    let mut listener = lab.block_on(Recorded::connect(&lab.socket()))?;
    let listen = format!(r#"{{"method":"{}","more":true}}"#, method::MONITOR_ACTIVITY);
    let begun = lab.block_on(listener.call(&listen, &[]))?;
    assert_eq!(begun.error, None);
    lab.insert(0, &card)?;
    let shown = lab.wait_for_status(0, "needs PIN")?;
    let hold = card.hold_at(Moment::next(instruction::GENERAL_AUTHENTICATE));

    let socket = lab.socket();
    let mut caller = lab.block_on(Recorded::connect(&socket))?;
    let submit = message(method::SUBMIT_PIN, pin_for(&shown)?)?;
    let pipe = pipe_with(PIN)?;
    let reply = lab.block_on(caller.call(&submit, &[pipe.as_fd()]))?;
    assert_eq!(reply.error, None);
    drop(pipe);
    hold.wait_until_reached(LIMIT)?;
    // Now, while the card signs, it is there: the search finds what it looks for.
    assert!(
        is_in_memory(&lab, PIN.as_bytes())?,
        "a PIN in use is in memory"
    );
    hold.release();
    lab.wait_for_status(0, "registered")?;
    lab.wait_for_entries("registered to account", 1)?;
    let snapshot = message(method::GET_SNAPSHOT, serde_json::json!({}))?;
    let history = message(method::GET_HISTORY, GetHistory::newest(1000))?;
    lab.block_on(caller.call(&snapshot, &[]))?;
    lab.block_on(caller.call(&history, &[]))?;

    // Nothing of what was done with the card is still to be told.
    lab.wait_until_whole(0)?;
    let mut heard = 0;
    while heard < card.log().count() {
        let told = lab.block_on(listener.next())?;
        heard += serde_json::from_value::<ActivityReply>(told.parameters)?
            .apdus
            .len();
    }
    assert!(appears_in(b"VERIFY", listener.crossed()));
    let crossed = &[caller.crossed(), listener.crossed()].concat()[..];
    let written: Vec<(String, Vec<u8>)> = files_below(lab.folder())?
        .into_iter()
        .map(|path| Ok((path.display().to_string(), fs::read(&path)?)))
        .collect::<anyhow::Result<_>>()?;
    for name in ["cacd.db", "cacd.db-wal", "cacd.db-shm", "cacd.key", ".log"] {
        assert!(
            written.iter().any(|(path, _)| path.ends_with(name)),
            "{name} is looked at"
        );
    }
    for (how, bytes) in encodings() {
        assert!(!appears_in(&bytes, crossed), "it crossed the socket {how}");
        for (path, contents) in &written {
            assert!(!appears_in(&bytes, contents), "it is in {path} {how}");
        }
        assert!(!is_in_memory(&lab, &bytes)?, "it is in memory {how}");
    }
    // What does stand in each place is found there.
    assert!(appears_in(b"DOE, JANE Q", &concat(&written, "cacd.db-wal")));
    assert!(appears_in(b"signing in", &concat(&written, ".log")));
    assert!(appears_in(b"SubmitPin", crossed));
    assert!(appears_in(b"registered to account", crossed));
    assert!(is_in_memory(&lab, b"Reference portal")?);
    Ok(())
}

#[test]
fn s11_cacctl_says_nothing_of_the_pin_it_was_given() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    let file = the_card_of(Person::jane_doe(), KeyAlgorithm::P256, PIN)?;
    lab.welcome(&file)?;
    let card = CardHandle::new(&file, CardModel::T1)?;
    let watch = lab.cacctl_in_background(&["watch"])?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;

    let register = lab.cacctl_with_input(&["register"], format!("{PIN}\n").as_bytes())?;
    assert!(register.status.success(), "{register:?}");
    lab.wait_for_status(0, "registered")?;
    lab.wait_for_entries("registered to account", 1)?;
    watch.wait_until_it_says("registered")?;

    let mut said = [register.stdout, register.stderr, watch.said()?].concat();
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["history"],
        &["history", "--json"],
    ] {
        let output = lab.cacctl(arguments)?;
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        assert!(
            appears_in(b"egistered", &output.stdout),
            "{arguments:?}: {output:?}"
        );
        said.extend(output.stdout);
        said.extend(output.stderr);
    }
    for (how, bytes) in encodings() {
        assert!(!appears_in(&bytes, &said), "it was said {how}");
        for path in files_below(lab.folder())? {
            assert!(
                !appears_in(&bytes, &fs::read(&path)?),
                "it is in {} {how}",
                path.display()
            );
        }
    }
    assert_eq!(card.log().pin_attempts(), 1);
    Ok(())
}

/// The PIN, as it could have been written.
fn encodings() -> Vec<(&'static str, Vec<u8>)> {
    let bytes = PIN.as_bytes();
    let list = |form: fn(&u8) -> String, between: &str| {
        let parts: Vec<String> = bytes.iter().map(form).collect();
        parts.join(between).into_bytes()
    };
    let hex = |byte: &u8| format!("{byte:02x}");
    let utf16: Vec<u8> = bytes.iter().flat_map(|byte| [*byte, 0]).collect();
    vec![
        // Eight digits fill the block of VERIFY: it looks the same there.
        ("as digits", bytes.to_vec()),
        ("as UTF-16", utf16),
        ("in hex", list(hex, "")),
        ("in hex with blanks", list(hex, " ")),
        ("in hex with colons", list(hex, ":")),
        ("in hex as Debug prints it", list(hex, ", ")),
        ("as a list", list(u8::to_string, ", ")),
        ("as a JSON list", list(u8::to_string, ",")),
        ("as JSON escapes", list(|byte| format!("\\u{byte:04x}"), "")),
        ("in base64", b"ODM5NDcyNj".to_vec()),
    ]
}

fn is_in_memory(lab: &Lab, bytes: &[u8]) -> anyhow::Result<bool> {
    let memory = memory_of(lab.pid()?)?;
    Ok(memory.iter().any(|piece| appears_in(bytes, piece)))
}

fn concat(files: &[(String, Vec<u8>)], ending: &str) -> Vec<u8> {
    files
        .iter()
        .filter(|(path, _)| path.ends_with(ending))
        .flat_map(|(_, contents)| contents.iter().copied())
        .collect()
}
