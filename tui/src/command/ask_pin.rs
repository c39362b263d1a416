//! Reads a PIN into locked memory: from the terminal without echo, or one line
//! of standard input where that is no terminal.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use cac_common::locked::{CAPACITY, Locked};
use rustix::fs::{Mode, OFlags};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

use crate::failure::Failure;

/// A PIN has six to eight digits (SP 800-73pt2-5 §2.4.3).
const LENGTH: std::ops::RangeInclusive<usize> = 6..=8;

/// The digits, and how many they are. Dropping the future puts the terminal
/// back; the thread that reads ends with the program.
pub(super) async fn ask(prompt: &str) -> Result<(Locked, usize), Failure> {
    let line = Locked::new().map_err(Failure::NoLockedMemory)?;
    let (line, length) = if io::stdin().is_terminal() {
        from_terminal(prompt, line)
            .await
            .map_err(Failure::Terminal)?
    } else {
        let input = io::stdin().as_fd().try_clone_to_owned();
        read_line(input.map_err(Failure::PinUnreadable)?, line)
            .await
            .map_err(Failure::PinUnreadable)?
    };
    if is_a_pin(&line.bytes()[..length]) {
        Ok((line, length))
    } else {
        Err(Failure::NotAPin)
    }
}

pub(super) fn is_a_pin(line: &[u8]) -> bool {
    LENGTH.contains(&line.len()) && line.iter().all(u8::is_ascii_digit)
}

async fn from_terminal(prompt: &str, line: Locked) -> io::Result<(Locked, usize)> {
    let terminal = rustix::fs::open(
        "/dev/tty",
        OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let terminal = File::from(terminal);
    let _silence = Silence::over(&terminal)?;
    (&terminal).write_all(prompt.as_bytes())?;
    read_line(terminal.try_clone()?.into(), line).await
}

/// Reads on a thread of its own, no further than the end of the line: what
/// follows is someone else's.
async fn read_line(input: OwnedFd, mut line: Locked) -> io::Result<(Locked, usize)> {
    let read = tokio::task::spawn_blocking(move || {
        let length = fill(&input, &mut line)?;
        Ok((line, length))
    });
    read.await?
}

fn fill(input: &OwnedFd, line: &mut Locked) -> io::Result<usize> {
    let mut length = 0;
    while length < CAPACITY {
        match rustix::io::read(input, &mut line.bytes_mut()[length..=length]) {
            Ok(0) => break,
            Ok(_) => {
                if line.bytes()[length] == b'\n' {
                    break;
                }
                length += 1;
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let has_return = length > 0 && line.bytes()[length - 1] == b'\r';
    Ok(length - usize::from(has_return))
}

/// A terminal that does not echo; put back as it was when dropped.
pub(super) struct Silence {
    terminal: File,
    before: Termios,
}

impl Silence {
    pub(super) fn over(terminal: &File) -> io::Result<Self> {
        let terminal = terminal.try_clone()?;
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ECHONL);
        // Stopped in the middle of a PIN, the shell would get a terminal without echo.
        silent.special_codes[SpecialCodeIndex::VSUSP] = 0;
        // What was typed before the question is not meant as an answer.
        set(terminal.as_fd(), &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // If the terminal has gone, there is nothing left to put back.
        let _ = set(self.terminal.as_fd(), &self.before);
    }
}

fn set(terminal: BorrowedFd<'_>, modes: &Termios) -> io::Result<()> {
    Ok(tcsetattr(terminal, OptionalActions::Flush, modes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_read_and_nothing_after_it() {
        for (text, line, rest) in [
            ("123456\nmore", "123456", "more"),
            ("123456\r\n", "123456", ""),
            ("\n", "", ""),
            ("123456", "123456", ""),
        ] {
            let (mut input, mut output) = io::pipe().unwrap();
            output.write_all(text.as_bytes()).unwrap();
            drop(output);
            let mut locked = Locked::new().unwrap();

            let length = fill(&input.try_clone().unwrap().into(), &mut locked).unwrap();

            assert_eq!(&locked.bytes()[..length], line.as_bytes());
            let mut left = String::new();
            io::Read::read_to_string(&mut input, &mut left).unwrap();
            assert_eq!(left, rest);
        }
    }

    #[test]
    fn a_line_that_never_ends_is_not_read_for_ever() {
        let (input, mut output) = io::pipe().unwrap();
        output.write_all(&[b'1'; 4000]).unwrap();
        let mut locked = Locked::new().unwrap();

        let length = fill(&input.into(), &mut locked).unwrap();

        assert_eq!(length, CAPACITY);
    }
}
