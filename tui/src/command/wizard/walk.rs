//! The person at the terminal, and the wizard in the daemon: what that asks is
//! asked here, until it is done, stopped or left as it is.

use std::io;
use std::path::Path;

use cac_common::client::{Client, ClientError, Monitor};
use cac_common::identity::readable;
use cac_common::interface::{AnswerWizard, GetConfirmation, MoveWizard, Refusal, StartWizard};
use cac_common::snapshot::{Card, PinStatus, Reader, Snapshot, Visit};
use cac_common::wizard::{Ask, AskKind, Confirmation, Move, Wizard, WizardState};

use super::typed::{Choice, Heard, answer, chosen, heard};
use super::{nameless, portal};
use crate::app::may_be_the_last_try;
use crate::cli;
use crate::command::ask_pin::Question;
use crate::command::ends::Ends;
use crate::command::register::{self, NEWS, is_read, next};
use crate::command::terminal::{Echo, Terminal};
use crate::failure::Failure;
use crate::patience::{self, Awaited};
use crate::print;
use crate::print::wizard::{Marks, state, step, steps};

const HOW: &str = "Ctrl-C: go back, stop, or leave it for later.";

/// How the walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Done { is_registered: bool },
    Stopped,
    Left,
}

/// One card in one visit, registered by hand at one portal.
pub(super) struct Walk<'a> {
    socket: &'a Path,
    wanted: &'a cli::Wizard,
    monitor: Monitor,
    snapshot: Snapshot,
    visit: Visit,
    portal: String,
    marks: Marks,
    /// No progress is told.
    is_quiet: bool,
    ends: Ends,
    terminal: Terminal,
    /// The step told last.
    told: Option<u32>,
    /// The turn whose problem was told.
    told_problem: Option<u64>,
}

impl<'a> Walk<'a> {
    /// Begins, or goes on where it was left.
    pub(super) async fn start(
        socket: &'a Path,
        wanted: &'a cli::Wizard,
        marks: Marks,
        is_quiet: bool,
    ) -> Result<Self, Failure> {
        let terminal = Terminal::open().map_err(Failure::Terminal)?;
        let mut ends = Ends::listen().map_err(Failure::Terminal)?;
        let mut monitor = Client::connect(socket).await?.monitor().await?;
        let snapshot = next(&mut monitor, &mut ends, NEWS)
            .await?
            .ok_or(ClientError::Silent)?;
        let visit = register::find(&snapshot, wanted.card.as_deref())?.visit;
        let mut walk = Self {
            socket,
            wanted,
            monitor,
            snapshot,
            visit,
            portal: String::new(),
            marks,
            is_quiet,
            ends,
            terminal,
            told: None,
            told_problem: None,
        };
        walk.wait_until_read().await?;
        let card = walk.card()?;
        walk.portal = portal(&walk.snapshot, card, wanted.portal.as_deref())?;
        walk.begin().await?;
        Ok(walk)
    }

    pub(super) fn portal(&self) -> &str {
        &self.portal
    }

    pub(super) fn portal_title(&self) -> String {
        print::portal_title(&self.snapshot, &self.portal)
    }

    /// On standard output; on the terminal where a program reads that.
    pub(super) fn tell(&self, text: &str) -> Result<(), Failure> {
        if self.wanted.json {
            let line = format!("{text}\n");
            self.terminal.say(&line).map_err(Failure::Terminal)
        } else {
            print::line(&mut io::stdout().lock(), text)
        }
    }

    /// What the portal showed at the end, if it was kept.
    pub(super) async fn confirmation(&self) -> Result<Option<Confirmation>, Failure> {
        let has_one = matches!(
            self.wizard()?.state,
            WizardState::Done {
                has_confirmation: true,
                ..
            }
        );
        if !has_one {
            return Ok(None);
        }
        let request = GetConfirmation {
            card: self.card()?.id.clone().ok_or_else(nameless)?,
            portal: self.portal.clone(),
        };
        let mut client = Client::connect(self.socket).await?;
        Ok(client.confirmation(&request).await?)
    }

