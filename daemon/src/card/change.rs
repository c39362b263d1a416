//! Changes the PIN of a card: one command, sent once.

use std::sync::atomic::{AtomicU8, Ordering};

use cac_common::pin::NewPin;
use cac_common::snapshot::PinStatus;

use super::apdu::Exchange;
use super::error::{CardError, StatusWord};
use super::habits::Habits;
use super::logged_in::{Done, Target, Way, as_counted, prepare};
use super::piv::{self, CHANGE_REFERENCE_DATA, PinState};
use super::transport::{Transport, TransportError};
use crate::event::HeldPin;

/// Which comes first: that the command goes out, or that it is given up.
#[derive(Debug, Default)]
pub struct Outset(AtomicU8);

const GOES_OUT: u8 = 1;
const GIVEN_UP: u8 = 2;

impl Outset {
    /// Whether the command may go out; from then on it counts as sent.
    fn go_out(&self) -> bool {
        self.becomes(GOES_OUT)
    }

    /// Whether it has not gone out; from then on it never does.
    pub fn give_up(&self) -> bool {
        self.becomes(GIVEN_UP)
    }

    fn becomes(&self, what: u8) -> bool {
        let set = (self.0).compare_exchange(0, what, Ordering::SeqCst, Ordering::SeqCst);
        set.is_ok()
    }
}

/// How it ended, where the card did not say that the PIN was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Made,
    /// The old PIN holds, and the card says why in words.
    NotMade(CardError),
    /// The command went out, and no answer tells which of the two PINs holds.
    Unknown(CardError),
}

/// Sends both PINs, to the very card they were typed for and not for what could
/// be the last try unless the person said so. Both are gone afterwards, but
/// where nothing was sent. They do not go where it was given up before.
pub fn change_pin(
    transport: &mut dyn Transport,
    habits: &Habits,
    target: &Target,
    (pin, new): (HeldPin, NewPin),
    outset: &Outset,
) -> (Done<Change>, Option<NewPin>) {
    let mut exchange = Exchange::new(transport, habits);
    let (done, new) = change_through(&mut exchange, target, pin, new, outset);
    exchange.settle();
    let apdus = exchange.sent();
    (Done { apdus, ..done }, new)
}

fn change_through(
    exchange: &mut Exchange<'_>,
    target: &Target,
    pin: HeldPin,
    new: NewPin,
    outset: &Outset,
) -> (Done<Change>, Option<NewPin>) {
    let (way, state) = match prepare(exchange, target, &pin) {
        Ok(prepared) => prepared,
        Err(error) => {
            let given_back = error.leaves_pin_of_use();
            let done = ended(Err(error), given_back.then_some(pin), None);
            return (done, Some(new).filter(|_| given_back));
        }
    };
    let HeldPin::Unsent(pin) = pin else {
        // One that was accepted before is never what somebody has typed for this.
        return (ended(Err(CardError::OtherCard), None, None), None);
    };
    if !outset.go_out() {
        // Nobody waits for this answer any more.
        let late = CardError::Transport(TransportError::Hangs);
        return (ended(Err(late), None, None), None);
    }
    let answer = piv::change_pin(exchange, target.ways.pin, pin, new);
    let result = match answer {
        Ok(status) => said(status),
        Err(CardError::NoLockedMemory) => Err(CardError::NoLockedMemory),
        Err(error) => Ok(Change::Unknown(error)),
    };
    // It has logged in whoever it took the PIN from.
    let left = log_out(exchange, target, &way, state);
    let result = result.map_err(|error| as_counted(error, left));
    (ended(result, None, left.map(Into::into)), None)
}

/// Leaves the card as it was found; none where it does not say how it is left.
fn log_out(
    exchange: &mut Exchange<'_>,
    target: &Target,
    way: &Way,
    found: PinState,
) -> Option<PinState> {
    match found {
        PinState::LoggedIn => Some(found),
        PinState::LoggedOut { .. } | PinState::Blocked => way
            .log_out(exchange, target)
            .inspect_err(|error| tracing::warn!(%error, "card could not be logged out"))
            .ok(),
    }
}

fn ended(
    result: Result<Change, CardError>,
    pin: Option<HeldPin>,
    tries: Option<PinStatus>,
) -> Done<Change> {
    Done {
        result,
        pin,
        tries,
        apdus: 0,
    }
}

/// SP 800-73pt2-5 §3.2.2, and what other cards say.
fn said(status: StatusWord) -> Result<Change, CardError> {
    let refused = CardError::Refused {
        command: CHANGE_REFERENCE_DATA,
        status,
    };
    match status {
        StatusWord::SUCCESS => Ok(Change::Made),
        StatusWord::BLOCKED | StatusWord(0x63C0) => Err(CardError::PinBlocked),
        StatusWord(0x6300..=0x63FF) => Err(CardError::WrongPin {
            tries_left: status.tries_left(),
        }),
        StatusWord(
            0x6700 | 0x6982 | 0x6985 | 0x6A80 | 0x6A81 | 0x6A86 | 0x6A88 | 0x6D00 | 0x6E00,
        ) => Ok(Change::NotMade(refused)),
        _ => Ok(Change::Unknown(refused)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_up_never_goes_out_and_what_went_out_is_not_given_up() {
        let (late, early) = (Outset::default(), Outset::default());

        assert!(late.give_up() && !late.go_out());
        assert!(early.go_out() && !early.give_up());
    }

    #[test]
    fn only_what_the_standard_calls_a_refusal_is_taken_for_one() {
        let is_unknown = |word| matches!(said(StatusWord(word)), Ok(Change::Unknown(_)));

        assert_eq!(said(StatusWord(0x9000)), Ok(Change::Made));
        assert_eq!(
            said(StatusWord(0x63C2)),
            Err(CardError::WrongPin {
                tries_left: Some(2)
            })
        );
        assert_eq!(said(StatusWord(0x6983)), Err(CardError::PinBlocked));
        assert_eq!(said(StatusWord(0x63C0)), Err(CardError::PinBlocked));
        for word in [0x6A80, 0x6982, 0x6985, 0x6A88] {
            assert!(matches!(said(StatusWord(word)), Ok(Change::NotMade(_))));
        }
        for word in [0x6100, 0x6281, 0x6400, 0x6581, 0x6F00, 0x6C10, 0x1234] {
            assert!(is_unknown(word), "{word:04X}");
        }
    }
}
