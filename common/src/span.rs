//! Lengths of time as people write them in a configuration: `30s`, `5m`, `12h`, `30d`.

use std::time::Duration;

/// The text is no length of time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a length of time is a whole number and a unit: 30s, 5m, 12h or 30d")]
pub struct NotASpan;

/// Reads a whole number followed by `s`, `m`, `h` or `d`.
pub fn parse(text: &str) -> Result<Duration, NotASpan> {
    let unit = text.chars().last().ok_or(NotASpan)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(NotASpan),
    };
    let digits = &text[..text.len() - unit.len_utf8()];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotASpan);
    }
    let count: u64 = digits.parse().map_err(|_| NotASpan)?;
    count
        .checked_mul(seconds)
        // Ten thousand years is a slip of the finger, and would overflow a moment.
        .filter(|total| *total <= 366 * 86_400 * 100)
        .map(Duration::from_secs)
        .ok_or(NotASpan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_is_understood() {
        for (text, seconds) in [
            ("30s", 30),
            ("5m", 300),
            ("12h", 43_200),
            ("30d", 2_592_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "5",
            "m",
            "+5m",
            "5 m",
            "5w",
            "-1s",
            "99999999999999999999d",
            "9999999d",
            "5ä",
        ] {
            assert_eq!(parse(text), Err(NotASpan), "{text}");
        }
    }
}
