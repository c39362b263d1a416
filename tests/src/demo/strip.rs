//! The program in the strip below the dashboard: a wire between its terminal
//! and the demo, which draws the strip and reads its keys.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;

use anyhow::Context as _;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// Runs until the demo hangs up.
pub fn run(socket: &Path) -> anyhow::Result<()> {
    let stream = UnixStream::connect(socket)
        .with_context(|| format!("cannot connect to {}", socket.display()))?;
    let mut settings = tcgetattr(io::stdin()).context("standard input is no terminal")?;
    settings.make_raw();
    tcsetattr(io::stdin(), OptionalActions::Now, &settings).context("cannot set the terminal")?;

    let mut keys = stream.try_clone()?;
    // Ends with the process.
    thread::spawn(move || {
        copy(&mut io::stdin(), &mut keys).ok();
        keys.shutdown(Shutdown::Both).ok();
    });
    copy(&mut &stream, &mut io::stdout()).context("connection to the demo was lost")
}

/// Passes everything on at once.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            length => {
                to.write_all(&buffer[..length])?;
                to.flush()?;
            }
        }
    }
}
