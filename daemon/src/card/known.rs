//! A card that was read before: what is on record of it, and whether it still
//! is the same. A renewed certificate shows in its first bytes, which hold
//! serial number, issuer and dates; so the rest need not be read again.

use std::collections::BTreeMap;

use cac_common::certificate::Slot;

use super::certificate;

/// What is on record of one card of one persona.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownCard {
    pub certificates: BTreeMap<Slot, Vec<u8>>,
    pub objects: Objects,
}

/// Contents of data objects as the card gave them, by tag. An empty one is an
/// object that the card does not have.
pub type Objects = BTreeMap<u32, Vec<u8>>;

/// The part of an object that has come is the front of this certificate, and
/// tells it from any other that its issuer could have made.
pub(super) fn is_front_of(content: &[u8], der: &[u8]) -> bool {
    certificate::front(content).is_some_and(|front| {
        front.length == der.len() && front.names_it_alone() && der.starts_with(front.der)
    })
}
