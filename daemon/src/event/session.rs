//! Users, their sessions, and the seats that these are at.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use cac_common::config::OnRemoval;
use cac_common::identity::CardId;
use cac_common::reader::ReaderName;

/// Which seat a reader belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSeat {
    pub reader: ReaderName,
    /// Which of all arrivals its was: the seat may be another the next time.
    pub arrival: u64,
    /// None if it cannot be told.
    pub seat: Option<String>,
}

/// Who asks for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    pub uid: u32,
    /// Root, the daemon's own user, or one of the group.
    pub is_administrator: bool,
}

/// A user of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionUser {
    pub uid: u32,
    pub name: String,
}

/// The session that is in front at a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Front {
    pub uid: u32,
    /// By which logind takes it.
    pub session: String,
}

/// A session whose card was taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionToEnd {
    pub reader: ReaderName,
    pub card: CardId,
    pub uid: u32,
    pub session: String,
    pub how: OnRemoval,
}

/// What happened to somebody's session, or to the whole machine.
#[derive(Debug)]
pub enum SessionEvent {
    Began(SessionUser),
    Unlocked(SessionUser),
    Locked(SessionUser),
    /// Another session is in front at the seat.
    LeftSeat(SessionUser),
    Ended(SessionUser),
    /// It waits for this to be closed, though not for long. Until [`Self::Woke`]
    /// nothing secret is taken.
    GoesToSleep(Option<OwnedFd>),
    Woke,
    /// The active session of each seat, by its name: all there are.
    Seats(BTreeMap<String, Front>),
}
