//! Serves an invented desk, to build and look at the dashboard without a card:
//! `cargo run -p cacctl --example pretend_daemon -- SOCKET [desk|empty|checked|many|last-try|stranger|troubled|reading]`.
//!
//! The PIN is 123456.

#[path = "../tests/support/invented.rs"]
mod invented;
#[path = "../tests/support/stand_in.rs"]
mod stand_in;

use std::path::PathBuf;

use cac_common::certificate::{CertificateSummary, Retired, Slot};
use cac_common::reader::ServiceStatus;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{PinStatus, Snapshot, Stage};
use cac_common::time::UtcSeconds;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let socket = PathBuf::from(arguments.next().unwrap_or_else(|| "pretend.socket".into()));
    let scene = arguments.next().unwrap_or_else(|| "desk".into());
    // What was left behind by a run before.
    let _ = std::fs::remove_file(&socket);
    let now = cacctl::clock::now();
    let daemon = stand_in::StandIn::start(&socket, moved_to(scene_of(&scene), now))?;
    daemon.serve().await;
    Ok(())
}

fn scene_of(name: &str) -> Snapshot {
    let mut desk = invented::desk();
    match name {
        "empty" => desk = invented::nothing_plugged_in(),
        "checked" => desk = invented::checked(),
        "many" => {
            for card in desk.readers.iter_mut().filter_map(|one| one.card.as_mut()) {
                let like = card.certificates[2].clone();
                card.certificates
                    .extend(Retired::all().map(|retired| CertificateSummary {
                        slot: Slot::Retired(retired),
                        ..like.clone()
                    }));
            }
        }
        "stranger" => desk = desk.for_a_stranger(),
        "troubled" => {
            desk.service = ServiceStatus::Away;
            desk.daemon.store_problem = Some("disk is full".into());
            desk.problems = vec![
                "portals.d/travel.toml:12: unknown key `orgin`, did you mean `origin`?".into(),
            ];
        }
        "last-try" | "reading" => {
            for card in desk.readers.iter_mut().filter_map(|one| one.card.as_mut()) {
                if name == "reading" {
                    card.stage = Stage::Reading {
                        done: 3,
                        of: 9,
                        what: None,
                    };
                    card.holder = None;
                    card.certificates.truncate(1);
                    card.registrations.clear();
                    card.pin = PinStatus::Unknown;
                } else {
                    card.pin = PinStatus::Ready {
                        tries_left: Some(1),
                    };
                    card.registrations[1].status = RegistrationStatus::NeedsPin {
                        tries_left: Some(1),
                    };
                }
            }
        }
        _ => {}
    }
    desk
}

/// The same scene, as if it were now.
fn moved_to(mut snapshot: Snapshot, now: UtcSeconds) -> Snapshot {
    let by = now.0 - invented::NOW.0;
    let moved = |at: &mut UtcSeconds| at.0 += by;
    moved(&mut snapshot.daemon.started_at);
    for entry in &mut snapshot.happened {
        moved(&mut entry.at);
    }
    for known in &mut snapshot.known {
        moved(&mut known.last_seen);
    }
    for card in snapshot
        .readers
        .iter_mut()
        .filter_map(|reader| reader.card.as_mut())
    {
        moved(&mut card.inserted_at);
        for certificate in &mut card.certificates {
            moved(&mut certificate.not_before);
            moved(&mut certificate.not_after);
        }
        for registration in &mut card.registrations {
            if let RegistrationStatus::Registered {
                since, checked_at, ..
            } = &mut registration.status
            {
                moved(since);
                moved(checked_at);
            }
        }
    }
    snapshot
}
