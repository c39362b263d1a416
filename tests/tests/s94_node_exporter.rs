//! The text file for node_exporter, on a machine set up as `docs/metrics.md` says.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;

use anyhow::ensure;
use cac_tests::harness::{LIMIT, jane};
use cac_tests::promtool::check_metrics;
use cac_tests::system::{SERVICE, System};
use cac_tests::virtual_card::{CardModel, samples};
use cac_tests::wait;

/// Of Debian's package of node_exporter.
const EXPORTER: &str = "prometheus";
const FOLDER: &str = "/var/lib/prometheus/node-exporter";
const FILE: &str = "/var/lib/prometheus/node-exporter/cacd.prom";

const DROP_IN: &str = "/etc/systemd/system/cacd.service.d/textfile.conf";
const SAMPLE: &str = "/usr/share/doc/cacd/monitoring/textfile.conf";

/// As `scripts/verify-unit` has it: 1.2 of 10.
const WORST_EXPOSURE: &str = "--threshold=12";

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s94_the_exporters_user_reads_whole_files_and_the_unit_stays_as_tight() -> anyhow::Result<()> {
    let mut system = System::with_cacd()?;
    system.does(&["useradd", "--system", EXPORTER])?;
    let owner = format!("--owner={EXPORTER}");
    system.does(&["install", "--directory", &owner, FOLDER])?;
    system.wait_for("the readers are seen", |snapshot| {
        snapshot.readers.len() == 2
    })?;
    let settings = format!("[metrics]\ntextfile = \"{FILE}\"\n");

    // Without the drop-in it says so, and goes on.
    system.does(&["setfacl", "-m", "u:cacd:rwx", FOLDER])?;
    system.write("/etc/cacd/cacd.toml", &settings)?;
    system.does(&["systemctl", "reload", SERVICE])?;
    wait::wait_until("it is told", LIMIT, || {
        let journal = system.journal();
        journal.is_ok_and(|said| said.contains("metrics are not written"))
    })?;
    assert!(!system.path(FILE).exists());
    system.does(&["install", "-D", "-m", "0644", SAMPLE, DROP_IN])?;
    system.does(&["systemctl", "daemon-reload"])?;
    system.does(&["systemctl", "restart", SERVICE])?;

    wait::wait_until("the file is there", LIMIT, || says(&system, "cacd_up 1"))?;
    system.does(&["systemd-analyze", "security", WORST_EXPOSURE, SERVICE])?;
    let verify = ["systemd-analyze", "verify", "--man=no"];
    let verified = system.run(&[&verify[..], &["--recursive-errors=no", SERVICE]].concat())?;
    ensure!(
        verified.status.success() && verified.stderr.is_empty(),
        "{verified:?}"
    );
    let mut first = File::open(system.path(FILE))?;
    let written = fs::read_to_string(system.path(FILE))?;

    let with_card = "cacd_readers{status=\"card\"} 1";
    assert!(!says(&system, with_card));
    let card = jane(CardModel::T1)?;
    system.insert(0, &card)?;
    system.wait_for_status(0, "needs PIN")?;
    wait::wait_until("the file says so", LIMIT, || says(&system, with_card))?;

    // Whoever was reading has what was there then, whole.
    let mut still = String::new();
    first.read_to_string(&mut still)?;
    assert_eq!(still, written);
    let now = system.path(FILE).metadata()?;
    assert_ne!(now.ino(), first.metadata()?.ino(), "it is another file");
    assert_eq!(now.mode() & 0o777, 0o644);
    let beside: BTreeSet<_> = fs::read_dir(system.path(FOLDER))?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<std::io::Result<_>>()?;
    assert_eq!(beside, BTreeSet::from(["cacd.prom".into()]));
    let read = system.run_as(EXPORTER, &["cat", FILE])?;
    ensure!(read.status.success(), "{read:?}");
    let text = String::from_utf8(read.stdout)?;
    check_metrics(&text)?;
    assert!(text.ends_with('\n') && text.contains(with_card), "{text}");
    let person = &samples::jane().person;
    for word in [&person.last, &person.first, &person.edipi.to_string()] {
        ensure!(!text.contains(word), "{word} in {text}");
    }

    system.does(&["systemctl", "stop", SERVICE])?;
    let left = system.run_as(EXPORTER, &["cat", FILE])?;
    let left = String::from_utf8(left.stdout)?;
    check_metrics(&left)?;
    ensure!(left.lines().any(|line| line == "cacd_up 0"), "{left}");
    Ok(())
}

fn says(system: &System, line: &str) -> bool {
    let text = fs::read_to_string(system.path(FILE)).unwrap_or_default();
    text.lines().any(|given| given == line)
}
