//! Waits for readers and cards to come and go, and survives pcscd doing the same.
//!
//! The wait is one blocking call to PC/SC; no card and no reader is polled,
//! but for one more look at the list of readers soon after it has changed, and
//! for a card that pcscd has lost sight of.
//! Only while pcscd is away is it asked for, now and then, whether it is back.

mod lost;

use std::collections::BTreeMap;
use std::ffi::CString;
use std::time::Duration;

use cac_common::reader::{ReaderName, ReaderStatus, ServiceStatus};
use pcsc::{Context, Error, PNP_NOTIFICATION, ReaderState, Scope, State};

use self::lost::Lost;
use crate::card::pcsc::{PcscReaders, look_for_card};
use crate::card::transport::{Report, SeenReader};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// How long after a change the readers are listed once more. pcsc-lite before
/// 2.3 does not tell of a reader that arrives between the list and the wait,
/// and readers like to arrive together.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Reports the readers now and after every change, until the watch is stopped.
pub(crate) fn watch(readers: &PcscReaders, report: &mut dyn FnMut(Report)) {
    let mut pause = FIRST_PAUSE;
    while !readers.is_stopping() {
        let ended = match Context::establish(Scope::System) {
            Ok(context) => {
                readers.set_watching(Some(context.clone()));
                let error = watch_once(readers, &context, &mut |seen| {
                    pause = FIRST_PAUSE;
                    report(seen);
                });
                readers.set_watching(None);
                error
            }
            Err(error) => error,
        };
        if readers.is_stopping() {
            return;
        }
        tracing::debug!(error = %ended, "smart card service does not answer");
        report(Report {
            service: if matches!(ended, Error::SecurityViolation | Error::NoAccess) {
                ServiceStatus::NotAllowed
            } else {
                ServiceStatus::Away
            },
            readers: Vec::new(),
        });
        std::thread::park_timeout(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Watches until the context is of no more use, or we are stopped.
fn watch_once(readers: &PcscReaders, context: &Context, report: &mut dyn FnMut(Report)) -> Error {
    let mut states: BTreeMap<CString, ReaderState> = BTreeMap::new();
    // Says when readers come and go; its own state is never looked at.
    let mut arrivals = ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE);
    let mut told: Option<Vec<SeenReader>> = None;
    let mut lost = Lost::default();
    let mut look_again = true;
    loop {
        let names = match list(context) {
            Ok(names) => names,
            Err(error) => return error,
        };
        let as_before =
            names.len() == states.len() && names.iter().all(|name| states.contains_key(name));
        look_again |= !as_before;
        states.retain(|name, _| names.contains(name));
        for name in names {
            states
                .entry(name.clone())
                .or_insert_with(|| ReaderState::new(name, State::UNAWARE));
        }
        // New readers answer at once with what is in them, so this does not wait
        // before they were reported.
        let mut watched: Vec<ReaderState> = std::mem::take(&mut states).into_values().collect();
        watched.push(arrivals);
        let outcome = if readers.is_stopping() {
            Err(Error::Cancelled)
        } else {
            let limits = [look_again.then_some(LOOK_AGAIN), lost.wait(lost::now())];
            context.get_status_change(limits.into_iter().flatten().min(), &mut watched)
        };
        arrivals = watched.pop().expect("it was pushed above");
        arrivals.sync_current_state();
        for mut state in watched {
            state.sync_current_state();
            states.insert(state.name().to_owned(), state);
        }
        match outcome {
            Ok(()) | Err(Error::UnknownReader) => {}
            Err(Error::Timeout) => look_again = false,
            Err(error) => return error,
        }
        for reader in lost.due(lost::now()) {
            tracing::debug!("smart card service may have lost sight of a card");
            look_for_card(reader);
            look_again = true;
        }
        let seen: Vec<SeenReader> = states
            .values()
            .filter(|state| !state.event_state().contains(State::UNKNOWN))
            .map(seen)
            .collect();
        lost.compare(told.as_deref().unwrap_or_default(), &seen, lost::now());
        if told.as_ref() != Some(&seen) {
            report(Report {
                service: ServiceStatus::Running,
                readers: seen.clone(),
            });
            told = Some(seen);
        }
    }
}

fn list(context: &Context) -> Result<Vec<CString>, Error> {
    match context.list_readers_owned() {
        Ok(names) => Ok(names),
        Err(Error::NoReadersAvailable) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn seen(state: &ReaderState) -> SeenReader {
    let event = state.event_state();
    SeenReader {
        name: ReaderName(state.name().to_string_lossy().into_owned()),
        status: if event.contains(State::MUTE) {
            ReaderStatus::NoAnswer
        } else if event.contains(State::PRESENT) {
            ReaderStatus::Card
        } else {
            ReaderStatus::Empty
        },
        changes: state.event_count(),
    }
}
