//! The commands of the CAC card edge (GSC-IS 2.1, chapter 5).

use zeroize::Zeroizing;

use super::applet::{Aid, Applet, Contents, file_control_information};
use super::{CacHostility, CacPin, Edges, contents};
use crate::virtual_card::apdu::{Command, Expected, StatusWord};
use crate::virtual_card::card_file::CardFile;
use crate::virtual_card::key::{KeyError, bare_operation};
use crate::virtual_card::outbox::{Answer, Outbox};
use crate::virtual_card::piv::PivCard;
use crate::virtual_card::{CardModel, instruction};

/// The class that GSC-IS gives to commands of its own is 80. OpenSC sends 00
/// with them, and the cards it works with do not mind.
const INTERINDUSTRY: u8 = 0x00;
const OF_CAC: u8 = 0x80;

/// SELECT: by the applet's name, or an object within it.
const BY_NAME: u8 = 0x04;
const OBJECT: u8 = 0x02;

/// SELECT: whether an answer is asked for.
const WITH_ANSWER: u8 = 0x00;
const WITHOUT_ANSWER: u8 = 0x0C;

/// SIGN/DECRYPT: whether another part follows, and how long one may be.
const MORE_TO_COME: u8 = 0x80;
const LAST_PART: u8 = 0x00;
const LONGEST_PART: usize = 240;

const CHALLENGE: usize = 8;

/// The applets, and what they remember while the card has power.
pub(in crate::virtual_card) struct CacEdge {
    model: CardModel,
    applets: Vec<Applet>,
    session: Session,
}

#[derive(Default)]
struct Session {
    /// Index of the applet.
    selected: Option<usize>,
    /// The parts of SIGN/DECRYPT that have come so far.
    parts: Option<Zeroizing<Vec<u8>>>,
    /// How far GET CERTIFICATE has come.
    certificate_read: usize,
    outbox: Outbox,
}

/// Data, or a status word that says why there is none.
type Outcome = Result<Vec<u8>, StatusWord>;

impl CacEdge {
    pub(in crate::virtual_card) fn new(
        file: &CardFile,
        model: CardModel,
    ) -> Result<Self, KeyError> {
        Ok(Self {
            model,
            applets: contents::applets(file, model)?,
            session: Session::default(),
        })
    }

    pub(in crate::virtual_card) fn has(&self, name: &[u8]) -> bool {
        self.find(name).is_some()
    }

    pub(in crate::virtual_card) fn is_selected(&self) -> bool {
        self.session.selected.is_some()
    }

    /// An applet that is not selected, for another program to select.
    pub(in crate::virtual_card) fn another(&self) -> Option<Aid> {
        let others = (0..).zip(&self.applets);
        others
            .filter(|(at, _)| Some(*at) != self.session.selected)
            .map(|(_, applet)| applet.name())
            .next()
    }

    /// PIV was selected, or the power went.
    pub(in crate::virtual_card) fn leave(&mut self) {
        self.session = Session::default();
    }

    /// A command that is for PIV ends what was begun here.
    pub(in crate::virtual_card) fn interrupt(&mut self) {
        self.session = Session {
            selected: self.session.selected,
            ..Session::default()
        };
    }

    /// Takes one command, gives data and status word. `pin` is where the PIN is kept.
    pub(in crate::virtual_card) fn execute(&mut self, bytes: &[u8], pin: &mut PivCard) -> Answer {
        // Whatever comes ends what was begun, unless it goes on with it.
        let before = std::mem::take(&mut self.session);
        self.session.selected = before.selected;

        self.session.outbox = before.outbox;
        let (command, stale) = match self.session.outbox.open(self.model, bytes) {
            Ok(opened) => opened,
            Err(answer) => return answer,
        };
        if matches!(command.cla, INTERINDUSTRY | OF_CAC)
            && command.ins == instruction::GET_CERTIFICATE
        {
            return self.get_certificate(&command, before.certificate_read);
        }
        let data = match self.dispatch(&command, before.parts, pin) {
            Ok(data) => data,
            Err(status) => return (Vec::new(), status),
        };
        match command.expected {
            // The reader waits for as many bytes as P3 says (ISO/IEC 7816-3, section 10.3.3).
            Expected::Perhaps(room) if !data.is_empty() && data.len() < room => {
                (Vec::new(), StatusWord::exactly(data.len()))
            }
            Expected::Nothing | Expected::UpTo(_) | Expected::Perhaps(_) => {
                let data = [stale, data].concat();
                self.session.outbox.reply(self.model, &command, data)
            }
        }
    }

