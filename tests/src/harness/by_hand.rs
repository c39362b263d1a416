//! Somebody who registers by hand, over the socket.

use anyhow::Context as _;
use cac_common::client::ClientError;
use cac_common::interface::{AnswerWizard, GetConfirmation, MoveWizard, StartWizard};
use cac_common::locked::Locked;
use cac_common::snapshot::Card;
use cac_common::wizard::{AskKind, Confirmation, Move, Wizard, WizardState};

use super::Lab;

impl Lab {
    /// Begins at a portal with the card in a reader.
    pub fn start_wizard(&self, reader: usize, portal: &str) -> anyhow::Result<()> {
        let (card, id) = self.card_and_id(reader)?;
        let request = StartWizard {
            card: id,
            visit: card.visit,
            portal: portal.to_owned(),
        };
        Ok(self.ask(async |client| client.start_wizard(&request).await)?)
    }

    /// Waits until the wizard of the card in a reader is as it should be.
    pub fn wait_for_wizard(
        &self,
        reader: usize,
        what: &str,
        condition: impl Fn(&Wizard) -> bool,
    ) -> anyhow::Result<Wizard> {
        let card = self.wait_for_card(reader, what, |card| {
            card.wizard.as_ref().is_some_and(&condition)
        })?;
        card.wizard.context("it was there")
    }

    /// Waits until something is to be typed at a step, from 0.
    pub fn wait_until_asked(&self, reader: usize, at: u32) -> anyhow::Result<Wizard> {
        self.wait_for_wizard(reader, &format!("step {at} asks"), |wizard| {
            wizard.at == at && matches!(wizard.state, WizardState::Asking { .. })
        })
    }

    /// Types an answer to what is asked next.
    pub fn answer(&self, reader: usize, text: &str) -> anyhow::Result<Result<(), ClientError>> {
        let (card, id) = self.card_and_id(reader)?;
        let wizard = card.wizard.context("nobody registers by hand")?;
        let (ask, asked) = wizard.next_ask().context("nothing is asked")?;
        let is_text = asked.kind == AskKind::Text;
        let request = AnswerWizard {
            card: id,
            visit: card.visit,
            turn: wizard.turn,
            ask,
            value: is_text.then(|| text.to_owned()),
            even_the_last_try: false,
        };
        let mut bytes = Locked::new()?;
        bytes.bytes_mut()[..text.len()].copy_from_slice(text.as_bytes());
        let secret = (!is_text).then_some((bytes, text.len()));
        Ok(self.ask(async |client| client.answer_wizard(request, secret).await))
    }

    /// Types each of these answers in turn.
    pub fn answer_all(&self, reader: usize, texts: &[&str]) -> anyhow::Result<()> {
        for text in texts {
            self.answer(reader, text)??;
        }
        Ok(())
    }

    pub fn move_wizard(&self, reader: usize, to: Move) -> anyhow::Result<()> {
        let (card, id) = self.card_and_id(reader)?;
        let request = MoveWizard {
            card: id,
            visit: card.visit,
            turn: card.wizard.context("nobody registers by hand")?.turn,
            to,
        };
        Ok(self.ask(async |client| client.move_wizard(&request).await)?)
    }

    /// What the portal showed the holder of the card in a reader at the end.
    pub fn confirmation(
        &self,
        reader: usize,
        portal: &str,
    ) -> anyhow::Result<Option<Confirmation>> {
        let (_, card) = self.card_and_id(reader)?;
        let request = GetConfirmation {
            card,
            portal: portal.to_owned(),
        };
        Ok(self.ask(async |client| client.confirmation(&request).await)?)
    }

    fn card_and_id(&self, reader: usize) -> anyhow::Result<(Card, cac_common::identity::CardId)> {
        let card = self.card(&self.snapshot()?, reader)?;
        let id = card.id.clone().context("it has no ID yet")?;
        Ok((card, id))
    }
}
