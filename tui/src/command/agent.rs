//! `cacctl agent`: asks for the PIN of a card that is put in, and tells on the
//! desktop what happens to it, while no dashboard is open that shows it.

mod asking;
mod desktop;
mod herald;
mod memory;
mod opening;
mod telling;

use std::cell::Cell;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::rc::Rc;

use cac_common::client::Client;
use cac_common::error_chain::Chain;
use cac_common::interface::SubmitPin;
use cac_common::snapshot::{Card, Reader, Snapshot, Visit};
use tokio::sync::mpsc;

use self::asking::{Handed, Outcome, Watch, find};
use self::herald::Herald;
use super::ask_pin::{self, Question};
use super::ends::Ends;
use crate::cli::{Agent, PinFrom, PinPrompt};
use crate::failure::{Exit, Failure};
use crate::feed::{self, News};
use crate::presence;
use crate::settings::Settings;

pub async fn run(socket: PathBuf, wanted: Agent) -> Result<Exit, Failure> {
    let settings = Settings::of_the_user(|name| std::env::var_os(name));
    let settings = settings.map_err(Failure::Settings)?;
    let mut ends = Ends::listen().map_err(Failure::Terminal)?;
    let (tell, mut news) = mpsc::channel(4);
    tokio::spawn(feed::follow(socket.clone(), tell));
    let prompt = PinPrompt {
        pin_from: Some(wanted.prompt.pin_from.unwrap_or(PinFrom::Pinentry)),
        ..wanted.prompt
    };
    let mut herald = Herald::new(settings, wanted.notify, socket.clone());
    let mut watch = Watch::new(std::env::var("USER").ok());
    let mut shown: Option<Snapshot> = None;
    let mut open: Option<Open> = None;
    let mut handed: Option<Handed> = None;
    loop {
        tokio::select! {
            () = ends.any() => {
                herald.end().await;
                return Ok(Exit::Fine);
            }
            event = herald.next() => herald.take(event),
            Some(arrived) = news.recv() => match arrived {
                News::Snapshot(snapshot) => shown = Some(*snapshot),
                News::Away(error) => {
                    // Nothing that is typed now could be handed over.
                    open = None;
                    handed = None;
                    shown = None;
                    // Standard error may be closed; then nobody wants to know.
                    let _ = writeln!(io::stderr(), "cacctl: {}; trying again by itself", Chain(&error));
                }
            },
            ended = ended(&mut open) => {
                if let (Some(open), Some(snapshot)) = (open.take(), &shown) {
                    watch.was_asked(snapshot, open.visit);
                    watch.has_answered(open.visit, &ended);
                    handed = open.handed.filter(|_| ended.is_ok());
                }
                if let Err(failure) = ended {
                    failure.tell(&mut io::stderr().lock());
                }
            }
        }
        let Some(snapshot) = &shown else { continue };
        if let Some(failure) = watch.is_hidden(snapshot) {
            failure.tell(&mut io::stderr().lock());
        }
        // Taken out, or its PIN was typed elsewhere. What is on its way is
        // answered in any case.
        if open
            .as_ref()
            .is_some_and(|open| !open.is_sent.get() && find(snapshot, open.visit).is_none())
        {
            open = None;
        }
        let has_dashboard = presence::folder().is_some_and(|folder| presence::is_shown(&folder));
        if open.is_none()
            && let Some(before) = &mut handed
        {
            match before.outcome(snapshot) {
                Outcome::Pending => {}
                Outcome::Over => handed = None,
                Outcome::Wrong { place, tries_left } => {
                    let asks_again = before.asks_again && !has_dashboard;
                    handed = None;
                    if asks_again {
                        open = Open::new(&socket, &prompt, snapshot, place, Some(tries_left));
                    }
                }
            }
        }
        if open.is_none()
            && let Some(place) = watch.next(snapshot, has_dashboard)
        {
            open = Open::new(&socket, &prompt, snapshot, place, None);
        }
        let asking = open.as_ref().map(|open| open.visit);
        let judging = handed.as_ref().map(|handed| handed.visit);
        let is_asked = |card: &Card| {
            asking == Some(card.visit)
                || judging == Some(card.visit)
                || watch.is_known_to_its_holder(card)
        };
        herald.look(
            snapshot,
            |card| watch.is_ours(card),
            &is_asked,
            has_dashboard,
        );
    }
}

/// A question that is asked now, with what becomes of its answer.
struct Open {
    visit: Visit,
    /// What was typed is on its way.
    is_sent: Rc<Cell<bool>>,
    /// What is known of the card once it is handed over; nothing where nobody is
    /// asked again after a wrong PIN.
    handed: Option<Handed>,
    outcome: Pin<Box<dyn Future<Output = Result<(), Failure>>>>,
}

impl Open {
    fn new(
        socket: &Path,
        prompt: &PinPrompt,
        snapshot: &Snapshot,
        (reader, card): (&Reader, &Card),
        after_a_wrong_one: Option<u8>,
    ) -> Option<Self> {
        let registrations = card.registrations.iter();
        let mut question = Question::of(reader, card).for_registering(snapshot, registrations);
        let mut handed = Handed::new(card);
        if let Some(tries_left) = after_a_wrong_one {
            question = question.after_a_wrong_one(tries_left);
            handed = handed.map(Handed::for_the_last_time);
        }
        let is_sent = Rc::new(Cell::new(false));
        let request = SubmitPin {
            card: card.id.clone()?,
            visit: card.visit,
            even_the_last_try: false,
        };
        let (socket, prompt) = (socket.to_owned(), prompt.clone());
        let sends = is_sent.clone();
        let outcome = async move {
            let (digits, length) = ask_pin::ask(&question, &prompt).await?;
            sends.set(true);
            let mut client = Client::connect(&socket).await?;
            Ok(client.submit_pin(request, digits, length).await?)
        };
        Some(Self {
            visit: card.visit,
            is_sent,
            handed,
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
