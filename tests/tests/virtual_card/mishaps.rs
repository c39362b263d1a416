//! What a test can do to the card behind the back of a program.

use crate::bench::*;
use std::thread;

use cac_tests::virtual_card::card_file::Slot;
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::{CardModel, instruction};
use cacd::card::transport::{Transport, TransportError};

#[test]
fn a_card_taken_out_answers_no_old_connection_again() {
    let mut bench = john(CardModel::T1);

    bench.card.take_out();
    assert_eq!(
        bench.transport.transmit(&ASK_TRIES),
        Err(TransportError::Removed)
    );
    bench.card.put_in();

    assert_eq!(
        bench.transport.transmit(&ASK_TRIES),
        Err(TransportError::Removed)
    );
    assert!(bench.card.transport().transmit(&SELECT_PIV).is_ok());
}

#[test]
fn a_reset_is_told_to_those_who_had_the_card_open() {
    let mut bench = john(CardModel::T1);
    bench.verify(RIGHT_PIN);

    bench.card.reset_by_another_program();

    assert_eq!(
        bench.transport.transmit(&ASK_TRIES),
        Err(TransportError::Reset)
    );
    assert!(!bench.card.pin_is_verified());
}

#[test]
fn the_card_is_pulled_at_the_chosen_command() {
    let mut bench = john(CardModel::T1);
    bench.verify(RIGHT_PIN);
    bench
        .card
        .pull_at(Moment::next(instruction::GENERAL_AUTHENTICATE).after(1));

    assert_eq!(bench.use_key(Slot::Authentication), 0x9000);
    let command = general_authenticate(0, 0x11, Slot::Authentication, &ecc_challenge());

    assert_eq!(
        bench.transport.transmit(&command),
        Err(TransportError::Removed)
    );
    assert!(!bench.card.is_in());
    assert_eq!(bench.card.log().key_operations(), 1);
}

#[test]
fn a_held_command_is_answered_after_its_release() {
    let bench = john(CardModel::T1);
    let hold = bench.card.hold_at(Moment::next(instruction::VERIFY));
    let mut transport = bench.transport;
    let program = thread::spawn(move || transport.transmit(&ASK_TRIES));

    hold.wait_until_reached(LIMIT).unwrap();
    assert_eq!(
        bench.card.log().entries().len(),
        1,
        "only the SELECT was answered"
    );
    hold.release();

    assert_eq!(program.join().unwrap(), Ok(vec![0x63, 0xC3]));
}

#[test]
fn a_card_taken_out_frees_the_held_command() {
    let bench = john(CardModel::T1);
    let hold = bench.card.hold_at(Moment::next_of_any());
    let mut transport = bench.transport;
    let program = thread::spawn(move || transport.transmit(&ASK_TRIES));
    hold.wait_until_reached(LIMIT).unwrap();

    bench.card.take_out();

    assert_eq!(program.join().unwrap(), Err(TransportError::Removed));
}

#[test]
fn the_log_knows_headers_and_pins_given_but_no_data() {
    let mut bench = john(CardModel::T1);
    bench.card.clear_log();

    bench.verify(RIGHT_PIN);

    let log = bench.card.log();
    let apdu = log.entries()[0];
    assert_eq!(
        (apdu.ins, apdu.lc, apdu.carries_pin, apdu.sw.0),
        (0x20, 8, true, 0x9000)
    );
    assert_eq!((log.count(), log.pin_attempts()), (1, 1));
}
