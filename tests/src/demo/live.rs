//! The demo in the hands of a person: the dashboard, and below it a strip
//! with the PIN and the keys that move the pretend world.

use std::io::{self, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::http::StatusCode;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::Snapshot;

use super::cards::{PIN, Who};
use super::ending::Ending;
use super::reader::Reader;
use super::screen::{Screen, Size};
use super::stage::Stage;
use super::strip;
use crate::portal::Fault;

/// Rows of the strip.
const ROWS: u16 = 5;

/// How soon a signal is noticed.
const LOOK_UP: Duration = Duration::from_millis(100);

/// How long a portal that is busy asks to be left alone.
const RETRY_AFTER: Duration = Duration::from_secs(3);

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    PutIn,
    TakeOut,
    Another,
    Portal,
    Busy,
    End,
}

/// The keys: as tmux knows them, and the letters they stand for in the strip.
const KEYS: [(&str, char, Wish); 6] = [
    ("F2", 'i', Wish::PutIn),
    ("F3", 'o', Wish::TakeOut),
    ("F4", 'n', Wish::Another),
    ("F5", 'p', Wish::Portal),
    ("F6", '5', Wish::Busy),
    ("F10", 'q', Wish::End),
];

enum Event {
    /// The strip is there to be drawn on.
    Strip(UnixStream),
    Wish(Wish),
    /// There is something new to draw, or more room for it.
    Changed,
    /// The screen was closed.
    Closed(io::Result<std::process::ExitStatus>),
}

/// Returns when the person has had enough.
pub(super) fn run(stage: &mut Stage, ending: &Ending) -> anyhow::Result<()> {
    let (events, inbox) = mpsc::channel();
    let control = stage.folder().join("strip.socket");
    listen_to_strip(UnixListener::bind(&control)?, events.clone())?;
    let screen = open_screen(stage, &control)?;
    stage.feed.tell({
        let events = events.clone();
        move || {
            events.send(Event::Changed).ok();
        }
    });
    let mut client = screen.attach()?;
    thread::spawn(move || events.send(Event::Closed(client.wait())));

    let mut live = Live {
        stage,
        fault: Fault::Normal,
        strip: None,
    };
    loop {
        ending.check()?;
        let event = match inbox.recv_timeout(LOOK_UP) {
            Ok(event) => event,
            Err(mpsc::RecvTimeoutError::Timeout) => continue,
            Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(()),
        };
        match event {
            Event::Strip(strip) => live.strip = Some(strip),
            Event::Wish(Wish::End) => return Ok(()),
            Event::Wish(wish) => live.grant(wish)?,
            Event::Changed => {}
            Event::Closed(status) => {
                let status = status.context("tmux is lost")?;
                if !status.success() && !ending.is_here() {
                    bail!("tmux cannot show the dashboard on this terminal ({status})");
                }
                return Ok(());
            }
        }
        live.draw();
    }
}

fn open_screen(stage: &Stage, control: &std::path::Path) -> anyhow::Result<Screen> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).context("the terminal has no size")?;
    let size = Size {
        columns: size.ws_col.max(1),
        rows: size.ws_row.max(1),
    };
    let screen = Screen::open(stage.folder(), size, &stage.dashboard())?;
    let this = std::env::current_exe().context("cannot tell which program this is")?;
    let (this, control) = (this.to_string_lossy(), control.to_string_lossy());
    let strip = screen.add_below(ROWS, &[&this, "--strip", &control])?;
    for (key, letter, _) in KEYS {
        screen.bind(key, &strip, letter)?;
    }
    Ok(screen)
}

/// Takes the one connection that comes, and passes on its keys.
fn listen_to_strip(listener: UnixListener, events: mpsc::Sender<Event>) -> io::Result<()> {
    thread::Builder::new()
        .name("strip".to_owned())
        .spawn(move || {
            let Ok((strip, _)) = listener.accept() else {
                return;
            };
            let Ok(keys) = strip.try_clone() else {
                return;
            };
            events.send(Event::Strip(strip)).ok();
            for byte in BufReader::new(keys).bytes().map_while(Result::ok) {
                if let Some(event) = pressed(byte)
                    && events.send(event).is_err()
                {
                    return;
                }
            }
        })?;
    Ok(())
}

fn pressed(byte: u8) -> Option<Event> {
    if byte == strip::REDRAW {
        return Some(Event::Changed);
    }
    KEYS.iter()
        .find(|(_, letter, _)| *letter == char::from(byte))
        .map(|(.., wish)| Event::Wish(*wish))
}

struct Live<'a> {
    stage: &'a mut Stage,
    fault: Fault,
    strip: Option<UnixStream>,
}

