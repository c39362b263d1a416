//! One signature: the right card, the PIN, the key, and logged out again, with
//! nothing of another program in between.

use cac_common::certificate::Slot;
use cac_common::identity::CardId;
use cac_common::snapshot::PinStatus;

use super::apdu::Exchange;
use super::error::CardError;
use super::piv::{self, Algorithm, PinState, Verified};
use super::read::{card_id, read_certificate, read_chuid};
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
    /// For RSA as long as the modulus, for P-256 a digest.
    pub block: Vec<u8>,
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
pub fn sign(transport: &mut dyn Transport, order: &Order, pin: HeldPin) -> Signed {
    let mut exchange = Exchange::new(transport);
    let (state, key_reference) = match prepare(&mut exchange, order, &pin) {
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
                apdus: exchange.sent(),
            };
        }
    };
    let pin = match pin {
        HeldPin::Unsent(pin) => pin,
        HeldPin::Accepted(pin) => pin.again(),
    };
    let accepted = match piv::verify(&mut exchange, pin) {
        Verified::Accepted(pin) => pin,
        Verified::Refused(error) => {
            let unheard = matches!(error, CardError::Transport(_) | CardError::Malformed { .. });
            // The card may have accepted it, and its answer was lost.
            if unheard
                && state != PinState::LoggedIn
                && let Err(error) = piv::log_out(&mut exchange)
            {
                tracing::warn!(%error, "card could not be logged out");
            }
            return Signed {
                signature: Err(error),
                pin: None,
                tries: None,
                apdus: exchange.sent(),
            };
        }
    };
    let signature = piv::sign(&mut exchange, order.algorithm, key_reference, &order.block);
    // Whoever was logged in before us stays so; we leave it as we found it.
    let left = match state {
        PinState::LoggedIn => Ok(PinState::LoggedIn),
        PinState::LoggedOut { .. } | PinState::Blocked => piv::log_out(&mut exchange),
    };
    Signed {
        tries: left.as_ref().ok().map(|state| (*state).into()),
        signature: signature.and_then(|signature| left.map(|_| signature)),
        pin: Some(HeldPin::Accepted(accepted)),
        apdus: exchange.sent(),
    }
}

fn prepare(
    exchange: &mut Exchange<'_>,
    order: &Order,
    pin: &HeldPin,
) -> Result<(PinState, u8), CardError> {
    let key_reference = order.slot.key_reference().ok_or(CardError::OtherCard)?;
    piv::select(exchange)?;
    let chuid = read_chuid(exchange)?;
    let certificate = read_certificate(exchange, order.slot)?.ok_or(CardError::OtherCard)?;
    let named = match chuid.card_id() {
        None if order.slot != Slot::Authentication => {
            let naming = read_certificate(exchange, Slot::Authentication)?;
            card_id(&chuid, naming.as_slice())
        }
        None => card_id(&chuid, std::slice::from_ref(&certificate)),
        named => named,
    };
    let same_card = named.as_ref() == Some(&order.card) && certificate.der == order.certificate;
    let typed_for = pin.typed_for();
    if !same_card || typed_for.card != order.card {
        return Err(CardError::OtherCard);
    }
    let state = piv::pin_state(exchange)?;
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
