//! The PIV application in software, as strict as a card (SP 800-73pt2-5).

mod contents;
mod key_use;
mod pin;

use std::collections::BTreeMap;

use cacd::card::transport::Protocol;
use zeroize::Zeroizing;

pub(super) use self::contents::gzip;

use super::apdu::{Command, Expected, StatusWord};
use super::card_file::CardFile;
use super::habits::{AbandonedReply, ExtendedLength, Interface, Replies};
use super::key::{KeyError, PrivateKey};
use super::objects::{self, PIV_AID, Tag};
use super::pin_block::PinBlock;
use super::tlv::{constructed, take, tlv};
use super::{CardModel, instruction};

/// Wrong PINs in a row that block a CAC.
const TRIES: u8 = 3;

/// Stands for whatever else is on a card: an applet that can be selected and does nothing.
pub const OTHER_APPLET: [u8; 7] = [0xA0, 0x00, 0x00, 0x00, 0x79, 0x03, 0x00];

const CHAINING: u8 = 0x10;

/// What is given to a reader without contacts, and without a virtual contact
/// interface (SP 800-73pt1-5, table 3).
const READABLE_BY_AIR: [&[u8]; 3] = [objects::CHUID, &[0x5F, 0xC1, 0x01], objects::DISCOVERY];

/// What is stored for PIV, and what is remembered while there is power.
pub(super) struct PivCard {
    model: CardModel,
    objects: BTreeMap<Tag, Vec<u8>>,
    keys: BTreeMap<u8, PrivateKey>,
    pin: PinBlock,
    tries_left: u8,
    session: Session,
}

/// Lost with the power.
#[derive(Default)]
struct Session {
    selected: Option<Application>,
    pin_is_verified: bool,
    /// The command before this one was a VERIFY with the right PIN.
    pin_is_fresh: bool,
    chain: Option<Chain>,
    /// What GET RESPONSE has yet to fetch.
    pending: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Application {
    Piv,
    Other,
}

/// The parts of a long command that have come so far.
struct Chain {
    header: [u8; 3],
    data: Zeroizing<Vec<u8>>,
    pin_was_fresh: bool,
}

/// Data, or a status word that says why there is none.
type Outcome = Result<Vec<u8>, StatusWord>;

impl PivCard {
    pub(super) fn new(file: &CardFile, model: CardModel) -> Result<Self, KeyError> {
        let mut keys = BTreeMap::new();
        for (slot, pkcs8) in &file.keys {
            keys.insert(
                slot.reference(),
                PrivateKey::from_pkcs8(file.algorithm, pkcs8)?,
            );
        }
        for retired in &file.retired {
            let key = PrivateKey::from_pkcs8(file.algorithm, &retired.key)?;
            keys.insert(retired.place.reference(), key);
        }
        Ok(Self {
            model,
            objects: contents::of(file, model),
            keys,
            pin: file.pin.same(),
            tries_left: TRIES,
            session: Session::default(),
        })
    }

    /// What happens at reset, and when the power comes or goes. The try counter stays.
    pub(super) fn cut_power(&mut self) {
        self.session = Session::default();
    }

    /// Another applet of the card is selected: the PIN has to be given again.
    pub(super) fn step_aside(&mut self) {
        self.session = Session {
            selected: Some(Application::Other),
            pin_is_verified: self.session.pin_is_verified && self.model.is_caught_by_other_applets,
            ..Session::default()
        };
    }

    pub(super) fn tries_left(&self) -> u8 {
        self.tries_left
    }

    pub(super) fn pin_is_verified(&self) -> bool {
        self.session.pin_is_verified
    }

    /// Takes one command, gives data and status word.
    pub(super) fn execute(&mut self, bytes: &[u8]) -> (Vec<u8>, StatusWord) {
        // Whatever comes: it ends an open chain, an unread answer and the freshness of the PIN,
        // unless it is the one command that goes on with them.
        let chain = self.session.chain.take();
        let pending = std::mem::take(&mut self.session.pending);
        let pin_was_fresh = std::mem::take(&mut self.session.pin_is_fresh);

        let extended = self.model.extended;
        let has_extended = !matches!(extended, ExtendedLength::Refused | ExtendedLength::Lies);
        let Some(command) = Command::parse(self.model.protocol, has_extended, bytes) else {
            return (Vec::new(), StatusWord::WRONG_LENGTH);
        };
        if command.is_extended && extended == ExtendedLength::Breaks {
            return (Vec::new(), StatusWord::NO_DIAGNOSIS);
        }
        if command.ins == instruction::GET_RESPONSE && command.cla == 0 {
            return self.get_response(&command, pending);
        }
        let mut stale = Vec::new();
        if !pending.is_empty() && command.ins != instruction::SELECT {
            match self.model.abandoned {
                AbandonedReply::Dropped => {}
                AbandonedReply::Prepended => stale = pending,
                AbandonedReply::Answered => return self.reply(&command, pending),
                AbandonedReply::Refused => return (Vec::new(), StatusWord::CONDITIONS_OF_USE),
            }
        }
        match self.dispatch(&command, chain, pin_was_fresh) {
            Ok(data) => self.reply(&command, [stale, data].concat()),
            Err(status) => (Vec::new(), status),
        }
    }

