//! What wants a PIN: the right card, the PIN, the work, and logged out again,
//! with nothing of another program in between.

mod way;

use cac_common::certificate::Slot;
use cac_common::identity::CardId;
use cac_common::snapshot::PinStatus;

use super::apdu::Exchange;
use super::error::CardError;
use super::facts::{CardCertificate, CardFacts, Edge};
use super::habits::Habits;
use super::piv::{PinState, Verified, Ways};
use super::transport::Transport;
use crate::event::HeldPin;
pub(super) use way::Way;

/// The card that a PIN was typed for, and how it is known again.
#[derive(Debug, Clone)]
pub struct Target {
    pub card: CardId,
    pub slot: Slot,
    /// The card has to hold the same in that slot.
    pub certificate: Vec<u8>,
    pub edge: Edge,
    pub ways: Ways,
}

impl Target {
    /// By one of the card's own certificates.
    pub fn of(facts: &CardFacts, certificate: &CardCertificate) -> Self {
        Self {
            card: facts.id.clone(),
            slot: certificate.summary.slot,
            certificate: certificate.der.clone(),
            edge: facts.edge,
            ways: facts.ways,
        }
    }
}

/// What became of the work, and of the PIN: given back if it was not sent, or
/// if the card's last answer to it was 9000.
pub struct Done<T> {
    pub result: Result<T, CardError>,
    pub pin: Option<HeldPin>,
    /// What the card last said of its PIN, if it was asked.
    pub tries: Option<PinStatus>,
    pub apdus: u32,
}

/// Does `work` while the card has accepted the PIN. That is not sent unless the
/// reader holds the very card it was typed for, and not for what could be the
/// last try unless the person said so, or has logged in to the machine with it.
pub(super) fn while_logged_in<T>(
    transport: &mut dyn Transport,
    habits: &Habits,
    target: &Target,
    pin: HeldPin,
    work: impl FnOnce(&Way, &mut Exchange<'_>) -> Result<T, CardError>,
) -> Done<T> {
    let mut exchange = Exchange::new(transport, habits);
    let done = work_through(&mut exchange, target, pin, work);
    exchange.settle();
    Done {
        apdus: exchange.sent(),
        ..done
    }
}

fn work_through<T>(
    exchange: &mut Exchange<'_>,
    target: &Target,
    pin: HeldPin,
    work: impl FnOnce(&Way, &mut Exchange<'_>) -> Result<T, CardError>,
) -> Done<T> {
    let (way, state) = match prepare(exchange, target, &pin) {
        Ok(prepared) => prepared,
        Err(error) => {
            let given_back = error.leaves_pin_of_use();
            return Done {
                result: Err(error),
                pin: given_back.then_some(pin),
                tries: None,
                apdus: 0,
            };
        }
    };
    let pin = match pin {
        HeldPin::Unsent(pin) => pin,
        HeldPin::Accepted(pin) => pin.again(),
    };
    let accepted = match way.verify(exchange, target, pin) {
        Verified::Accepted(pin) => pin,
        Verified::Refused(error) => {
            // The card may have accepted it all the same, and its answer was lost
            // or is none that a refusal has.
            let left = match state {
                PinState::LoggedIn => None,
                PinState::LoggedOut { .. } | PinState::Blocked => {
                    let left = way.log_out(exchange, target);
                    left.inspect_err(|error| tracing::warn!(%error, "card could not be logged out"))
                        .ok()
                }
            };
            return Done {
                result: Err(as_counted(error, left)),
                pin: None,
                tries: left.map(Into::into),
                apdus: 0,
            };
        }
    };
    let result = work(&way, exchange);
    // Whoever was logged in before us stays so; we leave it as we found it.
    let left = match state {
        PinState::LoggedIn => Ok(PinState::LoggedIn),
        PinState::LoggedOut { .. } | PinState::Blocked => way.log_out(exchange, target),
    };
    Done {
        tries: left.as_ref().ok().map(|state| (*state).into()),
        result: result.and_then(|result| left.map(|_| result)),
        pin: Some(HeldPin::Accepted(accepted)),
        apdus: 0,
    }
}

/// Finds the card, and whether the PIN may be sent to it.
pub(super) fn prepare(
    exchange: &mut Exchange<'_>,
    target: &Target,
    pin: &HeldPin,
) -> Result<(Way, PinState), CardError> {
    let way = Way::of(target)?;
    if !way.is_the_card(exchange, target)? {
        return Err(CardError::OtherCard);
    }
    let typed_for = pin.typed_for();
    if typed_for.card != target.card {
        return Err(CardError::OtherCard);
    }
    let state = way.pin_state(exchange, target)?;
    let tries_left = match state {
        PinState::Blocked => return Err(CardError::PinBlocked),
        PinState::LoggedOut { tries_left } => tries_left,
        // Whoever is logged in has spent no try since, and gave this very PIN.
        PinState::LoggedIn if typed_for.by_login => return Ok((way, state)),
        PinState::LoggedIn => None,
    };
    let may_be_the_last = tries_left.is_none_or(|tries| tries <= 1);
    if may_be_the_last && !typed_for.even_the_last_try {
        return Err(CardError::LastTry { tries_left });
    }
    Ok((way, state))
}

/// A refusal that counts nothing, with what the card then says of its tries.
pub(super) fn as_counted(error: CardError, state: Option<PinState>) -> CardError {
    match (error, state) {
        (CardError::WrongPin { tries_left: None }, Some(PinState::Blocked)) => {
            CardError::PinBlocked
        }
        (CardError::WrongPin { tries_left: None }, Some(PinState::LoggedOut { tries_left })) => {
            CardError::WrongPin { tries_left }
        }
        (error, _) => error,
    }
}
