//! Where the log goes: the journal when systemd reads it, else the terminal.

use std::io;
use std::os::linux::fs::MetadataExt as _;

use clap::ValueEnum;
use tracing::Level;
use tracing_subscriber::filter::{ParseError, Targets, filter_fn};
use tracing_subscriber::fmt::{FormatFields, format};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Names what is logged, as in `info` or `cacd=debug`.
pub const FILTER_VARIABLE: &str = "CACD_LOG";

/// Where the log goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogTo {
    /// The journal if standard error leads there, else standard error.
    Auto,
    Journal,
    Terminal,
}

/// Why logging could not begin.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    #[error("{FILTER_VARIABLE} cannot be understood")]
    Filter(#[source] ParseError),
    #[error("there is no journal to log to")]
    NoJournal(#[source] io::Error),
}

/// Begins to log.
pub fn begin(to: LogTo) -> Result<(), LoggingError> {
    let filter = match std::env::var(FILTER_VARIABLE) {
        Ok(text) => text.parse::<Targets>().map_err(LoggingError::Filter)?,
        Err(_) => Targets::new().with_default(Level::INFO),
    };
    let journal = match to {
        LogTo::Terminal => None,
        LogTo::Journal => Some(tracing_journald::layer().map_err(LoggingError::NoJournal)?),
        LogTo::Auto => stderr_is_the_journal()
            .then(tracing_journald::layer)
            .and_then(Result::ok),
    };
    // Fields are called as we call them: the journal knows MESSAGE_ID by that name only.
    let journal = journal.map(|journal| journal.with_field_prefix(None));
    // Other crates log pages, cookies and certificates once they are let talk.
    let ours = filter_fn(|metadata| {
        *metadata.level() <= Level::WARN
            || metadata.target().starts_with("cacd")
            || metadata.target().starts_with("cac_common")
    });
    let registry = tracing_subscriber::registry().with(filter).with(ours);
    match journal {
        Some(journal) => registry.with(journal).init(),
        None => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .fmt_fields(for_people())
                    .with_writer(io::stderr)
                    .with_ansi(io::IsTerminal::is_terminal(&io::stderr())),
            )
            .init(),
    }
    Ok(())
}

/// Without what only `journalctl` has a use for.
fn for_people() -> impl for<'writer> FormatFields<'writer> {
    let for_journalctl = ["message_id", "means", "next"];
    format::debug_fn(move |writer, field, value| {
        if field.name() == "message" {
            write!(writer, "{value:?}")
        } else if for_journalctl.contains(&field.name()) {
            Ok(())
        } else {
            write!(writer, " {field}={value:?}")
        }
    })
}

/// systemd names the device and inode of the stream it reads (systemd.exec(5), JOURNAL_STREAM).
fn stderr_is_the_journal() -> bool {
    let Ok(named) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    std::fs::metadata("/proc/self/fd/2")
        .is_ok_and(|stderr| named == format!("{}:{}", stderr.st_dev(), stderr.st_ino()))
}
