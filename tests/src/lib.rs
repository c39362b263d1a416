//! Stand-ins for the things around cacd that a test cannot have: a card, a reader, a portal.

pub mod clock;
pub mod demo;
pub mod fuzz;
pub mod harness;
pub mod pcscd;
pub mod portal;
pub mod process;
pub mod promtool;
pub mod pseudoterminal;
pub mod servers;
pub mod session_bus;
pub mod system;
pub mod system_bus;
pub mod terminal;
mod tmux;
pub mod virtual_card;
pub mod wait;
