//! pcscd, as whoever asks reaches it, and not only the service.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cac_common::reader::ServiceStatus;

use super::look::Place;
use super::outcome::outcomes;
use super::{By, Check, Found};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "hidepid",
        title: "pcscd can see who calls it",
        meaning: "Where /proc is mounted with hidepid, users do not see each other's processes. \
             pcscd, which is a user of its own in recent versions, then cannot tell who calls it, \
             and refuses everybody.",
        after: &[],
        by: By::Machine(hidepid),
        outcomes: hidepid::ALL,
    },
    Check {
        name: "pcscd-socket",
        title: "pcscd's socket is there",
        meaning: "Programs reach pcscd, the system's smart card service, through a socket. systemd \
             holds it, and starts pcscd with the first that calls.",
        after: &[],
        by: By::Machine(socket),
        outcomes: socket::ALL,
    },
    Check {
        name: "pcscd-access",
        title: "pcscd lets you in",
        meaning: "pcscd was called as you, as a browser of yours would. Where it is built with \
             polkit it lets in only who sits at the machine, and whom a rule names: not who came \
             by ssh. cacd has a rule of its own.",
        after: &["pcscd-socket"],
        by: By::Machine(access),
        outcomes: access::ALL,
    },
    Check {
        name: "pcscd-protocol",
        title: "pcscd and its library match",
        meaning: "The library that a program brings along and pcscd speak a protocol with versions. \
             In a container, a snap or a flatpak the library may be another than the system's, and \
             pcscd then turns it away as if it were not there.",
        after: &["pcscd-access"],
        by: By::Machine(protocol),
        outcomes: protocol::ALL,
    },
    Check {
        name: "pcscd",
        title: "pcscd can be used",
        meaning: "pcscd, the system's smart card service, is there and lets cacd in. It is how every \
             program reaches the readers.",
        after: &["service"],
        by: By::Picture(super::service::pcscd),
        outcomes: super::service::pcscd::ALL,
    },
];

/// Where pcsc-lite has its socket.
const SOCKET: &str = "run/pcscd/pcscd.comm";

/// Of the mounts of this process (proc(5)); there may be thousands.
const LONGEST_MOUNTS: u64 = 1 << 20;

/// pcscd answers at once, and polkit's helper in some tenths of a second.
const ANSWER: Duration = Duration::from_secs(3);

/// The version of the protocol, and `CMD_VERSION` (pcsc-lite, winscard_msg.h).
const MAJOR: u32 = 4;
const MINOR: u32 = 4;
const VERSION: u32 = 0x11;

/// A time-out of a socket (socket(7), SO_RCVTIMEO), and one that was closed.
const TOO_LATE: [io::ErrorKind; 2] = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut];
const HUNG_UP: [io::ErrorKind; 3] = [
    io::ErrorKind::UnexpectedEof,
    io::ErrorKind::BrokenPipe,
    io::ErrorKind::ConnectionReset,
];

const START_IT: &str = "Programs reach the readers through it. Start it; cacd finds it by itself. Where \
     there is no such unit, it is not installed: sudo apt install pcscd.";
const START_IT_BY: &str = "sudo systemctl enable --now pcscd.socket";

const RULE: &str = "Log in at the machine itself: polkit lets in who sits there. Whoever comes from \
     elsewhere needs a rule in /etc/polkit-1/rules.d for the actions \
     org.debian.pcsc-lite.access_pcsc and access_card. cacd has its own, and works all the same.";

const SHOW_IT: &str = "Mount it without, or let pcscd's user see it: the option gid= names a group that \
     does. It stands in /etc/fstab, or in a unit.";
const SHOW_IT_BY: &str = "sudo mount -o remount,hidepid=0 /proc";

const RESTART: &str = "After an update of pcscd or of its library, programs and pcscd go on with what \
     they had. Start both anew, and install both from one place.";
const RESTART_BY: &str = "sudo systemctl restart pcscd cacd";

