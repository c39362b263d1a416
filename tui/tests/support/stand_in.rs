//! A daemon's side of the socket, with nothing behind it but one snapshot.
//!
//! The PIN 123456 is right and signs in everywhere it is needed; any other
//! costs a try. What was asked can be looked at afterwards.
#![expect(clippy::unwrap_used, reason = "it serves tests alone")]

#[path = "by_hand.rs"]
mod by_hand;

use std::io::{Read, Write as _};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use cac_common::interface::{
    BackupReply, Call, CertificatesReply, Clear, ClearReply, ClearScope, ExportedCertificate,
    GetCertificates, GetHistory, GetPortal, HistoryReply, LONGEST_REQUEST, Lost, PortalDetails,
    PortalReply, Printed, PrintedReply, Refusal, Reply, SnapshotReply, SubmitPin, TestPortal,
    TestReply, method,
};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, HistoryEntry, HistoryKind, PinStatus, Snapshot, Stage};
use cac_common::trace::{Hop, Trace};
use cac_common::wire::{Connection, Message};
use serde_json::Value;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use crate::invented;

/// Not much of a backup.
const BACKUP: &[u8] = &[0; 1024];

/// Not much of a certificate.
const PEM: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";

pub(crate) struct StandIn {
    listener: UnixListener,
    pub(crate) desk: Arc<Desk>,
}

/// What all conversations share.
pub(crate) struct Desk {
    snapshot: watch::Sender<Snapshot>,
    /// The methods that were called, and what came with them.
    pub(crate) asked: Mutex<Vec<(String, Value)>>,
    /// What is told of portals, of which that of AKO/DKO is one.
    portals: Vec<PortalDetails>,
    /// What was read from the pipes.
    pub(crate) pins: Mutex<Vec<Vec<u8>>>,
    /// Every card is taken out when a confirmation is asked for.
    pub(crate) takes_out: AtomicBool,
}

impl StandIn {
    pub(crate) fn start(socket: &Path, snapshot: Snapshot) -> std::io::Result<Self> {
        Ok(Self {
            listener: UnixListener::bind(socket)?,
            desk: Arc::new(Desk {
                snapshot: watch::Sender::new(snapshot),
                asked: Mutex::default(),
                pins: Mutex::default(),
                takes_out: AtomicBool::default(),
                portals: vec![invented::ako()],
            }),
        })
    }

    pub(crate) async fn serve(self) {
        let mut conversations = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = self.listener.accept().await {
            conversations.spawn(self.desk.clone().talk(stream));
        }
    }
}

impl Desk {
    pub(crate) fn change(&self, change: impl FnOnce(&mut Snapshot)) {
        self.snapshot.send_modify(|snapshot| {
            snapshot.revision += 1;
            change(snapshot);
        });
    }

    async fn talk(self: Arc<Self>, stream: UnixStream) {
        let mut connection = Connection::taking_descriptors(stream, LONGEST_REQUEST);
        while let Ok(Some(message)) = connection.receive().await {
            let Ok(call) = serde_json::from_slice::<Call>(&message.bytes) else {
                return;
            };
            self.asked
                .lock()
                .unwrap()
                .push((call.method.clone(), call.parameters.clone()));
            if call.method == method::MONITOR {
                return self.monitor(connection).await;
            }
            let reply = match self.answer(&call, message) {
                Ok(parameters) => Reply {
                    error: None,
                    parameters,
                    continues: false,
                },
                Err(refusal) => refusal.to_reply(),
            };
            if send(&mut connection, &reply).await.is_none() {
                return;
            }
        }
    }

    async fn monitor(&self, mut connection: Connection) {
        let mut changes = self.snapshot.subscribe();
        loop {
            let snapshot = changes.borrow_and_update().clone();
            let reply = Reply {
                error: None,
                parameters: serde_json::to_value(SnapshotReply { snapshot }).unwrap(),
                continues: true,
            };
            if send(&mut connection, &reply).await.is_none() {
                return;
            }
            tokio::select! {
                next = changes.changed() => if next.is_err() { return },
                // Nothing more is asked here: the other side has gone.
                _ = connection.receive() => return,
            }
        }
    }

