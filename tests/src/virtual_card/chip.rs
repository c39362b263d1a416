//! The chip: PIV, CAC applets, or both, with one PIN, and what harm it does.

use super::apdu::StatusWord;
use super::cac::{CacEdge, Edges};
use super::card_file::CardFile;
use super::key::KeyError;
use super::outbox::Answer;
use super::piv::{OTHER_APPLET, PivCard};
use super::{CardModel, instruction};

/// Gives each command to the application that is selected.
pub(super) struct Chip {
    model: CardModel,
    /// Keeps the PIN, also on a card where PIV cannot be selected.
    piv: PivCard,
    cac: Option<CacEdge>,
    /// How many there have been.
    commands: u64,
}

impl Chip {
    pub(super) fn new(file: &CardFile, model: CardModel) -> Result<Self, KeyError> {
        let model = CardModel {
            is_dual: model.is_dual || model.edges == Edges::Dual,
            ..model
        };
        let cac = match model.edges {
            Edges::Piv => None,
            Edges::Cac | Edges::Dual | Edges::Alt | Edges::Bare | Edges::Cac1 => {
                Some(CacEdge::new(file, model)?)
            }
        };
        Ok(Self {
            model,
            piv: PivCard::new(file, model)?,
            cac,
            commands: 0,
        })
    }

    pub(super) fn model(&self) -> CardModel {
        self.model
    }

    /// What happens at reset, and when the power comes or goes. The try counter stays.
    pub(super) fn cut_power(&mut self) {
        self.piv.cut_power();
        if let Some(cac) = &mut self.cac {
            cac.leave();
        }
    }

    /// Another program selects another applet, if the card lets it.
    pub(super) fn be_switched_away(&mut self) {
        let other = self.cac.as_ref().and_then(CacEdge::another);
        let other = other.unwrap_or(OTHER_APPLET);
        let length = u8::try_from(other.len()).unwrap_or(u8::MAX);
        let select = [&[0, instruction::SELECT, 4, 0, length], &other[..]].concat();
        self.execute(&select);
    }

    pub(super) fn tries_left(&self) -> u8 {
        self.piv.tries_left()
    }

    pub(super) fn pin_is_verified(&self) -> bool {
        self.piv.pin_is_verified()
    }

    /// Takes one command, gives what crosses, and the status word that it ends with.
    pub(super) fn answer(&mut self, command: &[u8]) -> (Vec<u8>, StatusWord) {
        self.commands += 1;
        let hostility = self.model.hostility;
        let (mut answer, status) = match hostility.and_then(|it| it.instead(command)) {
            Some(status) => (Vec::new(), status),
            None => self.execute(command),
        };
        answer.extend_from_slice(&status.0.to_be_bytes());
        let Some(hostility) = hostility else {
            return (answer, status);
        };
        let answer = hostility.distort(command, self.commands, answer);
        let end = answer.last_chunk().copied().unwrap_or_default();
        (answer, StatusWord(u16::from_be_bytes(end)))
    }

    /// Takes one command, gives data and status word.
    fn execute(&mut self, bytes: &[u8]) -> Answer {
        let Some(cac) = &mut self.cac else {
            return self.piv.execute(bytes);
        };
        let name = selected_name(bytes);
        let has_piv = self.model.edges == Edges::Dual;
        let is_for_cac = match name {
            Some(name) => cac.has(name),
            None => cac.is_selected(),
        };
        if is_for_cac || !has_piv {
            return cac.execute(bytes, &mut self.piv);
        }
        cac.interrupt();
        let (data, status) = self.piv.execute(bytes);
        if name.is_some() && matches!(status.0, 0x9000 | 0x6100..=0x61FF) {
            cac.leave();
        }
        (data, status)
    }
}

/// The name in a SELECT by name.
fn selected_name(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0x00, instruction::SELECT, 0x04, _, length, rest @ ..] => rest.get(..usize::from(*length)),
        _ => None,
    }
}