    fn dispatch(
        &mut self,
        command: &Command<'_>,
        parts: Option<Zeroizing<Vec<u8>>>,
        pin: &mut PivCard,
    ) -> Outcome {
        match command.cla {
            INTERINDUSTRY | OF_CAC => {}
            0x01..=0x03 => return Err(StatusWord::CHANNEL_NOT_SUPPORTED),
            _ => return Err(StatusWord::NO_SUCH_CLASS),
        }
        match (command.cla, command.ins) {
            (INTERINDUSTRY, instruction::SELECT) => self.select(command, pin),
            (INTERINDUSTRY, instruction::VERIFY) => self.verify(command, pin),
            (INTERINDUSTRY, instruction::CHANGE_REFERENCE_DATA) => self.change_pin(command, pin),
            (_, instruction::GET_CHALLENGE) => self.get_challenge(command),
            (_, instruction::READ_BUFFER) => self.read_buffer(command, pin),
            (_, instruction::GET_PROPERTIES) => self.get_properties(command),
            (_, instruction::GET_ACR) => self.get_acr(command),
            (_, instruction::SIGN_DECRYPT) => self.sign_or_decrypt(command, parts, pin),
            _ => Err(StatusWord::NO_SUCH_INSTRUCTION),
        }
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        self.applets
            .iter()
            .position(|applet| applet.names.iter().any(|own| own == name))
    }

    fn selected(&self) -> Result<&Applet, StatusWord> {
        self.session
            .selected
            .and_then(|at| self.applets.get(at))
            .ok_or(StatusWord::NO_SUCH_INSTRUCTION)
    }

    fn select(&mut self, command: &Command<'_>, pin: &mut PivCard) -> Outcome {
        let is_known = match command.p2 {
            WITH_ANSWER => true,
            WITHOUT_ANSWER => !self.model.cac.wants_answer_to_select,
            _ => false,
        };
        match (self.model.edges, is_known) {
            // The first CACs call the whole instruction unknown when they dislike its parameters.
            (Edges::Cac1, _) if (command.p1, command.p2) != (BY_NAME, WITH_ANSWER) => {
                return Err(StatusWord::NO_SUCH_INSTRUCTION);
            }
            (_, false) => return Err(StatusWord::WRONG_PARAMETERS),
            (_, true) => {}
        }
        match command.p1 {
            BY_NAME => self.select_applet(command, pin),
            OBJECT => self.select_object(command),
            _ => Err(StatusWord::WRONG_PARAMETERS),
        }
    }

    fn select_applet(&mut self, command: &Command<'_>, pin: &mut PivCard) -> Outcome {
        let name = Aid::try_from(command.data).map_err(|_| StatusWord::NOT_FOUND)?;
        let next = self.find(&name).ok_or(StatusWord::NOT_FOUND)?;
        if !self.keeps_login(next) {
            pin.step_aside();
        }
        self.session.selected = Some(next);
        Ok(match command.p2 {
            WITH_ANSWER => file_control_information(name),
            _ => Vec::new(),
        })
    }

    /// Whoever gave the PIN stays logged in until another applet is selected:
    /// that is how a CAC is logged out, having no command for it. To select
    /// the same applet again changes nothing, or OpenSC could not sign, which
    /// gives the PIN and then selects the applet of the key once more.
    ///
    /// A token takes the PIN in its ACA and nowhere else, for all the applets
    /// that the ACA controls. So there the login survives the way from the ACA
    /// to a PKI applet, and ends with the next step from there, be it back.
    fn keeps_login(&self, next: usize) -> bool {
        let Some(now) = self.session.selected else {
            return false;
        };
        let from_control = matches!(
            self.applets.get(now).map(|applet| &applet.contents),
            Some(Contents::AccessControl { .. })
        );
        now == next || self.model.edges == Edges::Alt && from_control
    }

