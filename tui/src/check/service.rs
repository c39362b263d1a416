//! The service, the clock, and the smart card service.

use cac_common::reader::ServiceStatus;
use cac_common::snapshot::Snapshot;
use cac_common::time::UtcSeconds;

use super::machine::{CLOCK, UNIT};
use super::outcome::outcomes;
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
        outcomes: service::ALL,
    },
    Check {
        name: "version",
        title: "cacd and cacctl match",
        meaning: "The program that draws this and the service are of one version. After an update they \
             may differ until the service is started anew.",
        after: &["service"],
        by: By::Known(version),
        outcomes: version::ALL,
    },
    Check {
        name: "clock",
        title: "the clock is right",
        meaning: "This machine's clock is later than this program and than the last thing that \
             happened. With a wrong clock good certificates look expired, or not valid yet.",
        after: &[],
        by: By::Known(clock),
        outcomes: clock::ALL,
    },
    CLOCK,
];

outcomes! {
    service {
        ANSWERS: Outcome::fine("on {host}, started {since}");
        WAITED_FOR: Outcome::running("waiting for its first word");
        AWAY: Outcome::failed("{what went wrong}").by("{what to do}", "sudo systemctl restart cacd");
    }
}

outcomes! {
    version {
        SAME: Outcome::fine("both are {version}");
        OTHER: Outcome::warning("cacd is {theirs}, cacctl {ours}").by(
            "After an update cacd goes on as it was until it is started anew.",
            "sudo systemctl restart cacd",
        );
    }
}

/// Certificates are judged by the clock.
const SET_IT: &str = "Certificates are judged by it. Have it set over the network.";
const SET_IT_BY: &str = "sudo timedatectl set-ntp true";

outcomes! {
    clock {
        FINE: Outcome::fine("{time}");
        LONG_AGO: Outcome::failed("it says {time}, which is long ago")
            .by(super::SET_IT, super::SET_IT_BY);
        SET_BACK: Outcome::warning("it says {time}, and was later before")
            .by(super::SET_IT, super::SET_IT_BY);
    }
}

outcomes! {
    pcscd {
        ANSWERS: Outcome::fine("it answers cacd");
        STARTING: Outcome::running("it has not answered yet");
        AWAY: Outcome::failed("the smart card service (pcscd) is not there").by(
            "Start it; cacd finds it by itself.",
            "sudo systemctl enable --now pcscd.socket",
        );
        NOT_ALLOWED: Outcome::failed("the smart card service (pcscd) refuses cacd").by(
            "Its polkit rule is missing, which comes with cacd: install it whole.",
            "ls /usr/share/polkit-1/rules.d/50-cacd.rules",
        );
    }
}

fn reached(known: &Known<'_>) -> Found {
    match (known.link, known.snapshot) {
        (Link::Connected, Some(snapshot)) => {
            let since = phrase::ago(known.now, snapshot.daemon.started_at);
            service::ANSWERS.told(&[("host", &snapshot.daemon.host), ("since", &since)])
        }
        (Link::Connecting | Link::Connected, _) => service::WAITED_FOR.found(),
        (Link::Away { why, .. }, _) => {
            let advice = why.advice.unwrap_or("Start it, and see what it says.");
            service::AWAY.told(&[("what went wrong", &why.what), ("what to do", &advice)])
        }
    }
}

fn version(known: &Known<'_>) -> Found {
    let theirs = known.snapshot.map_or("", |it| &it.daemon.version);
    if theirs == known.version {
        return version::SAME.told(&[("version", &theirs)]);
    }
    version::OTHER.told(&[("theirs", &theirs), ("ours", &known.version)])
}

/// A clock that is wrong makes certificates look expired, or not valid yet.
fn clock(known: &Known<'_>) -> Found {
    let now = known.now;
    let time = format!(
        "{} {}",
        phrase::date(now, known.zone),
        phrase::clock(now, known.zone)
    );
    if now < WRITTEN {
        return clock::LONG_AGO.told(&[("time", &time)]);
    }
    let latest = known.snapshot.and_then(latest);
    if latest.is_some_and(|latest| latest.0.saturating_sub(now.0) > AHEAD) {
        return clock::SET_BACK.told(&[("time", &time)]);
    }
    clock::FINE.told(&[("time", &time)])
}

/// The last thing that the daemon saw happen.
fn latest(snapshot: &Snapshot) -> Option<UtcSeconds> {
    let happened = snapshot.happened.iter().map(|entry| entry.at);
    happened.chain([snapshot.daemon.started_at]).max()
}

pub(super) fn pcscd(snapshot: &Snapshot) -> Found {
    match snapshot.service {
        ServiceStatus::Running => pcscd::ANSWERS.found(),
        ServiceStatus::Starting => pcscd::STARTING.found(),
        ServiceStatus::Away => pcscd::AWAY.found(),
        ServiceStatus::NotAllowed => pcscd::NOT_ALLOWED.found(),
    }
}
