//! What is wrong with the portal, when something has to be.

mod answer;
mod connection;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use axum::http::StatusCode;

pub use answer::{AnswerFault, IisRefusal, Shown};
pub use connection::{ConnectionFault, Moment, Parting};

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

    /// TLS or TCP goes wrong.
    Connection(ConnectionFault),

    /// The answer is not the one that was asked for.
    Answer(AnswerFault),
}

/// The names of [`Fault`].
const WORDS: &str = "\
normal, up, down, stale, slow 5s, status 503 [retry-after 30s], \
alert 45 at hello|certificate|request, close at hello|certificate|request, \
reset at hello|certificate|request, cut 100, trickle 1s, endless, redirect-loop, \
redirect-away PORT, huge-header 1000000, page PAGE";

/// The words named no fault.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one of: {}", NotAFault::words())]
pub struct NotAFault;

impl NotAFault {
    /// What would have.
    pub fn words() -> String {
        format!("{WORDS}; a PAGE is one of: {}", answer::PAGE_WORDS)
    }
}

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
            words => ConnectionFault::from_words(words)
                .map(Self::Connection)
                .or_else(|NotAFault| AnswerFault::from_words(words).map(Self::Answer)),
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
            Self::Connection(fault) => fault.fmt(f),
            Self::Answer(fault) => fault.fmt(f),
        }
    }
}

fn error_status(text: &str) -> Result<StatusCode, NotAFault> {
    text.parse::<StatusCode>()
        .ok()
        .filter(|code| code.is_client_error() || code.is_server_error())
        .ok_or(NotAFault)
}

/// Such as `500ms`, `5s`, `2m`.
pub fn duration(text: &str) -> Result<Duration, NotAFault> {
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
    use crate::portal::alert::Alert;

    #[test]
    fn every_fault_reads_back_as_it_is_written() {
        let simple = [
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
            Fault::Connection(ConnectionFault::Cut { after: 17 }),
            Fault::Connection(ConnectionFault::Trickle(Duration::from_secs(1))),
            Fault::Answer(AnswerFault::Endless),
            Fault::Answer(AnswerFault::RedirectLoop),
            Fault::Answer(AnswerFault::RedirectAway { port: 4711 }),
            Fault::Answer(AnswerFault::HugeHeader { bytes: 1_000_000 }),
        ];
        let partings = Alert::ALL
            .into_iter()
            .map(Parting::Alert)
            .chain([Parting::Close, Parting::Reset]);
        let parted = partings.flat_map(|with| {
            [Moment::Hello, Moment::Certificate, Moment::Request]
                .map(|at| Fault::Connection(ConnectionFault::Parted { with, at }))
        });
        let pages = Shown::examples().map(|page| Fault::Answer(AnswerFault::Page(page)));

        for fault in simple.into_iter().chain(parted).chain(pages) {
            assert_eq!(fault.to_string().parse(), Ok(fault), "{fault}");
        }
    }

    #[test]
    fn every_page_is_in_the_words_that_are_told() {
        for page in Shown::examples() {
            let text = page.to_string();
            let name = text.split_whitespace().next().unwrap();
            let told = NotAFault::words();
            assert!(told.contains(name), "{name} is not in {told}");
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
            "alert 45",
            "alert 41 at hello",
            "alert 45 at noon",
            "close",
            "reset at",
            "cut -1",
            "trickle 1",
            "redirect-away 70000",
            "huge-header many",
            "page",
            "page nowhere",
            "page iis-403.5",
            "page maintenance",
            "endless 5",
        ] {
            assert_eq!(text.parse::<Fault>(), Err(NotAFault), "{text}");
        }
    }
}
