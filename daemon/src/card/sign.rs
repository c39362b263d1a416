//! One signature: the right card, the PIN, the key, and logged out again, with
//! nothing of another program in between.

use cac_common::certificate::Slot;
use cac_common::identity::CardId;
use cac_common::snapshot::PinStatus;

use super::apdu::Exchange;
use super::certificate;
use super::chuid::Chuid;
use super::error::CardError;
use super::habits::Habits;
use super::holder::id_by;
use super::known::is_front_of;
use super::objects::{self, CHUID};
use super::piv::{self, Algorithm, Content, PinState, Verified, Ways};
use super::read::id_of_unnumbered;
use super::transport::Transport;
use crate::event::HeldPin;

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
    let (state, key_reference) = match prepare(exchange, order, &pin) {
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
    let accepted = match piv::verify(exchange, order.ways.pin, pin) {
        Verified::Accepted(pin) => pin,
        Verified::Refused(error) => {
            let unheard = matches!(error, CardError::Transport(_) | CardError::Malformed { .. });
            // The card may have accepted it, and its answer was lost.
            if unheard
                && state != PinState::LoggedIn
                && let Err(error) = piv::log_out(exchange, order.ways)
            {
                tracing::warn!(%error, "card could not be logged out");
            }
            return Signed {
                signature: Err(error),
                pin: None,
                tries: None,
                apdus: 0,
            };
        }
    };
    let signature = piv::sign(exchange, order.algorithm, key_reference, &order.block);
    // Whoever was logged in before us stays so; we leave it as we found it.
    let left = match state {
        PinState::LoggedIn => Ok(PinState::LoggedIn),
        PinState::LoggedOut { .. } | PinState::Blocked => piv::log_out(exchange, order.ways),
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
) -> Result<(PinState, u8), CardError> {
    let key_reference = order.slot.key_reference().ok_or(CardError::OtherCard)?;
    piv::select(exchange)?;
    if !is_the_card(exchange, order)? {
        return Err(CardError::OtherCard);
    }
    let typed_for = pin.typed_for();
    if typed_for.card != order.card {
        return Err(CardError::OtherCard);
    }
    let state = piv::pin_state(exchange, order.ways.pin)?;
    let tries_left = match state {
        PinState::Blocked => return Err(CardError::PinBlocked),
        PinState::LoggedOut { tries_left } => tries_left,
        PinState::LoggedIn => None,
    };
    let may_be_the_last = tries_left.is_none_or(|tries| tries <= 1);
    if may_be_the_last && !typed_for.even_the_last_try {
        return Err(CardError::LastTry { tries_left });
    }
    Ok((state, key_reference))
}

/// Whether the reader holds the very card that the order is for, by its ID and
/// by the certificate whose key is to sign.
fn is_the_card(exchange: &mut Exchange<'_>, order: &Order) -> Result<bool, CardError> {
    let chuid = match piv::get_head(exchange, CHUID, &mut |front| {
        Chuid::parse_head(front).is_enough
    }) {
        Ok(Content::Part(content) | Content::Whole(content)) => Chuid::parse_head(&content).chuid,
        Err(error @ CardError::Transport(_)) => return Err(error),
        // The certificates tell which card it is.
        Ok(Content::Absent) | Err(_) => Chuid::default(),
    };
    let Some(object) = objects::certificate(order.slot) else {
        return Ok(false);
    };
    let ordered = &order.certificate;
    let content = piv::get_head(exchange, object, &mut |so_far| is_front_of(so_far, ordered))?;
    let holds_it = match content {
        Content::Absent => false,
        // Nothing but its front ends the reading early.
        Content::Part(_) => true,
        Content::Whole(content) => certificate::unpack(&content).is_ok_and(|der| der == *ordered),
    };
    let id = match chuid.card_id() {
        Some(id) => Some(id),
        None if order.slot == Slot::Authentication => Some(id_by(ordered)),
        None => id_of_unnumbered(exchange)?,
    };
    Ok(holds_it && id.as_ref() == Some(&order.card))
}