    /// Ends one that is done, so that another can begin. It may be gone by now,
    /// with the card.
    pub(super) async fn put_away(&self) {
        if let Ok(wizard) = self.wizard() {
            let _ = self.send_move(wizard, Move::Stop).await;
        }
    }

    /// Answers and asks until it is at an end.
    pub(super) async fn go(&mut self) -> Result<End, Failure> {
        loop {
            let wizard = self.wizard()?.clone();
            self.tell_progress(&wizard)?;
            match &wizard.state {
                WizardState::Done { is_registered, .. } => {
                    return Ok(End::Done {
                        is_registered: *is_registered,
                    });
                }
                WizardState::Working => {
                    if let Heard::Interrupt = self.wait(&wizard).await?
                        && let Some(end) = self.choose(&wizard).await?
                    {
                        return Ok(end);
                    }
                }
                WizardState::Asking { .. } => {
                    if let Some(end) = self.ask(&wizard).await? {
                        return Ok(end);
                    }
                }
                WizardState::Telling => {
                    let question =
                        "Do this step elsewhere, as in a browser; press Enter when it is done: ";
                    if let Some(end) = self.offer(&wizard, question, Move::On).await? {
                        return Ok(end);
                    }
                }
                WizardState::Stopped { cause } => {
                    let advice = cause.advice();
                    self.tell(&state(&wizard).unwrap_or_default())?;
                    if !advice.is_empty() {
                        self.tell(&advice)?;
                    }
                    let question = "Press Enter to try this step once more: ";
                    if let Some(end) = self.offer(&wizard, question, Move::Again).await? {
                        return Ok(end);
                    }
                }
            }
        }
    }

    fn place(&self) -> Result<(&Reader, &Card), Failure> {
        let readers = self.snapshot.readers.iter();
        readers
            .filter_map(|reader| Some((reader, reader.card.as_ref()?)))
            .find(|(_, card)| card.visit == self.visit)
            .ok_or(Failure::CardGone)
    }

    fn card(&self) -> Result<&Card, Failure> {
        Ok(self.place()?.1)
    }

    fn wizard(&self) -> Result<&Wizard, Failure> {
        let wizard = self.card()?.wizard.as_ref();
        wizard
            .filter(|wizard| wizard.portal == self.portal)
            .ok_or(Failure::WizardEnded)
    }

    async fn wait_until_read(&mut self) -> Result<(), Failure> {
        while !is_read(self.card()?)? {
            self.news().await?;
        }
        Ok(())
    }

    async fn news(&mut self) -> Result<(), Failure> {
        let news = next(&mut self.monitor, &mut self.ends, NEWS);
        let news = patience::of(Awaited::Card, news).await?;
        self.snapshot = news.ok_or(Failure::NoNews {
            seconds: NEWS.as_secs(),
        })?;
        Ok(())
    }

    async fn begin(&mut self) -> Result<(), Failure> {
        if let Some(running) = self.card()?.wizard.clone() {
            if running.portal == self.portal {
                return Ok(());
            }
            self.send_move(&running, Move::Stop).await?;
        }
        // Who may not register is told before, and may try all the same.
        let registration =
            (self.card()?.registrations.iter()).find(|one| one.portal == self.portal);
        if let Some(route) = registration.and_then(|one| one.route.as_ref()) {
            self.tell(&format!(
                "{} {}",
                route.way.sentence(),
                readable(&route.text)
            ))?;
        }
        let request = StartWizard {
            card: self.card()?.id.clone().ok_or_else(nameless)?,
            visit: self.visit,
            portal: self.portal.clone(),
        };
        Client::connect(self.socket)
            .await?
            .start_wizard(&request)
            .await?;
        while self.wizard().is_err() {
            self.news().await?;
            self.card()?;
        }
        Ok(())
    }

