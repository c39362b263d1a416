//! The PIV application in software, as strict as a card (SP 800-73pt2-5).

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::apdu::{Command, Expected, StatusWord};
use super::card_file::{CardFile, Slot};
use super::instruction;
use super::key::{KeyError, PrivateKey};
use super::objects::{self, PIV_AID, Tag};
use super::pin_block::PinBlock;
use super::tlv::{constructed, take, tlv};
use super::{CardModel, ChuidHabit};

/// Wrong PINs in a row that block a CAC.
const TRIES: u8 = 3;

/// The shortest form of the application identifier that is unique: without the version.
const PIV_AID_WITHOUT_VERSION: usize = 9;

/// Stands for whatever else is on a card: an applet that can be selected and does nothing.
pub const OTHER_APPLET: [u8; 7] = [0xA0, 0x00, 0x00, 0x00, 0x79, 0x03, 0x00];

/// No command of PIV is longer when its parts are put together.
const LONGEST_CHAIN: usize = 2048;

const PIN_REFERENCE: u8 = 0x80;
const CHAINING: u8 = 0x10;

/// The chip: what is stored on it, and what it remembers while it has power.
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
            objects: file.objects.clone(),
            keys,
            pin: file.pin.same(),
            tries_left: TRIES,
            session: Session::default(),
        })
    }

    pub(super) fn model(&self) -> CardModel {
        self.model
    }

    /// What happens at reset, and when the power comes or goes. The try counter stays.
    pub(super) fn cut_power(&mut self) {
        self.session = Session::default();
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

        let Some(command) = Command::parse(self.model.protocol, bytes) else {
            return (Vec::new(), StatusWord::WRONG_LENGTH);
        };
        if command.ins == instruction::GET_RESPONSE && command.cla == 0 {
            return self.get_response(&command, pending);
        }
        match self.dispatch(&command, chain, pin_was_fresh) {
            Ok(data) => self.reply(&command, data),
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
            _ => Err(StatusWord::NO_SUCH_INSTRUCTION),
        }
    }

    /// Gives what fits and keeps the rest for GET RESPONSE.
    fn reply(&mut self, command: &Command<'_>, data: Vec<u8>) -> (Vec<u8>, StatusWord) {
        match (command.expected, data.is_empty()) {
            (_, true) => (data, StatusWord::OK),
            (Expected::Nothing, false) => {
                let status = StatusWord::more(data.len());
                self.session.pending = data;
                (Vec::new(), status)
            }
            (Expected::UpTo(room) | Expected::Perhaps(room), false) => self.hand_out(data, room),
        }
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
        match command.expected {
            Expected::Nothing => (Vec::new(), StatusWord::WRONG_LENGTH),
            Expected::Perhaps(room) if room > pending.len() && room < 256 => {
                let status = StatusWord::exactly(pending.len());
                self.session.pending = pending;
                (Vec::new(), status)
            }
            Expected::UpTo(room) | Expected::Perhaps(room) => self.hand_out(pending, room),
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
        if aid.len() >= PIV_AID_WITHOUT_VERSION && PIV_AID.starts_with(aid) {
            if self.model.is_dual || self.session.selected != Some(Application::Piv) {
                self.session.pin_is_verified = false;
            }
            self.session.selected = Some(Application::Piv);
            return Ok(application_property_template());
        }
        if aid == OTHER_APPLET {
            self.session.pin_is_verified &= is_caught;
            self.session.selected = Some(Application::Other);
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
        let object = self.objects.get(tag).ok_or(StatusWord::NOT_FOUND)?;
        if tag == objects::PRINTED_INFORMATION && !self.session.pin_is_verified {
            return Err(StatusWord::SECURITY_STATUS);
        }
        match self.model.chuid {
            ChuidHabit::Missing if tag == objects::CHUID => Err(StatusWord::NOT_FOUND),
            ChuidHabit::Broken if tag == objects::CHUID => Ok(object[2..].to_vec()),
            ChuidHabit::Missing | ChuidHabit::Broken | ChuidHabit::Given => Ok(object.clone()),
        }
    }

    fn verify(&mut self, command: &Command<'_>) -> Outcome {
        if matches!(command.expected, Expected::UpTo(_))
            || !command.data.is_empty() && command.expected != Expected::Nothing
        {
            return Err(StatusWord::WRONG_LENGTH);
        }
        if command.p2 != PIN_REFERENCE {
            return Err(StatusWord::NO_SUCH_REFERENCE);
        }
        match command.p1 {
            0x00 if command.is_bare() => self.tell_pin_state(),
            0x00 if command.data.is_empty() => Err(StatusWord::WRONG_LENGTH),
            0x00 => {
                let given = PinBlock::from_block(command.data);
                self.compare(given.as_ref())?;
                self.session.pin_is_fresh = true;
                Ok(Vec::new())
            }
            0xFF if self.model.refuses_logout => Err(StatusWord::WRONG_PARAMETERS),
            0xFF if command.is_bare() => {
                self.session.pin_is_verified = false;
                Ok(Vec::new())
            }
            0xFF => Err(StatusWord::WRONG_DATA),
            _ => Err(StatusWord::WRONG_PARAMETERS),
        }
    }

    fn tell_pin_state(&self) -> Outcome {
        if self.session.pin_is_verified && !self.model.is_dual {
            Ok(Vec::new())
        } else if self.tries_left == 0 {
            Err(StatusWord::BLOCKED)
        } else {
            Err(StatusWord::tries_left(self.tries_left))
        }
    }

    /// Compares with the PIN on the card. What is no PIN at all costs a try
    /// like a wrong one: the stricter of the two ways the standard allows.
    fn compare(&mut self, given: Option<&PinBlock>) -> Result<(), StatusWord> {
        if self.tries_left == 0 {
            return Err(StatusWord::BLOCKED);
        }
        if given.is_some_and(|given| given.matches(&self.pin)) {
            self.tries_left = TRIES;
            self.session.pin_is_verified = true;
            return Ok(());
        }
        self.tries_left -= 1;
        self.session.pin_is_verified = false;
        Err(StatusWord::tries_left(self.tries_left))
    }

    fn change_reference_data(&mut self, command: &Command<'_>) -> Outcome {
        if command.p1 != 0 {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        if command.p2 != PIN_REFERENCE {
            return Err(StatusWord::NO_SUCH_REFERENCE);
        }
        if command.expected != Expected::Nothing {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let Some((old, new)) = command
            .data
            .split_at_checked(8)
            .filter(|(_, new)| new.len() == 8)
        else {
            return Err(StatusWord::WRONG_LENGTH);
        };
        if self.tries_left == 0 {
            return Err(StatusWord::BLOCKED);
        }
        let Some(new) = PinBlock::from_block(new) else {
            return Err(StatusWord::WRONG_DATA);
        };
        self.compare(PinBlock::from_block(old).as_ref())?;
        self.pin = new;
        Ok(Vec::new())
    }

    /// Collects the parts of a chain; works when the last one is there.
    fn chain_up(
        &mut self,
        command: &Command<'_>,
        chain: Option<Chain>,
        pin_was_fresh: bool,
    ) -> Outcome {
        let header = [command.ins, command.p1, command.p2];
        let mut chain = chain
            .filter(|chain| chain.header == header)
            .unwrap_or(Chain {
                header,
                data: Zeroizing::new(Vec::new()),
                pin_was_fresh,
            });
        if chain.data.len() + command.data.len() > LONGEST_CHAIN {
            return Err(StatusWord::NO_MEMORY);
        }
        chain.data.extend_from_slice(command.data);
        if command.cla != CHAINING {
            return self.general_authenticate(command.p1, command.p2, &chain);
        }
        if command.data.is_empty() || command.expected != Expected::Nothing {
            return Err(StatusWord::WRONG_LENGTH);
        }
        self.session.chain = Some(chain);
        Ok(Vec::new())
    }

    fn general_authenticate(&self, algorithm: u8, reference: u8, chain: &Chain) -> Outcome {
        let key = self
            .keys
            .get(&reference)
            .ok_or(StatusWord::NO_SUCH_REFERENCE)?;
        if algorithm != key.algorithm().reference() {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        let allowed = if reference == Slot::Signature.reference() {
            self.session.pin_is_verified && chain.pin_was_fresh
        } else {
            reference == Slot::CardAuthentication.reference() || self.session.pin_is_verified
        };
        if !allowed {
            return Err(StatusWord::SECURITY_STATUS);
        }
        let result = match Template::parse(&chain.data).ok_or(StatusWord::WRONG_DATA)? {
            Template::Challenge(challenge) => key.answer_challenge(challenge),
            Template::Exponentiation(point) if agrees(reference) => key.agree(point),
            Template::Exponentiation(_) => None,
        };
        let response = tlv(&[0x82], &result.ok_or(StatusWord::WRONG_DATA)?);
        Ok(tlv(&[0x7C], &response))
    }
}

/// The dynamic authentication template (SP 800-73pt2-5, table 8), in the two forms a client sends.
enum Template<'a> {
    Challenge(&'a [u8]),
    Exponentiation(&'a [u8]),
}

impl<'a> Template<'a> {
    /// One empty response and one question, in any order, and nothing else.
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (0x7C, inner, []) = take(bytes)? else {
            return None;
        };
        let (first_tag, first, rest) = take(inner)?;
        let (second_tag, second, []) = take(rest)? else {
            return None;
        };
        match ((first_tag, first), (second_tag, second)) {
            ((0x82, []), (0x81, challenge)) | ((0x81, challenge), (0x82, [])) => {
                Some(Self::Challenge(challenge))
            }
            ((0x82, []), (0x85, point)) | ((0x85, point), (0x82, [])) => {
                Some(Self::Exponentiation(point))
            }
            _ => None,
        }
    }
}

/// Whether the key is for encryption: this card's, or one of a former card (82 to 95).
fn agrees(reference: u8) -> bool {
    reference == Slot::Encryption.reference() || matches!(reference, 0x82..=0x95)
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