    fn answer(self: &Arc<Self>, call: &Call, message: Message) -> Result<Value, Refusal> {
        match call.method.as_str() {
            method::GET_SNAPSHOT => {
                let snapshot = self.snapshot.borrow().clone();
                Ok(serde_json::to_value(SnapshotReply { snapshot }).unwrap())
            }
            method::SUBMIT_PIN => self.take_pin(call, message),
            method::REGISTER => Ok(Value::Object(serde_json::Map::new())),
            method::GET_HISTORY => {
                let request: GetHistory = parameters(call)?;
                let happened = &self.snapshot.borrow().happened;
                let entries = happened
                    .iter()
                    .rev()
                    .filter(|entry| request.before.is_none_or(|before| entry.id < before))
                    .take(request.limit as usize)
                    .cloned()
                    .collect();
                let reply = HistoryReply {
                    entries,
                    next_before: None,
                };
                Ok(serde_json::to_value(reply).unwrap())
            }
            method::CLEAR => {
                let what: Clear = parameters(call)?;
                let has_copies = what.scope == ClearScope::Copies {};
                let lost = Lost {
                    cards: 1,
                    certificates: 4,
                    personas: 1,
                    registrations: 3,
                    history: 0,
                    consents: 2,
                    confirmations: 0,
                    sessions: 0,
                    copies: has_copies
                        .then(|| "cacd.db.corrupt-1795000000".into())
                        .into_iter()
                        .collect(),
                    traces_remain: false,
                };
                Ok(serde_json::to_value(ClearReply { lost }).unwrap())
            }
            method::BACKUP => {
                let pipe = message.descriptor.ok_or(Refusal::NoPipe)?.into_inner();
                // It fits into the pipe, whenever it is read.
                std::fs::File::from(pipe).write_all(BACKUP).unwrap();
                let bytes = BACKUP.len() as u64;
                Ok(serde_json::to_value(BackupReply { bytes }).unwrap())
            }
            method::START_WIZARD
            | method::ANSWER_WIZARD
            | method::MOVE_WIZARD
            | method::GET_CONFIRMATION => by_hand::answer(self, call, message),
            method::GET_PORTAL => {
                let GetPortal { name } = parameters(call)?;
                let mut portals = self.portals.iter();
                let portal = portals.find(|portal| portal.name == name);
                let portal = portal.cloned().ok_or(Refusal::NoSuchPortal)?;
                Ok(serde_json::to_value(PortalReply { portal }).unwrap())
            }
            method::GET_CERTIFICATES => self.certificates(&parameters(call)?),
            method::READ_PRINTED => {
                let _: SubmitPin = parameters(call)?;
                self.secret(message)?;
                let printed = Printed {
                    name: Some("DOE, JANE Q".into()),
                    organisation: vec!["NAVY".into()],
                    ..Printed::default()
                };
                let printed = Some(printed);
                Ok(serde_json::to_value(PrintedReply { printed }).unwrap())
            }
            method::TEST_PORTAL => {
                let _: TestPortal = parameters(call)?;
                self.secret(message)?;
                Ok(serde_json::to_value(tried()).unwrap())
            }
            other => Err(Refusal::MethodNotFound {
                method: other.into(),
            }),
        }
    }

    fn certificates(&self, request: &GetCertificates) -> Result<Value, Refusal> {
        let snapshot = self.snapshot.borrow();
        let reader = snapshot
            .readers
            .iter()
            .find(|reader| reader.name == request.reader)
            .ok_or(Refusal::NoSuchReader)?;
        let card = reader.card.as_ref().ok_or(Refusal::NoCard)?;
        if card.stage != Stage::Read {
            return Err(Refusal::NotRead);
        }
        let certificates = card.certificates.iter().map(|one| ExportedCertificate {
            slot: one.slot,
            sha256: one.sha256.clone(),
            pem: PEM.into(),
        });
        let certificates = certificates.collect();
        Ok(serde_json::to_value(CertificatesReply { certificates }).unwrap())
    }

