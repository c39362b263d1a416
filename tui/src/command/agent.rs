//! `cacctl agent`: asks for the PIN of a card that is put in, while no
//! dashboard is open that shows it.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;

use cac_common::client::Client;
use cac_common::error_chain::Chain;
use cac_common::identity::readable;
use cac_common::interface::SubmitPin;
use cac_common::reader::ReaderStatus;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, Reader, Snapshot, Stage, Visit};
use cac_common::time::UtcSeconds;
use tokio::sync::mpsc;

use super::ask_pin::{self, Question};
use super::ends::Ends;
use crate::app::may_be_the_last_try;
use crate::cli::{Agent, PinFrom, PinPrompt};
use crate::failure::{Exit, Failure};
use crate::feed::{self, News};
use crate::presence;

pub async fn run(socket: PathBuf, wanted: Agent) -> Result<Exit, Failure> {
    let mut ends = Ends::listen().map_err(Failure::Terminal)?;
    let (tell, mut news) = mpsc::channel(4);
    tokio::spawn(feed::follow(socket.clone(), tell));
    let prompt = PinPrompt {
        pin_from: Some(wanted.prompt.pin_from.unwrap_or(PinFrom::Pinentry)),
        ..wanted.prompt
    };
    let mut watch = Watch::new(std::env::var("USER").ok());
    let mut shown: Option<Snapshot> = None;
    let mut open: Option<Open> = None;
    loop {
        tokio::select! {
            () = ends.any() => return Ok(Exit::Fine),
            Some(arrived) = news.recv() => match arrived {
                News::Snapshot(snapshot) => shown = Some(*snapshot),
                News::Away(error) => {
                    // Nothing that is typed now could be handed over.
                    open = None;
                    shown = None;
                    // Standard error may be closed; then nobody wants to know.
                    let _ = writeln!(io::stderr(), "cacctl: {}; trying again by itself", Chain(&error));
                }
            },
            ended = ended(&mut open) => {
                if let Err(failure) = ended {
                    failure.tell(&mut io::stderr().lock());
                }
                if let (Some(ended), Some(snapshot)) = (open.take(), &shown) {
                    watch.was_asked(snapshot, ended.visit);
                }
            }
        }
        let Some(snapshot) = &shown else { continue };
        if let Some(failure) = watch.is_hidden(snapshot) {
            failure.tell(&mut io::stderr().lock());
        }
        // Taken out, or its PIN was typed elsewhere.
        if open
            .as_ref()
            .is_some_and(|open| find(snapshot, open.visit).is_none())
        {
            open = None;
        }
        let has_dashboard = presence::folder().is_some_and(|folder| presence::is_shown(&folder));
        if open.is_none()
            && let Some((reader, card)) = watch.next(snapshot, has_dashboard)
        {
            open = Open::new(&socket, &prompt, snapshot, (reader, card));
        }
    }
}

/// A question that is asked now, with what becomes of its answer.
struct Open {
    visit: Visit,
    outcome: Pin<Box<dyn Future<Output = Result<(), Failure>>>>,
}

impl Open {
    fn new(
        socket: &Path,
        prompt: &PinPrompt,
        snapshot: &Snapshot,
        (reader, card): (&Reader, &Card),
    ) -> Option<Self> {
        let registrations = card.registrations.iter();
        let question = Question::of(reader, card).for_registering(snapshot, registrations);
        let request = SubmitPin {
            card: card.id.clone()?,
            visit: card.visit,
            even_the_last_try: false,
        };
        let (socket, prompt) = (socket.to_owned(), prompt.clone());
        let outcome = async move {
            let (digits, length) = ask_pin::ask(&question, &prompt).await?;
            let mut client = Client::connect(&socket).await?;
            Ok(client.submit_pin(request, digits, length).await?)
        };
        Some(Self {
            visit: card.visit,
            outcome: Box::pin(outcome),
        })
    }
}

/// Waits until the question that is open, if one is, has its end.
async fn ended(open: &mut Option<Open>) -> Result<(), Failure> {
    match open {
        Some(open) => open.outcome.as_mut().await,
        None => std::future::pending().await,
    }
}

/// Which cards a person was asked about.
struct Watch {
    /// Whose agent this is.
    user: Option<String>,
    /// When the daemon was started that counts the visits.
    daemon: UtcSeconds,
    /// How often the holder of each card had been called for by then.
    asked: HashMap<Visit, u32>,
    is_hidden: bool,
}

impl Watch {
    fn new(user: Option<String>) -> Self {
        Self {
            user,
            daemon: UtcSeconds::default(),
            asked: HashMap::new(),
            is_hidden: false,
        }
    }