    fn select_object(&self, command: &Command<'_>) -> Outcome {
        let applet = self.selected()?;
        if command.data.len() != 2 {
            return Err(StatusWord::WRONG_LENGTH);
        }
        match applet.object() {
            Some(object) if object.id == command.data => Ok(Vec::new()),
            Some(_) | None => Err(StatusWord::NOT_FOUND),
        }
    }

    fn read_buffer(&self, command: &Command<'_>, pin: &PivCard) -> Outcome {
        let applet = self.selected()?;
        let object = applet.object().ok_or(StatusWord::NO_SUCH_INSTRUCTION)?;
        if self.model.edges == Edges::Cac1 {
            return Err(StatusWord::NO_SUCH_INSTRUCTION);
        }
        let &[kind, count] = command.data else {
            return Err(StatusWord::WRONG_LENGTH);
        };
        let is_guarded =
            self.model.cac.guards_person && matches!(applet.contents, Contents::Person(_));
        if is_guarded && !pin.pin_is_verified() {
            return Err(StatusWord::SECURITY_STATUS);
        }
        let offset = u16::from_be_bytes([command.p1, command.p2]);
        if self.model.cac.hostility == Some(CacHostility::EmptyAnswers) && offset > 0 {
            return Ok(Vec::new());
        }
        object.buffers.read(kind, offset, count)
    }

