//! Which cards somebody may see at one moment, and so which they may use.

use std::collections::{BTreeMap, BTreeSet};

use cac_common::interface::Refusal;
use cac_common::reader::ReaderName;
use cac_common::snapshot::Hidden;

use crate::event::Peer;

/// What those who are no administrators see. Nothing, unless it says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight {
    /// The users in front of seats.
    in_front: BTreeSet<u32>,
    /// Readers at those seats, by their names.
    readers: BTreeMap<ReaderName, InFront>,
}

/// The one user who may see the card in a reader, if anybody may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InFront {
    pub uid: u32,
    /// They were there when it was put in, or it accepted their PIN.
    pub sees_card: bool,
}

impl Sight {
    pub fn new(
        in_front: impl IntoIterator<Item = u32>,
        readers: impl IntoIterator<Item = (ReaderName, InFront)>,
    ) -> Self {
        Self {
            in_front: in_front.into_iter().collect(),
            readers: readers.into_iter().collect(),
        }
    }

    pub fn in_front(&self) -> &BTreeSet<u32> {
        &self.in_front
    }

    /// Whether there can be something for them.
    pub fn may_act(&self, peer: Peer) -> Result<(), Refusal> {
        if peer.is_administrator || self.in_front.contains(&peer.uid) {
            Ok(())
        } else {
            Err(Refusal::NotAtTheSeat)
        }
    }

    /// Why the card in this reader is not for a user who is no administrator.
    pub fn hides(&self, reader: &ReaderName, uid: u32) -> Option<Hidden> {
        match self.readers.get(reader).filter(|there| there.uid == uid) {
            None => Some(Hidden::OtherSeat),
            Some(there) if there.sees_card => None,
            Some(_) => Some(Hidden::PutInBefore),
        }
    }

    /// Whether they may use the card in this reader.
    pub fn may_use(&self, reader: &ReaderName, peer: Peer) -> Result<(), Refusal> {
        if peer.is_administrator {
            return Ok(());
        }
        match self.hides(reader, peer.uid) {
            None => Ok(()),
            Some(Hidden::OtherSeat) => Err(Refusal::NotAtTheSeat),
            Some(Hidden::PutInBefore) => Err(Refusal::PutInBefore),
        }
    }
}