    /// The next card to ask about. What a dashboard shows was asked by it.
    fn next<'a>(
        &mut self,
        snapshot: &'a Snapshot,
        has_dashboard: bool,
    ) -> Option<(&'a Reader, &'a Card)> {
        if self.daemon != snapshot.daemon.started_at {
            self.daemon = snapshot.daemon.started_at;
            self.asked.clear();
        }
        self.asked
            .retain(|visit, _| cards(snapshot).any(|(_, card)| card.visit == *visit));
        for (reader, card) in cards(snapshot) {
            let so_far = self.asked.get(&card.visit).copied().unwrap_or_default();
            if card.asked > so_far && self.is_ours(card) && is_to_be_asked_for(card) {
                self.was_asked(snapshot, card.visit);
                if !has_dashboard {
                    return Some((reader, card));
                }
            }
        }
        None
    }

    /// Whoever was called for until now need not be asked for that again.
    fn was_asked(&mut self, snapshot: &Snapshot, visit: Visit) {
        if let Some((_, card)) = cards(snapshot).find(|(_, card)| card.visit == visit) {
            self.asked.insert(visit, card.asked);
        }
    }

    /// A card that is another's is for another's agent.
    fn is_ours(&self, card: &Card) -> bool {
        match (&card.user, &self.user) {
            (Some(holder), Some(user)) => holder == user,
            (None, _) | (_, None) => true,
        }
    }

    /// Why a card is not seen that is there; once.
    fn is_hidden(&mut self, snapshot: &Snapshot) -> Option<Failure> {
        let mut readers = snapshot.readers.iter();
        let hidden = readers
            .find(|reader| reader.status == ReaderStatus::Card)
            .filter(|_| !snapshot.may_act);
        let was_hidden = std::mem::replace(&mut self.is_hidden, hidden.is_some());
        hidden
            .filter(|_| !was_hidden)
            .map(|reader| Failure::CardHidden {
                reader: readable(&reader.name.0),
            })
    }
}

fn cards(snapshot: &Snapshot) -> impl Iterator<Item = (&Reader, &Card)> {
    let readers = snapshot.readers.iter();
    readers.filter_map(|reader| Some((reader, reader.card.as_ref()?)))
}

/// The card of this visit, if its PIN is still wanted.
fn find(snapshot: &Snapshot, visit: Visit) -> Option<&Card> {
    cards(snapshot)
        .map(|(_, card)| card)
        .find(|card| card.visit == visit && is_to_be_asked_for(card))
}

/// It waits for a PIN, and one may be spent on it.
fn is_to_be_asked_for(card: &Card) -> bool {
    let is_at_work = card.pin_kept
        || card
            .registrations
            .iter()
            .any(|one| one.status == RegistrationStatus::SigningIn);
    card.stage == Stage::Read && card.needs_pin() && !is_at_work && !may_be_the_last_try(&card.pin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;
    use cac_common::snapshot::PinStatus;

    #[test]
    fn a_card_is_asked_about_once_and_again_when_its_holder_is_called_for() {
        let mut watch = Watch::new(None);
        let mut desk = with_a_card(|_| ());

        assert!(watch.next(&desk, false).is_some());
        assert!(watch.next(&desk, false).is_none());
        desk = with_a_card(|card| card.asked = 2);
        assert!(watch.next(&desk, false).is_some());
        assert!(watch.next(&desk, false).is_none());
    }

    #[test]
    fn a_card_that_was_out_is_asked_about_again() {
        let mut watch = Watch::new(None);

        assert!(watch.next(&with_a_card(|_| ()), false).is_some());
        assert!(watch.next(&invented::nothing_plugged_in(), false).is_none());
        let back = with_a_card(|card| card.visit.0 += 1);
        assert!(watch.next(&back, false).is_some());
    }

    #[test]
    fn visits_of_another_start_of_the_daemon_are_others() {
        let mut watch = Watch::new(None);
        let mut desk = with_a_card(|_| ());

        assert!(watch.next(&desk, false).is_some());
        desk.daemon.started_at.0 += 1;
        assert!(watch.next(&desk, false).is_some());
    }

    #[test]
    fn what_a_dashboard_has_shown_is_not_asked_for_when_it_closes() {
        let mut watch = Watch::new(None);
        let desk = with_a_card(|_| ());

        assert!(watch.next(&desk, true).is_none());
        assert!(watch.next(&desk, false).is_none());
    }

    #[test]
    fn nobody_is_asked_where_no_pin_may_be_spent_or_none_is_wanted() {
        let cases: [fn(&mut Card); 6] = [
            |card| {
                card.pin = PinStatus::Ready {
                    tries_left: Some(1),
                }
            },
            |card| card.pin = PinStatus::Ready { tries_left: None },
            |card| card.pin_kept = true,
            |card| card.stage = Stage::Reading { done: 1, of: 9 },
            |card| card.registrations[1].status = RegistrationStatus::SigningIn,
            |card| card.user = Some("john".into()),
        ];
        for change in cases {
            let mut watch = Watch::new(Some("jane".into()));
            let desk = with_a_card(change);

            assert!(watch.next(&desk, false).is_none(), "{desk:?}");
            // Nothing was asked: once it may be, it is.
            assert!(watch.next(&with_a_card(|_| ()), false).is_some());
        }
    }

    #[test]
    fn who_may_not_see_a_card_is_told_once() {
        let mut watch = Watch::new(None);
        let desk = invented::desk().for_a_stranger();

        assert!(watch.is_hidden(&desk).is_some());
        assert!(watch.is_hidden(&desk).is_none());
        assert!(watch.next(&desk, false).is_none());
    }

    /// Jane's card, called for once.
    fn with_a_card(change: impl FnOnce(&mut Card)) -> Snapshot {
        let mut desk = invented::desk();
        let mut cards = desk.readers.iter_mut().filter_map(|it| it.card.as_mut());
        let card = cards.next().unwrap();
        card.asked = 1;
        change(card);
        desk
    }
}
