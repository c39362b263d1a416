//! Has logind lock a session, or end it.

use cac_common::config::OnRemoval;
use cac_common::error_chain::Chain;

use super::address::Address;
use super::connection::{BusError, Connection, Descriptors, of_the_bus};
use super::message::Method;
use super::{LOGIND, MANAGER, MANAGER_PATH};

/// Why a session stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum NotActed {
    /// It has ended meanwhile, and all is well.
    #[error("session has ended by itself")]
    Gone,
    #[error(
        "polkit does not let cacd: cacd-session.rules has the rule for it, to be installed by an administrator"
    )]
    NotAllowed,
    #[error("{0}")]
    Failed(String),
}

/// Does to a session what `how` says, on a conversation of its own; waits for
/// logind's answer, though not for long.
pub fn end(address: &Address, session: &str, how: OnRemoval) -> Result<(), NotActed> {
    let member = match how {
        OnRemoval::Nothing => return Ok(()),
        OnRemoval::Lock => "LockSession",
        OnRemoval::Terminate => "TerminateSession",
    };
    call(address, session, member).map_err(|error| match &error {
        BusError::Refused { name } => match name.rsplit('.').next() {
            Some("NoSuchSession") => NotActed::Gone,
            Some("AccessDenied" | "InteractiveAuthorizationRequired") => NotActed::NotAllowed,
            Some(_) | None => NotActed::Failed(error.to_string()),
        },
        BusError::Io(_)
        | BusError::Ended
        | BusError::NotLetIn
        | BusError::Malformed(_)
        | BusError::TooMuch => NotActed::Failed(Chain(&error).to_string()),
    })
}

fn call(address: &Address, session: &str, member: &str) -> Result<(), BusError> {
    let mut bus = Connection::new(address, Descriptors::Refused)?;
    bus.begin()?;
    let answer = bus.call(&of_the_bus("GetNameOwner"), &[LOGIND])?;
    let owner = answer.body("s")?.text()?.to_owned();
    let method = Method {
        destination: &owner,
        path: MANAGER_PATH,
        interface: MANAGER,
        member,
    };
    bus.call(&method, &[session])?;
    Ok(())
}
