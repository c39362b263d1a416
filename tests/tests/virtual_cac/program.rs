//! The program that puts such a card into a reader.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use cac_tests::pcscd::{PrivatePcscd, SOCKET_VARIABLE};
use cac_tests::virtual_card::samples;
use cac_tests::wait::wait_until;

use crate::bench::LIMIT;

const PROGRAM: &str = env!("CARGO_BIN_EXE_virtual-card");

fn insert(card: &Path, port: u16, edges: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(["insert", "--edges", edges, "--port", &port.to_string()])
        .arg("--card")
        .arg(card);
    command
}

fn listed(pcscd: &PrivatePcscd) -> String {
    let output = Command::new("pkcs11-tool")
        .args(["--list-objects", "--type", "cert"])
        .env(SOCKET_VARIABLE, pcscd.socket())
        .output()
        .expect("pkcs11-tool runs (Debian package opensc)");
    text(&output.stdout)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn help(subcommand: &str) -> Output {
    Command::new(PROGRAM)
        .args([subcommand, "--help"])
        .output()
        .unwrap()
}

#[test]
fn a_card_goes_in_with_the_edges_that_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    samples::janes_cac().save(folder.path()).unwrap();
    let pcscd = PrivatePcscd::start(1).unwrap();
    for (edges, label, count) in [
        ("cac", "CAC ID Certificate", 3),
        ("dual", "Certificate for PIV Authentication", 4),
        ("alt", "CAC ID Certificate", 1),
        ("bare", "CAC Email Signature Certificate", 3),
        ("cac1", "CAC Email Encryption Certificate", 3),
    ] {
        let mut program = insert(folder.path(), pcscd.port(0), edges)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(program.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert!(line.starts_with("inserted card "), "{line}");

        // pcscd looks for cards a few times a second.
        let found = wait_until("the certificates are listed", LIMIT, || {
            let listed = listed(&pcscd);
            listed.contains(label) && listed.matches("Certificate Object").count() == count
        });

        drop(program.stdin.take());
        assert!(program.wait().unwrap().success());
        found.unwrap_or_else(|error| panic!("{edges}: {error}"));
    }
}

#[test]
fn a_card_that_has_nothing_for_these_edges_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    samples::john().save(folder.path()).unwrap();

    let output = insert(folder.path(), 1, "cac").output().unwrap();

    let said = text(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("issue it with RSA keys"), "{said}");
}

#[test]
fn the_help_names_every_edge() {
    let said = text(&help("insert").stdout);

    for edges in ["piv", "cac", "dual", "alt", "bare", "cac1"] {
        assert!(said.contains(&format!("- {edges}:")), "{edges}: {said}");
    }
}
