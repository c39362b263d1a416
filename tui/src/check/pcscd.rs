//! pcscd, as whoever asks reaches it, and not only the service.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use cac_common::reader::ServiceStatus;

use super::look::Place;
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
    },
    Check {
        name: "pcscd-socket",
        title: "pcscd's socket is there",
        meaning: "Programs reach pcscd, the system's smart card service, through a socket. systemd \
             holds it, and starts pcscd with the first that calls.",
        after: &[],
        by: By::Machine(socket),
    },
    Check {
        name: "pcscd-access",
        title: "pcscd lets you in",
        meaning: "pcscd was called as you, as a browser of yours would. Where it is built with \
             polkit it lets in only who sits at the machine, and whom a rule names: not who came \
             by ssh. cacd has a rule of its own.",
        after: &["pcscd-socket"],
        by: By::Machine(access),
    },
    Check {
        name: "pcscd-protocol",
        title: "pcscd and its library match",
        meaning: "The library that a program brings along and pcscd speak a protocol with versions. \
             In a container, a snap or a flatpak the library may be another than the system's, and \
             pcscd then turns it away as if it were not there.",
        after: &["pcscd-access"],
        by: By::Machine(protocol),
    },
    Check {
        name: "pcscd",
        title: "pcscd can be used",
        meaning: "pcscd, the system's smart card service, is there and lets cacd in. It is how every \
             program reaches the readers.",
        after: &["service"],
        by: By::Picture(super::service::pcscd),
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
        return vec![Found::unknown("the mounts cannot be read")];
    }
    let Some(option) = hidden_by(&text) else {
        return vec![Found::fine("/proc is shown to all")];
    };
    let cause = format!("/proc is mounted with {option}");
    let is_refused = service(place) == Some(ServiceStatus::NotAllowed);
    let found = if is_refused {
        Found::failed(format!("{cause}, and pcscd refuses cacd"))
    } else {
        Found::warning(cause)
    };
    vec![found.by(
        "Mount it without, or let pcscd's user see it: the option gid= names a group that does. It \
         stands in /etc/fstab, or in a unit.",
        "sudo mount -o remount,hidepid=0 /proc",
    )]
}

/// `hidepid=2`, where processes of others are hidden.
fn hidden_by(mounts: &str) -> Option<String> {
    let proc = mounts.lines().rev().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let is_proc = fields.next() == Some("/proc") && fields.next() == Some("proc");
        is_proc.then(|| fields.next()).flatten()
    })?;
    let mut options = proc.split(',');
    let option = options.find(|option| option.starts_with("hidepid="))?;
    let shows_all = matches!(option, "hidepid=0" | "hidepid=off");
    (!shows_all).then(|| option.to_owned())
}

fn service(place: &Place) -> Option<ServiceStatus> {
    place.picture.as_ref().map(|picture| picture.service)
}

fn path(place: &Place) -> std::path::PathBuf {
    (place.pcscd.clone()).unwrap_or_else(|| place.root.join(SOCKET))
}

fn socket(place: &Place) -> Vec<Found> {
    let path = path(place);
    vec![match UnixStream::connect(&path) {
        Ok(_) => Found::fine(path.display().to_string()),
        Err(error) => {
            let (path, told) = (path.display(), told(&error));
            Found::failed(format!("pcscd's socket ({path}): {told}")).by(START_IT, START_IT_BY)
        }
    }]
}

fn told(error: &io::Error) -> String {
    let known = [
        (io::ErrorKind::NotFound, "it is not there"),
        (io::ErrorKind::ConnectionRefused, "nobody listens there"),
        (io::ErrorKind::PermissionDenied, "it is not for you"),
    ];
    let known = known.iter().find(|(kind, _)| *kind == error.kind());
    known.map_or_else(|| error.to_string(), |(_, told)| (*told).to_owned())
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
        Answer::Version(..) => Found::fine("it answers you"),
        Answer::TurnedAway => {
            let cause = "it turns you away, as polkit has it do";
            // Then it is in the way of your browser alone.
            if service(place) == Some(ServiceStatus::Running) {
                Found::warning(cause).by(
                    RULE,
                    "pkaction --verbose --action-id org.debian.pcsc-lite.access_pcsc",
                )
            } else {
                Found::failed(cause).by(RULE, "journalctl -u pcscd")
            }
        }
        Answer::Silence => Found::failed("it takes the call and says nothing").by(
            "It hangs, perhaps in a reader's driver. Start it anew; pull the reader first if that \
             does not help.",
            "sudo systemctl restart pcscd",
        ),
        Answer::NotThere(error) => Found::failed(told(&error)).by(START_IT, START_IT_BY),
    }]
}