outcomes! {
    hidepid {
        UNREAD: Outcome::unknown("the mounts cannot be read");
        SHOWN: Outcome::fine("/proc is shown to all");
        TO_A_GROUP: Outcome::fine("/proc is mounted with {option}, and pcscd serves cacd");
        REFUSED: Outcome::failed("/proc is mounted with {option}, and pcscd refuses cacd")
            .by(super::SHOW_IT, super::SHOW_IT_BY);
        HIDDEN: Outcome::warning("/proc is mounted with {option}")
            .by(super::SHOW_IT, super::SHOW_IT_BY);
    }
}

outcomes! {
    socket {
        THERE: Outcome::fine("{path}");
        NOT_THERE: Outcome::failed("pcscd's socket ({path}): it is not there")
            .by(super::START_IT, super::START_IT_BY);
        DEAD: Outcome::failed("pcscd's socket ({path}): nobody listens there")
            .by(super::START_IT, super::START_IT_BY);
        NOT_FOR_YOU: Outcome::failed("pcscd's socket ({path}): it is not for you").by(
            "It is for everybody as packages have it; polkit says who is let in. Have systemd make it \
             anew; where it stays so, a file in /etc/systemd/system changes its mode.",
            "sudo systemctl restart pcscd.socket",
        );
        OTHER: Outcome::failed("pcscd's socket ({path}): {why}")
            .by(super::START_IT, super::START_IT_BY);
    }
}

outcomes! {
    access {
        ANSWERS: Outcome::fine("it answers you");
        // Then it is in the way of your browser alone.
        YOU_ALONE: Outcome::warning("it turns you away, as polkit has it do").by(
            super::RULE,
            "pkaction --verbose --action-id org.debian.pcsc-lite.access_pcsc",
        );
        TURNED_AWAY: Outcome::failed("it turns you away, as polkit has it do")
            .by(super::RULE, "journalctl -u pcscd");
        SILENCE: Outcome::failed("it takes the call and says nothing").by(
            "It hangs, perhaps in a reader's driver. Start it anew; pull the reader first if that \
             does not help.",
            "sudo systemctl restart pcscd",
        );
        GONE: Outcome::failed("{what went wrong}").by(super::START_IT, super::START_IT_BY);
    }
}

outcomes! {
    protocol {
        UNDERSTOOD: Outcome::fine("cacd and it understand each other");
        NOT_TOLD: Outcome::unknown("it did not say");
        OTHER: Outcome::failed("it speaks protocol {version}, and libraries speak {ours}")
            .by(super::RESTART, super::RESTART_BY);
        OF_CACD: Outcome::failed("it speaks protocol {version}, and cacd does not reach it").by(
            "Just after pcscd was started this is so for some seconds: look once more. If it stays so, \
             cacd's library is of another time, as after an update: start both anew.",
            super::RESTART_BY,
        );
        SPOKEN: Outcome::fine("it speaks protocol {version}");
    }
}

/// What pcscd said to us.
#[derive(Debug)]
enum Answer {
    /// Its version of the protocol.
    Version(u32, u32),
    /// It closed the connection before a word.
    TurnedAway,
    NotThere(io::Error),
    Silence,
}

fn hidepid(place: &Place) -> Vec<Found> {
    let mut text = String::new();
    let file = fs::File::open(place.root.join("proc/self/mounts"));
    let read = file.and_then(|file| file.take(LONGEST_MOUNTS).read_to_string(&mut text));
    if read.is_err() {
        return vec![hidepid::UNREAD.found()];
    }
    let Some(option) = hidden_by(&text) else {
        return vec![hidepid::SHOWN.found()];
    };
    let outcome = match service(place) {
        Some(ServiceStatus::NotAllowed) => hidepid::REFUSED,
        Some(ServiceStatus::Running) if option.contains("gid=") => hidepid::TO_A_GROUP,
        _ => hidepid::HIDDEN,
    };
    vec![outcome.told(&[("option", &option)])]
}

