//! The dashboard's loop: something comes in, the state changes, the screen is drawn.
//!
//! Nothing in it waits for the daemon, and between two messages it sleeps.

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use crossterm::event::{Event, EventStream, KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use futures_util::StreamExt;
use jiff::tz::TimeZone;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::app::{App, Link};
use crate::calls;
use crate::check::look;
use crate::cli::Place;
use crate::clock;
use crate::failure::{Exit, Failure, Trouble};
use crate::feed::{self, News};
use crate::hang_up;
use crate::keys::{self, Mode, Pressed};
use crate::presence::{self, Presence};
use crate::secret_entry::{MOST_BYTES, MOST_DIGITS, SecretEntry};
use crate::terminal::Screen;
use crate::theme::Theme;
use crate::update::{Action, Message, Mouse, MouseDid, Stroke, update};
use crate::view;

/// Messages that may wait; whoever sends more waits too.
const WAITING: usize = 16;

pub async fn run(socket: PathBuf, theme: Theme, start: Place) -> Result<Exit, Failure> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(Failure::NoTerminal);
    }
    let mut sources = Sources::open(socket.clone()).map_err(Failure::Terminal)?;
    let mut screen = Screen::open().map_err(Failure::Terminal)?;
    hang_up::watch().map_err(Failure::Terminal)?;
    // Where it cannot be shown, an agent asks beside us, and does no harm.
    let _presence = presence::folder().and_then(|folder| Presence::show(&folder).ok());
    let (answer, answers) = mpsc::channel(WAITING);
    sources.answers = answers;
    let mut app = App::new(clock::now(), TimeZone::system());
    app.start = Some(start);
    app.size = screen.size().map_err(Failure::Terminal)?;
    let mut desk = Desk {
        app,
        secret: SecretEntry::default(),
        socket: socket.into(),
        answer,
        activity: None,
    };
    desk.serve(&mut sources, &mut screen, theme)
        .await
        .map_err(Failure::Terminal)?;
    Ok(Exit::Fine)
}

/// Where things come in from.
struct Sources {
    keyboard: EventStream,
    news: mpsc::Receiver<News>,
    answers: mpsc::Receiver<Message>,
    end: Signal,
    hang_up: Signal,
    /// Someone has stopped us, and lets us go on.
    go_on: Signal,
}

enum Incoming {
    Event(Event),
    Message(Message),
    GoOn,
    End,
}

impl Sources {
    fn open(socket: PathBuf) -> io::Result<Self> {
        let (tell, news) = mpsc::channel(WAITING);
        let (_, answers) = mpsc::channel(1);
        let sources = Self {
            keyboard: EventStream::new(),
            news,
            answers,
            end: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            go_on: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        };
        tokio::spawn(feed::follow(socket, tell));
        Ok(sources)
    }

    async fn next(&mut self, app: &App) -> io::Result<Incoming> {
        let mut next_change = pin!(tokio::time::sleep(clock::until(app.next_change())));
        Ok(tokio::select! {
            event = self.keyboard.next() => match event {
                Some(event) => Incoming::Event(event?),
                None => Incoming::End,
            },
            Some(answer) = self.answers.recv() => Incoming::Message(answer),
            Some(news) = self.news.recv() => Incoming::Message(match news {
                News::Snapshot(snapshot) => Message::Snapshot(snapshot),
                News::Away(error) => Message::Away(Trouble::from(&error)),
            }),
            _ = self.end.recv() => Incoming::End,
            _ = self.hang_up.recv() => Incoming::End,
            _ = self.go_on.recv() => Incoming::GoOn,
            () = &mut next_change => Incoming::Message(Message::Tick),
        })
    }
}

/// The state, and the PIN or password being typed, which does not belong into it.
struct Desk {
    app: App,
    secret: SecretEntry,
    socket: Arc<std::path::Path>,
    answer: mpsc::Sender<Message>,
    /// Follows what goes between readers and cards, while it is shown.
    activity: Option<JoinHandle<()>>,
}

impl Desk {
    async fn serve(
        &mut self,
        sources: &mut Sources,
        screen: &mut Screen,
        theme: Theme,
    ) -> io::Result<()> {
        let mut is_drawn = false;
        loop {
            if !is_drawn {
                screen.draw(|frame| view::draw(frame, &self.app, theme))?;
                is_drawn = true;
            }
            let incoming = sources.next(&self.app).await?;
            self.app.now = clock::now();
            let action = match incoming {
                Incoming::End => return Ok(()),
                Incoming::GoOn => {
                    screen.resume()?;
                    is_drawn = false;
                    continue;
                }
                Incoming::Event(event) => match self.message_for(&event) {
                    Some(message) => self.take(message),
                    None => continue,
                },
                Incoming::Message(message) => {
                    if self.shows_already(&message) {
                        continue;
                    }
                    self.take(message)
                }
            };
            is_drawn = false;
            match action {
                None => {}
                Some(Action::Quit) => return Ok(()),
                Some(Action::Redraw) => screen.forget()?,
                Some(Action::Suspend) => screen.suspend()?,
                Some(Action::TakeMouse(ours)) => screen.take_mouse(ours)?,
                Some(Action::FollowActivity(shows)) => self.follow_activity(shows),
                Some(Action::LookAround(round)) => self.look_around(round),
                Some(action) => self.start(action),
            }
        }
    }

