//! A Common Access Card made of software: as strict as a real one, and open to a test.
//!
//! A `CardHandle` is the card in somebody's hand: it can be put in, taken out
//! and looked at while a program works with it. The program sees a
//! `CardTransport`, or a reader of pcscd with an `Insertion` in it.

pub mod apdu;
mod atr;
pub mod cac;
pub mod card_file;
pub mod certificate;
mod chip;
mod cms;
mod family;
pub mod fascn;
pub mod fault;
pub mod habits;
pub(crate) mod hex;
pub mod hostility;
pub mod issuer;
pub mod key;
pub mod log;
pub(crate) mod objects;
mod outbox;
pub mod person;
mod pin_block;
mod piv;
pub mod samples;
mod tlv;
pub mod vpcd;

use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use cacd::card::transport::{Protocol, Transport, TransportError};

use self::cac::{CacHabits, Edges};
use self::card_file::CardFile;
use self::chip::Chip;
use self::fault::{Fault, Planned};
use self::habits::{
    AbandonedReply, DiscoveryHabit, ExtendedLength, Interface, KeyHistoryHabit, Packing, Replies,
    Speed, TouchHabit, TriesHabit,
};
use self::hostility::Hostility;
use self::key::KeyError;
use self::log::{ApduLog, LoggedApdu};

pub use self::habits::ChuidHabit;
pub use self::piv::OTHER_APPLET;

/// Instruction bytes of the commands the card knows.
pub mod instruction {
    /// Comes with the PIN, or empty to ask for the tries left.
    pub const VERIFY: u8 = 0x20;
    /// Reading of a certificate, on the first CACs.
    pub const GET_CERTIFICATE: u8 = 0x36;
    /// What the access control applet of a CAC knows.
    pub const GET_ACR: u8 = 0x4C;
    /// Reading of an object over the CAC edge.
    pub const READ_BUFFER: u8 = 0x52;
    /// What an applet of a CAC holds.
    pub const GET_PROPERTIES: u8 = 0x56;
    /// Eight random bytes.
    pub const GET_CHALLENGE: u8 = 0x84;
    /// Old and new PIN.
    pub const CHANGE_REFERENCE_DATA: u8 = 0x24;
    /// Use of a private key.
    pub const GENERAL_AUTHENTICATE: u8 = 0x87;
    /// Use of a private key over the CAC edge.
    pub const SIGN_DECRYPT: u8 = 0x42;
    /// Choice of the application.
    pub const SELECT: u8 = 0xA4;
    /// The next part of an answer.
    pub const GET_RESPONSE: u8 = 0xC0;
    /// Reading of an object.
    pub const GET_DATA: u8 = 0xCB;
    /// Asks a YubiKey for its firmware.
    pub const GET_VERSION: u8 = 0xFD;
}

/// In what cards differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardModel {
    /// Most issued CACs speak T=0 only.
    pub protocol: Protocol,
    /// Has PIV and CAC applets, and says so in its Card Capability Container:
    /// SELECT loses the PIN, and an empty VERIFY never says 9000.
    pub is_dual: bool,
    /// Answers VERIFY with P1 = FF as cards did before SP 800-73-4.
    pub refuses_logout: bool,
    /// Keeps the PIN when another applet is selected, and does not come back
    /// from there until it is reset.
    pub is_caught_by_other_applets: bool,
    pub chuid: ChuidHabit,
    pub abandoned: AbandonedReply,
    pub packing: Packing,
    pub discovery: DiscoveryHabit,
    pub key_history: KeyHistoryHabit,
    pub extended: ExtendedLength,
    pub tries: TriesHabit,
    pub replies: Replies,
    /// The most data in one reply to a command without extended lengths: 256 at most.
    pub longest_reply: usize,
    pub interface: Interface,
    pub touch: TouchHabit,
    /// How much of the application identifier it takes to select PIV: the
    /// standard asks for all but the version, and some take less.
    pub shortest_aid: usize,
    /// What it answers to GET VERSION, which is no command of PIV.
    pub firmware: Option<[u8; 3]>,
    /// Its ATR, if it is not one that its habits make.
    pub own_atr: Option<&'static [u8]>,
    /// What harm it does.
    pub hostility: Option<Hostility>,
    /// In a reader of pcscd it takes this time, else none.
    pub speed: Option<Speed>,
    pub edges: Edges,
    pub cac: CacHabits,
}

