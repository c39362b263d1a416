//! A PIN through pinentry, which speaks Assuan on its standard input and output
//! (manuals of Libassuan, "Server responses", and of Pinentry, "Protocol").

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::time::Duration;

use cac_common::locked::{CAPACITY, Locked};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use super::program::{Asking, Pipes};
use super::{Question, Typed};
use crate::failure::{Failure, NotAPin};

/// The most bytes of a line, its end not counted (Libassuan, "Server responses").
const LONGEST_LINE: usize = 1000;

/// As much of a line is kept; the byte behind it is the line's end, or lost.
const ROOM: usize = CAPACITY - 1;

/// One reply has no more lines than this.
const MOST_LINES: usize = 64;

/// Room for a description in a line, besides the command before it.
const LONGEST_TEXT: usize = 960;

/// One that keeps no time by itself is ended so much later.
const GRACE: Duration = Duration::from_secs(2);

/// Codes of libgpg-error, without the source in the upper half.
const TIMEOUT: u32 = 62;
const CANCELED: u32 = 99;
const FULLY_CANCELED: u32 = 198;

pub(super) async fn ask(
    question: &Question,
    program: &Path,
    limit: Duration,
) -> Result<Typed, Failure> {
    let name = program.display().to_string();
    let (_asking, pipes) = Asking::start(Command::new(program))?;
    let mut conversation = Conversation {
        pipes,
        line: Locked::new().map_err(Failure::NoLockedMemory)?,
        length: 0,
    };
    let asked = tokio::time::timeout(limit + GRACE, conversation.ask(question, limit)).await;
    let too_late = Failure::PinTooLate {
        seconds: limit.as_secs(),
    };
    match asked {
        Ok(Ok(typed)) => Ok(typed),
        Ok(Err(Fault::Code(TIMEOUT))) | Err(_) => Err(too_late),
        Ok(Err(Fault::Code(CANCELED | FULLY_CANCELED))) => Err(Failure::PinCancelled),
        Ok(Err(Fault::Pin(fault))) => Err(Failure::NotAPin(fault)),
        Ok(Err(Fault::Ours(failure))) => Err(failure),
        Ok(Err(fault @ (Fault::Code(_) | Fault::Lost(_) | Fault::Nonsense))) => {
            Err(Failure::PrompterFailed {
                program: name,
                reason: fault.to_string(),
            })
        }
    }
}

/// Why no PIN came.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("it answers with error {0} of libgpg-error")]
    Code(u32),
    #[error("it has ended without an answer ({0})")]
    Lost(#[from] io::Error),
    #[error("it speaks no Assuan")]
    Nonsense,
    #[error(transparent)]
    Pin(#[from] NotAPin),
    #[error(transparent)]
    Ours(#[from] Failure),
}

struct Conversation {
    pipes: Pipes,
    /// The line that came last, as far as it has room: it may hold the PIN.
    line: Locked,
    /// How long it was, cut or not.
    length: usize,
}

impl Conversation {
    async fn ask(&mut self, question: &Question, limit: Duration) -> Result<Typed, Fault> {
        self.reply(None).await?;
        for option in options() {
            match self.tell(&format!("OPTION {option}")).await {
                // Not every pinentry knows each.
                Ok(()) | Err(Fault::Code(_)) => {}
                Err(fault) => return Err(fault),
            }
        }
        match self.tell(&format!("SETTIMEOUT {}", limit.as_secs())).await {
            // Then we keep the time alone.
            Ok(()) | Err(Fault::Code(_)) => {}
            Err(fault) => return Err(fault),
        }
        self.tell("SETTITLE cacd").await?;
        self.tell(&format!("SETDESC {}", encoded(&question.lines())))
            .await?;
        self.tell(&format!("SETPROMPT {}:", encoded(question.asks.title())))
            .await?;
        if let Some(wrong) = &question.wrong {
            self.tell(&format!("SETERROR {}", encoded(wrong))).await?;
        }
        self.send("GETPIN").await?;
        let mut typed = Typed::new()?;
        self.reply(Some(&mut typed)).await?;
        Ok(typed)
    }

    async fn tell(&mut self, command: &str) -> Result<(), Fault> {
        self.send(command).await?;
        self.reply(None).await
    }

    async fn send(&mut self, command: &str) -> Result<(), Fault> {
        let line = format!("{command}\n");
        self.pipes.input.write_all(line.as_bytes()).await?;
        Ok(self.pipes.input.flush().await?)
    }

    /// Reads up to the line that ends a reply; data goes to `typed`.
    async fn reply(&mut self, mut typed: Option<&mut Typed>) -> Result<(), Fault> {
        for _ in 0..MOST_LINES {
            self.read_line().await?;
            let is_cut = self.length > ROOM;
            let line = &self.line.bytes()[..self.length.min(ROOM)];
            match word(line) {
                (b"OK", _) => return Ok(()),
                (b"ERR", rest) => return Err(Fault::Code(code(rest))),
                (b"D", data) => match &mut typed {
                    Some(_) if is_cut => return Err(NotAPin::TooLong.into()),
                    Some(typed) => decode(data, typed)?,
                    None => return Err(Fault::Nonsense),
                },
                // A status, or a comment.
                (b"S", _) => {}
                (first, _) if first.starts_with(b"#") => {}
                _ => return Err(Fault::Nonsense),
            }
        }
        Err(Fault::Nonsense)
    }

    /// Byte by byte and straight into locked memory; what has no room there
    /// is counted and not kept.
    async fn read_line(&mut self) -> Result<(), Fault> {
        self.length = 0;
        while self.length <= LONGEST_LINE {
            let at = self.length.min(ROOM);
            let byte = &mut self.line.bytes_mut()[at..=at];
            if self.pipes.output.read(byte).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            if byte == b"\n" {
                return Ok(());
            }
            self.length += 1;
        }
        Err(Fault::Nonsense)
    }
}

/// What pinentry is told of where it runs, where it cannot know by itself.
fn options() -> Vec<String> {
    let mut options = Vec::new();
    if let Ok(tty) = rustix::termios::ttyname(io::stdin(), Vec::new())
        && let Ok(tty) = tty.into_string()
    {
        options.push(format!("ttyname={tty}"));
        if let Ok(kind) = std::env::var("TERM") {
            options.push(format!("ttytype={kind}"));
        }
    }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|it| !it.is_empty()));
    options.extend(locale.map(|locale| format!("lc-ctype={locale}")));
    // Nothing of the person's environment ends a line.
    options.retain(|option| option.len() < LONGEST_TEXT && !option.contains(['\n', '\r']));
    options
}

