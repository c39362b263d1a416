//! A card that was read before: what is on record of it, and whether it still
//! is the same. A renewed certificate shows in its first bytes, which hold
//! serial number, issuer and dates; so the rest need not be read again.

use std::collections::BTreeMap;

use cac_common::certificate::Slot;

/// What is on record of one card of one persona.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownCard {
    pub certificates: BTreeMap<Slot, Vec<u8>>,
    pub objects: Objects,
}

/// Contents of data objects as the card gave them, by tag. An empty one is an
/// object that the card does not have.
pub type Objects = BTreeMap<u32, Vec<u8>>;
