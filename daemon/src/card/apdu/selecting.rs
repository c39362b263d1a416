//! The application that is selected: remembered, and selected again where it
//! is gone. pcscd does not keep every reset by another program out of our
//! transaction, nor tell of it: one that was asked for before we had the lock
//! can come after that.

use super::{Answer, Command, Exchange, Expects, HARMLESS, SELECT};
use crate::card::error::{CardError, StatusWord};

/// The application that was selected last, and how.
#[derive(Clone)]
pub(super) struct Selected {
    p2: u8,
    expects: Expects,
    aid: Vec<u8>,
}

impl Exchange<'_> {
    /// Sends a command. Where the application is gone that was selected, selects
    /// it again and asks once more, unless that could do harm.
    pub(super) fn ask(
        &mut self,
        command: Command<'_>,
        is_enough: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Answer, CardError> {
        let answer = self.ask_selected(command, is_enough)?;
        if command.instruction == SELECT {
            return self.note_selected(command, answer);
        }
        if !self.has_left(command, &answer)
            || self.unknown.contains(&command.instruction)
            || !HARMLESS.contains(&command.instruction)
            || !self.select_again()?
        {
            return Ok(answer);
        }
        tracing::debug!(?command, "the application was gone, and is asked once more");
        let again = self.ask_selected(command, is_enough)?;
        if self.has_left(command, &again) {
            self.unknown.push(command.instruction);
        }
        Ok(again)
    }

    fn note_selected(
        &mut self,
        command: Command<'_>,
        mut answer: Answer,
    ) -> Result<Answer, CardError> {
        if self.was_fetched && answer.status != StatusWord::SUCCESS {
            // Selected it was, or there would have been nothing to fetch.
            answer = self.ask_selected(command, &mut |_| false)?;
        }
        // One that fails leaves selected what was.
        if answer.status == StatusWord::SUCCESS {
            self.selected = Some(Selected {
                p2: command.p2,
                expects: command.expects,
                aid: command.data.to_vec(),
            });
        }
        Ok(answer)
    }

    /// Whether another application may have answered, or given the rest.
    fn has_left(&self, command: Command<'_>, answer: &Answer) -> bool {
        let is_right = !answer.is_whole
            || answer.status == StatusWord::SUCCESS && answer.fits(command.expects);
        answer.status.is_of_another_application() || self.was_fetched && !is_right
    }

    /// False where nothing can be selected again.
    fn select_again(&mut self) -> Result<bool, CardError> {
        let Some(selected) = self.selected.clone() else {
            return Ok(false);
        };
        let select = Command {
            class: 0x00,
            instruction: SELECT,
            p1: 0x04,
            p2: selected.p2,
            data: &selected.aid,
            expects: selected.expects,
            name: "SELECT",
        };
        let answer = self.ask_once(select, &mut |_| false)?;
        Ok(answer.status == StatusWord::SUCCESS)
    }
}
