//! Tells systemd that we are ready, alive, and what we do, and takes over the
//! socket that it has made for us.

use std::fmt::Write as _;
use std::io;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use cac_common::reader::ServiceStatus;
use cac_common::snapshot::Snapshot;
use listenfd::ListenFd;
use sd_notify::NotifyState;

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

    use super::*;

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