    /// What came through the pipe.
    fn secret(&self, message: Message) -> Result<Vec<u8>, Refusal> {
        let pipe = message.descriptor.ok_or(Refusal::NoPin)?.into_inner();
        let mut secret = Vec::new();
        std::fs::File::from(pipe)
            .read_to_end(&mut secret)
            .map_err(|_| Refusal::NoPin)?;
        self.pins.lock().unwrap().push(secret.clone());
        Ok(secret)
    }

    fn take_pin(self: &Arc<Self>, call: &Call, message: Message) -> Result<Value, Refusal> {
        let request: SubmitPin = parameters(call)?;
        let is_right = self.secret(message)? == b"123456";
        let mut is_known = false;
        self.change(|snapshot| {
            if let Some(card) = card(snapshot, &request) {
                is_known = true;
                set_all(card, &RegistrationStatus::SigningIn);
            }
        });
        if !is_known {
            return Err(Refusal::NoSuchCard);
        }
        let desk = self.clone();
        tokio::spawn(async move {
            // As long as a card and a portal take.
            tokio::time::sleep(std::time::Duration::from_millis(700)).await;
            desk.change(|snapshot| desk_after(snapshot, &request, is_right));
        });
        Ok(Value::Object(serde_json::Map::new()))
    }
}

/// A sign-in by hand, after which the portal does not know the person.
fn tried() -> TestReply {
    let hop = Hop {
        method: "GET".into(),
        url: "https://portal.example/".into(),
        status: Some(200),
        took: 143,
        asked: true,
        signed: true,
        ..Hop::default()
    };
    TestReply {
        outcome: RegistrationStatus::NotFound,
        trace: Trace {
            hops: vec![hop],
            rules: Vec::new(),
        },
        page: None,
    }
}

fn desk_after(snapshot: &mut Snapshot, request: &SubmitPin, is_right: bool) {
    let now = snapshot
        .happened
        .last()
        .map(|entry| entry.at)
        .unwrap_or_default();
    let next_id = snapshot.happened.last().map_or(1, |entry| entry.id + 1);
    let Some(card) = card(snapshot, request) else {
        return;
    };
    let (kind, text) = if is_right {
        let registered = RegistrationStatus::Registered {
            since: now,
            checked_at: now,
            account: Some("jane.q.doe".into()),
            recheck_due: false,
        };
        set_all(card, &registered);
        (HistoryKind::Registration, "Travel: registered".to_owned())
    } else {
        let left = if let PinStatus::Ready {
            tries_left: Some(left),
        } = card.pin
        {
            left.saturating_sub(1)
        } else {
            0
        };
        let (pin, status) = if left == 0 {
            (PinStatus::Blocked, RegistrationStatus::PinBlocked)
        } else {
            let tries_left = Some(left);
            (
                PinStatus::Ready { tries_left },
                RegistrationStatus::NeedsPin { tries_left },
            )
        };
        card.pin = pin;
        set_all(card, &status);
        (HistoryKind::Pin, format!("wrong PIN, {left} tries left"))
    };
    let id = card.id.clone();
    snapshot.happened.push(HistoryEntry {
        id: next_id,
        at: now,
        kind,
        reader: None,
        card: id,
        portal: None,
        text,
    });
}

/// Every registration that is not at its end yet.
fn set_all(card: &mut Card, status: &RegistrationStatus) {
    for registration in &mut card.registrations {
        if matches!(
            registration.status,
            RegistrationStatus::NeedsPin { .. } | RegistrationStatus::SigningIn
        ) {
            registration.status = status.clone();
        }
    }
}

fn card<'a>(snapshot: &'a mut Snapshot, request: &SubmitPin) -> Option<&'a mut Card> {
    snapshot
        .readers
        .iter_mut()
        .filter_map(|reader| reader.card.as_mut())
        .find(|card| card.id.as_ref() == Some(&request.card) && card.visit == request.visit)
}

fn parameters<T: serde::de::DeserializeOwned>(call: &Call) -> Result<T, Refusal> {
    serde_json::from_value(call.parameters.clone()).map_err(|error| Refusal::InvalidParameter {
        parameter: error.to_string(),
    })
}

async fn send(connection: &mut Connection, reply: &Reply) -> Option<()> {
    let bytes = serde_json::to_vec(reply).ok()?;
    connection.send(&bytes, &[]).await.ok()
}
