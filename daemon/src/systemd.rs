//! Tells systemd that we begin, are ready, alive, and what we do, and takes over
//! the socket that it has made for us.

use std::fmt::Write as _;
use std::io;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use cac_common::reader::ServiceStatus;
use cac_common::snapshot::Snapshot;
use listenfd::ListenFd;
use sd_notify::NotifyState;

/// How often systemd is asked for more time to begin in, and for how much.
const EVERY: Duration = Duration::from_secs(10);
const LONGER: u32 = 60_000_000;

/// For an hour, in all: what has not begun by then never will.
const MOST: usize = 360;

/// Speaks to systemd if it started us, else to nobody.
#[derive(Debug, Default)]
pub struct Notifier {
    last_status: String,
}

/// Comes due in time for systemd not to think us dead.
pub struct Watchdog {
    interval: Option<tokio::time::Interval>,
}

/// The socket on which systemd has listened for us, if it has.
pub fn socket_of_systemd() -> io::Result<Option<UnixListener>> {
    ListenFd::from_env().take_unix_listener(0)
}

/// Does what has to be done before we are ready, and may take longer than systemd
/// waits for that (`TimeoutStartSec=`): a large database of an earlier version is
/// written anew.
pub async fn beginning<T>(work: impl Future<Output = T>) -> T {
    let ask = || tell(&[NotifyState::ExtendTimeoutUsec(LONGER)]);
    asking(EVERY, MOST, ask, work).await
}

/// Asks at once, and again while the work goes on.
async fn asking<T>(
    every: Duration,
    most: usize,
    mut ask: impl FnMut(),
    work: impl Future<Output = T>,
) -> T {
    let mut work = std::pin::pin!(work);
    let mut interval = tokio::time::interval(every);
    for _ in 0..most {
        tokio::select! {
            biased;
            _ = interval.tick() => ask(),
            done = &mut work => return done,
        }
    }
    work.await
}

/// The configuration is about to be read again; [`Notifier::ready`] ends that.
pub fn reloading() {
    // systemd tells by the moment which request to reload this belongs to (sd_notify(3)).
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "systemd was not told"),
    }
}

impl Notifier {
    /// The socket serves, and what was last read is in force or was refused.
    pub fn ready(&self) {
        tell(&[NotifyState::Ready]);
    }

    pub fn stopping(&self) {
        tell(&[NotifyState::Stopping]);
    }

    pub fn alive(&self) {
        tell(&[NotifyState::Watchdog]);
    }

    /// What we do, as it is now.
    pub fn status(&mut self, snapshot: &Snapshot, cards: usize, waiting: usize) {
        let text = status_line(snapshot, cards, waiting);
        if text != self.last_status {
            tell(&[NotifyState::Status(&text)]);
            self.last_status = text;
        }
    }

    /// Due twice in the time that systemd allows.
    pub fn watchdog(&self) -> Watchdog {
        Watchdog {
            interval: sd_notify::watchdog_enabled().map(|allowed| {
                let mut interval =
                    tokio::time::interval((allowed / 2).max(Duration::from_millis(1)));
                interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                interval
            }),
        }
    }
}

impl Watchdog {
    pub async fn due(&mut self) {
        match &mut self.interval {
            Some(interval) => {
                interval.tick().await;
            }
            None => std::future::pending().await,
        }
    }
}

/// `2 readers, 1 card, 1 needs a PIN`, and after that what is wrong.
fn status_line(snapshot: &Snapshot, cards: usize, waiting: usize) -> String {
    let readers = snapshot.readers.len();
    let mut line = format!(
        "{readers} reader{}, {cards} card{}, {waiting} need{} a PIN",
        if readers == 1 { "" } else { "s" },
        if cards == 1 { "" } else { "s" },
        if waiting == 1 { "s" } else { "" },
    );
    match snapshot.service {
        ServiceStatus::Starting | ServiceStatus::Running => {}
        ServiceStatus::Away => line.push_str("; pcscd does not answer"),
        ServiceStatus::NotAllowed => line.push_str("; pcscd refuses us"),
    }
    if snapshot.daemon.store_problem.is_some() {
        line.push_str("; the database cannot be used");
    }
    // A problem is drawn over several lines, and a status has one.
    if let Some(first) = snapshot
        .problems
        .first()
        .and_then(|text| text.lines().next())
    {
        let _ = write!(line, "; configuration at fault: {first}");
    }
    line
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not told");
    }
}

#[cfg(test)]
mod tests {
    use cac_common::snapshot::Daemon;
    use cac_common::time::UtcSeconds;

    use std::cell::Cell;

    use tokio::sync::Notify;

    use super::*;

    const AT_ONCE: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn more_time_is_asked_for_at_once_and_while_the_work_goes_on() {
        let (asked, is_done) = (Cell::new(0), Notify::new());
        let ask = || {
            asked.set(asked.get() + 1);
            if asked.get() == 5 {
                is_done.notify_one();
            }
        };

        let done = asking(AT_ONCE, 100, ask, async {
            is_done.notified().await;
            asked.get()
        });

        assert_eq!(done.await, 5);
    }

    #[tokio::test]
    async fn what_never_begins_asks_so_often_and_no_longer() {
        let (asked, is_done) = (Cell::new(0), Notify::new());
        let ask = || {
            asked.set(asked.get() + 1);
            if asked.get() == 3 {
                is_done.notify_one();
            }
        };
        // Its own clock goes on for longer than that.
        let work = async {
            is_done.notified().await;
            tokio::time::sleep(10 * AT_ONCE).await;
        };

        asking(AT_ONCE, 3, ask, work).await;

        assert_eq!(asked.get(), 3);
    }

    fn empty() -> Snapshot {
        Snapshot {
            revision: 1,
            daemon: Daemon {
                version: "0".into(),
                host: "ws-042".into(),
                started_at: UtcSeconds(0),
                store_problem: None,
            },
            service: ServiceStatus::Running,
            readers: Vec::new(),
            known: Vec::new(),
            portals: Vec::new(),
            problems: Vec::new(),
            happened: Vec::new(),
            may_act: true,
            may_administer: true,
        }
    }

    #[test]
    fn the_status_is_one_line_that_says_what_is_wrong() {
        let mut at_fault = empty();
        at_fault.service = ServiceStatus::Away;
        at_fault.daemon.store_problem = Some("disk full".into());
        at_fault.problems = vec!["/etc/cacd/cacd.toml:2:8: no length\n  |\n2 | keep = 5".into()];

        assert_eq!(
            status_line(&empty(), 0, 0),
            "0 readers, 0 cards, 0 need a PIN"
        );
        assert_eq!(
            status_line(&at_fault, 1, 1),
            "0 readers, 1 card, 1 needs a PIN; pcscd does not answer; the database cannot be used; \
             configuration at fault: /etc/cacd/cacd.toml:2:8: no length"
        );
    }
}
