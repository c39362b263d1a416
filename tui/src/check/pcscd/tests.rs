//! What each of them comes to.

use std::os::unix::net::UnixListener;
use std::sync::Arc;

use super::*;
use crate::check::tests::{Case, single};
use crate::invented;

#[test]
fn a_proc_that_hides_processes_is_told_by_its_option() {
    for (mounts, option) in [
        ("proc /proc proc rw,nosuid,relatime 0 0\n", None),
        ("proc /proc proc rw,hidepid=0 0 0\n", None),
        ("proc /proc proc rw,hidepid=2 0 0\n", Some("hidepid=2")),
        (
            "proc /proc proc rw,hidepid=invisible,gid=4 0 0",
            Some("hidepid=invisible,gid=4"),
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

pub(in crate::check) fn cases() -> Vec<Case> {
    let mut cases = of_hidepid();
    cases.extend(of_the_socket());
    cases.extend(of_the_answer());
    cases.extend(of_the_protocol());
    cases
}

/// With the service's picture, in which pcscd is such.
fn seen(mut place: Place, status: ServiceStatus) -> Place {
    let mut picture = invented::desk();
    picture.service = status;
    place.picture = Some(Arc::new(picture));
    place
}

fn of_hidepid() -> Vec<Case> {
    let root = tempfile::tempdir().unwrap();
    let place = Place::below(root.path());
    let unread = hidepid(&place);
    fs::create_dir_all(root.path().join("proc/self")).unwrap();
    let mounts = root.path().join("proc/self/mounts");
    fs::write(&mounts, "proc /proc proc rw 0 0\n").unwrap();
    let shown = hidepid(&place);
    fs::write(&mounts, "proc /proc proc rw,hidepid=2 0 0\n").unwrap();
    let hidden = hidepid(&place);
    let works = hidepid(&seen(place.clone(), ServiceStatus::Running));
    let refused = hidepid(&seen(place.clone(), ServiceStatus::NotAllowed));
    fs::write(&mounts, "proc /proc proc rw,gid=4,hidepid=2 0 0\n").unwrap();
    let to_a_group = hidepid(&seen(place, ServiceStatus::Running));
    vec![
        single("hidepid", hidepid::TO_A_GROUP, to_a_group),
        single("hidepid", hidepid::UNREAD, unread),
        single("hidepid", hidepid::SHOWN, shown),
        single("hidepid", hidepid::HIDDEN, hidden),
        single("hidepid", hidepid::HIDDEN, works),
        single("hidepid", hidepid::REFUSED, refused),
    ]
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

/// One that takes calls and never says a word.
fn silent() -> (tempfile::TempDir, Place, UnixListener) {
    let root = tempfile::tempdir().unwrap();
    let mut place = Place::below(root.path());
    let path = root.path().join("pcscd.comm");
    let listener = UnixListener::bind(&path).unwrap();
    place.pcscd = Some(path);
    (root, place, listener)
}

fn of_the_socket() -> Vec<Case> {
    let root = tempfile::tempdir().unwrap();
    let mut place = Place::below(root.path());
    let none = socket(&place);
    let path = root.path().join("pcscd.comm");
    drop(UnixListener::bind(&path).unwrap());
    place.pcscd = Some(path);
    let dead = socket(&place);
    let (_root, place, _listener) = silent();
    let unreached = |kind: io::ErrorKind| vec![unreached(&kind.into(), Path::new("/a"))];
    vec![
        single("pcscd-socket", socket::NOT_THERE, none),
        single("pcscd-socket", socket::DEAD, dead),
        single(
            "pcscd-socket",
            socket::NOT_FOR_YOU,
            unreached(io::ErrorKind::PermissionDenied),
        ),
        single(
            "pcscd-socket",
            socket::OTHER,
            unreached(io::ErrorKind::OutOfMemory),
        ),
        single("pcscd-socket", socket::THERE, socket(&place)),
    ]
}

fn of_the_answer() -> Vec<Case> {
    let running = ServiceStatus::Running;
    let (_answers, answering) = pcscd(|stream| answers(stream, 4));
    let (_drops, dropping) = pcscd(drop);
    let (_drops_too, dropping_you) = pcscd(drop);
    let (_silent, silent, _listener) = silent();
    let root = tempfile::tempdir().unwrap();
    let nowhere = Place::below(root.path());
    vec![
        single("pcscd-access", access::ANSWERS, access(&answering)),
        single("pcscd-access", access::TURNED_AWAY, access(&dropping)),
        single(
            "pcscd-access",
            access::YOU_ALONE,
            access(&seen(dropping_you, running)),
        ),
        single("pcscd-access", access::SILENCE, access(&silent)),
        single("pcscd-access", access::GONE, access(&nowhere)),
    ]
}

fn of_the_protocol() -> Vec<Case> {
    let (_ours, ours) = pcscd(|stream| answers(stream, 4));
    let (_other, other) = pcscd(|stream| answers(stream, 5));
    let (_of_cacd, of_cacd) = pcscd(|stream| answers(stream, 4));
    let (_drops, drops) = pcscd(drop);
    let root = tempfile::tempdir().unwrap();
    let unasked = seen(Place::below(root.path()), ServiceStatus::Running);
    vec![
        single("pcscd-protocol", protocol::SPOKEN, protocol(&ours)),
        single("pcscd-protocol", protocol::OTHER, protocol(&other)),
        single(
            "pcscd-protocol",
            protocol::OF_CACD,
            protocol(&seen(of_cacd, ServiceStatus::Away)),
        ),
        single("pcscd-protocol", protocol::UNDERSTOOD, protocol(&unasked)),
        single("pcscd-protocol", protocol::NOT_TOLD, protocol(&drops)),
    ]
}