    /// What an event of the terminal comes to. A character of a PIN or password
    /// goes from here into locked memory, and only their number goes on.
    fn message_for(&mut self, event: &Event) -> Option<Message> {
        match event {
            Event::Key(key) => self.message_for_key(key),
            Event::Resize(columns, rows) => Some(Message::Resized(*columns, *rows)),
            Event::Mouse(mouse) => message_for_mouse(*mouse),
            Event::FocusGained | Event::FocusLost | Event::Paste(_) => None,
        }
    }

    fn message_for_key(&mut self, key: &KeyEvent) -> Option<Message> {
        let mode = self.app.mode();
        let is_seen = mode.shows_what_is_typed();
        let stroke = match keys::pressed(mode, key)? {
            Pressed::Command(command) => return Some(Message::Command(command)),
            Pressed::Secret(c) => {
                let most = if mode == Mode::Password {
                    MOST_BYTES
                } else {
                    MOST_DIGITS
                };
                match self.secret.push(c, most) {
                    Ok(true) => Stroke::Secret(self.secret.count()),
                    Ok(false) => Stroke::NoRoom,
                    Err(_) => Stroke::NoLockedMemory,
                }
            }
            Pressed::Letter(letter) => Stroke::Letter(letter),
            Pressed::Erase if is_seen => Stroke::EraseLetter,
            Pressed::EraseAll if is_seen => Stroke::EraseLetters,
            Pressed::Erase => Stroke::Secret(self.secret.count().saturating_sub(1)),
            Pressed::EraseAll => Stroke::Secret(0),
            Pressed::NotADigit => Stroke::NotADigit,
            Pressed::TooSoon => Stroke::TooSoon,
        };
        Some(Message::Stroke(stroke))
    }

    fn shows_already(&self, message: &Message) -> bool {
        let Message::Snapshot(snapshot) = message else {
            return false;
        };
        self.app.link == Link::Connected && self.app.snapshot.as_ref() == Some(snapshot)
    }

    /// Changes the state. Whatever of a secret the state does not count is wiped,
    /// unless it is about to be sent.
    fn take(&mut self, message: Message) -> Option<Action> {
        let action = update(&mut self.app, message);
        let sends = matches!(
            action,
            Some(Action::SubmitPin(_) | Action::AnswerWithSecret(_) | Action::TestPortal { .. })
        );
        if !sends {
            self.secret.shorten(self.app.secret_length());
        }
        action
    }

    fn follow_activity(&mut self, shows: bool) {
        if let Some(before) = self.activity.take() {
            before.abort();
        }
        self.activity = shows.then(|| {
            let (socket, answer) = (self.socket.clone(), self.answer.clone());
            tokio::spawn(feed::activity::follow(socket, answer))
        });
    }

    fn look_around(&self, round: u64) {
        let is_connected = self.app.link == Link::Connected;
        let picture = self.app.snapshot.clone().filter(|_| is_connected);
        let mut looked = look::around(
            &Arc::new(look::Place::here(self.socket.to_path_buf(), picture)),
            |_| true,
        );
        let answer = self.answer.clone();
        tokio::spawn(async move {
            while let Some(looked) = looked.recv().await {
                // Fails only if the dashboard has ended.
                let _ = answer.send(Message::Looked { round, looked }).await;
            }
        });
    }

    fn start(&mut self, action: Action) {
        let (socket, answer) = (self.socket.clone(), self.answer.clone());
        let secret = self.secret.take();
        tokio::spawn(async move {
            let message = match action {
                Action::SubmitPin(request) => {
                    let Some((digits, count)) = secret else {
                        return;
                    };
                    calls::submit_pin(&socket, request, digits, count).await
                }
                Action::AnswerWithSecret(request) => {
                    let Some(secret) = secret else {
                        return;
                    };
                    calls::answer_wizard(&socket, request, Some(secret)).await
                }
                Action::Answer(request) => calls::answer_wizard(&socket, request, None).await,
                Action::BeginWizard { first, request } => {
                    calls::begin_wizard(&socket, first, request).await
                }
                Action::MoveWizard(request) => calls::move_wizard(&socket, request).await,
                Action::LoadConfirmation(request) => calls::confirmation(&socket, request).await,
                Action::LoadProfile(name) => calls::profile(&socket, &name).await,
                Action::Save { file, contents } => calls::save(file, contents).await,
                Action::Print(text) => calls::print(text).await,
                Action::Register(request) => calls::register(&socket, request).await,
                Action::Accept(request) => calls::accept(&socket, request).await,
                Action::LoadHistory(request) => calls::history(&socket, request).await,
                Action::Clear(request) => calls::clear(&socket, request).await,
                Action::TestPortal { request, since } => {
                    let Some(secret) = secret else {
                        return;
                    };
                    calls::test_portal(&socket, request, since, secret).await
                }
                Action::Quit
                | Action::Redraw
                | Action::Suspend
                | Action::TakeMouse(_)
                | Action::FollowActivity(_)
                | Action::LookAround(_) => return,
            };
            // Fails only if the dashboard has ended.
            let _ = answer.send(message).await;
        });
    }
}

fn message_for_mouse(event: MouseEvent) -> Option<Message> {
    let did = match event.kind {
        MouseEventKind::Down(MouseButton::Left) => MouseDid::Click,
        MouseEventKind::ScrollUp => MouseDid::WheelUp,
        MouseEventKind::ScrollDown => MouseDid::WheelDown,
        MouseEventKind::Down(_)
        | MouseEventKind::Up(_)
        | MouseEventKind::Drag(_)
        | MouseEventKind::Moved
        | MouseEventKind::ScrollLeft
        | MouseEventKind::ScrollRight => return None,
    };
    Some(Message::Mouse(Mouse {
        column: event.column,
        row: event.row,
        did,
    }))
}
