//! What a user at a seat is sent, and may pass.

use super::*;
use crate::event::{FoundSeat, Front, SessionEvent};

/// Another, in front of the seat in some of these.
const AT_THE_SEAT: u32 = 4_000_001;

#[test]
fn each_is_sent_what_they_may_see_and_who_is_no_longer_in_front_a_strangers_picture() {
    let serving = Serving::begin();
    let mut state = desk();
    sit_down(&mut state, Some(AT_THE_SEAT));
    serving.publish(&state);
    let monitor = b"{\"method\":\"org.cacd1.Monitor\",\"more\":true}\0";
    let mut at_the_seat = connect_as(AT_THE_SEAT, &serving.socket());
    let mut stranger = connect_as_stranger(&serving.socket());
    at_the_seat.write_all(monitor).unwrap();
    stranger.write_all(monitor).unwrap();

    let shown = next(&mut at_the_seat).parameters.to_string();
    let strangers = next(&mut stranger).parameters.to_string();
    sit_down(&mut state, None);
    serving.publish(&state);
    let afterwards = next(&mut at_the_seat).parameters.to_string();

    let names = [
        facts(0, 0).certificates[0].summary.sha256.clone(),
        facts(0, 0).id.0,
        "DOE".into(),
    ];
    for name in &names {
        assert!(shown.contains(name), "{name} is not in {shown}");
        assert!(!strangers.contains(name), "{name} in {strangers}");
        assert!(!afterwards.contains(name), "{name} in {afterwards}");
    }
    assert!(shown.contains("\"may_act\":true") && shown.contains("\"may_administer\":false"));
    assert!(afterwards.contains("\"may_act\":false"));
}

#[tokio::test]
async fn of_whoever_sees_the_card_of_another_by_their_office_the_log_is_told_once() {
    const ADMINISTRATOR: u32 = STRANGER + 2;
    let mut state = desk();
    sit_down(&mut state, Some(AT_THE_SEAT));
    let seen = Arc::new(Seen::default());
    let see = |state: &State, uid, is_administrator| {
        let Published {
            snapshot, sight, ..
        } = &published(state);
        let peer = Peer {
            uid,
            is_administrator,
        };
        seen.picture(snapshot, sight, peer, method::GET_SNAPSHOT);
        seen.count(uid)
    };

    assert_eq!(see(&state, AT_THE_SEAT, false), 0, "their own");
    assert_eq!(
        see(&state, AT_THE_SEAT, true),
        0,
        "their own, office or not"
    );
    assert_eq!(see(&state, STRANGER, false), 0, "they see none");
    let own = rustix::process::getuid().as_raw();
    assert_eq!(see(&state, own, true), 0, "a daemon of their own");
    assert_eq!(see(&state, ADMINISTRATOR, true), 1);
    assert_eq!(see(&state, ADMINISTRATOR, true), 1, "once");
    let empty = super::state();
    assert_eq!(see(&empty, ADMINISTRATOR, true), 0, "the card is out");
    assert_eq!(see(&state, ADMINISTRATOR, true), 1, "and in again");
}

#[test]
fn a_picture_is_encoded_once_for_all_who_see_the_same() {
    let mut state = desk();
    sit_down(&mut state, Some(AT_THE_SEAT));
    let published = published(&state);
    let picture = |uid, is_administrator| {
        let peer = Peer {
            uid,
            is_administrator,
        };
        published.encoded(peer).as_ptr()
    };

    let every = [
        picture(0, true),
        picture(AT_THE_SEAT, false),
        picture(STRANGER, false),
    ];
    assert_eq!(picture(STRANGER, true), every[0]);
    assert_eq!(picture(AT_THE_SEAT, true), every[0]);
    assert_eq!(picture(AT_THE_SEAT, false), every[1]);
    assert_eq!(picture(STRANGER + 100, false), every[2]);
    assert!(every[0] != every[1] && every[1] != every[2] && every[0] != every[2]);
}

#[test]
fn who_comes_to_the_seat_may_pass_a_pipe_on_the_connection_that_they_have() {
    let mut serving = Serving::begin();
    let mut state = desk();
    let mut connection = connect_as(AT_THE_SEAT, &serving.socket());
    let call = br#"{"method":"org.cacd1.SubmitPin","parameters":{"card":"card-0","visit":1}}"#;
    let call = [call, &b"\0"[..]].concat();
    let (pipe, mut into) = io::pipe().unwrap();
    into.write_all(b"123456").unwrap();
    drop(into);

    pass(&connection, &call, &pipe);
    let before = next(&mut connection).error;
    sit_down(&mut state, Some(AT_THE_SEAT));
    serving.publish(&state);
    pass(&connection, &call, &pipe);
    let request = serving.requests.blocking_recv().unwrap();

    assert_eq!(before.as_deref(), Some("org.cacd1.NotAtTheSeat"));
    assert_eq!(
        (request.by.uid, request.by.is_administrator),
        (AT_THE_SEAT, false)
    );
    let Event::PinGiven { pin, .. } = (request.event)(RequestId(1)) else {
        panic!("another event");
    };
    assert_eq!(pin.typed_for().uid, AT_THE_SEAT);
    drop(request.answer);
    let reply = next(&mut connection);
    assert_eq!(reply.error.as_deref(), Some("org.cacd1.Stopping"));
}

#[test]
fn what_a_user_at_the_seat_passes_and_lets_linger_holds_up_nobody_but_them() {
    let mut state = desk();
    sit_down(&mut state, Some(AT_THE_SEAT));

    let (serving, (connections, others_ends)) = Serving::begin_with(&state, |socket| {
        let lingering = |_| {
            let connection = connect_as(AT_THE_SEAT, socket);
            pass_lingering(connection, b"{\"method\":\"a.B\"}\0")
        };
        let every = (0..2 * ROOM_OF_ONE_USER).map(lingering);
        every.unzip::<_, _, Vec<_>, Vec<_>>()
    });

    for _ in 0..20 {
        assert!(serving.snapshot_for_root().unwrap().may_administer);
    }
    let mut stranger = connect_as_stranger(&serving.socket());
    stranger.write_all(b"{\"method\":\"a.B\"}\0").unwrap();
    assert!(next(&mut stranger).error.is_some());
    drop((connections, others_ends));
}

/// The first reader is found at seat0, and somebody is in front there.
fn sit_down(state: &mut State, uid: Option<u32>) {
    let found = Event::SeatFound(FoundSeat {
        reader: reader_name(0),
        arrival: 1,
        seat: Some("seat0".into()),
    });
    state.step(found, now());
    let in_front = uid.into_iter().map(|uid| {
        let session = "1".into();
        ("seat0".to_owned(), Front { uid, session })
    });
    let seats = SessionEvent::Seats(in_front.collect());
    state.step(Event::Session(seats), now());
}
