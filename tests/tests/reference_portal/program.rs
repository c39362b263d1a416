//! The reference portal run by hand.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use cac_tests::portal::NotAFault;
use cac_tests::portal::authority::Authority;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::visitor::JANE_ENTRY;

struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    port: u16,
    database: PathBuf,
    _folder: TempDir,
}

impl Program {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let authority = Authority::new().unwrap();
        let server = authority.server().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let mut child = Command::new(env!("CARGO_BIN_EXE_reference-portal"))
            .arg("--folder")
            .arg(folder.path())
            .args(["--port", "0", "--person", JANE_ENTRY])
            .arg("--server-cert")
            .arg(file("server.pem", &server.chain))
            .arg("--server-key")
            .arg(file("server.key", &server.key))
            .arg("--server-ca")
            .arg(file("server-ca.pem", &server.anchor))
            .arg("--client-ca")
            .arg(file("client-ca.pem", &authority.root_pem()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = |what: &str| {
            let line = output.next().unwrap().unwrap();
            line.strip_prefix(what).unwrap().trim_start().to_owned()
        };
        let origin = told("origin");
        let database = PathBuf::from(told("database"));
        let profile = told("profile");
        assert!(fs::read_to_string(profile).unwrap().contains(&origin));
        Self {
            child,
            input,
            port: origin.rsplit(':').next().unwrap().parse().unwrap(),
            database,
            output,
            _folder: folder,
        }
    }

    fn told_to(&mut self, line: &str) -> String {
        let mut input = self.input.as_ref().unwrap();
        writeln!(input, "{line}").unwrap();
        self.output.next().unwrap().unwrap()
    }

    fn takes_connections(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Already ended, unless a test failed half-way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_program_breaks_and_mends_the_portal_and_ends_with_its_input() {
    let mut program = Program::start();
    assert!(program.database.is_file());
    assert!(program.takes_connections());

    assert_eq!(program.told_to("down"), "ok: down");
    assert!(!program.takes_connections());
    assert_eq!(program.told_to("up"), "ok: normal");
    assert!(program.takes_connections());
    assert_eq!(program.told_to("slow 5s"), "ok: slow 5000ms");
    assert_eq!(program.told_to("status 503"), "ok: status 503");
    assert_eq!(program.told_to("stale"), "ok: stale");
    for (line, answer) in [
        ("at sign-in cut 17", "ok: at sign-in cut 17"),
        (
            "at account page iis-403.13",
            "ok: at account page iis-403.13",
        ),
        ("alert 45 at certificate", "ok: alert 45 at certificate"),
        ("pass 2m", "ok: pass 120s"),
        ("lock jane.doe 10m", "ok: lock jane.doe 600s"),
        ("lock nobody 10m", "error: there is no account nobody"),
        ("notice Read this.", "ok: notice Read this."),
        ("at home down", "error: expected sign-in or account"),
    ] {
        assert_eq!(program.told_to(line), answer);
    }
    assert!(
        program
            .told_to("explode")
            .starts_with("error: expected one of")
    );

    drop(program.input.take());

    assert!(program.child.wait().unwrap().success());
}

#[test]
fn the_program_ends_on_sigterm() {
    let mut program = Program::start();

    // An answered line proves that the program has come to wait for signals.
    assert_eq!(program.told_to("normal"), "ok: normal");
    kill_process(Pid::from_child(&program.child), Signal::TERM).unwrap();

    assert!(program.child.wait().unwrap().success());
}

#[test]
fn the_help_says_every_fault_that_is_understood() {
    let help = Command::new(env!("CARGO_BIN_EXE_reference-portal"))
        .arg("--help")
        .output()
        .unwrap();

    let help = String::from_utf8(help.stdout).unwrap();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains(&NotAFault::words()), "{help}");
}