    /// All steps at first, then those that are done meanwhile and the one at hand.
    fn tell_progress(&mut self, wizard: &Wizard) -> Result<(), Failure> {
        if self.is_quiet {
            self.told = Some(wizard.at);
        }
        let index = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        let (now, of) = (index(wizard.at), wizard.steps.len());
        match self.told.map(index) {
            None => {
                let title = self.portal_title();
                let holder = self.card()?.holder.as_ref();
                let whose = holder.map_or_else(
                    || "a card".to_owned(),
                    |holder| format!("the card of {}", readable(&holder.name.to_string())),
                );
                self.tell(&format!("Registering {whose} by hand at {title}. {HOW}"))?;
                for step in steps(wizard, self.marks) {
                    self.tell(&step)?;
                }
            }
            Some(before) if before != now => {
                for at in before..now.min(of) {
                    self.tell(&step(wizard, at, self.marks))?;
                }
                if now < of {
                    self.tell(&step(wizard, now, self.marks))?;
                }
            }
            Some(_) => {}
        }
        self.told = Some(wizard.at);
        let asks_password = matches!(&wizard.state, WizardState::Asking { asks }
            if asks.iter().any(|ask| ask.kind == AskKind::Password));
        let waits = !matches!(
            wizard.state,
            WizardState::Working | WizardState::Done { .. }
        );
        if waits && self.told_problem != Some(wizard.turn) {
            self.told_problem = Some(wizard.turn);
            let caution = wizard.caution.as_ref().filter(|_| asks_password);
            for text in wizard.problem.iter().chain(caution) {
                self.tell(&readable(text))?;
            }
        }
        Ok(())
    }

    /// Until the wizard is not where it was.
    async fn wait(&mut self, wizard: &Wizard) -> Result<Heard, Failure> {
        patience::of(Awaited::Card, self.wait_for_change(wizard)).await
    }

    async fn wait_for_change(&mut self, wizard: &Wizard) -> Result<Heard, Failure> {
        loop {
            tokio::select! {
                snapshot = self.monitor.next() => self.snapshot = snapshot?,
                end = self.ends.next() => return heard(end),
            }
            if self.wizard()? != wizard {
                return Ok(Heard::Changed);
            }
        }
    }

    /// A line, unless something else comes first.
    async fn listen(
        &mut self,
        wizard: &Wizard,
        prompt: &str,
        echo: Echo,
    ) -> Result<Heard, Failure> {
        patience::of(Awaited::Answer, self.hear(wizard, prompt, echo)).await
    }

    async fn hear(&mut self, wizard: &Wizard, prompt: &str, echo: Echo) -> Result<Heard, Failure> {
        let mut line = std::pin::pin!(self.terminal.line(prompt, echo));
        loop {
            tokio::select! {
                line = &mut line => return Ok(match line.map_err(Failure::Terminal)? {
                    Some((line, length)) => Heard::Line(line, length),
                    None => Heard::Interrupt,
                }),
                snapshot = self.monitor.next() => self.snapshot = snapshot?,
                end = self.ends.next() => return heard(end),
            }
            let card = (self.snapshot.readers.iter())
                .filter_map(|reader| reader.card.as_ref())
                .find(|card| card.visit == self.visit);
            if card.and_then(|card| card.wizard.as_ref()) != Some(wizard) {
                // The question stands half answered on its line.
                self.terminal.say("\n").map_err(Failure::Terminal)?;
                return Ok(Heard::Changed);
            }
        }
    }

