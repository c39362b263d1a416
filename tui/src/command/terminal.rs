//! Questions on the terminal. One that is not answered can be dropped: nothing
//! goes on reading, and the terminal is put back.

use std::fs::File;
use std::io::{self, Write as _};

use cac_common::locked::{CAPACITY, Locked};
use rustix::fs::{Mode, OFlags};
use rustix::termios::{QueueSelector, tcflush};
use tokio::net::unix::pipe::Receiver;

use super::ask_pin::Silence;

/// Said before a secret is asked for where that is so.
const UNLOCKED: &str =
    "No memory can be locked here (ulimit -l): what you type could be swapped out to disk.\n";

/// Whether what is typed is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Echo {
    Shown,
    /// Shown, and what was typed before it was asked for counts too.
    Ahead,
    Hidden,
}

/// The terminal that the program was started from.
pub(super) struct Terminal {
    screen: File,
    /// Opened for itself, so that not to wait is nobody else's business. No
    /// pipe, but waited for and read in the same way.
    keyboard: Receiver,
}

impl Terminal {
    /// Needs a runtime around it.
    pub(super) fn open() -> io::Result<Self> {
        let open = |flags| {
            let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | flags;
            rustix::fs::open("/dev/tty", flags, Mode::empty()).map(File::from)
        };
        Ok(Self {
            screen: open(OFlags::empty())?,
            keyboard: Receiver::from_file_unchecked(open(OFlags::NONBLOCK)?)?,
        })
    }

    pub(super) fn say(&self, text: &str) -> io::Result<()> {
        (&self.screen).write_all(text.as_bytes())
    }

    /// One line, and its length; `None` if the person closes the input. What is
    /// longer than the memory comes cut short, and fills it.
    pub(super) async fn line(
        &self,
        prompt: &str,
        echo: Echo,
    ) -> io::Result<Option<(Locked, usize)>> {
        let mut line = Locked::new()?;
        let _silence = match echo {
            Echo::Hidden => Some(Silence::over(&self.screen)?),
            Echo::Shown => {
                // What was typed before the question is not meant as an answer.
                tcflush(&self.screen, QueueSelector::IFlush)?;
                None
            }
            Echo::Ahead => None,
        };
        if echo == Echo::Hidden && !line.is_locked() {
            self.say(UNLOCKED)?;
        }
        self.say(prompt)?;
        let mut length = 0;
        while length < CAPACITY {
            self.keyboard.readable().await?;
            let byte = &mut line.bytes_mut()[length..=length];
            match self.keyboard.try_read(byte) {
                Ok(0) if length == 0 => return Ok(None),
                Ok(0) => break,
                Ok(_) if line.bytes()[length] == b'\n' => break,
                Ok(_) => length += 1,
                // It was not ready after all.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some((line, length)))
    }
}
