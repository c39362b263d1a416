//! What cacd is told about a portal: the sample an administrator gets, filled in.

use std::path::{Path, PathBuf};

use super::host::Origins;
use super::terms::TiedBy;

const SAMPLE: &str = include_str!("../../../systemd/portals.d/reference.toml.sample");
const SAMPLE_ORIGIN: &str = "https://localhost:8443";
const SAMPLE_ANCHOR: &str = "\"reference-ca.pem\"";
const SAMPLE_OTHERS: &str = "redirect_origins = []";
const SAMPLE_ACCOUNT: &str = "account = \"upn\"";
const REST: &str = include_str!("rest.toml");
const REST_ACCOUNT: &str = "https://account.example.mil";

/// A profile is text, and this path is none.
#[derive(Debug, thiserror::Error)]
#[error("{0} cannot be written in a profile")]
pub struct Unfit(PathBuf);

pub(super) fn of_portal(
    origins: &Origins,
    anchor: &Path,
    tied_by: TiedBy,
) -> Result<String, Unfit> {
    let path = anchor
        .to_str()
        .filter(|path| !path.chars().any(char::is_control))
        .ok_or_else(|| Unfit(anchor.to_owned()))?;
    let quoted = format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""));
    let others = match origins.apart() {
        Some((_, account)) => format!("redirect_origins = [\"{account}\"]"),
        None => SAMPLE_OTHERS.to_owned(),
    };
    let account = match tied_by {
        TiedBy::Upn => "account = \"upn\"",
        TiedBy::Edipi => "account = \"edipi\"",
        TiedBy::Subject => "account = \"subject\"",
    };
    Ok(SAMPLE
        .replace(SAMPLE_ORIGIN, origins.sign_in())
        .replace(SAMPLE_ANCHOR, &quoted)
        .replace(SAMPLE_OTHERS, &others)
        .replace(SAMPLE_ACCOUNT, account))
}

/// What the sample leaves out: every other page that the portal has, its
/// notice, its lock, and how a card is registered by hand.
pub(super) fn rest(origins: &Origins) -> String {
    REST.replace(REST_ACCOUNT, origins.account())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_origin_and_anchor_differ_from_the_sample() {
        let profile = of_portal(
            &Origins::one("https://localhost:4711".to_owned()),
            Path::new("/tmp/a \"b\"/reference-ca.pem"),
            TiedBy::Upn,
        )
        .unwrap();

        let differing: Vec<(&str, &str)> = SAMPLE
            .lines()
            .zip(profile.lines())
            .filter(|(sample, filled)| sample != filled)
            .collect();
        assert_eq!(
            differing,
            [
                (
                    "origin = \"https://localhost:8443\"",
                    "origin = \"https://localhost:4711\""
                ),
                (
                    "trust_anchors = [\"reference-ca.pem\"]",
                    "trust_anchors = [\"/tmp/a \\\"b\\\"/reference-ca.pem\"]"
                ),
                (
                    "url = \"https://localhost:8443/help\"",
                    "url = \"https://localhost:4711/help\""
                ),
                (
                    "url = \"https://localhost:8443/help#manual-registration\"",
                    "url = \"https://localhost:4711/help#manual-registration\""
                ),
            ]
        );
    }

    #[test]
    fn the_other_origin_and_what_ties_an_account_are_filled_in() {
        let origins = Origins::two(
            "https://localhost:4711".to_owned(),
            "https://127.0.0.1:4712".to_owned(),
        );

        let profile = of_portal(&origins, Path::new("/a.pem"), TiedBy::Subject).unwrap();

        assert!(profile.contains("\nredirect_origins = [\"https://127.0.0.1:4712\"]\n"));
        assert!(profile.contains("\naccount = \"subject\"\n"));
        assert!(profile.contains("\norigin = \"https://localhost:4711\"\n"));
    }
}
