//! The private pcscd itself: whoever uses it may rely on this.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cac_tests::pcscd::{PcscdError, PrivatePcscd, SOCKET_VARIABLE};
use cac_tests::virtual_card::vpcd::Insertion;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};
use cac_tests::wait::wait_until;

const LIMIT: Duration = Duration::from_secs(10);

fn readers(pcscd: &PrivatePcscd) -> String {
    let output = Command::new("opensc-tool")
        .arg("--list-readers")
        .env(SOCKET_VARIABLE, pcscd.socket())
        .output()
        .expect("opensc-tool runs (Debian package opensc)");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn every_reader_is_there_under_its_name() {
    let pcscd = PrivatePcscd::start(4).unwrap();

    let list = readers(&pcscd);

    for reader in 0..4 {
        let name = pcscd.reader_name(reader);
        assert!(list.contains(&name), "{name} is missing in\n{list}");
    }
}

#[test]
fn a_card_is_seen_to_come_and_to_go() {
    let pcscd = PrivatePcscd::start(2).unwrap();
    let card = CardHandle::new(samples::john(), CardModel::T1).unwrap();
    // The line of the second reader reads "1    Yes   …" with a card in it.
    let has_card = || {
        readers(&pcscd)
            .lines()
            .any(|line| line.starts_with("1    Yes"))
    };

    let insertion = Insertion::new(&card, pcscd.port(1)).unwrap();
    wait_until("the card is seen", LIMIT, has_card).unwrap();
    card.take_out();
    wait_until("the card is missed", LIMIT, || !has_card()).unwrap();

    assert!(!insertion.is_in());
}

#[test]
fn a_card_moves_from_reader_to_reader() {
    let pcscd = PrivatePcscd::start(2).unwrap();
    let card = CardHandle::new(samples::john(), CardModel::T1).unwrap();

    let old = Insertion::new(&card, pcscd.port(0)).unwrap();
    let new = Insertion::new(&card, pcscd.port(1)).unwrap();
    drop(old);

    assert!(card.is_in());
    assert!(new.is_in());
}

#[test]
fn it_comes_back_after_a_crash() {
    let mut pcscd = PrivatePcscd::start(1).unwrap();
    let card = CardHandle::new(samples::john(), CardModel::T1).unwrap();
    let lost = Insertion::new(&card, pcscd.port(0)).unwrap();

    pcscd.kill().unwrap();
    assert!(pcscd.socket().exists(), "a crash leaves the socket file");
    wait_until("the card has lost its reader", LIMIT, || !lost.is_in()).unwrap();
    pcscd.start_again().unwrap();
    let again = Insertion::new(&card, pcscd.port(0)).unwrap();

    assert!(again.is_in());
    assert!(readers(&pcscd).contains(&pcscd.reader_name(0)));
}

#[test]
fn a_port_taken_by_another_program_is_told() {
    let mut pcscd = PrivatePcscd::start(1).unwrap();
    pcscd.kill().unwrap();
    let other_program = TcpListener::bind(("0.0.0.0", pcscd.port(0))).unwrap();

    let outcome = pcscd.start_again();

    assert!(matches!(outcome, Err(PcscdError::PortTaken)), "{outcome:?}");
    drop(other_program);
    pcscd.start_again().unwrap();
}

#[test]
fn nothing_is_left_of_it() {
    let pcscd = PrivatePcscd::start(1).unwrap();
    let folder = pcscd
        .socket()
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .to_owned();
    assert!(has_process_in(&folder), "pcscd runs in its folder");

    drop(pcscd);

    assert!(!folder.exists());
    wait_until("no process uses the folder", LIMIT, || {
        !has_process_in(&folder)
    })
    .unwrap();
}

/// Whether the command line of any process names the folder.
fn has_process_in(folder: &Path) -> bool {
    let folder = folder.to_str().unwrap();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|process| fs::read(process.ok()?.path().join("cmdline")).ok())
        .any(|command| String::from_utf8_lossy(&command).contains(folder))
}
