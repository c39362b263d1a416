//! A PIN from the terminal, without echo, or from a line of standard input.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use cac_common::locked::CAPACITY;
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

use super::Typed;
use crate::command::terminal::{Echo, Terminal};
use crate::failure::Failure;

/// What was typed. Dropping the future puts the terminal back, and nothing goes
/// on reading.
pub(super) async fn ask(prompt: &str) -> Result<Typed, Failure> {
    let terminal = Terminal::open().map_err(Failure::Terminal)?;
    let line = terminal.line(prompt, Echo::Hidden).await;
    match line.map_err(Failure::Terminal)? {
        Some((text, length)) => Ok(Typed { text, length }),
        None => Typed::new(),
    }
}

/// One line of standard input.
pub(super) async fn read() -> Result<Typed, Failure> {
    let typed = Typed::new()?;
    let input = io::stdin().as_fd().try_clone_to_owned();
    read_line(input.map_err(Failure::PinUnreadable)?, typed)
        .await
        .map_err(Failure::PinUnreadable)
}

/// Reads on a thread of its own, no further than the end of the line: what
/// follows is someone else's.
async fn read_line(input: OwnedFd, mut typed: Typed) -> io::Result<Typed> {
    let read = tokio::task::spawn_blocking(move || {
        fill(&input, &mut typed)?;
        Ok(typed)
    });
    read.await?
}

fn fill(input: &OwnedFd, typed: &mut Typed) -> io::Result<()> {
    let line = typed.text.bytes_mut();
    let mut length = 0;
    while length < CAPACITY {
        match rustix::io::read(input, &mut line[length..=length]) {
            Ok(0) => break,
            Ok(_) => {
                if line[length] == b'\n' {
                    break;
                }
                length += 1;
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let has_return = length > 0 && line[length - 1] == b'\r';
    typed.length = length - usize::from(has_return);
    Ok(())
}

/// A terminal that does not echo; put back as it was when dropped.
pub(in crate::command) struct Silence {
    terminal: File,
    before: Termios,
}

impl Silence {
    pub(in crate::command) fn over(terminal: &File) -> io::Result<Self> {
        let terminal = terminal.try_clone()?;
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ECHONL);
        // Stopped or killed in the middle of a PIN, the shell would get a terminal
        // without echo.
        silent.special_codes[SpecialCodeIndex::VSUSP] = 0;
        silent.special_codes[SpecialCodeIndex::VQUIT] = 0;
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
    use std::io::Write as _;

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
            let mut typed = Typed::new().unwrap();

            fill(&input.try_clone().unwrap().into(), &mut typed).unwrap();

            assert_eq!(typed.bytes(), line.as_bytes());
            let mut left = String::new();
            io::Read::read_to_string(&mut input, &mut left).unwrap();
            assert_eq!(left, rest);
        }
    }

    #[test]
    fn without_echo_no_key_stops_or_kills_and_all_is_put_back() {
        let terminal = File::options().read(true).write(true).open("/dev/ptmx");
        let terminal = terminal.unwrap();
        let keys = |modes: &Termios| {
            [SpecialCodeIndex::VSUSP, SpecialCodeIndex::VQUIT].map(|key| modes.special_codes[key])
        };
        let before = tcgetattr(&terminal).unwrap();

        let silence = Silence::over(&terminal).unwrap();

        let silent = tcgetattr(&terminal).unwrap();
        assert_eq!(keys(&silent), [0, 0]);
        assert!(!silent.local_modes.contains(LocalModes::ECHO));
        drop(silence);
        let after = tcgetattr(&terminal).unwrap();
        assert_eq!(keys(&after), keys(&before));
        assert_ne!(keys(&after), [0, 0]);
        assert_eq!(after.local_modes, before.local_modes);
    }

    #[test]
    fn a_line_that_never_ends_is_not_read_for_ever() {
        let (input, mut output) = io::pipe().unwrap();
        output.write_all(&[b'1'; 4000]).unwrap();
        let mut typed = Typed::new().unwrap();

        fill(&input.into(), &mut typed).unwrap();

        assert_eq!(typed.length, CAPACITY);
    }
}
