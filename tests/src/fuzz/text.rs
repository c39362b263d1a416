//! Texts: what is written in profiles and certificates, and what is said on
//! the socket.

use std::cell::RefCell;
use std::io::Write as _;
use std::path::Path;

use cac_common::config::Config;
use cac_common::identity::{Edipi, HolderName, masked, readable};
use cac_common::interface::{
    Call, CertificatesReply, Clear, ClearReply, GetCertificates, GetHistory, HistoryReply, Refusal,
    Register, Reply, SnapshotReply, SubmitPin,
};
use cac_common::persona::Persona;
use cac_common::profile::Profile;
use cac_common::span;
use cac_common::toml_file::Source;
use cac_common::wire::Connection;
use cacd::logind::message as bus;
use cacd::logind::sessions::{self, Properties};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};

pub(super) fn profile(data: &[u8]) -> bool {
    let Some(source) = source(data) else {
        return false;
    };
    match Profile::check(&source) {
        Ok(profile) => {
            assert!(profile.allows(&profile.start));
            assert!(profile.origin().starts_with("https://"));
            true
        }
        Err(error) => {
            assert!(error.to_string().starts_with("fuzz.toml:"));
            false
        }
    }
}

pub(super) fn config(data: &[u8]) -> bool {
    let Some(source) = source(data) else {
        return false;
    };
    match Config::check(&source) {
        Ok(config) => {
            assert!(config.first_wait <= config.longest_wait);
            true
        }
        Err(error) => {
            assert!(error.to_string().starts_with("fuzz.toml:"));
            false
        }
    }
}

/// A message on the system bus, and what we look for in it.
pub(super) fn bus(data: &[u8]) -> bool {
    let length = data.first_chunk().map(bus::Message::length);
    let message = match bus::Message::parse(data) {
        Ok(message) => message,
        Err(error) => {
            assert!(error.at <= data.len(), "a fault beyond the end");
            return false;
        }
    };
    assert_eq!(length, Some(Ok(data.len())));
    let _ = sessions::paths(&message);
    let session = message.body("a{sv}");
    let session = session.and_then(|mut body| Properties::read(&mut body));
    let _ = session.map(Properties::session);
    if let Ok(mut body) = message.body("sa{sv}as") {
        let _ = body.text().and_then(|_| Properties::read(&mut body));
    }
    true
}

fn source(data: &[u8]) -> Option<Source> {
    let text = String::from_utf8(data.to_vec()).ok()?;
    Some(Source::new(Path::new("fuzz.toml"), text))
}

/// A name, a UPN and whatever else is shown of a certificate.
pub(super) fn names(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let shown = readable(text);
    assert_eq!(readable(&shown), shown);
    let _ = span::parse(text);
    if let Ok(edipi) = text.parse::<Edipi>() {
        assert_eq!(edipi.to_string(), text);
        assert!(!edipi.masked().contains(text));
    }
    let (name, edipi) = HolderName::from_common_name(text);
    let _ = (name.to_string(), masked(text));
    let persona = Persona::from_upn(text);
    let _ = persona.as_ref().map(Persona::affiliation);
    edipi.is_some() || persona.is_some()
}

/// The longest message that is taken here.
const LONGEST: usize = 1024;

/// What comes over the socket, message by message.
pub(super) fn message(data: &[u8]) -> bool {
    thread_local! {
        static RUNTIME: RefCell<Runtime> = RefCell::new(
            Builder::new_current_thread().enable_all().build().expect("a runtime can be had"),
        );
    }
    let (received, is_ended) = RUNTIME.with_borrow_mut(|runtime| runtime.block_on(receive(data)));
    let mut expected = data.split(|byte| *byte == 0).collect::<Vec<_>>();
    let last = expected.pop().unwrap_or_default();
    let taken = expected
        .iter()
        .take_while(|message| message.len() <= LONGEST);
    assert!(received.iter().eq(taken.clone()));
    let is_whole = taken.count() == expected.len() && last.is_empty();
    assert_eq!(is_ended, is_whole);
    let is_understood = received.iter().all(|message| is_call_or_reply(message));
    is_whole && is_understood && !received.is_empty()
}

async fn receive(data: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let (ours, theirs) = UnixStream::pair().expect("there are sockets");
    let mut theirs = theirs.into_std().expect("it is a socket");
    theirs
        .write_all(data)
        .expect("what a run has fits into a socket");
    drop(theirs);
    let mut connection = Connection::new(ours, LONGEST);
    let mut received = Vec::new();
    loop {
        match connection.receive().await {
            Ok(Some(message)) => received.push(message.bytes),
            Ok(None) => return (received, true),
            Err(_) => return (received, false),
        }
    }
}

fn is_call_or_reply(message: &[u8]) -> bool {
    if let Ok(call) = serde_json::from_slice::<Call>(message) {
        let _ = readable(&call.method);
        return reads_as_any(&call.parameters);
    }
    let Ok(reply) = serde_json::from_slice::<Reply>(message) else {
        return false;
    };
    if let Some(name) = &reply.error {
        return Refusal::from_reply(name, &reply.parameters).is_some();
    }
    reads_as::<SnapshotReply>(&reply.parameters)
        || reads_as::<HistoryReply>(&reply.parameters)
        || reads_as::<ClearReply>(&reply.parameters)
        || reads_as::<CertificatesReply>(&reply.parameters)
}

fn reads_as_any(parameters: &Value) -> bool {
    parameters.is_null()
        || parameters
            .as_object()
            .is_some_and(serde_json::Map::is_empty)
        || reads_as::<SubmitPin>(parameters)
        || reads_as::<Register>(parameters)
        || reads_as::<GetHistory>(parameters)
        || reads_as::<Clear>(parameters)
        || reads_as::<GetCertificates>(parameters)
}

fn reads_as<T: DeserializeOwned>(parameters: &Value) -> bool {
    serde_json::from_value::<T>(parameters.clone()).is_ok()
}