fn protocol(place: &Place) -> Vec<Found> {
    // It notes in its log whoever asks with another version.
    if service(place) == Some(ServiceStatus::Running) {
        return vec![Found::fine("cacd and it understand each other")];
    }
    let Answer::Version(major, minor) = ask(place) else {
        return vec![Found::unknown("it did not say")];
    };
    let told = format!("it speaks protocol {major}.{minor}");
    let restart = "After an update of pcscd or of its library, programs and pcscd go on with what they \
         had. Start both anew, and install both from one place.";
    vec![if major != MAJOR {
        Found::failed(format!("{told}, and libraries speak {MAJOR}"))
            .by(restart, "sudo systemctl restart pcscd cacd")
    } else if service(place) == Some(ServiceStatus::Away) {
        Found::failed(format!("{told}, and cacd's library cannot talk to it"))
            .by(restart, "sudo systemctl restart pcscd cacd")
    } else {
        Found::fine(told)
    }]
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::sync::Arc;

    use super::*;
    use crate::check::Verdict;
    use crate::invented;

    #[test]
    fn a_proc_that_hides_processes_is_told_by_its_option() {
        for (mounts, option) in [
            ("proc /proc proc rw,nosuid,relatime 0 0\n", None),
            ("proc /proc proc rw,hidepid=0 0 0\n", None),
            ("proc /proc proc rw,hidepid=2 0 0\n", Some("hidepid=2")),
            (
                "proc /proc proc rw,hidepid=invisible,gid=4 0 0",
                Some("hidepid=invisible"),
            ),
            (
                "a /proc proc rw 0 0\nb /proc proc rw,hidepid=1 0 0",
                Some("hidepid=1"),
            ),
            ("a /proc proc hidepid=1 0 0\nb /proc proc rw 0 0", None),
            ("proc /mnt/proc proc rw,hidepid=2 0 0", None),
            ("", None),
            ("one\ntwo words", None),
        ] {
            assert_eq!(hidden_by(mounts).as_deref(), option, "{mounts}");
        }
    }

    #[test]
    fn hidepid_fails_only_where_pcscd_refuses_the_service() {
        let root = tempfile::tempdir().unwrap();
        let mut place = Place::below(root.path());
        let unread = hidepid(&place)[0].verdict();
        fs::create_dir_all(root.path().join("proc/self")).unwrap();
        let mounts = root.path().join("proc/self/mounts");
        fs::write(&mounts, "proc /proc proc rw,hidepid=2 0 0\n").unwrap();

        let warned = hidepid(&place)[0].verdict();
        let mut picture = invented::desk();
        picture.service = ServiceStatus::NotAllowed;
        place.picture = Some(Arc::new(picture));
        let failed = hidepid(&place)[0].verdict();

        assert_eq!(
            [unread, warned, failed],
            [Verdict::Unknown, Verdict::Warning, Verdict::Failed]
        );
    }

    /// One that does so with the first who calls.
    fn pcscd(does: fn(UnixStream)) -> (tempfile::TempDir, Place) {
        let root = tempfile::tempdir().unwrap();
        let mut place = Place::below(root.path());
        let path = root.path().join("pcscd.comm");
        let listener = UnixListener::bind(&path).unwrap();
        place.pcscd = Some(path);
        std::thread::spawn(move || does(listener.accept().unwrap().0));
        (root, place)
    }

    fn answers(mut stream: UnixStream, major: u32) {
        let mut request = [0; 20];
        stream.read_exact(&mut request).unwrap();
        let answer = [major, 5, 0].map(u32::to_ne_bytes);
        stream.write_all(answer.as_flattened()).unwrap();
    }

    #[test]
    fn each_way_that_pcscd_may_answer_has_its_verdict() {
        let (_root, place) = pcscd(|stream| answers(stream, 4));
        assert_eq!(access(&place)[0].verdict(), Verdict::Fine);
        let (_root, place) = pcscd(drop);
        assert_eq!(access(&place)[0].verdict(), Verdict::Failed);
        let (_root, mut place) = pcscd(drop);
        place.picture = Some(Arc::new(invented::desk()));
        assert_eq!(access(&place)[0].verdict(), Verdict::Warning);
    }

    #[test]
    fn a_protocol_of_another_time_and_a_library_that_cannot_talk_are_told() {
        let (_root, place) = pcscd(|stream| answers(stream, 4));
        assert_eq!(protocol(&place)[0].verdict(), Verdict::Fine);
        let (_root, place) = pcscd(|stream| answers(stream, 5));
        assert_eq!(protocol(&place)[0].verdict(), Verdict::Failed);
        let (_root, mut place) = pcscd(|stream| answers(stream, 4));
        let mut picture = invented::desk();
        picture.service = ServiceStatus::Away;
        place.picture = Some(Arc::new(picture));
        assert_eq!(protocol(&place)[0].verdict(), Verdict::Failed);
    }

    #[test]
    fn a_socket_that_is_not_there_and_one_that_nobody_listens_at_fail() {
        let root = tempfile::tempdir().unwrap();
        let mut place = Place::below(root.path());
        let none = socket(&place);
        let path = root.path().join("pcscd.comm");
        drop(UnixListener::bind(&path).unwrap());
        place.pcscd = Some(path);
        let dead = socket(&place);

        assert_eq!(none[0].verdict(), Verdict::Failed);
        assert_eq!(dead[0].verdict(), Verdict::Failed);
        assert_ne!(none, dead);
    }
}
