//! The rest of the machine: systemd's view of the service, the clock, and logins
//! that ask for a card.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cac_common::identity::readable;
use cac_common::reader::ReaderStatus;

use super::child::{self, ChildError};
use super::look::Place;
use super::{By, Check, Found};

/// Before the service is asked for anything.
pub(super) const UNIT: Check = Check {
    name: "unit",
    title: "cacd is installed and started",
    meaning: "systemd knows the service (cacd.service), has started it, and starts it again with \
         the machine. Where somebody runs it by hand, or systemd is not there, this says nothing.",
    after: &[],
    by: By::Machine(unit),
};

pub(super) const CLOCK: Check = Check {
    name: "clock-synchronised",
    title: "the clock is kept right",
    meaning: "Something sets this machine's clock over the network. Without it the clock drifts, \
         and certificates, answers about revocation and sign-ins fail one day.",
    after: &[],
    by: By::Machine(clock),
};

pub(super) const LOCAL_LOGIN: Check = Check {
    name: "local-login",
    title: "no card left in locks you out",
    meaning: "Where logins to this machine ask for a card (pam_pkcs11, or SSSD with \
         pam_cert_auth), a card that is left in is taken for the log-in, and whoever types their \
         password instead of its PIN is refused, or spends a try.",
    after: &[],
    by: By::Machine(local_login),
};

const LIMIT: Duration = Duration::from_secs(4);

/// Of a folder with PAM's files.
const MOST_FILES: usize = 1024;
const LONGEST_FILE: u64 = 256 * 1024;

fn unit(place: &Place) -> Vec<Found> {
    if !place.root.join("run/systemd/system").is_dir() {
        return vec![Found::not_applicable("systemd does not run here")];
    }
    let mut command = Command::new("systemctl");
    command.args([
        "show",
        "cacd.service",
        "--property=LoadState,ActiveState,Result,UnitFileState",
    ]);
    vec![match child::said(command, LIMIT) {
        Ok(said) if said.is_fine => judge_unit(&said.text, place.picture.is_some()),
        Ok(said) => Found::unknown(first_line(&said.text)),
        Err(error) => Found::unknown(format!("systemctl: {error}")),
    }]
}

/// `ActiveState=active`, a line each (systemctl(1)).
fn judge_unit(properties: &str, is_reached: bool) -> Found {
    let of = |name: &str| {
        let mut lines = properties.lines().filter_map(|line| line.split_once('='));
        let found = lines.find(|(key, _)| *key == name);
        found.map_or_else(String::new, |(_, value)| readable(value))
    };
    let (load, active) = (of("LoadState"), of("ActiveState"));
    let (result, file) = (of("Result"), of("UnitFileState"));
    if load == "masked" && !is_reached {
        return Found::failed("cacd.service is masked").by(
            "Somebody has switched it off for good. If that was not meant, let it start again.",
            "sudo systemctl unmask cacd.service cacd.socket",
        );
    }
    if load != "loaded" {
        return if is_reached {
            Found::not_applicable("cacd was started by hand")
        } else {
            Found::failed("cacd.service is not installed").by(
                "Install the package of cacd, or its source with make install.",
                "sudo apt install ./cacd_*.deb",
            )
        };
    }
    // Who connects has it started over and over.
    let is_in_vain = active == "activating" && !is_reached && result != "success";
    let active = if is_in_vain { "failed" } else { &active };
    match (active, file.as_str()) {
        ("active" | "activating" | "reloading", "enabled" | "enabled-runtime" | "static") => {
            Found::fine("it is, and starts with the machine")
        }
        ("active" | "activating" | "reloading", _) => {
            Found::warning("it runs, and does not start with the machine").by(
                "Have it started with the machine.",
                "sudo systemctl enable cacd.service cacd.socket",
            )
        }
        _ if is_reached => Found::not_applicable("the one that answers was started by hand"),
        ("failed", _) => Found::failed(format!("it has failed ({result})")).by(
            "journalctl -u cacd says why. Mend that, and start it.",
            "journalctl --unit cacd --lines 20",
        ),
        (other, _) => Found::failed(format!("cacd.service is {other}")).by(
            "Start it, now and with the machine.",
            "sudo systemctl enable --now cacd.socket cacd.service",
        ),
    }
}

fn clock(_: &Place) -> Vec<Found> {
    let mut command = Command::new("timedatectl");
    command.args(["show", "--property=NTPSynchronized", "--value"]);
    vec![match child::said(command, LIMIT) {
        Ok(said) => judge_clock(said.is_fine, &said.text),
        Err(ChildError::NotThere) => Found::unknown("there is no timedatectl to ask"),
        Err(error) => Found::unknown(format!("timedatectl: {error}")),
    }]
}

