//! What is wrong with the portal, when something has to be.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use axum::http::StatusCode;

/// How the portal answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    #[default]
    Normal,

    /// Connections are refused.
    Down,

    /// Each answer comes this much later, or once the fault is lifted.
    Slow(Duration),

    /// Each request is answered with this status.
    Status {
        code: StatusCode,
        retry_after: Option<Duration>,
    },

    /// Sessions from before are refused with 403, and so is the first session
    /// of a person who had none. Whoever throws the cookie away gets in.
    StaleCookies,
}

/// The words named no fault.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one of: normal, up, down, stale, slow 5s, status 503 [retry-after 30s]")]
pub struct NotAFault;

impl FromStr for Fault {
    type Err = NotAFault;

    fn from_str(text: &str) -> Result<Self, NotAFault> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            ["normal" | "up"] => Ok(Self::Normal),
            ["down"] => Ok(Self::Down),
            ["stale"] => Ok(Self::StaleCookies),
            ["slow", by] => Ok(Self::Slow(duration(by)?)),
            ["status", code] => Ok(Self::Status {
                code: error_status(code)?,
                retry_after: None,
            }),
            ["status", code, "retry-after", after] => Ok(Self::Status {
                code: error_status(code)?,
                retry_after: Some(duration(after)?),
            }),
            _ => Err(NotAFault),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Down => f.write_str("down"),
            Self::StaleCookies => f.write_str("stale"),
            Self::Slow(by) => write!(f, "slow {}ms", by.as_millis()),
            Self::Status {
                code,
                retry_after: None,
            } => write!(f, "status {}", code.as_u16()),
            Self::Status {
                code,
                retry_after: Some(after),
            } => write!(
                f,
                "status {} retry-after {}s",
                code.as_u16(),
                after.as_secs()
            ),
        }
    }
}

fn error_status(text: &str) -> Result<StatusCode, NotAFault> {
    text.parse::<StatusCode>()
        .ok()
        .filter(|code| code.is_client_error() || code.is_server_error())
        .ok_or(NotAFault)
}

fn duration(text: &str) -> Result<Duration, NotAFault> {
    let number_ends = text
        .find(|character: char| !character.is_ascii_digit())
        .ok_or(NotAFault)?;
    let (number, unit) = text.split_at(number_ends);
    // 32 bits, so that no unit can overflow.
    let number = u64::from(number.parse::<u32>().map_err(|_| NotAFault)?);
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        _ => Err(NotAFault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_reads_back_as_it_is_written() {
        for fault in [
            Fault::Normal,
            Fault::Down,
            Fault::StaleCookies,
            Fault::Slow(Duration::from_millis(1500)),
            Fault::Status {
                code: StatusCode::BAD_GATEWAY,
                retry_after: None,
            },
            Fault::Status {
                code: StatusCode::SERVICE_UNAVAILABLE,
                retry_after: Some(Duration::from_secs(30)),
            },
        ] {
            assert_eq!(fault.to_string().parse(), Ok(fault), "{fault}");
        }
    }

    #[test]
    fn words_that_name_no_fault_are_refused() {
        for text in [
            "",
            "slow",
            "slow 5",
            "slow s",
            "slow -5s",
            "slow 5 s",
            "slow 99999999999s",
            "status",
            "status 200",
            "status 99",
            "status 503 retry-after",
            "down now",
        ] {
            assert_eq!(text.parse::<Fault>(), Err(NotAFault), "{text}");
        }
    }
}
