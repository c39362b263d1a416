//! The terminal as the dashboard needs it, and as it was before.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::Show;
use crossterm::execute;
use crossterm::style::Print;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use rustix::process::{Signal, kill_current_process_group};

/// How a program ends whose main thread has panicked.
const PANICKED: i32 = 101;

/// Bytes that all but the most colourful frame takes, written in one piece.
const FRAME: usize = 64 * 1024;

/// Whether the terminal has to be put back: the panic hook knows no `Screen`.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Clicks and the wheel are told, as SGR 1006 writes them. Not every movement:
/// each would wake us up.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// The terminal in raw mode on its other screen; put back when dropped.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    takes_mouse: bool,
}

impl Screen {
    pub fn open() -> io::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            put_back();
            before(panic);
            // Else a panic in a task would go unnoticed by the loop, which would draw on
            // over the shell's screen. A PIN half typed goes with the process.
            std::process::exit(PANICKED);
        }));
        let output = BufWriter::with_capacity(FRAME, io::stdout());
        let screen = Self {
            terminal: Terminal::new(CrosstermBackend::new(output))?,
            takes_mouse: true,
        };
        take(screen.takes_mouse)?;
        Ok(screen)
    }

    pub fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    pub fn draw(&mut self, draw: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw)?;
        Ok(())
    }

    /// Forgets what stands there, so that the next drawing is a whole one.
    pub fn forget(&mut self) -> io::Result<()> {
        // `Terminal::clear` asks the terminal where its cursor stands, and the answer
        // would go to whoever reads the keyboard.
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }

    /// Gives the terminal back to the shell until `fg`.
    pub fn suspend(&mut self) -> io::Result<()> {
        put_back();
        kill_current_process_group(Signal::TSTP)?;
        self.resume()
    }

    /// Takes the terminal again after someone else had it.
    pub fn resume(&mut self) -> io::Result<()> {
        put_back();
        take(self.takes_mouse)?;
        self.forget()
    }

    /// Takes the mouse, or leaves it to the terminal.
    pub fn take_mouse(&mut self, ours: bool) -> io::Result<()> {
        self.takes_mouse = ours;
        execute!(io::stdout(), Print(if ours { MOUSE_ON } else { MOUSE_OFF }))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        put_back();
    }
}

fn take(mouse: bool) -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    let mouse = if mouse { MOUSE_ON } else { MOUSE_OFF };
    execute!(io::stdout(), EnterAlternateScreen, Print(mouse))
}

fn put_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // If the terminal has gone, there is nothing left to put back.
        let _ = execute!(io::stdout(), Print(MOUSE_OFF), Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
        let _ = io::stdout().flush();
    }
}
