//! What `cacctl check` said, and how long it took.
#![expect(
    clippy::disallowed_methods,
    reason = "how long it takes is what is looked at"
)]

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use cac_tests::harness::Lab;
use serde_json::Value;

/// However things stand, it ends within this.
const MOST: Duration = Duration::from_secs(10);

/// What `cacctl check --json` said.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) exit: Option<i32>,
    findings: Vec<Value>,
}

impl Checked {
    pub(crate) fn of(lab: &Lab) -> anyhow::Result<Self> {
        Self::with(lab, &[], &[])
    }

    /// With these options, and this in its environment.
    pub(crate) fn with(
        lab: &Lab,
        options: &[&str],
        variables: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let begun = Instant::now();
        let output = lab.cacctl_with(&[&["check", "--json"], options].concat(), variables)?;
        let took = begun.elapsed();
        ensure!(took < MOST, "it took {took:?}");
        let said: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("no JSON: {output:?}"))?;
        let findings = said["findings"].as_array().context("they are a list")?;
        Ok(Self {
            exit: output.status.code(),
            findings: findings.clone(),
        })
    }

    pub(crate) fn failed(&self) -> Vec<&str> {
        let failed = self.findings.iter().filter(|it| it["verdict"] == "failed");
        failed.filter_map(|it| it["check"].as_str()).collect()
    }

    /// The cause that the first failed line names, which is of this check.
    pub(crate) fn cause(&self, check: &str) -> anyhow::Result<String> {
        let mut findings = self.findings.iter();
        let first = findings.find(|it| it["verdict"] == "failed");
        let first = first.with_context(|| format!("nothing failed: {self:#?}"))?;
        ensure!(first["check"] == check, "{first:#}, and not {check}");
        ensure!(first["advice"].is_string(), "{first:#} says what to do");
        Ok(first["cause"].as_str().context("it is text")?.to_owned())
    }

    pub(crate) fn verdict(&self, check: &str) -> anyhow::Result<&str> {
        self.of_check(check, "verdict")
    }

    pub(crate) fn of_check(&self, check: &str, field: &str) -> anyhow::Result<&str> {
        let mut findings = self.findings.iter();
        let found = findings.find(|it| it["check"] == check);
        let found = found.with_context(|| format!("{check} is not checked"))?;
        found[field].as_str().context("it is text")
    }

    pub(crate) fn checks(&self) -> Vec<&str> {
        let checks = self.findings.iter().map(|it| it["check"].as_str());
        checks.flatten().collect()
    }
}
