//! `cacctl --plain`: the dashboard for screen readers, a sentence for each
//! change and a letter for each thing to do. It moves no cursor and draws
//! nothing twice; in a pipe it is as `watch`.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::pin::pin;

use cac_common::client::Client;
use cac_common::snapshot::{Card, Snapshot};
use jiff::tz::TimeZone;
use tokio::sync::mpsc;

use super::ends::Ends;
use super::register;
use super::terminal::{Echo, Terminal};
use super::watch;
use crate::cli::{PinFrom, PinPrompt, Register, Watch};
use crate::failure::{Exit, Failure, Trouble};
use crate::feed::{self, News};
use crate::plain::{HELP, account, certificates, news, sentence};
use crate::sheet::Sheet;
use crate::{clock, phrase, print};

pub async fn run(socket: PathBuf) -> Result<Exit, Failure> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return watch::run(socket, &Watch { json: false }, Sheet::PLAIN).await;
    }
    let mut ends = Ends::listen().map_err(Failure::Terminal)?;
    let (tell, mut feed) = mpsc::channel(4);
    tokio::spawn(feed::follow(socket.clone(), tell));
    let mut talk = Talk {
        terminal: Terminal::open().map_err(Failure::Terminal)?,
        shown: None,
        is_away: false,
        zone: TimeZone::system(),
    };
    loop {
        let typed = {
            let keyboard = Terminal::open().map_err(Failure::Terminal)?;
            let mut line = pin!(keyboard.line("", Echo::Ahead));
            loop {
                tokio::select! {
                    line = &mut line => break line.map_err(Failure::Terminal)?,
                    Some(news) = feed.recv() => talk.take(news)?,
                    () = ends.any() => {
                        // The shell goes on below what was being typed.
                        say("")?;
                        return Ok(Exit::Fine);
                    }
                }
            }
        };
        // As the dashboard, it ends when nobody is at the keyboard any more.
        let Some((line, length)) = typed else {
            return Ok(Exit::Fine);
        };
        match line.bytes()[..length].trim_ascii() {
            b"" => {}
            b"r" | b"R" => talk.register(&socket, &mut ends).await?,
            b"s" | b"S" => talk.say_all()?,
            b"c" | b"C" => talk.certificates()?,
            b"h" | b"H" | b"?" => say(HELP)?,
            b"q" | b"Q" => return Ok(Exit::Fine),
            _ => say("No such letter. Type h and press Enter for those that there are.")?,
        }
    }
}

struct Talk {
    terminal: Terminal,
    /// What was told of last.
    shown: Option<Box<Snapshot>>,
    is_away: bool,
    zone: TimeZone,
}

impl Talk {
    fn take(&mut self, news: News) -> Result<(), Failure> {
        match news {
            News::Snapshot(snapshot) => self.tell(snapshot),
            News::Away(error) => {
                self.is_away = true;
                tell_trouble(&Trouble::from(&error))?;
                say("It is tried again by itself.")
            }
        }
    }

    fn tell(&mut self, snapshot: Box<Snapshot>) -> Result<(), Failure> {
        if std::mem::take(&mut self.is_away) {
            say("The service answers again.")?;
        }
        let Some(shown) = self.shown.replace(snapshot) else {
            self.say_all()?;
            return say(HELP);
        };
        let Some(now_shown) = &self.shown else {
            return Ok(());
        };
        // One that was on its way when a later one was asked for.
        let is_older = now_shown.daemon.started_at == shown.daemon.started_at
            && now_shown.revision < shown.revision;
        if is_older {
            self.shown = Some(shown);
            return Ok(());
        }
        say_each(&news(&shown, now_shown, clock::now(), &self.zone))
    }

    fn say_all(&self) -> Result<(), Failure> {
        match &self.shown {
            Some(snapshot) => say_each(&account(snapshot, clock::now(), &self.zone)),
            None => say("The service has not answered yet."),
        }
    }

    fn certificates(&self) -> Result<(), Failure> {
        match &self.shown {
            Some(snapshot) => say_each(&certificates(snapshot, clock::now(), &self.zone)),
            None => say("The service has not answered yet."),
        }
    }

