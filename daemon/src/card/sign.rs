//! One signature by the key of a certificate.

use super::habits::Habits;
use super::logged_in::{Done, Target, while_logged_in};
use super::piv::Algorithm;
use super::transport::Transport;
use crate::event::HeldPin;

/// What is to be signed, and with which card.
#[derive(Debug, Clone)]
pub struct Order {
    pub target: Target,
    pub algorithm: Algorithm,
    /// For RSA as long as the modulus, else a digest as long as the curve is wide.
    pub block: Vec<u8>,
}

/// Signs, with the key of the certificate that the target names.
pub fn sign(
    transport: &mut dyn Transport,
    habits: &Habits,
    order: &Order,
    pin: HeldPin,
) -> Done<Vec<u8>> {
    while_logged_in(transport, habits, &order.target, pin, |way, exchange| {
        way.sign(exchange, order.algorithm, &order.block)
    })
}
