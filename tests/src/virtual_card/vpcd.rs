//! A virtual card in a reader of pcscd, through the virtual reader driver vpcd.
//!
//! To be connected to the port of a slot is to lie in it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::net::sockopt;
use vpicc::VSmartCard;

use super::habits::Speed;
use super::{CardHandle, Shared};
use crate::wait::{self, WaitedInVain};

/// How long vpcd may take until it listens.
const LIMIT: Duration = Duration::from_secs(10);

/// The card could not be put in.
#[derive(Debug, thiserror::Error)]
pub enum InsertError {
    /// Nobody listens on the port.
    #[error("no virtual reader on port {port}")]
    NoReader {
        /// Of the slot.
        port: u16,
        /// How long it was tried.
        #[source]
        source: WaitedInVain,
    },

    /// The connection was made, and cannot be used.
    #[error("connection to the virtual reader failed")]
    Connection(#[from] io::Error),
}

/// A card in a slot. Dropping it takes the card out.
pub struct Insertion {
    handle: CardHandle,
    /// Which time the card was put in; it may have been put in elsewhere since.
    number: u64,
    slot: Option<JoinHandle<()>>,
}

impl Insertion {
    /// Puts the card into the slot of this port on this machine.
    pub fn new(handle: &CardHandle, port: u16) -> Result<Self, InsertError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = wait::wait_for("vpcd listens", LIMIT, || TcpStream::connect(address).ok())
            .map_err(|source| InsertError::NoReader { port, source })?;
        stream.set_nodelay(true)?;
        let clone = stream.try_clone()?;
        let watched = stream.try_clone()?;

        let mut state = handle.shared.lock();
        state.put_in();
        state.place.slot = Some(clone);
        let mut card = CardInSlot {
            shared: Arc::clone(&handle.shared),
            atr: state.card.model().atr(),
            speed: state.card.model().speed,
            insertion: state.place.insertions,
        };
        let number = card.insertion;
        drop(state);
        handle.shared.changed.notify_all();

        let slot = std::thread::Builder::new()
            .name(format!("virtual card {port}"))
            .spawn(move || card.serve(stream, &watched))?;
        Ok(Self {
            handle: handle.clone(),
            number,
            slot: Some(slot),
        })
    }

    /// Whether the card is still in: not pulled, and the reader not gone.
    pub fn is_in(&self) -> bool {
        self.slot.as_ref().is_some_and(|slot| !slot.is_finished())
    }

    /// Takes the card out.
    pub fn take_out(self) {
        drop(self);
    }
}

impl Drop for Insertion {
    fn drop(&mut self) {
        self.handle.shared.end_insertion(self.number);
        if let Some(slot) = self.slot.take() {
            // A panic in the slot has been printed by its own thread.
            slot.join().ok();
        }
    }
}

struct CardInSlot {
    shared: Arc<Shared>,
    atr: &'static [u8],
    speed: Option<Speed>,
    insertion: u64,
}

impl CardInSlot {
    /// Runs until the card is taken out or the reader goes away.
    fn serve(&mut self, stream: TcpStream, watched: &TcpStream) {
        let mut connection = vpicc::Connection::from(stream);
        loop {
            // vpcd writes in small pieces and waits for each to be acknowledged.
            // The kernel goes back to late acknowledgement by itself.
            if sockopt::set_tcp_quickack(watched.as_fd(), true).is_err()
                || connection.poll(self).is_err()
            {
                break;
            }
        }
        self.shared.end_insertion(self.insertion);
    }

    fn cut_power(&self) {
        self.shared.lock().card.cut_power();
    }
}

impl VSmartCard for CardInSlot {
    fn atr(&self) -> &[u8] {
        self.atr
    }

    fn power_on(&mut self) {
        self.cut_power();
    }

    fn power_off(&mut self) {
        self.cut_power();
    }

    fn reset(&mut self) {
        self.cut_power();
    }

    fn execute(&mut self, command: &[u8]) -> Vec<u8> {
        let resets = self.shared.lock().place.resets;
        // A card that is gone has shut the connection: nobody will read this.
        let answer = self
            .shared
            .transmit(self.insertion, resets, command)
            .unwrap_or_default();
        if let Some(speed) = self.speed {
            std::thread::sleep(speed.time_for(command.len() + answer.len()));
        }
        answer
    }
}
