//! The service, the clock, and the smart card service.

use cac_common::reader::ServiceStatus;
use cac_common::snapshot::Snapshot;
use cac_common::time::UtcSeconds;

use super::machine::{CLOCK, UNIT};
use super::{By, Check, Found, Known};
use crate::app::Link;
use crate::phrase;

/// 2026-01-01, the year in which this was written: an earlier clock is wrong.
const WRITTEN: UtcSeconds = UtcSeconds(1_767_225_600);

/// Seconds by which what happened may lie ahead of the clock.
const AHEAD: i64 = 5 * 60;

pub(super) const CHECKS: &[Check] = &[
    UNIT,
    Check {
        name: "service",
        title: "cacd answers",
        meaning: "cacd, the service, answers on its socket. It alone reads cards and signs in; without \
             it nothing here goes on.",
        after: &[],
        by: By::Known(reached),
    },
    Check {
        name: "version",
        title: "cacd and cacctl match",
        meaning: "The program that draws this and the service are of one version. After an update they \
             may differ until the service is started anew.",
        after: &["service"],
        by: By::Known(version),
    },
    Check {
        name: "clock",
        title: "the clock is right",
        meaning: "This machine's clock is later than this program and than the last thing that \
             happened. With a wrong clock good certificates look expired, or not valid yet.",
        after: &[],
        by: By::Known(clock),
    },
    CLOCK,
];

fn reached(known: &Known<'_>) -> Found {
    match (known.link, known.snapshot) {
        (Link::Connected, Some(snapshot)) => {
            let since = phrase::ago(known.now, snapshot.daemon.started_at);
            Found::fine(format!("on {}, started {since}", snapshot.daemon.host))
        }
        (Link::Connecting | Link::Connected, _) => Found::running("waiting for its first word"),
        (Link::Away { why, .. }, _) => {
            let advice = why.advice.unwrap_or("Start it, and see what it says.");
            Found::failed(&why.what).by(advice, "sudo systemctl restart cacd")
        }
    }
}

fn version(known: &Known<'_>) -> Found {
    let theirs = known.snapshot.map_or("", |it| &it.daemon.version);
    if theirs == known.version {
        return Found::fine(format!("both are {theirs}"));
    }
    let cause = format!("cacd is {theirs}, cacctl {}", known.version);
    Found::warning(cause).by(
        "After an update cacd goes on as it was until it is started anew.",
        "sudo systemctl restart cacd",
    )
}

/// A clock that is wrong makes certificates look expired, or not valid yet.
pub(super) fn clock(known: &Known<'_>) -> Found {
    let now = known.now;
    let told = format!(
        "{} {}",
        phrase::date(now, known.zone),
        phrase::clock(now, known.zone)
    );
    let set_it = "Certificates are judged by it. Have it set over the network.";
    let command = "sudo timedatectl set-ntp true";
    if now < WRITTEN {
        return Found::failed(format!("it says {told}, which is long ago")).by(set_it, command);
    }
    let latest = known.snapshot.and_then(latest);
    if latest.is_some_and(|latest| latest.0.saturating_sub(now.0) > AHEAD) {
        let cause = format!("it says {told}, and was later before");
        return Found::warning(cause).by(set_it, command);
    }
    Found::fine(told)
}

/// The last thing that the daemon saw happen.
fn latest(snapshot: &Snapshot) -> Option<UtcSeconds> {
    let happened = snapshot.happened.iter().map(|entry| entry.at);
    happened.chain([snapshot.daemon.started_at]).max()
}

pub(super) fn pcscd(snapshot: &Snapshot) -> Found {
    match snapshot.service {
        ServiceStatus::Running => Found::fine("it answers cacd"),
        ServiceStatus::Starting => Found::running("it has not answered yet"),
        ServiceStatus::Away => Found::failed("the smart card service (pcscd) is not there").by(
            "Start it; cacd finds it by itself.",
            "sudo systemctl enable --now pcscd.socket",
        ),
        ServiceStatus::NotAllowed => Found::failed("the smart card service (pcscd) refuses cacd")
            .by(
                "Its polkit rule is missing, which comes with cacd: install it whole.",
                "ls /usr/share/polkit-1/rules.d/50-cacd.rules",
            ),
    }
}
