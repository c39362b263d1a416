//! The rest of the machine: systemd's view of the service, the clock, and logins
//! that ask for a card.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cac_common::identity::readable;
use cac_common::reader::ReaderStatus;

use super::child::{self, ChildError, Said};
use super::look::Place;
use super::outcome::outcomes;
use super::{By, Check, Found};

/// Before the service is asked for anything.
pub(super) const UNIT: Check = Check {
    name: "unit",
    title: "cacd is installed and started",
    meaning: "systemd knows the service (cacd.service), has started it, and starts it again with \
         the machine. Where somebody runs it by hand, or systemd is not there, this says nothing.",
    after: &[],
    by: By::Machine(unit),
    outcomes: unit::ALL,
};

pub(super) const CLOCK: Check = Check {
    name: "clock-synchronised",
    title: "the clock is kept right",
    meaning: "Something sets this machine's clock over the network. Without it the clock drifts, \
         and certificates, answers about revocation and sign-ins fail one day.",
    after: &[],
    by: By::Machine(clock),
    outcomes: clock::ALL,
};

pub(super) const LOCAL_LOGIN: Check = Check {
    name: "local-login",
    title: "no card left in locks you out",
    meaning: "Where logins to this machine ask for a card (pam_pkcs11, or SSSD with \
         pam_cert_auth), a card that is left in is taken for the log-in, and whoever types their \
         password instead of its PIN is refused, or spends a try.",
    after: &[],
    by: By::Machine(local_login),
    outcomes: local_login::ALL,
};

const LIMIT: Duration = Duration::from_secs(4);

/// How often, and after how long, one that is being started is looked at again.
const STARTING_LOOKS: u32 = 10;
const STARTING_PAUSE: Duration = Duration::from_millis(200);

/// Of a folder with PAM's files.
const MOST_FILES: usize = 1024;
const LONGEST_FILE: u64 = 256 * 1024;

outcomes! {
    unit {
        NO_SYSTEMD: Outcome::not_applicable("systemd does not run here");
        NOT_TOLD: Outcome::unknown("systemctl: {what it said}");
        MASKED: Outcome::failed("cacd.service is masked").by(
            "Somebody has switched it off for good. If that was not meant, let it start again.",
            "sudo systemctl unmask cacd.service cacd.socket",
        );
        BY_HAND: Outcome::not_applicable("cacd was started by hand");
        NOT_INSTALLED: Outcome::failed("cacd.service is not installed").by(
            "Install the package of cacd, or its source with make install.",
            "sudo apt install ./cacd_*.deb",
        );
        STARTING: Outcome::failed("it is being started, and does not answer yet").by(
            "Wait, and look once more: after an update it may have work to do first. Where it is \
             started over and over, the journal says why.",
            "journalctl --unit cacd --lines 20",
        );
        RUNS: Outcome::fine("it is, and starts with the machine");
        NOT_ENABLED: Outcome::warning("it runs, and does not start with the machine").by(
            "Have it started with the machine.",
            "sudo systemctl enable cacd.service cacd.socket",
        );
        ANOTHER: Outcome::not_applicable("the one that answers was started by hand");
        FAILED: Outcome::failed("it has failed ({result})").by(
            "journalctl -u cacd says why. Mend that, and start it.",
            "journalctl --unit cacd --lines 20",
        );
        STOPPED: Outcome::failed("cacd.service is {state}").by(
            "Start it, now and with the machine.",
            "sudo systemctl enable --now cacd.socket cacd.service",
        );
    }
}

fn unit(place: &Place) -> Vec<Found> {
    if !place.root.join("run/systemd/system").is_dir() {
        return vec![unit::NO_SYSTEMD.found()];
    }
    let is_reached = place.picture.is_some();
    let mut found = judge_unit(systemctl().as_ref(), is_reached);
    // Who connects has it started: what comes of that is the cause, and soon known.
    for _ in 0..STARTING_LOOKS {
        if found != unit::STARTING.found() {
            break;
        }
        std::thread::sleep(STARTING_PAUSE);
        found = judge_unit(systemctl().as_ref(), is_reached);
    }
    vec![found]
}

fn systemctl() -> Result<Said, ChildError> {
    let mut command = Command::new("systemctl");
    command.args([
        "show",
        "cacd.service",
        "--property=LoadState,ActiveState,Result,UnitFileState",
    ]);
    child::said(command, LIMIT)
}

/// `ActiveState=active`, a line each (systemctl(1)).
fn judge_unit(said: Result<&Said, &ChildError>, is_reached: bool) -> Found {
    let properties = match said {
        Ok(said) if said.is_fine => &said.text,
        Ok(said) => return unit::NOT_TOLD.told(&[("what it said", &first_line(&said.text))]),
        Err(error) => return unit::NOT_TOLD.told(&[("what it said", error)]),
    };
    let of = |name: &str| {
        let mut lines = properties.lines().filter_map(|line| line.split_once('='));
        let found = lines.find(|(key, _)| *key == name);
        found.map_or_else(String::new, |(_, value)| readable(value))
    };
    let (load, active) = (of("LoadState"), of("ActiveState"));
    let (result, file) = (of("Result"), of("UnitFileState"));
    if load == "masked" && !is_reached {
        return unit::MASKED.found();
    }
    if load != "loaded" {
        return if is_reached {
            unit::BY_HAND.found()
        } else {
            unit::NOT_INSTALLED.found()
        };
    }
    // Who connects has it started over and over.
    let is_in_vain = active == "activating" && !is_reached && result != "success";
    let active = if is_in_vain { "failed" } else { &active };
    match (active, file.as_str()) {
        ("activating", _) if !is_reached => unit::STARTING.found(),
        ("active" | "activating" | "reloading", "enabled" | "enabled-runtime" | "static") => {
            unit::RUNS.found()
        }
        ("active" | "activating" | "reloading", _) => unit::NOT_ENABLED.found(),
        _ if is_reached => unit::ANOTHER.found(),
        ("failed", _) => unit::FAILED.told(&[("result", &result)]),
        (other, _) => unit::STOPPED.told(&[("state", &other)]),
    }
}

