//! GENERAL AUTHENTICATE: what a private key does, for whom.

use zeroize::Zeroizing;

use super::{CHAINING, Chain, Outcome, PivCard};
use crate::virtual_card::apdu::{Command, Expected, StatusWord};
use crate::virtual_card::card_file::Slot;
use crate::virtual_card::habits::{Interface, TouchHabit};
use crate::virtual_card::tlv::{take, tlv};

/// No command of PIV is longer when its parts are put together.
const LONGEST_CHAIN: usize = 2048;

impl PivCard {
    /// Collects the parts of a chain; works when the last one is there.
    pub(super) fn chain_up(
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
        let is_card_key = reference == Slot::CardAuthentication.reference();
        let allowed = if reference == Slot::Signature.reference() {
            self.session.pin_is_verified && chain.pin_was_fresh
        } else {
            is_card_key || self.session.pin_is_verified
        };
        let by_air = self.model.interface != Interface::Contact;
        if !allowed || by_air && !is_card_key {
            return Err(StatusWord::SECURITY_STATUS);
        }
        if self.model.touch == TouchHabit::Awaited && !is_card_key {
            return Err(StatusWord::CONDITIONS_OF_USE);
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
