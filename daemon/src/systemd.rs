//! Tells systemd that we are ready, alive, and what we do.

use std::time::Duration;

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

impl Notifier {
    /// The socket serves.
    pub fn ready(&self) {
        tell(&[NotifyState::Ready]);
    }

    pub fn stopping(&self) {
        tell(&[NotifyState::Stopping]);
    }

    pub fn alive(&self) {
        tell(&[NotifyState::Watchdog]);
    }

    /// `2 readers, 1 card, 1 needs PIN`.
    pub fn status(&mut self, readers: usize, cards: usize, waiting: usize) {
        let text = format!(
            "{readers} reader{}, {cards} card{}, {waiting} need{} a PIN",
            if readers == 1 { "" } else { "s" },
            if cards == 1 { "" } else { "s" },
            if waiting == 1 { "s" } else { "" },
        );
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

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not told");
    }
}
