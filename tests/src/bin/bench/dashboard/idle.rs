//! A minute in which nobody does anything, a card being in: cacd and a dashboard,
//! and beside them in the same minute the programs that others made to watch
//! readers.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use cac_tests::harness::{Lab, opensc_module};
use cac_tests::pcscd::SOCKET_VARIABLE;
use cac_tests::process::{Spent, memory};

/// Threads that have nothing to do end after ten seconds; only then is it idle.
const SETTLING: Duration = Duration::from_secs(12);

/// The clock in the first line of a dashboard changes once in it.
const IDLE: Duration = Duration::from_mins(1);

const CPU: f64 = 2.0;
const SWITCHES: f64 = 20.0;

/// Ends with us.
struct Watcher {
    name: &'static str,
    child: Child,
}

pub(super) fn print(lab: &Lab, dashboard: u32, with_metrics: &Lab) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let others = [pcsc_scan(lab)?, pkcs11_eventmgr(lab, folder.path())?];
    std::thread::sleep(SETTLING);
    let ours = [
        ("cacd", lab.pid()?),
        ("cacd, its metrics given out", with_metrics.pid()?),
        ("cacctl", dashboard),
    ];
    let theirs = others.iter().map(|it| (it.name, it.child.id()));
    let mut all = Vec::new();
    for (name, pid) in ours.into_iter().chain(theirs) {
        all.push((name, pid, Spent::of(pid)?));
    }
    std::thread::sleep(IDLE);
    println!(
        "{:<34} {:>8} {:>8} {:>8} {:>8}   of cacd's and cacctl's {CPU} ms and {SWITCHES} switches at most",
        "a minute of nothing, a card in", "CPU, ms", "switches", "RSS, MB", "anon, MB"
    );
    for (name, pid, before) in all {
        let spent = Spent::of(pid)?.since(&before);
        let memory = memory(pid)?;
        let is_ours = ours.iter().any(|(our, _)| *our == name);
        let is_over = is_ours && (spent.cpu > CPU || spent.switches > SWITCHES);
        println!(
            "  {name:<32} {:>8.2} {:>8.0} {:>8.1} {:>8.1}{}",
            spent.cpu,
            spent.switches,
            memory.resident,
            memory.anonymous,
            if is_over { " !" } else { "" },
        );
    }
    Ok(())
}

fn pcsc_scan(lab: &Lab) -> anyhow::Result<Watcher> {
    Watcher::start("pcsc_scan", &[], lab)
}

/// Asks once a second, as its sample of a configuration has it.
fn pkcs11_eventmgr(lab: &Lab, folder: &Path) -> anyhow::Result<Watcher> {
    let file = folder.join("eventmgr.conf");
    let module = opensc_module()?;
    fs::write(
        &file,
        format!(
            "pkcs11_eventmgr {{\n daemon = false;\n debug = false;\n polling_time = 1;\n \
             expire_time = 0;\n pkcs11_module = {};\n}}\n",
            module.display()
        ),
    )?;
    let file = format!("config_file={}", file.display());
    Watcher::start("pkcs11_eventmgr", &[&file, "nodaemon"], lab)
}

impl Watcher {
    fn start(name: &'static str, arguments: &[&str], lab: &Lab) -> anyhow::Result<Self> {
        let child = Command::new(name)
            .args(arguments)
            .env(SOCKET_VARIABLE, lab.pcscd_socket())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{name} does not start (see make deps)"))?;
        Ok(Self { name, child })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
