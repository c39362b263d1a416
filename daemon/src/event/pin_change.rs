//! A PIN that is to be changed.

use cac_common::pin::{NewPin, Pin};
use cac_common::reader::ReaderName;
use cac_common::snapshot::{PinStatus, Visit};

use super::{HeldPin, RequestId};
use crate::card::change::Change;
use crate::card::error::CardError;
use crate::card::logged_in::Target;

/// A PIN is changed.
pub enum PinChangeEvent {
    /// It was typed, and the one that is to replace it.
    Asked {
        request: RequestId,
        pin: Pin,
        new: NewPin,
    },
    /// What came of it; both are gone. Nothing is said of a failure where their
    /// time was over before the card was asked.
    Ended {
        visit: Visit,
        request: RequestId,
        result: Result<Change, Option<CardError>>,
        /// What the card last said of its PIN, if it was asked.
        tries: Option<PinStatus>,
    },
}

/// A PIN that is to be changed: of which card, from what, to what.
pub struct PinChangeOrder {
    pub visit: Visit,
    pub reader: ReaderName,
    pub request: RequestId,
    pub target: Target,
    pub pin: HeldPin,
    pub new: NewPin,
}
