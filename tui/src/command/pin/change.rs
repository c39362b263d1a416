//! `cacctl pin change`: asks for the old PIN and twice for the new one, looks at
//! them, and has the card asked once.

use std::io;
use std::path::Path;

use cac_common::client::{Client, ClientError};
use cac_common::interface::{Refusal, SubmitPin};
use cac_common::locked::Locked;
use cac_common::snapshot::{PinStatus, Snapshot, Visit};

use super::{Followed, NEWS};
use crate::app::may_be_the_last_try;
use crate::cli::{PinChange, PinPrompt};
use crate::command::ask_pin::{self, Asks, Question};
use crate::failure::{Exit, Failure};
use crate::patience::{self, Awaited};
use crate::print;
use crate::sheet::Sheet;

pub(super) async fn run(socket: &Path, wanted: &PinChange, sheet: Sheet) -> Result<Exit, Failure> {
    let mut followed = Followed::start(socket, wanted.card.as_deref()).await?;
    let request = request(&followed, wanted.even_the_last_try)?;
    let (old, new) = followed.ask_both(&wanted.prompt).await?;
    let mut client = Client::connect(socket).await?;
    let answer = patience::of(Awaited::PinChange, client.change_pin(request, old, new));
    let answer = tokio::select! {
        answer = answer => answer,
        // Both may be on their way.
        () = followed.ends.any() => return Err(Failure::PinChangeLeft),
    };
    answer.map_err(|error| match error {
        // Both are on their way.
        ClientError::Lost(_) | ClientError::Closed | ClientError::Silent => {
            Failure::PinChangeUnheard(error)
        }
        ClientError::Unreachable { .. }
        | ClientError::Refused(_)
        | ClientError::UnknownError(_)
        | ClientError::Unreadable(_)
        | ClientError::Pipe(_) => Failure::Client(error),
    })?;
    // Whatever fails from here on, it is changed.
    let mut out = io::stdout().lock();
    if wanted.json {
        let now = tokio::time::timeout(NEWS, client.snapshot());
        let now = patience::of(Awaited::Changes, now).await;
        let now = now.ok().and_then(Result::ok);
        followed.snapshot = after(followed.snapshot, now, followed.visit);
        let (reader, card) = followed.place()?;
        print::json(&mut out, &print::pin::Standing::of(reader, card))?;
    } else if !sheet.quiet {
        print::line(&mut out, "The PIN is changed.")?;
    }
    Ok(Exit::Fine)
}

/// For the card, if it may be asked at all.
fn request(followed: &Followed, even_the_last_try: bool) -> Result<SubmitPin, Failure> {
    let (_, card) = followed.place()?;
    if card.pin == PinStatus::Blocked {
        return Err(Failure::PinBlocked);
    }
    if card.pin_reference.is_none() {
        return Err(ClientError::from(Refusal::NoPinChange).into());
    }
    if may_be_the_last_try(&card.pin) && !even_the_last_try {
        return Err(Failure::last_try_of(card));
    }
    let id = card.id.clone().ok_or(Failure::CardUnreadable {
        cause: "it says nothing by which it could be recognised".into(),
    })?;
    Ok(SubmitPin {
        card: id,
        visit: followed.visit,
        even_the_last_try,
    })
}

/// The latest that shows the card of this visit. Where there is no news of it, it was
/// taken out or the daemon is away, and its tries are not known.
fn after(before: Snapshot, news: Option<Snapshot>, visit: Visit) -> Snapshot {
    let is_in = |snapshot: &Snapshot| {
        let mut cards = snapshot.readers.iter().filter_map(|it| it.card.as_ref());
        cards.any(|card| card.visit == visit)
    };
    if let Some(news) = news.filter(is_in) {
        return news;
    }
    let mut before = before;
    let cards = before.readers.iter_mut();
    for card in cards.filter_map(|reader| reader.card.as_mut()) {
        card.pin = PinStatus::Unknown;
    }
    before
}

type Digits = (Locked, usize);

impl Followed {
    /// The old PIN and the new one, which differs from it and was typed twice.
    async fn ask_both(&mut self, prompt: &PinPrompt) -> Result<(Digits, Digits), Failure> {
        let old = self.ask(Asks::Old, prompt).await?;
        let new = self.ask(Asks::New, prompt).await?;
        if typed(&old) == typed(&new) {
            return Err(ClientError::from(Refusal::SamePin).into());
        }
        let again = self.ask(Asks::NewAgain, prompt).await?;
        if typed(&new) != typed(&again) {
            return Err(Failure::NewPinsDiffer);
        }
        Ok((old, new))
    }

    /// Asks, and stops asking when the card is taken out.
    async fn ask(&mut self, what: Asks, prompt: &PinPrompt) -> Result<Digits, Failure> {
        let (reader, card) = self.place()?;
        let question = Question::of(reader, card).asking(what);
        let mut asked = std::pin::pin!(ask_pin::ask(&question, prompt));
        loop {
            tokio::select! {
                pin = &mut asked => return pin,
                snapshot = self.monitor.next() => self.snapshot = snapshot?,
                () = self.ends.any() => return Err(Failure::Interrupted),
            }
            self.place()?;
        }
    }
}

fn typed((digits, length): &Digits) -> &[u8] {
    &digits.bytes()[..*length]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    #[test]
    fn a_card_that_is_seen_no_more_has_tries_that_nobody_knows() {
        let before = invented::desk();
        let visit = before.readers[2].card.as_ref().unwrap().visit;
        let tries = |snapshot: &Snapshot| snapshot.readers[2].card.as_ref().unwrap().pin.clone();
        assert_ne!(tries(&before), PinStatus::Unknown);
        let gone = invented::nothing_plugged_in();

        let seen = after(before.clone(), Some(before.clone()), visit);

        assert_eq!(tries(&seen), tries(&before));
        for news in [None, Some(gone)] {
            let unseen = after(before.clone(), news, visit);
            assert_eq!(tries(&unseen), PinStatus::Unknown);
        }
    }
}
