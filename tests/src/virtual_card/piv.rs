//! The PIV application in software, as strict as a card (SP 800-73pt2-5).

mod contents;
mod key_use;
mod pin;

use std::collections::BTreeMap;

use zeroize::Zeroizing;

pub(super) use self::contents::gzip;

use super::apdu::{Command, StatusWord};
use super::card_file::CardFile;
use super::habits::Interface;
use super::key::{KeyError, PrivateKey};
use super::objects::{self, PIV_AID, Tag};
use super::outbox::{Answer, Outbox};
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
    outbox: Outbox,
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
    pub(super) fn execute(&mut self, bytes: &[u8]) -> Answer {
        // Whatever comes: it ends an open chain and the freshness of the PIN,
        // unless it is the one command that goes on with them.
        let chain = self.session.chain.take();
        let pin_was_fresh = std::mem::take(&mut self.session.pin_is_fresh);

        let (command, stale) = match self.session.outbox.open(self.model, bytes) {
            Ok(opened) => opened,
            Err(answer) => return answer,
        };
        match self.dispatch(&command, chain, pin_was_fresh) {
            Ok(data) => {
                let data = [stale, data].concat();
                self.session.outbox.reply(self.model, &command, data)
            }
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
