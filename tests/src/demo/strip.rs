//! The program in the strip below the dashboard: a wire between its terminal
//! and the demo, which draws the strip and reads its keys.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;

use anyhow::Context as _;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};

/// Ctrl-L: draw it again.
pub(super) const REDRAW: u8 = 0x0C;

/// Runs until the demo hangs up.
pub fn run(socket: &Path) -> anyhow::Result<()> {
    let stream = UnixStream::connect(socket)
        .with_context(|| format!("cannot connect to {}", socket.display()))?;
    let mut settings = tcgetattr(io::stdin()).context("standard input is no terminal")?;
    settings.make_raw();
    tcsetattr(io::stdin(), OptionalActions::Now, &settings).context("cannot set the terminal")?;

    let mut resizes = stream.try_clone()?;
    thread::spawn(move || tell_resizes(&mut resizes));
    let mut keys = stream.try_clone()?;
    // Ends with the process.
    thread::spawn(move || {
        copy(&mut io::stdin(), &mut keys).ok();
        keys.shutdown(Shutdown::Both).ok();
    });
    copy(&mut &stream, &mut io::stdout()).context("connection to the demo was lost")
}

/// Asks for the strip to be drawn again whenever its size has changed.
fn tell_resizes(stream: &mut UnixStream) -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let mut resized = signal(SignalKind::window_change())?;
            while resized.recv().await.is_some() {
                stream.write_all(&[REDRAW])?;
            }
            Ok(())
        })
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
