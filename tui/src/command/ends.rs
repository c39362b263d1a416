//! The signals that end a command, for those that have something to put right first.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end the program; from the first on which they are listened
/// for, they do nothing by themselves.
pub(super) struct Ends {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Ends {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Which one comes: whether it was the person at the keyboard.
    pub(super) async fn next(&mut self) -> End {
        tokio::select! {
            _ = self.interrupt.recv() => End::Interrupt,
            _ = self.terminate.recv() => End::Other,
            _ = self.hang_up.recv() => End::Other,
        }
    }

    /// An interrupt up to now was seen to by somebody else; any other end still comes.
    pub(super) fn pass_over_interrupt(&mut self) -> io::Result<()> {
        self.interrupt = signal(SignalKind::interrupt())?;
        Ok(())
    }

    pub(super) async fn any(&mut self) {
        self.next().await;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Ctrl-C.
    Interrupt,
    Other,
}