/// A line's first word, and what follows the space behind it.
fn word(line: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = line.splitn(2, |byte| *byte == b' ');
    let first = parts.next().unwrap_or_default();
    (first, parts.next().unwrap_or_default())
}

/// The error, without where it came from; 0 is none that there is.
fn code(rest: &[u8]) -> u32 {
    let (number, _) = word(rest);
    let number = std::str::from_utf8(number).ok();
    number.and_then(|text| text.parse().ok()).unwrap_or(0_u32) & 0xFFFF
}

/// Text as an argument: what could end the line or be taken for an escape is one.
fn encoded(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars() {
        let before = line.len();
        match c {
            '%' | '\n' | '\r' => {
                let _ = write!(line, "%{:02X}", u32::from(c));
            }
            other => line.push(other),
        }
        if line.len() > LONGEST_TEXT {
            line.truncate(before);
            break;
        }
    }
    line
}

/// Appends the data of a line.
fn decode(data: &[u8], typed: &mut Typed) -> Result<(), Fault> {
    let digit = |byte: Option<&u8>| {
        let digit = byte.and_then(|byte| char::from(*byte).to_digit(16));
        digit.and_then(|digit| u8::try_from(digit).ok())
    };
    let mut bytes = data.iter();
    while let Some(byte) = bytes.next() {
        let plain = match byte {
            b'%' => match (digit(bytes.next()), digit(bytes.next())) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(Fault::Nonsense),
            },
            other => *other,
        };
        typed.push(plain)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_taken_as_it_was_typed() {
        for (data, meant) in [
            ("123456", "123456"),
            ("%31%32", "12"),
            ("50%25%0a", "50%\n"),
            ("", ""),
        ] {
            let mut typed = Typed::new().unwrap();

            decode(data.as_bytes(), &mut typed).unwrap();

            assert_eq!(typed.bytes(), meant.as_bytes());
        }
    }

    #[test]
    fn an_escape_cut_short_is_no_pin() {
        for data in ["1234%", "1234%3", "1234%zz"] {
            let mut typed = Typed::new().unwrap();

            assert!(matches!(
                decode(data.as_bytes(), &mut typed),
                Err(Fault::Nonsense)
            ));
        }
    }

    #[test]
    fn data_without_end_is_no_pin() {
        let mut typed = Typed::new().unwrap();
        let line = [b'1'; CAPACITY];

        decode(&line, &mut typed).unwrap();

        assert!(matches!(
            decode(b"1", &mut typed),
            Err(Fault::Pin(NotAPin::TooLong))
        ));
    }

    #[test]
    fn a_text_stays_one_line_that_is_not_too_long() {
        assert_eq!(encoded("50%\r\nmore"), "50%25%0D%0Amore");
        let long = encoded(&"é%".repeat(2000));
        assert!(long.len() <= LONGEST_TEXT, "{}", long.len());
        assert!(long.ends_with("é") || long.ends_with("%25"), "{long}");
    }

    #[test]
    fn an_error_is_known_by_its_code() {
        assert_eq!(code(b"83886179 Operation cancelled <Pinentry>"), CANCELED);
        assert_eq!(code(b"83886142 Timeout <Pinentry>"), TIMEOUT);
        assert_eq!(code(b""), 0);
    }
}