fn judge_clock(is_fine: bool, said: &str) -> Found {
    match said.trim() {
        "yes" if is_fine => Found::fine("it is set over the network"),
        "no" if is_fine => Found::warning("nothing sets it over the network").by(
            "Have it set over the network: systemd-timesyncd or chrony does.",
            "sudo timedatectl set-ntp true",
        ),
        _ => Found::unknown(format!("timedatectl: {}", first_line(said))),
    }
}

fn local_login(place: &Place) -> Vec<Found> {
    let asked_by = match asks_for_a_card(&place.root) {
        Asks::Nobody => return vec![Found::fine("log-ins here ask for no card")],
        Asks::Perhaps => {
            return vec![
                Found::unknown("SSSD may ask for one; its configuration is root's to read")
                    .by("Ask as root.", "sudo cacctl check --only local-login"),
            ];
        }
        Asks::By(who) => who,
    };
    let is_in = place.picture.as_ref().is_some_and(|picture| {
        let mut readers = picture.readers.iter();
        readers.any(|reader| reader.status == ReaderStatus::Card)
    });
    vec![if is_in {
        Found::warning(format!("{asked_by} asks for a card, and one is in")).by(
            "Take the card out before you log in or unlock with a password. To log in with it, its \
             PIN is wanted where the password is.",
            "man pam_pkcs11",
        )
    } else {
        Found::fine(format!("{asked_by} asks for a card, and none is in"))
    }]
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
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::check::Verdict;
    use crate::invented;

    #[test]
    fn each_state_of_the_unit_has_its_verdict() {
        for (load, active, file, is_reached, verdict) in [
            ("loaded", "active", "enabled", true, Verdict::Fine),
            ("loaded", "active", "disabled", true, Verdict::Warning),
            ("loaded", "inactive", "enabled", false, Verdict::Failed),
            ("loaded", "failed", "enabled", false, Verdict::Failed),
            ("loaded", "activating", "enabled", false, Verdict::Failed),
            ("loaded", "activating", "enabled", true, Verdict::Fine),
            (
                "loaded",
                "inactive",
                "enabled",
                true,
                Verdict::NotApplicable,
            ),
            ("not-found", "inactive", "", false, Verdict::Failed),
            ("not-found", "inactive", "", true, Verdict::NotApplicable),
            ("masked", "inactive", "masked", false, Verdict::Failed),
        ] {
            let text = format!(
                "LoadState={load}\nActiveState={active}\nResult=exit-code\nUnitFileState={file}\n"
            );

            let found = judge_unit(&text, is_reached);

            assert_eq!(found.verdict(), verdict, "{text}{is_reached}");
        }
    }

    #[test]
    fn without_systemd_there_is_no_unit() {
        let root = tempfile::tempdir().unwrap();

        let found = unit(&Place::below(root.path()));

        assert_eq!(found[0].verdict(), Verdict::NotApplicable);
    }

    #[test]
    fn what_timedatectl_says_has_a_verdict() {
        for (is_fine, said, verdict) in [
            (true, "yes\n", Verdict::Fine),
            (true, "no\n", Verdict::Warning),
            (true, "", Verdict::Unknown),
            (false, "yes\n", Verdict::Unknown),
            (false, "Failed to connect to bus", Verdict::Unknown),
        ] {
            assert_eq!(judge_clock(is_fine, said).verdict(), verdict, "{said}");
        }
    }

    #[test]
    fn a_login_that_asks_for_a_card_is_told_while_one_is_in() {
        let sssd = "[pam]\n# pam_cert_auth = False\npam_cert_auth = True\n";
        for (pam, sssd, asks) in [
            ("auth sufficient pam_pkcs11.so\n", "", true),
            ("#auth sufficient pam_pkcs11.so\n", "", false),
            ("password optional pam_pkcs11.so\n", "", false),
            ("-auth sufficient pam_sss.so forward_pass\n", sssd, true),
            ("auth sufficient pam_sss.so require_cert_auth\n", "", true),
            (
                "auth sufficient pam_sss.so\n",
                "#pam_cert_auth = True",
                false,
            ),
            ("auth required pam_unix.so\n", sssd, false),
        ] {
            let root = tempfile::tempdir().unwrap();
            for folder in ["etc/pam.d", "etc/sssd"] {
                fs::create_dir_all(root.path().join(folder)).unwrap();
            }
            fs::write(root.path().join("etc/pam.d/login"), pam).unwrap();
            fs::write(root.path().join("etc/sssd/sssd.conf"), sssd).unwrap();
            let mut place = Place::below(root.path());
            let without = local_login(&place)[0].verdict();
            place.picture = Some(Arc::new(invented::desk()));
            let with = local_login(&place)[0].verdict();

            let expected = if asks {
                Verdict::Warning
            } else {
                Verdict::Fine
            };
            assert_eq!((without, with), (Verdict::Fine, expected), "{pam}{sssd}");
        }
    }
}
