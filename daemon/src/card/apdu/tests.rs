//! Commands against a script of answers.

use super::*;

/// Answers one after the other, and keeps what was sent.
struct Script {
    protocol: Protocol,
    atr: &'static [u8],
    sent: Vec<Vec<u8>>,
    answers: Box<dyn Iterator<Item = Vec<u8>> + Send>,
}

impl Transport for Script {
    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn atr(&self) -> &[u8] {
        self.atr
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.sent.push(command.to_vec());
        self.answers.next().ok_or(TransportError::Removed)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
}

#[test]
fn an_answer_in_parts_is_put_together() {
    let mut card = script(
        Protocol::T1,
        [b"ab\x61\x02".to_vec(), b"cd\x90\x00".to_vec()],
    );

    let answer = Exchange::new(&mut card, &Habits::default())
        .send(get(b"x"))
        .unwrap();

    assert_eq!(answer.data, b"abcd");
    assert_eq!(card.sent[1], [0x00, 0xC0, 0x00, 0x00, 0x02]);
}

#[test]
fn over_t0_a_command_with_data_goes_without_le() {
    let mut card = script(Protocol::T0, [b"\x61\x01".to_vec(), b"a\x90\x00".to_vec()]);

    let answer = Exchange::new(&mut card, &Habits::default())
        .send(get(b"x"))
        .unwrap();

    assert_eq!(answer.data, b"a");
    assert_eq!(card.sent[0], b"\x00\xCB\x3F\xFF\x01x");
}

#[test]
fn a_wrong_le_is_put_right() {
    let mut card = script(
        Protocol::T1,
        [b"\x6C\x05".to_vec(), b"abcde\x90\x00".to_vec()],
    );

    let answer = Exchange::new(&mut card, &Habits::default())
        .send(get(b"x"))
        .unwrap();

    assert_eq!(answer.data, b"abcde");
    assert_eq!(card.sent[1], b"\x00\xCB\x3F\xFF\x01x\x05");
}

#[test]
fn a_long_command_goes_in_parts() {
    let mut card = script(Protocol::T1, [b"\x90\x00".to_vec(), b"\x90\x00".to_vec()]);

    Exchange::new(&mut card, &Habits::default())
        .send(get(&[7; 266]))
        .unwrap();

    assert_eq!(card.sent[0][..5], [0x10, 0xCB, 0x3F, 0xFF, 0xFF]);
    assert_eq!(card.sent[0].len(), 5 + 255);
    assert_eq!(card.sent[1][..5], [0x00, 0xCB, 0x3F, 0xFF, 11]);
    assert_eq!(card.sent[1].len(), 5 + 11 + 1);
}

#[test]
fn endless_answers_come_to_an_end() {
    for part in [
        b"\x61\x00".to_vec(),
        [vec![0; 256], b"\x61\x00".to_vec()].concat(),
    ] {
        let mut card = Script {
            protocol: Protocol::T1,
            atr: &[],
            sent: Vec::new(),
            answers: Box::new(std::iter::repeat(part)),
        };

        let ended = Exchange::new(&mut card, &Habits::default()).send(get(b"x"));

        assert!(matches!(ended, Err(CardError::Endless { .. })));
    }
}

#[test]
fn a_card_that_fails_is_asked_once_more_and_then_believed() {
    for failure in [b"\x64\x00", b"\x65\x81", b"\x6F\x00"] {
        let got_over = [failure.to_vec(), b"a\x90\x00".to_vec()];
        let in_the_midst = [
            b"a\x61\x01".to_vec(),
            failure.to_vec(),
            b"ab\x90\x00".to_vec(),
        ];
        let for_good = [failure.to_vec(), failure.to_vec()];
        let mut first = script(Protocol::T1, got_over);
        let mut second = script(Protocol::T1, in_the_midst);
        let mut third = script(Protocol::T1, for_good);

        let ask = |card: &mut Script| {
            Exchange::new(card, &Habits::default())
                .send(get(b"x"))
                .unwrap()
        };

        assert_eq!(ask(&mut first).data, b"a");
        assert_eq!(ask(&mut second).data, b"ab");
        assert!(ask(&mut third).status.is_failure_of_the_card());
    }
}

#[test]
fn a_key_that_fails_is_not_used_once_more() {
    let mut card = script(Protocol::T1, [b"\x6F\x00".to_vec(), b"a\x90\x00".to_vec()]);
    let sign = Command {
        instruction: 0x87,
        name: "GENERAL AUTHENTICATE",
        ..get(b"x")
    };

    let answer = Exchange::new(&mut card, &Habits::default())
        .send(sign)
        .unwrap();

    assert_eq!(answer.status, StatusWord(0x6F00));
    assert_eq!(card.sent.len(), 1);
}

#[test]
fn an_answer_is_left_once_it_is_enough_and_the_next_has_to_fit() {
    let mut card = script(
        Protocol::T1,
        [
            b"\x53\x06ab\x61\x04".to_vec(),
            b"\x53\x01z\x90\x00".to_vec(),
        ],
    );
    let habits = Habits::default();
    let mut exchange = Exchange::new(&mut card, &habits);

    let head = exchange.send_for_head(object(b"x"), &mut |_| true).unwrap();
    let next = exchange.send(object(b"y")).unwrap();

    assert_eq!((head.data, head.is_whole), (b"\x53\x06ab".to_vec(), false));
    assert_eq!(next.data, b"\x53\x01z");
    assert_eq!(exchange.sent(), 2);
    assert_eq!(habits.of(&[]), Habit::default());
}

#[test]
fn a_card_that_answers_with_what_was_left_is_selected_again_and_read_whole_from_then_on() {
    for stale in [b"cdef\x90\x00".to_vec(), b"\x69\x85".to_vec()] {
        let mut card = script(
            Protocol::T1,
            [
                b"\x53\x06ab\x61\x04".to_vec(),
                stale,
                b"\x90\x00".to_vec(),
                b"\x53\x01z\x90\x00".to_vec(),
                b"\x53\x06ab\x61\x04".to_vec(),
                b"cdef\x90\x00".to_vec(),
            ],
        );
        let habits = Habits::default();
        let mut exchange = Exchange::new(&mut card, &habits);

        exchange.send_for_head(object(b"x"), &mut |_| true).unwrap();
        let next = exchange.send(object(b"y")).unwrap();
        let later = exchange.send_for_head(object(b"x"), &mut |_| true).unwrap();

        assert_eq!(next.data, b"\x53\x01z");
        assert_eq!(later.data, b"\x53\x06abcdef");
        assert!(later.is_whole);
        assert!(habits.of(&[]).keeps_replies);
        assert_eq!(card.sent[2][1], SELECT);
    }
}

#[test]
fn an_error_that_stays_after_selecting_again_was_meant() {
    let mut card = script(
        Protocol::T1,
        [
            b"\x53\x06ab\x61\x04".to_vec(),
            b"\x69\x85".to_vec(),
            b"\x90\x00".to_vec(),
            b"\x69\x85".to_vec(),
        ],
    );
    let habits = Habits::default();
    let mut exchange = Exchange::new(&mut card, &habits);

    exchange.send_for_head(object(b"x"), &mut |_| true).unwrap();
    let next = exchange.send(object(b"y")).unwrap();

    assert_eq!(next.status, StatusWord(0x6985));
    assert_eq!(habits.of(&[]), Habit::default());
}

#[test]
fn an_application_that_is_gone_is_selected_again_and_asked_once_more() {
    let gone = b"\x6D\x00".to_vec();
    let refused = [b"a\x61\x05".to_vec(), b"\x69\x85".to_vec()];
    for lost in [vec![gone], refused.to_vec()] {
        let selected = b"\x90\x00".to_vec();
        let object = b"\x53\x01a\x90\x00".to_vec();
        let answers = [vec![selected.clone()], lost, vec![selected, object]].concat();
        let mut card = Script {
            answers: Box::new(answers.into_iter()),
            ..script(Protocol::T1, [])
        };
        let habits = Habits::default();
        let mut exchange = Exchange::new(&mut card, &habits);

        exchange.send(select()).unwrap();
        let answer = exchange.send(object_53()).unwrap();

        assert_eq!(answer.data, b"\x53\x01a");
        let [first, .., again, _] = &card.sent[..] else {
            panic!("{:02X?}", card.sent);
        };
        assert_eq!(first, again);
    }
}

#[test]
fn a_card_that_answers_so_when_selected_again_is_believed_from_then_on() {
    let mut card = script(
        Protocol::T1,
        [
            b"\x90\x00",
            b"\x6D\x00",
            b"\x90\x00",
            b"\x6D\x00",
            b"\x6D\x00",
        ]
        .map(Vec::from),
    );
    let habits = Habits::default();
    let mut exchange = Exchange::new(&mut card, &habits);
    exchange.send(select()).unwrap();

    for _ in 0..2 {
        let answer = exchange.send(object_53()).unwrap();
        assert_eq!(answer.status, StatusWord(0x6D00));
    }

    assert_eq!(card.sent.len(), 5);
}

#[test]
fn a_key_is_not_used_once_more_where_its_application_is_gone() {
    let mut card = script(Protocol::T1, [b"\x90\x00", b"\x6D\x00"].map(Vec::from));
    let habits = Habits::default();
    let mut exchange = Exchange::new(&mut card, &habits);
    exchange.send(select()).unwrap();
    let sign = Command {
        instruction: 0x87,
        ..get(b"x")
    };

    let answer = exchange.send(sign).unwrap();

    assert_eq!(answer.status, StatusWord(0x6D00));
    assert_eq!(card.sent.len(), 2);
}

#[test]
fn nothing_is_left_unread_for_the_next_program() {
    let mut card = script(
        Protocol::T1,
        [b"\x53\x06ab\x61\x04".to_vec(), b"\x90\x00".to_vec()],
    );
    let habits = Habits::default();
    let mut exchange = Exchange::new(&mut card, &habits);

    exchange.send_for_head(object(b"x"), &mut |_| true).unwrap();
    exchange.settle();
    exchange.settle();

    assert_eq!(exchange.sent(), 2);
    assert_eq!(card.sent[1][1], SELECT);
}

#[test]
fn an_object_comes_in_one_answer_where_the_card_says_it_can() {
    let object_of_300 = tlv::write(0x53, &[7; 300]);
    let mut card = script(Protocol::T1, [[&object_of_300[..], b"\x90\x00"].concat()]);
    card.atr = SAYS_EXTENDED;

    let answer = Exchange::new(&mut card, &Habits::default())
        .send(object(b"x"))
        .unwrap();

    assert_eq!(answer.data, object_of_300);
    assert_eq!(card.sent[0], b"\x00\xCB\x3F\xFF\x00\x00\x01x\x00\x00");
}

#[test]
fn the_first_doubt_ends_extended_length_for_good() {
    let object_of_300 = tlv::write(0x53, &[7; 300]);
    let refused = b"\x67\x00".to_vec();
    let cut = [&object_of_300[..256], b"\x90\x00"].concat();
    for doubtful in [refused, cut] {
        let short =
            |from: usize, to: usize, status: &[u8]| [&object_of_300[from..to], status].concat();
        let length = object_of_300.len();
        let mut card = script(
            Protocol::T1,
            [
                doubtful,
                short(0, 256, b"\x61\x30"),
                short(256, length, b"\x90\x00"),
                short(0, 256, b"\x61\x30"),
                short(256, length, b"\x90\x00"),
            ],
        );
        card.atr = SAYS_EXTENDED;
        let habits = Habits::default();
        let mut exchange = Exchange::new(&mut card, &habits);

        for _ in 0..2 {
            assert_eq!(exchange.send(object(b"x")).unwrap().data, object_of_300);
        }

        assert_eq!(card.sent.len(), 5);
        assert!(habits.of(SAYS_EXTENDED).refuses_extended);
    }
}

/// COMPACT-TLV 73, with bit 7 of its third byte.
const SAYS_EXTENDED: &[u8] = b"\x3B\x85\x80\x01\x80\x73\xC0\x21\xC0\x00";

#[test]
fn debug_shows_no_data() {
    assert_eq!(
        format!("{:?}", get(b"secret")),
        "GET DATA 00 CB 3F FF (6 bytes)"
    );
}

fn select() -> Command<'static> {
    Command {
        class: 0,
        instruction: SELECT,
        p1: 0x04,
        p2: 0,
        data: &PIV_AID,
        expects: Expects::Data,
        name: "SELECT",
    }
}

fn object_53() -> Command<'static> {
    Command {
        expects: Expects::Object(0x53),
        ..get(b"x")
    }
}

fn object(data: &[u8]) -> Command<'_> {
    Command {
        expects: Expects::Object(0x53),
        ..get(data)
    }
}

fn get(data: &[u8]) -> Command<'_> {
    Command {
        class: 0x00,
        instruction: 0xCB,
        p1: 0x3F,
        p2: 0xFF,
        data,
        expects: Expects::Data,
        name: "GET DATA",
    }
}

fn script<const N: usize>(protocol: Protocol, answers: [Vec<u8>; N]) -> Script {
    Script {
        protocol,
        atr: &[],
        sent: Vec::new(),
        answers: Box::new(answers.into_iter()),
    }
}
