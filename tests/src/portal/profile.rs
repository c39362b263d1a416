//! What cacd is told about a portal: the sample an administrator gets, filled in.

use std::path::{Path, PathBuf};

const SAMPLE: &str = include_str!("../../../systemd/portals.d/reference.toml.sample");
const SAMPLE_ORIGIN: &str = "https://localhost:8443";
const SAMPLE_ANCHOR: &str = "\"reference-ca.pem\"";

/// A profile is text, and this path is none.
#[derive(Debug, thiserror::Error)]
#[error("{0} cannot be written in a profile")]
pub struct Unfit(PathBuf);

pub(super) fn of_portal(origin: &str, anchor: &Path) -> Result<String, Unfit> {
    let path = anchor
        .to_str()
        .filter(|path| !path.chars().any(char::is_control))
        .ok_or_else(|| Unfit(anchor.to_owned()))?;
    let quoted = format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""));
    Ok(SAMPLE
        .replace(SAMPLE_ORIGIN, origin)
        .replace(SAMPLE_ANCHOR, &quoted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_origin_and_anchor_differ_from_the_sample() {
        let profile = of_portal(
            "https://localhost:4711",
            Path::new("/tmp/a \"b\"/reference-ca.pem"),
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
}