impl CardModel {
    /// A new card that speaks T=1.
    pub const T1: Self = Self {
        protocol: Protocol::T1,
        is_dual: false,
        refuses_logout: false,
        is_caught_by_other_applets: false,
        chuid: ChuidHabit::Given,
        abandoned: AbandonedReply::Dropped,
        packing: Packing::Plain,
        discovery: DiscoveryHabit::ApplicationPin,
        key_history: KeyHistoryHabit::OnCard,
        extended: ExtendedLength::Refused,
        tries: TriesHabit::Told,
        replies: Replies::Filled,
        longest_reply: 256,
        interface: Interface::Contact,
        touch: TouchHabit::NotAsked,
        shortest_aid: 9,
        firmware: None,
        own_atr: None,
        hostility: None,
        speed: None,
        edges: Edges::Piv,
        cac: CacHabits::USUAL,
    };

    /// The same that speaks T=0.
    pub const T0: Self = Self {
        protocol: Protocol::T0,
        ..Self::T1
    };

    /// A card with PIV and CAC applets.
    pub const DUAL: Self = Self {
        is_dual: true,
        ..Self::T1
    };
}

/// A card, for everyone who has to do with it. Clones are the same card.
#[derive(Clone)]
pub struct CardHandle {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// A hold was released, a held command arrived, or the card was moved.
    changed: Condvar,
}

struct State {
    card: Chip,
    place: Place,
    log: ApduLog,
    faults: Vec<Planned>,
}

/// Where the card is. The counters tell an old connection that its time is over.
struct Place {
    is_in: bool,
    insertions: u64,
    resets: u64,
    /// The connection to vpcd that stands for the slot.
    slot: Option<TcpStream>,
}

/// One connection to the card, as a program that has opened it.
pub struct CardTransport {
    shared: Arc<Shared>,
    insertion: u64,
    reset: u64,
    atr: &'static [u8],
}

