//! Notices that the terminal has gone.
//!
//! crossterm takes the end of what a terminal sends for nothing at all and reads
//! on without an end, on the thread that everything else needs: no signal would
//! be looked at any more, and the dashboard would use up a CPU for as long as
//! the machine runs.

use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// Whoever can still end in order does it meanwhile, told by SIGHUP.
const GRACE: Duration = Duration::from_secs(1);

/// As of one that SIGHUP has ended.
const HUNG_UP: i32 = 129;

/// Ends the program soon after the terminal on its standard input has gone.
/// Until then it is one thread that sleeps.
pub(crate) fn watch() -> io::Result<()> {
    std::thread::Builder::new()
        .name("hang-up".into())
        .spawn(|| {
            let terminal = io::stdin();
            // Nothing is asked for; that it hung up is told in any case.
            let mut watched = [PollFd::new(&terminal, PollFlags::empty())];
            while poll(&mut watched, None) == Err(Errno::INTR) {}
            std::thread::sleep(GRACE);
            // There is no screen left to put back, and a PIN half typed goes with the process.
            std::process::exit(HUNG_UP);
        })?;
    Ok(())
}