    fn get_properties(&self, command: &Command<'_>) -> Outcome {
        let applet = self.selected()?;
        if matches!(self.model.edges, Edges::Bare | Edges::Cac1) {
            return Err(StatusWord::NO_SUCH_INSTRUCTION);
        }
        if (command.p1, command.p2) != (0x01, 0x00) {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        if !command.data.is_empty() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        Ok(applet.properties())
    }

    /// Of the tables in the ACA only the one that names the applets is kept:
    /// 6A88 stands for access rules and what they refer to.
    fn get_acr(&self, command: &Command<'_>) -> Outcome {
        let Contents::AccessControl { services } = &self.selected()?.contents else {
            return Err(StatusWord::NO_SUCH_INSTRUCTION);
        };
        if !command.data.is_empty() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        match (command.p1, command.p2) {
            (0x21, 0x00) => Ok(services.clone()),
            (0x00 | 0x10 | 0x20, 0x00) => Err(StatusWord::NO_SUCH_REFERENCE),
            _ => Err(StatusWord::WRONG_PARAMETERS),
        }
    }

    fn get_challenge(&self, command: &Command<'_>) -> Outcome {
        if matches!(
            self.selected()?.contents,
            Contents::Capabilities(_) | Contents::Person(_)
        ) {
            return Err(StatusWord::NO_SUCH_INSTRUCTION);
        }
        if (command.p1, command.p2) != (0, 0) {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        match command.expected {
            Expected::UpTo(room) | Expected::Perhaps(room)
                if command.data.is_empty() && room >= CHALLENGE =>
            {
                Ok(rand::random::<[u8; CHALLENGE]>().to_vec())
            }
            Expected::UpTo(_) | Expected::Perhaps(_) | Expected::Nothing => {
                Err(StatusWord::WRONG_LENGTH)
            }
        }
    }

    /// CAC-1: as much as is asked for; 63xx says how much there is after it, at most 255.
    fn get_certificate(&mut self, command: &Command<'_>, read: usize) -> Answer {
        let answer = self.certificate_part(command, read);
        match answer {
            Ok((part, rest)) => {
                self.session.certificate_read = if rest == 0 { 0 } else { read + part.len() };
                (part, more_of_certificate(rest))
            }
            Err(status) => (Vec::new(), status),
        }
    }

    fn certificate_part(
        &self,
        command: &Command<'_>,
        read: usize,
    ) -> Result<(Vec<u8>, usize), StatusWord> {
        let Contents::Pki { certificate, .. } = &self.selected()?.contents else {
            return Err(StatusWord::NO_SUCH_INSTRUCTION);
        };
        if self.model.edges != Edges::Cac1 {
            return Err(StatusWord::NO_SUCH_INSTRUCTION);
        }
        if (command.p1, command.p2) != (0, 0) {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        let (Expected::UpTo(room) | Expected::Perhaps(room)) = command.expected else {
            return Err(StatusWord::WRONG_LENGTH);
        };
        if !command.data.is_empty() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        if self.model.cac.hostility == Some(CacHostility::EndlessCertificate) {
            return Ok((vec![0; room], usize::MAX));
        }
        let rest = certificate.get(read..).unwrap_or_default();
        if matches!(command.expected, Expected::Perhaps(_)) && room > rest.len() {
            return Err(StatusWord::exactly(rest.len()));
        }
        let (part, rest) = rest.split_at(room.min(rest.len()));
        Ok((part.to_vec(), rest.len()))
    }

    /// Where the PIN is given: on a token in the ACA only, else in every applet but the CCC.
    fn takes_pin(&self) -> Result<(), StatusWord> {
        let takes = match (&self.selected()?.contents, self.model.edges) {
            (Contents::AccessControl { .. }, _) => true,
            (Contents::Capabilities(_), _) | (_, Edges::Alt) => false,
            (Contents::Pki { .. } | Contents::Person(_), _) => true,
        };
        takes.then_some(()).ok_or(StatusWord::NO_SUCH_INSTRUCTION)
    }

    fn verify(&self, command: &Command<'_>, pin: &mut PivCard) -> Outcome {
        self.takes_pin()?;
        if command.p1 != 0 {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        let habit = self.model.cac.pin;
        if command.p2 != 0
            || habit == CacPin::NotInitialised
            || habit == CacPin::Uncounted && command.is_bare()
        {
            return Err(StatusWord::NO_SUCH_REFERENCE);
        }
        pin.verify(&for_shared_pin(command, pin))
            .map_err(|status| match status.0 {
                0x63C0..=0x63CF if habit == CacPin::Uncounted => StatusWord::CONDITIONS_OF_USE,
                _ => status,
            })
    }

    fn change_pin(&self, command: &Command<'_>, pin: &mut PivCard) -> Outcome {
        self.takes_pin()?;
        let habit = self.model.cac.pin;
        if command.p1 != u8::from(habit == CacPin::ChangedWithP1Set) {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        if command.p2 != 0 || habit == CacPin::NotInitialised {
            return Err(StatusWord::NO_SUCH_REFERENCE);
        }
        pin.change_reference_data(&for_shared_pin(command, pin))
    }

    /// The bare RSA operation on a block as long as the modulus.
    fn sign_or_decrypt(
        &mut self,
        command: &Command<'_>,
        parts: Option<Zeroizing<Vec<u8>>>,
        pin: &PivCard,
    ) -> Outcome {
        let Contents::Pki { key, .. } = &self.selected()?.contents else {
            return Err(StatusWord::NO_SUCH_INSTRUCTION);
        };
        if command.p2 != 0 || !matches!(command.p1, MORE_TO_COME | LAST_PART) {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        if !pin.pin_is_verified() {
            return Err(StatusWord::SECURITY_STATUS);
        }
        if !(1..=LONGEST_PART).contains(&command.data.len()) {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let mut block = parts.unwrap_or_default();
        block.extend_from_slice(command.data);
        if block.len() > rsa::traits::PublicKeyParts::size(key.as_ref()) {
            return Err(StatusWord::WRONG_DATA);
        }
        if command.p1 == MORE_TO_COME {
            self.session.parts = Some(block);
            return Ok(Vec::new());
        }
        bare_operation(key, &block).ok_or(StatusWord::WRONG_DATA)
    }
}

/// The same command as PIV would be given it.
fn for_shared_pin<'a>(command: &Command<'a>, pin: &PivCard) -> Command<'a> {
    Command {
        p1: 0,
        p2: pin.pin_reference(),
        ..*command
    }
}

fn more_of_certificate(rest: usize) -> StatusWord {
    match rest {
        0 => StatusWord::OK,
        _ => StatusWord(0x6300 | u16::from(u8::try_from(rest).unwrap_or(u8::MAX))),
    }
}