    fn dispatch(
        &mut self,
        command: &Command<'_>,
        chain: Option<Chain>,
        pin_was_fresh: bool,
    ) -> Outcome {
        match command.cla {
            0 => {}
            CHAINING if command.ins == instruction::GENERAL_AUTHENTICATE => {}
            CHAINING => return Err(StatusWord::CHAINING_NOT_SUPPORTED),
            1..=3 => return Err(StatusWord::CHANNEL_NOT_SUPPORTED),
            _ => return Err(StatusWord::NO_SUCH_CLASS),
        }
        if command.ins == instruction::SELECT {
            return self.select(command);
        }
        if self.session.selected != Some(Application::Piv) {
            return Err(StatusWord::NO_SUCH_INSTRUCTION);
        }
        match command.ins {
            instruction::GET_DATA => self.get_data(command),
            instruction::VERIFY => self.verify(command),
            instruction::CHANGE_REFERENCE_DATA => self.change_reference_data(command),
            instruction::GENERAL_AUTHENTICATE => self.chain_up(command, chain, pin_was_fresh),
            instruction::GET_VERSION => {
                let version = self.model.firmware;
                version
                    .map(Vec::from)
                    .ok_or(StatusWord::NO_SUCH_INSTRUCTION)
            }
            _ => Err(StatusWord::NO_SUCH_INSTRUCTION),
        }
    }

    /// Gives what fits and keeps the rest for GET RESPONSE.
    fn reply(&mut self, command: &Command<'_>, mut data: Vec<u8>) -> (Vec<u8>, StatusWord) {
        if data.is_empty() {
            return (data, StatusWord::OK);
        }
        if command.is_extended && self.model.extended == ExtendedLength::Truncates {
            data.truncate(256);
            return (data, StatusWord::OK);
        }
        let longest = self.model.longest_reply;
        let room = match (command.expected, self.model.replies) {
            (Expected::UpTo(room), _) if command.is_extended => room,
            (
                Expected::UpTo(room) | Expected::Perhaps(room),
                Replies::Filled | Replies::Unasked,
            ) => room.min(longest),
            (Expected::Nothing, Replies::Unasked) if self.model.protocol == Protocol::T1 => longest,
            (Expected::Nothing, _) | (_, Replies::Announced) => 0,
        };
        self.hand_out(data, room)
    }

    fn hand_out(&mut self, mut data: Vec<u8>, room: usize) -> (Vec<u8>, StatusWord) {
        if data.len() <= room {
            return (data, StatusWord::OK);
        }
        let rest = data.split_off(room);
        let status = StatusWord::more(rest.len());
        self.session.pending = rest;
        (data, status)
    }

    fn get_response(&mut self, command: &Command<'_>, pending: Vec<u8>) -> (Vec<u8>, StatusWord) {
        if pending.is_empty() {
            return (Vec::new(), StatusWord::CONDITIONS_OF_USE);
        }
        if (command.p1, command.p2) != (0, 0) {
            return (Vec::new(), StatusWord::WRONG_PARAMETERS);
        }
        let (room, must_be_right) = match command.expected {
            Expected::Nothing => return (Vec::new(), StatusWord::WRONG_LENGTH),
            Expected::Perhaps(room) => (room, true),
            Expected::UpTo(room) => (room, self.model.replies == Replies::Announced),
        };
        if must_be_right && room > pending.len() && room < 256 {
            let status = StatusWord::exactly(pending.len());
            self.session.pending = pending;
            return (Vec::new(), status);
        }
        let room = if command.is_extended {
            room
        } else {
            room.min(self.model.longest_reply)
        };
        self.hand_out(pending, room)
    }

    fn select(&mut self, command: &Command<'_>) -> Outcome {
        if (command.p1, command.p2) != (0x04, 0x00) {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        let aid = command.data;
        let is_caught = self.model.is_caught_by_other_applets;
        if is_caught && self.session.selected == Some(Application::Other) {
            return Err(StatusWord::NOT_FOUND);
        }
        if aid.len() >= self.model.shortest_aid && PIV_AID.starts_with(aid) {
            if self.model.is_dual || self.session.selected != Some(Application::Piv) {
                self.session.pin_is_verified = false;
            }
            self.session.selected = Some(Application::Piv);
            return Ok(application_property_template());
        }
        if aid == OTHER_APPLET {
            self.step_aside();
            return Ok(Vec::new());
        }
        Err(StatusWord::NOT_FOUND)
    }

    fn get_data(&self, command: &Command<'_>) -> Outcome {
        if (command.p1, command.p2) != (0x3F, 0xFF) {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        let tag = match take(command.data) {
            Some((0x5C, tag, [])) if !tag.is_empty() => tag,
            _ => return Err(StatusWord::WRONG_DATA),
        };
        let by_contact = self.model.interface == Interface::Contact;
        if !by_contact && !READABLE_BY_AIR.contains(&tag) {
            return Err(StatusWord::SECURITY_STATUS);
        }
        let object = self.objects.get(tag).ok_or(StatusWord::NOT_FOUND)?;
        if tag == objects::PRINTED_INFORMATION && !self.session.pin_is_verified {
            return Err(StatusWord::SECURITY_STATUS);
        }
        Ok(object.clone())
    }
}

fn application_property_template() -> Vec<u8> {
    let authority = tlv(&[0x79], &tlv(&[0x4F], &PIV_AID[..5]));
    constructed(
        &[0x61],
        &[
            tlv(&[0x4F], &PIV_AID[5..]),
            authority,
            tlv(&[0x50], b"Virtual PIV"),
        ],
    )
}