/// `hidepid=2`, where processes of others are hidden, and from whom they are not
/// (`gid=4`).
fn hidden_by(mounts: &str) -> Option<String> {
    let proc = mounts.lines().rev().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let is_proc = fields.next() == Some("/proc") && fields.next() == Some("proc");
        is_proc.then(|| fields.next()).flatten()
    })?;
    let option = |name: &str| proc.split(',').find(|option| option.starts_with(name));
    let hides = option("hidepid=").filter(|it| !matches!(*it, "hidepid=0" | "hidepid=off"))?;
    let options = [Some(hides), option("gid=")].into_iter().flatten();
    Some(options.collect::<Vec<_>>().join(","))
}

fn service(place: &Place) -> Option<ServiceStatus> {
    place.picture.as_ref().map(|picture| picture.service)
}

fn path(place: &Place) -> PathBuf {
    (place.pcscd.clone()).unwrap_or_else(|| place.root.join(SOCKET))
}

fn socket(place: &Place) -> Vec<Found> {
    let path = path(place);
    vec![match UnixStream::connect(&path) {
        Ok(_) => socket::THERE.told(&[("path", &path.display())]),
        Err(error) => unreached(&error, &path),
    }]
}

fn unreached(error: &io::Error, path: &Path) -> Found {
    let known = [
        (io::ErrorKind::NotFound, socket::NOT_THERE),
        (io::ErrorKind::ConnectionRefused, socket::DEAD),
        (io::ErrorKind::PermissionDenied, socket::NOT_FOR_YOU),
    ];
    let known = known.iter().find(|(kind, _)| *kind == error.kind());
    let outcome = known.map_or(socket::OTHER, |(_, outcome)| *outcome);
    outcome.told(&[("path", &path.display()), ("why", error)])
}

/// Whether pcscd hangs up on whoever asks, as polkit has it.
pub(super) fn turns_away(place: &Place) -> bool {
    matches!(ask(place), Answer::TurnedAway)
}

/// Calls pcscd as a program would, and hangs up.
fn ask(place: &Place) -> Answer {
    let mut stream = match UnixStream::connect(path(place)) {
        Ok(stream) => stream,
        Err(error) => return Answer::NotThere(error),
    };
    let numbers = [12, VERSION, MAJOR, MINOR, 0];
    let request: Vec<u8> = numbers.iter().flat_map(|it| it.to_ne_bytes()).collect();
    let talked = (stream.set_read_timeout(Some(ANSWER)))
        .and_then(|()| stream.set_write_timeout(Some(ANSWER)))
        .and_then(|()| stream.write_all(&request))
        .and_then(|()| Ok((number(&mut stream)?, number(&mut stream)?)));
    match talked {
        Ok((major, minor)) => Answer::Version(major, minor),
        Err(error) if TOO_LATE.contains(&error.kind()) => Answer::Silence,
        Err(error) if HUNG_UP.contains(&error.kind()) => Answer::TurnedAway,
        Err(error) => Answer::NotThere(error),
    }
}

/// In the order of bytes of this machine.
fn number(stream: &mut UnixStream) -> io::Result<u32> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes)?;
    Ok(u32::from_ne_bytes(bytes))
}

fn access(place: &Place) -> Vec<Found> {
    vec![match ask(place) {
        Answer::Version(..) => access::ANSWERS.found(),
        Answer::TurnedAway if service(place) == Some(ServiceStatus::Running) => {
            access::YOU_ALONE.found()
        }
        Answer::TurnedAway => access::TURNED_AWAY.found(),
        Answer::Silence => access::SILENCE.found(),
        Answer::NotThere(error) => access::GONE.told(&[("what went wrong", &error)]),
    }]
}

fn protocol(place: &Place) -> Vec<Found> {
    // It notes in its log whoever asks with another version.
    if service(place) == Some(ServiceStatus::Running) {
        return vec![protocol::UNDERSTOOD.found()];
    }
    let Answer::Version(major, minor) = ask(place) else {
        return vec![protocol::NOT_TOLD.found()];
    };
    let outcome = if major != MAJOR {
        protocol::OTHER
    } else if service(place) == Some(ServiceStatus::Away) {
        protocol::OF_CACD
    } else {
        protocol::SPOKEN
    };
    let version = format!("{major}.{minor}");
    vec![outcome.told(&[("version", &version), ("ours", &MAJOR)])]
}

#[cfg(test)]
pub(super) mod tests;
