//! Connections of those who want more of them than there are, or linger.

use std::sync::mpsc as threads;

use super::super::places::{FOR_EVERYONE, MOST_OF_ONE_USER};
use super::super::turned_away::MOST_THREADS;
use super::*;

#[test]
fn sockets_that_linger_hold_up_no_one_else() {
    // More than the runtime has threads: some to be read, some to be closed unread.
    let messages = [
        &b"{\"method\":\"a.B\"}\0"[..],
        b"{",
        b"not varlink\0{\"",
        b"x\0",
    ];
    let (serving, (mut connections, others_ends)) = Serving::begin_after(|socket| {
        let lingering = |message| pass_lingering(connect_as_stranger(socket), message);
        messages
            .into_iter()
            .cycle()
            .take(12)
            .map(lingering)
            .unzip::<_, _, Vec<_>, Vec<_>>()
    });
    // Half of them go before they are answered.
    connections.truncate(6);

    for _ in 0..20 {
        assert!(serving.snapshot_for_root().unwrap().may_act);
    }

    // They did linger: nothing was answered until their other ends went.
    let first = &mut connections[0];
    first.set_nonblocking(true).unwrap();
    let too_early = first.read(&mut [0; 100]).unwrap_err();
    assert_eq!(too_early.kind(), io::ErrorKind::WouldBlock);
    drop(others_ends);
    first.set_nonblocking(false).unwrap();
    assert!(first.read(&mut [0; 100]).unwrap() > 0);
}

#[test]
fn too_many_connections_of_one_user_hold_up_no_one_else() {
    let (serving, (mut connections, others_ends)) = Serving::begin_after(|socket| {
        (0..MOST_OF_ONE_USER + 4)
            .map(|_| pass_lingering(connect_as_stranger(socket), b"x\0"))
            .unzip::<_, _, Vec<_>, Vec<_>>()
    });

    let end = connections.pop().unwrap().read(&mut [0; 100]);

    // Closed: with what was sent still unread, if nobody came to read it.
    let is_closed = match &end {
        Ok(read) => *read == 0,
        Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
    };
    assert!(is_closed, "{end:?}");
    assert!(serving.snapshot_for_root().unwrap().may_act);
    drop(others_ends);
}

#[test]
fn administrators_get_in_where_others_have_taken_every_place() {
    let administrator = users::get_user_by_name(GROUP).unwrap().uid();
    let serving = Serving::begin();
    let strangers = (0..).map(|number| STRANGER + number);
    let held: Vec<Socket> = strangers
        .take(FOR_EVERYONE / MOST_OF_ONE_USER)
        .flat_map(|uid| (0..MOST_OF_ONE_USER).map(move |_| uid))
        .map(|uid| connect_as(uid, &serving.socket()))
        .collect();
    // Each has its place when it is answered.
    for mut connection in &held {
        connection.write_all(b"{\"method\":\"a.B\"}\0").unwrap();
        assert!(connection.read(&mut [0; 100]).unwrap() > 0);
    }

    let mut late = connect_as(STRANGER - 1, &serving.socket());
    let mut administrators = connect_as(administrator, &serving.socket());
    administrators
        .write_all(b"{\"method\":\"org.cacd1.GetSnapshot\"}\0")
        .unwrap();

    assert_eq!(late.read(&mut [0; 100]).unwrap(), 0, "turned away");
    let reply = next(&mut administrators);
    assert_eq!(reply.parameters["snapshot"]["may_administer"], true);
    drop(held);
}

#[test]
fn what_one_user_has_turned_away_leaves_threads_for_others() {
    let passing = |uid, socket: &Path, descriptor: &dyn Fn(&Socket)| {
        let places: Vec<Socket> = (0..MOST_OF_ONE_USER)
            .map(|_| connect_as(uid, socket))
            .collect();
        let late = connect_as(uid, socket);
        descriptor(&late);
        (places, late)
    };
    let (told, closed) = threads::channel();
    let (_serving, held) = Serving::begin_after(|socket| {
        let mut lingering = Vec::new();
        let places: Vec<Socket> = (0..MOST_OF_ONE_USER)
            .map(|_| connect_as(STRANGER, socket))
            .collect();
        // More than there are threads for all.
        for _ in 0..2 * MOST_THREADS {
            lingering.push(pass_lingering(connect_as(STRANGER, socket), b"x\0"));
        }
        let (ours, theirs) = Socket::pair().unwrap();
        let others = passing(STRANGER + 1, socket, &|late| pass(late, b"x\0", &theirs));
        drop(theirs);
        std::thread::spawn(move || told.send((&ours).read(&mut [0])).unwrap());
        (places, lingering, others)
    });

    // What another user sent is closed, while those of the first linger.
    let end = closed.recv_timeout(LINGERS / 10).unwrap();

    assert!(matches!(end, Ok(0)), "{end:?}");
    drop(held);
}
