//! What Prometheus itself says of what is given out.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

/// `promtool check metrics` finds nothing wrong.
pub fn check_metrics(text: &str) -> anyhow::Result<()> {
    let mut judge = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("promtool is in Debian's package prometheus: make deps")?;
    let mut input = judge.stdin.take().context("it is piped")?;
    input.write_all(text.as_bytes())?;
    drop(input);
    let output = judge.wait_with_output()?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(
        output.status.success() && said.is_empty(),
        "{}\n{text}",
        String::from_utf8_lossy(&said)
    );
    Ok(())
}
