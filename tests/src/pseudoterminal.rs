//! A terminal whose screen nobody interprets.

use std::fs::{File, OpenOptions};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::terminal::Size;

/// Both ends. The terminal has gone as soon as `ours` and all its copies are closed.
pub struct Pseudoterminal {
    /// What is typed goes in here, and what is drawn comes out.
    pub ours: File,
    /// What a program has as its terminal.
    pub theirs: File,
}

impl Pseudoterminal {
    pub fn open(size: Size) -> anyhow::Result<Self> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let theirs = ptsname(&ours, Vec::new())?;
        let theirs = OpenOptions::new()
            .read(true)
            .write(true)
            .open(theirs.to_str()?)?;
        let size = Winsize {
            ws_col: size.columns,
            ws_row: size.rows,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&theirs, size)?;
        Ok(Self {
            ours: File::from(ours),
            theirs,
        })
    }
}
