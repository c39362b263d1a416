//! The private pcscd itself: whoever uses it may rely on this.

use std::process::Command;

use cac_tests::pcscd::{PrivatePcscd, SOCKET_VARIABLE};
use cac_tests::virtual_card::vpcd::Insertion;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};

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
fn it_comes_back_after_a_crash() {
    let mut pcscd = PrivatePcscd::start(1).unwrap();
    let card = CardHandle::new(samples::john(), CardModel::T1).unwrap();
    let lost = Insertion::new(&card, pcscd.port(0)).unwrap();

    pcscd.kill().unwrap();
    assert!(pcscd.socket().exists(), "a crash leaves the socket file");
    cac_tests::wait::wait_until("the card has lost its reader", std::time::Duration::from_secs(5), || {
        !lost.is_in()
    })
    .unwrap();
    pcscd.start_again().unwrap();
    let _again = Insertion::new(&card, pcscd.port(0)).unwrap();

    assert!(readers(&pcscd).contains(&pcscd.reader_name(0)));
}

#[test]
fn nothing_is_left_of_it() {
    let pcscd = PrivatePcscd::start(1).unwrap();
    let folder = pcscd.socket().parent().unwrap().parent().unwrap().to_owned();

    drop(pcscd);

    assert!(!folder.exists());
    let processes = Command::new("pgrep").args(["-f", "pcscd --foreground"]).output();
    drop(processes);
}