outcomes! {
    clock {
        SET: Outcome::fine("it is set over the network");
        NOT_SET: Outcome::warning("nothing sets it over the network").by(
            "Have it set over the network: systemd-timesyncd or chrony does.",
            "sudo timedatectl set-ntp true",
        );
        NOT_YET: Outcome::warning("a time service runs, and has not set it yet").by(
            "Wait: after the machine has started, or the network has come, it takes some minutes. If \
             it stays so, the network keeps it from the servers that it asks.",
            "timedatectl timesync-status",
        );
        NOBODY: Outcome::unknown("there is no timedatectl to ask");
        NOT_TOLD: Outcome::unknown("timedatectl: {what it said}");
    }
}

fn clock(_: &Place) -> Vec<Found> {
    let mut command = Command::new("timedatectl");
    command.args(["show", "--property=NTP,NTPSynchronized"]);
    vec![judge_clock(child::said(command, LIMIT).as_ref())]
}

/// `NTP=yes`: one that systemd knows of is switched on (org.freedesktop.timedate1(5)).
fn judge_clock(said: Result<&Said, &ChildError>) -> Found {
    let said = match said {
        Ok(said) => said,
        Err(ChildError::NotThere) => return clock::NOBODY.found(),
        Err(error) => return clock::NOT_TOLD.told(&[("what it said", error)]),
    };
    let is = |name: &str| {
        let mut lines = said.text.lines().filter_map(|line| line.split_once('='));
        let found = lines.find(|(key, _)| *key == name);
        found.map(|(_, value)| value.trim() == "yes")
    };
    match (is("NTPSynchronized"), is("NTP")) {
        (Some(true), _) if said.is_fine => clock::SET.found(),
        (Some(false), Some(true)) if said.is_fine => clock::NOT_YET.found(),
        (Some(false), _) if said.is_fine => clock::NOT_SET.found(),
        _ => clock::NOT_TOLD.told(&[("what it said", &first_line(&said.text))]),
    }
}

outcomes! {
    local_login {
        NOBODY: Outcome::fine("log-ins here ask for no card");
        PERHAPS: Outcome::unknown("SSSD may ask for one; its configuration is root's to read")
            .by("Ask as root.", "sudo cacctl check --only local-login");
        IS_IN: Outcome::warning("{who} asks for a card, and one is in").by(
            "Take the card out before you log in or unlock with a password. To log in with it, its \
             PIN is wanted where the password is.",
            "man pam_pkcs11",
        );
        NONE_IN: Outcome::fine("{who} asks for a card, and none is in");
    }
}

fn local_login(place: &Place) -> Vec<Found> {
    let is_in = place.picture.as_ref().is_some_and(|picture| {
        let mut readers = picture.readers.iter();
        readers.any(|reader| reader.status == ReaderStatus::Card)
    });
    vec![judge_login(asks_for_a_card(&place.root), is_in)]
}

fn judge_login(asks: Asks, is_in: bool) -> Found {
    match asks {
        Asks::Nobody => local_login::NOBODY.found(),
        Asks::Perhaps => local_login::PERHAPS.found(),
        Asks::By(who) if is_in => local_login::IS_IN.told(&[("who", &who)]),
        Asks::By(who) => local_login::NONE_IN.told(&[("who", &who)]),
    }
}

/// Who asks for a card at log-ins.
enum Asks {
    Nobody,
    /// SSSD, for all that can be read.
    Perhaps,
    /// And where that stands.
    By(String),
}

fn asks_for_a_card(root: &Path) -> Asks {
    let folder = root.join("etc/pam.d");
    let entries = fs::read_dir(folder).into_iter().flatten();
    let entries = entries.take(MOST_FILES).flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.sort();
    let configuration = root.join("etc/sssd/sssd.conf");
    let opened = File::open(&configuration).map_err(|error| error.kind());
    let is_hidden = matches!(opened, Err(ErrorKind::PermissionDenied));
    let mut has_sssd = false;
    let sssd = read(&configuration).unwrap_or_default();
    let sssd_asks = settings(&sssd)
        .any(|(name, value)| name == "pam_cert_auth" && value.eq_ignore_ascii_case("true"));
    let found = files.iter().find_map(|file| {
        let text = read(file)?;
        let name = file.file_name()?.to_string_lossy().into_owned();
        let mut lines = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default());
        lines.find_map(|line| {
            let mut words = line.split_whitespace();
            let kind = words.next().map(|it| it.trim_start_matches('-'));
            if kind != Some("auth") {
                return None;
            }
            if line.contains("pam_pkcs11.so") {
                return Some(format!("pam_pkcs11 (/etc/pam.d/{name})"));
            }
            let is_required = line.contains("cert_auth");
            let is_sssd = line.contains("pam_sss.so");
            has_sssd |= is_sssd;
            let asks = is_sssd && (sssd_asks || is_required);
            asks.then(|| format!("SSSD (/etc/pam.d/{name})"))
        })
    });
    match found {
        Some(found) => Asks::By(found),
        None if has_sssd && is_hidden => Asks::Perhaps,
        None => Asks::Nobody,
    }
}

/// `name = value`, without comments.
fn settings(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with(['#', ';']));
    lines.filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        Some((name.trim(), value.trim()))
    })
}

pub(super) fn read(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    file.take(LONGEST_FILE).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

pub(super) fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    readable(line.unwrap_or("it said nothing"))
}

#[cfg(test)]
pub(super) mod tests;