    /// Asks for the next thing, and sends it.
    async fn ask(&mut self, wizard: &Wizard) -> Result<Option<End>, Failure> {
        let Some((place, ask)) = wizard.next_ask() else {
            // All is typed, and on its way.
            return match self.wait(wizard).await? {
                Heard::Interrupt => self.choose(wizard).await,
                Heard::Changed | Heard::Line(..) => Ok(None),
            };
        };
        let (prompt, echo) = self.prompt(ask)?;
        let (line, length) = match self.listen(wizard, &prompt, echo).await? {
            Heard::Line(line, length) => (line, length),
            Heard::Changed => return Ok(None),
            Heard::Interrupt => return self.choose(wizard).await,
        };
        let request = AnswerWizard {
            card: self.card()?.id.clone().ok_or_else(nameless)?,
            visit: self.visit,
            turn: wizard.turn,
            ask: place,
            value: None,
            even_the_last_try: self.wanted.even_the_last_try,
        };
        let (request, secret) = match answer(ask.kind, request, line, length) {
            Ok(answer) => answer,
            Err(why) => {
                self.tell(why)?;
                return Ok(None);
            }
        };
        let mut client = Client::connect(self.socket).await?;
        match client.answer_wizard(request, secret).await {
            Ok(()) => match self.wait(wizard).await? {
                Heard::Interrupt => self.choose(wizard).await,
                Heard::Changed | Heard::Line(..) => Ok(None),
            },
            Err(ClientError::Refused(
                refusal @ (Refusal::NotAsked
                | Refusal::InvalidParameter { .. }
                | Refusal::MalformedPassword
                | Refusal::MalformedPin),
            )) => {
                self.tell(&format!("Not taken: {refusal}."))?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn prompt(&self, ask: &Ask) -> Result<(String, Echo), Failure> {
        let label = readable(&ask.label);
        Ok(match ask.kind {
            AskKind::Text => (format!("{label}: "), Echo::Shown),
            AskKind::Password => (
                format!("{label} (not shown; is Caps Lock off?): "),
                Echo::Hidden,
            ),
            AskKind::Pin => {
                let (reader, card) = self.place()?;
                if card.pin == PinStatus::Blocked {
                    return Err(Failure::PinBlocked);
                }
                if may_be_the_last_try(&card.pin) && !self.wanted.even_the_last_try {
                    return Err(Failure::last_try_of(card));
                }
                (Question::of(reader, card).line(), Echo::Hidden)
            }
        })
    }

    /// Moves after Enter.
    async fn offer(
        &mut self,
        wizard: &Wizard,
        question: &str,
        to: Move,
    ) -> Result<Option<End>, Failure> {
        match self.listen(wizard, question, Echo::Shown).await? {
            Heard::Line(_, 0) => {
                self.go_to(wizard, to).await?;
                Ok(None)
            }
            Heard::Line(..) => {
                self.tell(&format!("Only Enter goes on. {HOW}"))?;
                Ok(None)
            }
            Heard::Changed => Ok(None),
            Heard::Interrupt => self.choose(wizard).await,
        }
    }

    /// Moves, and waits for what comes of it.
    async fn go_to(&mut self, wizard: &Wizard, to: Move) -> Result<(), Failure> {
        match self.send_move(wizard, to).await {
            Ok(()) => self.wait(wizard).await.map(drop),
            Err(Failure::Client(ClientError::Refused(refusal @ Refusal::NotAsked))) => {
                self.tell(&format!("Not done: {refusal}."))
            }
            Err(failure) => Err(failure),
        }
    }

    async fn send_move(&self, wizard: &Wizard, to: Move) -> Result<(), Failure> {
        let request = MoveWizard {
            card: self.card()?.id.clone().ok_or_else(nameless)?,
            visit: self.visit,
            turn: wizard.turn,
            to,
        };
        let mut client = Client::connect(self.socket).await?;
        Ok(client.move_wizard(&request).await?)
    }

    /// Asks what to do instead of going on.
    async fn choose(&mut self, wizard: &Wizard) -> Result<Option<End>, Failure> {
        let question =
            "\nEnter: go on   b: one step back   s: stop   l: leave it for later\nWhat now? ";
        let mut wizard = wizard.clone();
        let choice = loop {
            let (line, length) = match self.listen(&wizard, question, Echo::Shown).await? {
                Heard::Line(line, length) => (line, length),
                // What is being typed is no answer to what the portal asks now.
                Heard::Changed => {
                    wizard = self.wizard()?.clone();
                    self.tell_progress(&wizard)?;
                    let Some(now) = state(&wizard) else {
                        return Ok(None);
                    };
                    self.tell(&now)?;
                    continue;
                }
                Heard::Interrupt => break Choice::Leave,
            };
            if let Some(choice) = chosen(&line.bytes()[..length]) {
                break choice;
            }
        };
        match choice {
            Choice::GoOn => Ok(None),
            Choice::Leave => Ok(Some(End::Left)),
            Choice::Back => {
                self.go_to(&wizard, Move::Back).await?;
                Ok(None)
            }
            Choice::Stop => match self.send_move(&wizard, Move::Stop).await {
                Ok(()) => Ok(Some(End::Stopped)),
                Err(Failure::Client(ClientError::Refused(Refusal::NotAsked))) => Ok(None),
                Err(failure) => Err(failure),
            },
        }
    }
}
