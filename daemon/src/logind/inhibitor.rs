//! Has the machine wait with its sleep until the PINs are gone: what lies in
//! memory may be written to a disk (systemd.io, "Inhibitor Locks").

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::address::Address;
use super::connection::{BusError, Connection, Descriptors};
use super::message::Method;
use super::{MANAGER, MANAGER_PATH};

/// A lock that logind gives for a descriptor, and has back when that is closed.
#[derive(Debug)]
pub(super) struct Inhibitor {
    address: Address,
    held: Arc<Mutex<Option<OwnedFd>>>,
    asking: Option<JoinHandle<()>>,
}

impl Inhibitor {
    pub(super) fn new(address: &Address) -> Self {
        Self {
            address: address.clone(),
            held: Arc::default(),
            asking: None,
        }
    }

    /// Asks `logind` for one. The answer is waited for elsewhere, and without
    /// one the machine sleeps sooner after it has told us.
    pub(super) fn ask(&mut self, logind: &str) {
        // One that is still being asked for is as good.
        if self.asking.as_ref().is_some_and(|it| !it.is_finished()) {
            return;
        }
        let (address, logind) = (self.address.clone(), logind.to_owned());
        let held = Arc::clone(&self.held);
        let asking = std::thread::Builder::new()
            .name("inhibitor".into())
            .spawn(move || {
                let asked = ask(&address, &logind, |descriptor| {
                    *held.lock().unwrap_or_else(PoisonError::into_inner) = descriptor;
                });
                if let Err(error) = asked {
                    tracing::info!(%error, "sleep of the machine will not wait for PINs to be wiped");
                }
            });
        self.asking = asking.ok();
    }

    /// Gives it away, to be closed.
    pub(super) fn take(&mut self) -> Option<OwnedFd> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.take()
    }
}

/// Who sees the conversation end finds it held.
fn ask(
    address: &Address,
    logind: &str,
    hold: impl FnOnce(Option<OwnedFd>),
) -> Result<(), BusError> {
    let mut bus = Connection::new(address, Descriptors::Taken)?;
    bus.begin()?;
    let method = Method {
        destination: logind,
        path: MANAGER_PATH,
        interface: MANAGER,
        member: "Inhibit",
    };
    let arguments = ["sleep", "cacd", "PINs are wiped from memory", "delay"];
    let (answer, descriptors) = bus.call_for_descriptors(&method, &arguments)?;
    // Its number among those that came: there is one.
    answer.body("h")?.u32()?;
    hold(descriptors.into_iter().next());
    Ok(())
}