impl Live<'_> {
    fn grant(&mut self, wish: Wish) -> anyhow::Result<()> {
        match wish {
            Wish::PutIn => self.stage.put_in(Who::Jane)?,
            Wish::TakeOut => self.stage.take_out(),
            Wish::Another => {
                let next = match self.stage.in_reader {
                    Some(Who::John) => Who::Pat,
                    Some(Who::Jane | Who::Pat) | None => Who::John,
                };
                self.stage.put_in(next)?;
            }
            Wish::Portal => self.toggle(Fault::Down)?,
            Wish::Busy => self.toggle(Fault::Status {
                code: StatusCode::SERVICE_UNAVAILABLE,
                retry_after: Some(RETRY_AFTER),
            })?,
            Wish::End => {}
        }
        Ok(())
    }

    fn toggle(&mut self, fault: Fault) -> anyhow::Result<()> {
        self.fault = if self.fault == fault {
            Fault::Normal
        } else {
            fault
        };
        self.stage.portal.set_fault(self.fault)?;
        Ok(())
    }

    fn draw(&mut self) {
        let in_reader = self.stage.in_reader.map(|who| self.stage.card(who).name());
        let lines = lines(&Scene {
            is_fallback: matches!(self.stage.reader, Reader::Inside(_)),
            in_reader: in_reader.as_deref(),
            fault: self.fault,
            snapshot: self.stage.feed.latest().as_ref(),
        });
        if let Some(strip) = &mut self.strip
            && strip.write_all(picture(&lines).as_bytes()).is_err()
        {
            // It has gone, and takes the screen with it.
            self.strip = None;
        }
    }
}

/// What the strip tells of.
struct Scene<'a> {
    is_fallback: bool,
    in_reader: Option<&'a str>,
    fault: Fault,
    snapshot: Option<&'a Snapshot>,
}

fn lines(scene: &Scene<'_>) -> [String; ROWS as usize] {
    let world = if scene.is_fallback {
        "DEMO (FALLBACK: a reader without pcscd)"
    } else {
        "DEMO: the card and the portal are pretend"
    };
    let card = match scene.in_reader {
        Some(name) => format!("{name}'s card"),
        None => "empty".to_owned(),
    };
    let portal = match scene.fault {
        Fault::Down => "off",
        Fault::Status { .. } => "answers 503",
        Fault::Normal
        | Fault::Slow(_)
        | Fault::StaleCookies
        | Fault::Connection(_)
        | Fault::Answer(_) => "on",
    };
    [
        format!(" {world}.   PIN of every card: {PIN}"),
        " F2 put JANE DOE's card in   F3 take the card out   F4 another person's card".to_owned(),
        " F5 portal off or on   F6 portal answers 503, or not   F10 end the demo".to_owned(),
        format!(" Reader: {card}.   Portal: {portal}."),
        format!(" > {}", hint(scene)),
    ]
}

/// What is worth doing next.
fn hint(scene: &Scene<'_>) -> &'static str {
    if scene.in_reader.is_none() {
        return "Press F2 to put a card in.";
    }
    let status = scene
        .snapshot
        .and_then(Snapshot::card_of_interest)
        .and_then(|(_, card)| card.registrations.first())
        .map(|registration| &registration.status);
    match status {
        None => "The card is being read.",
        Some(RegistrationStatus::NeedsPin { .. } | RegistrationStatus::OutOfDate { .. }) => {
            "In the dashboard above, press r, type the PIN and press Enter."
        }
        Some(RegistrationStatus::Registered { .. }) => {
            "Registered. Try F3 and F2: no PIN is asked. Or F5 and F4: a portal away."
        }
        Some(RegistrationStatus::Waiting { .. }) => match scene.fault {
            Fault::Down => "Switch the portal on again (F5): the daemon goes on by itself.",
            Fault::Status { .. } => "Let the portal work again (F6): the daemon goes on by itself.",
            Fault::Normal
            | Fault::Slow(_)
            | Fault::StaleCookies
            | Fault::Connection(_)
            | Fault::Answer(_) => "In a moment the daemon tries again, by itself.",
        },
        Some(RegistrationStatus::NotFound) => {
            "The portal does not know this person. F4 puts in another person's card."
        }
        Some(_) => "The dashboard says what comes next; ? explains its keys.",
    }
}

/// The lines, drawn from the top; what is too wide is cut off.
fn picture(lines: &[String]) -> String {
    const NO_CURSOR_NO_WRAP_CLEAR: &str = "\x1b[?25l\x1b[?7l\x1b[H\x1b[2J";
    const REVERSE: &str = "\x1b[7m";
    const PLAIN: &str = "\x1b[0m";
    let mut text = String::from(NO_CURSOR_NO_WRAP_CLEAR);
    for (row, line) in lines.iter().enumerate() {
        if row == 0 {
            text.push_str(&line.replace(PIN, &format!("{REVERSE} {PIN} {PLAIN}")));
        } else {
            text.push_str("\r\n");
            text.push_str(line);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strip_fits_on_the_narrowest_terminal_that_is_usual() {
        for scene in [
            scene(None, Fault::Normal),
            scene(Some("JANE DOE"), Fault::Down),
        ] {
            for line in lines(&scene) {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
    }

    #[test]
    fn the_strip_says_what_is_in_the_reader_and_how_the_portal_is() {
        let lines = lines(&scene(Some("JOHN ROE"), Fault::Down));

        assert!(lines[0].contains(PIN));
        assert_eq!(lines[3], " Reader: JOHN ROE's card.   Portal: off.");
    }

    #[test]
    fn an_empty_reader_is_what_is_done_something_about_first() {
        assert_eq!(
            hint(&scene(None, Fault::Down)),
            "Press F2 to put a card in."
        );
    }

    #[test]
    fn no_two_keys_are_alike() {
        for (at, (key, letter, _)) in KEYS.iter().enumerate() {
            assert!(
                KEYS[..at]
                    .iter()
                    .all(|(other, typed, _)| other != key && typed != letter),
                "{key}"
            );
        }
    }

    fn scene(in_reader: Option<&str>, fault: Fault) -> Scene<'_> {
        Scene {
            is_fallback: true,
            in_reader,
            fault,
            snapshot: None,
        }
    }
}
