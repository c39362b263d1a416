//! What a test can do to the card behind the back of a program.

use crate::bench::*;
use std::thread;
use std::time::Duration;

use cac_tests::virtual_card::card_file::Slot;
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::habits::Speed;
use cac_tests::virtual_card::{CardModel, instruction, samples};
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
fn another_program_resets_the_card_at_the_chosen_command() {
    let mut bench = john(CardModel::T1);
    bench.verify(RIGHT_PIN);
    bench.card.reset_at(Moment::next_of_any().after(1));

    assert_eq!(bench.use_key(Slot::Authentication), 0x9000);
    assert_eq!(
        bench.transport.transmit(&ASK_TRIES),
        Err(TransportError::Reset)
    );

    assert!(!bench.card.pin_is_verified());
    let mut again = bench.card.transport();
    assert_eq!(again.transmit(&ASK_TRIES), Ok(vec![0x6D, 0x00]));
}

#[test]
fn another_program_selects_another_applet_between_two_commands() {
    let mut bench = john(CardModel::T1);
    bench.verify(RIGHT_PIN);
    bench.card.clear_log();
    bench
        .card
        .select_other_at(Moment::next(instruction::GENERAL_AUTHENTICATE));

    assert_eq!(bench.use_key(Slot::Authentication), 0x6D00);

    assert_eq!(bench.card.log().count(), 1, "the log is of one program");
    assert!(!bench.card.pin_is_verified());
    bench.send(&SELECT_PIV);
    assert_eq!(bench.use_key(Slot::Authentication), 0x6982);
}

#[test]
fn another_card_is_put_in_at_the_chosen_command() {
    let mut bench = john(CardModel::T1);
    bench
        .card
        .swap_at(
            Moment::next(instruction::GET_DATA),
            samples::jane(),
            CardModel::T1,
        )
        .unwrap();
    bench.verify(RIGHT_PIN);

    let command = with_le(get_data(&CHUID));
    assert_eq!(
        bench.transport.transmit(&command),
        Err(TransportError::Removed)
    );
    assert_eq!(
        bench.transport.transmit(&SELECT_PIV),
        Err(TransportError::Removed)
    );

    assert!(bench.card.is_in() && !bench.card.pin_is_verified());
    let mut bench = Bench {
        transport: bench.card.transport(),
        card: bench.card,
    };
    bench.send(&SELECT_PIV);
    let (head, _) = bench.send(&command);
    assert_eq!(head, samples::jane().object(&CHUID).unwrap()[..256]);
}

#[test]
fn time_is_counted_by_apdu_and_by_byte() {
    let time = Speed::CONTACT.time_for(5 + 258);

    assert_eq!(time, Duration::from_micros(20_000 + 263 * 80));
}

#[test]
fn the_log_counts_bytes_both_ways() {
    let mut bench = john(CardModel::T1);
    bench.card.clear_log();

    bench.send(&with_le(get_data(&[0x7E])));
    bench.send(&ASK_TRIES);

    let log = bench.card.log();
    assert_eq!(log.bytes(), (9 + 0x14 + 2) + (4 + 2));
    assert_eq!(log.entries()[0].bytes, 9 + 0x14 + 2);
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