impl CardHandle {
    /// A card that lies in a reader, without power lost or PIN given so far.
    pub fn new(file: &CardFile, model: CardModel) -> Result<Self, KeyError> {
        let state = State {
            card: Chip::new(file, model)?,
            place: Place {
                is_in: true,
                insertions: 0,
                resets: 0,
                slot: None,
            },
            log: ApduLog::default(),
            faults: Vec::new(),
        };
        Ok(Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                changed: Condvar::new(),
            }),
        })
    }

    /// Opens the card as a program does. The connection ends when the card is moved or reset.
    pub fn transport(&self) -> CardTransport {
        let state = self.shared.lock();
        CardTransport {
            shared: Arc::clone(&self.shared),
            insertion: state.place.insertions,
            reset: state.place.resets,
            atr: state.card.model().atr(),
        }
    }

    /// Takes the card out. Connections to it answer `Removed` from now on.
    pub fn take_out(&self) {
        self.shared.lock().take_out();
        self.shared.changed.notify_all();
    }

    /// Puts the card back. Old connections to it stay dead.
    pub fn put_in(&self) {
        self.shared.lock().put_in();
        self.shared.changed.notify_all();
    }

    /// Whether the card is in a reader.
    pub fn is_in(&self) -> bool {
        self.shared.lock().place.is_in
    }

    /// Returns when the card is no longer in a reader.
    pub fn wait_until_out(&self) {
        let mut state = self.shared.lock();
        while state.place.is_in {
            state = self
                .shared
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Resets the card as another program can. Connections to it answer `Reset` from now on.
    pub fn reset_by_another_program(&self) {
        let mut state = self.shared.lock();
        state.reset();
        drop(state);
        self.shared.changed.notify_all();
    }

    /// What the card says when the power comes.
    pub fn atr(&self) -> Vec<u8> {
        self.shared.lock().card.model().atr().to_vec()
    }

    /// What has crossed so far.
    pub fn log(&self) -> ApduLog {
        self.shared.lock().log.clone()
    }

    /// Forgets what has crossed so far.
    pub fn clear_log(&self) {
        self.shared.lock().log = ApduLog::default();
    }

    /// Wrong PINs until the card blocks.
    pub fn tries_left(&self) -> u8 {
        self.shared.lock().card.tries_left()
    }

    /// Whether the card would let anyone use the key for authentication now.
    pub fn pin_is_verified(&self) -> bool {
        self.shared.lock().card.pin_is_verified()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that failed while it held the lock has said so already.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the card out of where it was put in that time, if it is still there.
    fn end_insertion(&self, number: u64) {
        let mut state = self.lock();
        if state.place.insertions == number {
            state.take_out();
        }
        drop(state);
        self.changed.notify_all();
    }

    /// One command on behalf of the connection that began with this insertion and reset.
    fn transmit(
        &self,
        insertion: u64,
        reset: u64,
        command: &[u8],
    ) -> Result<Vec<u8>, TransportError> {
        let mut state = self.lock();
        state.check(insertion, reset)?;
        let mut garbled = None;
        for fault in fault::due(&mut state.faults, command) {
            match fault {
                Fault::Pull => {
                    state.take_out();
                    self.changed.notify_all();
                }
                Fault::Reset => {
                    state.reset();
                    self.changed.notify_all();
                }
                Fault::ResetUnheard => state.card.cut_power(),
                Fault::SelectOther => state.card.be_switched_away(),
                Fault::Swap(other) => {
                    state.swap(*other);
                    self.changed.notify_all();
                }
                Fault::Garble(answer) => garbled = Some(answer),
                Fault::Hold(gate) => {
                    gate.arrive();
                    self.changed.notify_all();
                    while !gate.is_open() && state.check(insertion, reset).is_ok() {
                        state = self
                            .changed
                            .wait(state)
                            .unwrap_or_else(PoisonError::into_inner);
                    }
                }
            }
            state.check(insertion, reset)?;
        }
        let (answer, status) = state.card.answer(command);
        let answer = garbled.unwrap_or(answer);
        state.log.push(LoggedApdu::new(command, status, &answer));
        Ok(answer)
    }
}

impl State {
    fn check(&self, insertion: u64, reset: u64) -> Result<(), TransportError> {
        if !self.place.is_in || self.place.insertions != insertion {
            Err(TransportError::Removed)
        } else if self.place.resets != reset {
            Err(TransportError::Reset)
        } else {
            Ok(())
        }
    }

    fn reset(&mut self) {
        self.card.cut_power();
        self.place.resets += 1;
    }

    /// Another card, in the same place unless pcscd has to see it put in.
    fn swap(&mut self, other: Chip) {
        let is_in_slot = self.place.slot.is_some();
        self.take_out();
        self.card = other;
        if !is_in_slot {
            self.put_in();
        }
    }

    fn put_in(&mut self) {
        self.take_out();
        self.place.is_in = true;
        self.place.insertions += 1;
    }

    fn take_out(&mut self) {
        self.place.is_in = false;
        self.card.cut_power();
        if let Some(slot) = self.place.slot.take() {
            // The other end may have gone first, which comes to the same.
            slot.shutdown(Shutdown::Both).ok();
        }
    }
}

impl Transport for CardTransport {
    fn protocol(&self) -> Protocol {
        self.shared.lock().card.model().protocol
    }

    fn atr(&self) -> &[u8] {
        self.atr
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.shared.transmit(self.insertion, self.reset, command)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        let mut state = self.shared.lock();
        state.check(self.insertion, self.reset)?;
        state.reset();
        self.reset = state.place.resets;
        drop(state);
        self.shared.changed.notify_all();
        Ok(())
    }
}
