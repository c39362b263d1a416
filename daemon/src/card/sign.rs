//! One signature: the right card, the PIN, the key, and logged out again, with
//! nothing of another program in between.

mod way;

use cac_common::certificate::Slot;
use cac_common::identity::CardId;
use cac_common::snapshot::PinStatus;

use super::apdu::Exchange;
use super::error::CardError;
use super::facts::Edge;
use super::habits::Habits;
use super::piv::{Algorithm, PinState, Verified, Ways};
use super::transport::Transport;
use crate::event::HeldPin;
use way::Way;

/// What is to be signed, and with which card.
#[derive(Debug, Clone)]
pub struct Order {
    /// The card the PIN was typed for.
    pub card: CardId,
    pub slot: Slot,
    pub algorithm: Algorithm,
    /// The certificate that goes to the portal; the card has to hold the same.
    pub certificate: Vec<u8>,
    /// For RSA as long as the modulus, else a digest as long as the curve is wide.
    pub block: Vec<u8>,
    pub edge: Edge,
    pub ways: Ways,
}

/// What became of it, and of the PIN: given back if it was not sent, or if
/// the card's last answer to it was 9000.
pub struct Signed {
    pub signature: Result<Vec<u8>, CardError>,
    pub pin: Option<HeldPin>,
    /// What the card last said of its PIN, if it was asked.
    pub tries: Option<PinStatus>,
    pub apdus: u32,
}

/// Signs. The PIN is not sent unless the reader holds the very card it was
/// typed for, and not for what could be the last try unless the person said so.
pub fn sign(transport: &mut dyn Transport, habits: &Habits, order: &Order, pin: HeldPin) -> Signed {
    let mut exchange = Exchange::new(transport, habits);
    let signed = sign_through(&mut exchange, order, pin);
    exchange.settle();
    Signed {
        apdus: exchange.sent(),
        ..signed
    }
}

fn sign_through(exchange: &mut Exchange<'_>, order: &Order, pin: HeldPin) -> Signed {
    let (way, state) = match prepare(exchange, order, &pin) {
        Ok(prepared) => prepared,
        Err(error) => {
            // The last try stays unspent, and so the PIN has no further use.
            let given_back = !matches!(
                error,
                CardError::LastTry { .. } | CardError::PinBlocked | CardError::OtherCard
            );
            return Signed {
                signature: Err(error),
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
    let accepted = match way.verify(exchange, order, pin) {
        Verified::Accepted(pin) => pin,
        Verified::Refused(error) => {
            // The card may have accepted it all the same, and its answer was lost
            // or is none that a refusal has.
            let left = match state {
                PinState::LoggedIn => None,
                PinState::LoggedOut { .. } | PinState::Blocked => {
                    let left = way.log_out(exchange, order);
                    left.inspect_err(|error| tracing::warn!(%error, "card could not be logged out"))
                        .ok()
                }
            };
            return Signed {
                signature: Err(as_counted(error, left)),
                pin: None,
                tries: left.map(Into::into),
                apdus: 0,
            };
        }
    };
    let signature = way.sign(exchange, order);
    // Whoever was logged in before us stays so; we leave it as we found it.
    let left = match state {
        PinState::LoggedIn => Ok(PinState::LoggedIn),
        PinState::LoggedOut { .. } | PinState::Blocked => way.log_out(exchange, order),
    };
    Signed {
        tries: left.as_ref().ok().map(|state| (*state).into()),
        signature: signature.and_then(|signature| left.map(|_| signature)),
        pin: Some(HeldPin::Accepted(accepted)),
        apdus: 0,
    }
}

fn prepare(
    exchange: &mut Exchange<'_>,
    order: &Order,
    pin: &HeldPin,
) -> Result<(Way, PinState), CardError> {
    let way = Way::of(order)?;
    if !way.is_the_card(exchange, order)? {
        return Err(CardError::OtherCard);
    }
    let typed_for = pin.typed_for();
    if typed_for.card != order.card {
        return Err(CardError::OtherCard);
    }
    let state = way.pin_state(exchange, order)?;
    let tries_left = match state {
        PinState::Blocked => return Err(CardError::PinBlocked),
        PinState::LoggedOut { tries_left } => tries_left,
        PinState::LoggedIn => None,
    };
    let may_be_the_last = tries_left.is_none_or(|tries| tries <= 1);
    if may_be_the_last && !typed_for.even_the_last_try {
        return Err(CardError::LastTry { tries_left });
    }
    Ok((way, state))
}

/// A refusal that counts nothing, with what the card then says of its tries.
fn as_counted(error: CardError, state: Option<PinState>) -> CardError {
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
