//! Takes the terminal as the dashboard does, and panics when told to:
//! `p` in the loop itself, `t` in a task beside it. For tests of what is left behind.

use std::io;

use cacctl::terminal::Screen;
use crossterm::event::{Event, EventStream, KeyCode};
use futures_util::StreamExt as _;
use ratatui::widgets::Paragraph;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut keyboard = EventStream::new();
    let mut screen = Screen::open()?;
    loop {
        screen.draw(|frame| {
            frame.render_widget(Paragraph::new("p or t to panic"), frame.area());
        })?;
        match keyboard.next().await {
            Some(Ok(Event::Key(key))) if key.code == KeyCode::Char('p') => {
                panic!("the loop was told to panic");
            }
            Some(Ok(Event::Key(key))) if key.code == KeyCode::Char('t') => {
                tokio::spawn(async { panic!("the task was told to panic") });
            }
            Some(event) => drop(event?),
            None => return Ok(()),
        }
    }
}