    /// As `cacctl register`; whatever comes of it, the talk goes on.
    async fn register(&mut self, socket: &Path, ends: &mut Ends) -> Result<(), Failure> {
        let card = match self.which_card(ends).await {
            Ok(card) => card,
            Err(failure) => return tell_failure(&failure),
        };
        let mut done = register::run(socket, wanted(card, false), Sheet::PLAIN).await;
        ends.pass_over_interrupt().map_err(Failure::Terminal)?;
        if let Err(Failure::LastTry { card, visit }) = done {
            let question = "One try is left, or the card does not say how many. A wrong PIN now may block it. Type yes and press Enter to send it all the same: ";
            done = match self.ask(question, ends).await {
                Ok(answer) if answer.eq_ignore_ascii_case("yes") => {
                    // For no other card that was put in meanwhile.
                    let wanted = wanted(card.map(|card| card.0), true);
                    let done = register::run_in_visit(socket, wanted, visit, Sheet::PLAIN).await;
                    ends.pass_over_interrupt().map_err(Failure::Terminal)?;
                    done
                }
                Ok(_) => {
                    say("No PIN was sent.")?;
                    return Ok(());
                }
                Err(failure) => Err(failure),
            };
        }
        match done {
            Ok(_) => say("That is all for now.")?,
            Err(failure) => tell_failure(&failure)?,
        }
        // What it told on its way is not told again.
        let now = async { Client::connect(socket).await?.snapshot().await };
        if let Ok(snapshot) = now.await {
            self.shown = Some(Box::new(snapshot));
        }
        Ok(())
    }

    /// The ID of the card that is meant, where there are several.
    async fn which_card(&self, ends: &mut Ends) -> Result<Option<String>, Failure> {
        let snapshot = self.shown.as_deref();
        let readers = snapshot.map_or(&[][..], |snapshot| &snapshot.readers);
        let cards: Vec<(&Card, String)> = readers
            .iter()
            .filter_map(|reader| reader.card.as_ref())
            .filter_map(|card| Some((card, card.id.as_ref()?.0.clone())))
            .collect();
        let needs_pin = |card: &Card| {
            let mut registrations = card.registrations.iter();
            registrations.any(|one| one.status.has_use_for_pin())
        };
        let mut waiting = cards.iter().filter(|(card, _)| needs_pin(card));
        if let (Some((_, id)), None) = (waiting.next(), waiting.next()) {
            return Ok(Some(id.clone()));
        }
        if cards.len() < 2 {
            return Ok(None);
        }
        for (at, (card, _)) in cards.iter().enumerate() {
            let holder = card.holder.as_ref();
            let holder = holder.map_or_else(
                || "somebody not known yet".into(),
                |holder| cac_common::identity::readable(&holder.name.to_string()),
            );
            say(&format!("{} is the card of {holder}.", at + 1))?;
        }
        let answer = self
            .ask("Type the number of a card and press Enter: ", ends)
            .await?;
        let place = answer.parse::<usize>().ok();
        let chosen = place.and_then(|place| cards.get(place.checked_sub(1)?));
        match chosen {
            Some((_, id)) => Ok(Some(id.clone())),
            None => Err(Failure::NotConfirmed),
        }
    }

    async fn ask(&self, question: &str, ends: &mut Ends) -> Result<String, Failure> {
        let line = tokio::select! {
            line = self.terminal.line(question, Echo::Shown) => line.map_err(Failure::Terminal)?,
            () = ends.any() => return Err(Failure::Interrupted),
        };
        let (line, length) = line.ok_or(Failure::Interrupted)?;
        let answer = String::from_utf8_lossy(&line.bytes()[..length]);
        Ok(answer.trim().to_owned())
    }
}

fn wanted(card: Option<String>, even_the_last_try: bool) -> Register {
    Register {
        card,
        portal: None,
        even_the_last_try,
        prompt: PinPrompt {
            pin_from: Some(PinFrom::Terminal),
            pinentry: PathBuf::new(),
            pin_timeout: 120,
        },
        json: false,
    }
}

fn tell_failure(failure: &Failure) -> Result<(), Failure> {
    if let Failure::Interrupted = failure {
        say("Stopped.")
    } else if let Failure::NotConfirmed = failure {
        say("No card has that number.")
    } else {
        tell_trouble(&Trouble::from(failure))
    }
}

fn tell_trouble(trouble: &Trouble) -> Result<(), Failure> {
    say(&sentence(&phrase::capitalised(&trouble.what)))?;
    match trouble.advice {
        Some(advice) => say(advice),
        None => Ok(()),
    }
}

fn say_each(sentences: &[String]) -> Result<(), Failure> {
    sentences.iter().try_for_each(|one| say(one))
}

fn say(text: &str) -> Result<(), Failure> {
    print::line(&mut io::stdout().lock(), text)
}
