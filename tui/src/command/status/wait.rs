//! Waits until things stand as somebody wants them, through restarts of the daemon.

use std::io::{self, Write as _};
use std::path::PathBuf;

use cac_common::client::ClientError;
use cac_common::error_chain::Chain;
use cac_common::identity::readable;
use cac_common::reader::{ReaderStatus, ServiceStatus};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, Reader, Registration, Snapshot, Stage};
use cac_common::wizard::WizardState;
use jiff::tz::TimeZone;
use tokio::sync::mpsc;

use crate::cli::WaitFor;
use crate::command::{register, which};
use crate::failure::Failure;
use crate::feed::{self, News};
use crate::patience::{Awaited, waits_for};
use crate::phrase::Tone;
use crate::{clock, phrase, print};

/// What is waited for, and of what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) what: WaitFor,
    pub(super) portal: Option<&'a str>,
    pub(super) card: Option<&'a str>,
}

/// How a daemon is waited for that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absence {
    /// Waited for in the beginning too.
    Borne,
    /// Nobody would end the waiting: it has to be there in the beginning.
    Told,
}

/// How the waiting ended.
pub(super) enum End {
    Holds,
    Never(Failure),
}

/// How things stand, held against what is waited for.
#[derive(Debug)]
enum Verdict {
    Holds,
    /// It may become so by itself; how things stand instead.
    NotYet(String),
    Never(Failure),
}

pub(super) async fn wait(
    socket: PathBuf,
    wanted: Wanted<'_>,
    absence: Absence,
    is_quiet: bool,
) -> Result<(Box<Snapshot>, End), Failure> {
    let (tell, mut news) = mpsc::channel(4);
    tokio::spawn(feed::follow(socket, tell));
    let (mut was_there, mut is_portal_checked) = (false, false);
    loop {
        match news.recv().await {
            Some(News::Snapshot(snapshot)) => {
                // One that has just been started may not know all portals yet.
                if let Some(name) = wanted.portal
                    && !is_portal_checked
                    && snapshot.service != ServiceStatus::Starting
                {
                    which::portal(&snapshot, name)?;
                    is_portal_checked = true;
                }
                was_there = true;
                match judge(&snapshot, wanted) {
                    Verdict::Holds => return Ok((snapshot, End::Holds)),
                    Verdict::Never(failure) => return Ok((snapshot, End::Never(failure))),
                    Verdict::NotYet(why) => waits_for(Awaited::State(why)),
                }
            }
            Some(News::Away(error)) if !was_there && absence == Absence::Told => {
                return Err(error.into());
            }
            Some(News::Away(error)) => {
                waits_for(Awaited::State(Chain(&error).to_string()));
                if !is_quiet {
                    // Standard error may be closed; it is waited all the same.
                    let _ = writeln!(
                        io::stderr(),
                        "cacctl: {}; trying again by itself",
                        Chain(&error)
                    );
                }
            }
            None => return Err(ClientError::Closed.into()),
        }
    }
}

fn judge(snapshot: &Snapshot, wanted: Wanted<'_>) -> Verdict {
    if snapshot.service != ServiceStatus::Running {
        let why = phrase::service(snapshot.service).unwrap_or_default();
        return Verdict::NotYet(why.trim_end_matches('.').to_owned());
    }
    match wanted.what {
        WaitFor::Registered => registered(snapshot, wanted),
        WaitFor::Card => card(snapshot, wanted),
        WaitFor::Pin => pin(snapshot, wanted),
        WaitFor::Idle => idle(snapshot, wanted),
        WaitFor::NoCard => no_card(snapshot, wanted),
    }
}

fn registered(snapshot: &Snapshot, wanted: Wanted<'_>) -> Verdict {
    if cards(snapshot, wanted).next().is_none() {
        let mut readers = snapshot.readers.iter();
        let is_new = |reader: &Reader| {
            reader.status == ReaderStatus::Card && reader.card.is_none() && reader.hidden.is_none()
        };
        if readers.any(is_new) {
            return Verdict::NotYet("a card is being read".into());
        }
        return Verdict::Never(none_is_in(snapshot, wanted));
    }
    let mut why_not_yet = None;
    for card in cards(snapshot, wanted) {
        match register::is_read(card) {
            Ok(true) => {}
            Ok(false) => {
                why_not_yet = Some("a card is being read".to_owned());
                continue;
            }
            Err(Failure::CardHeld { .. }) => {
                why_not_yet = Some(format!("a card cannot be read: {}", phrase::HELD));
                continue;
            }
            Err(failure) => return Verdict::Never(needs_person(&failure)),
        }
        if registrations(card, wanted).next().is_none() {
            return Verdict::Never(Failure::NoPortal);
        }
        for one in registrations(card, wanted) {
            let told = || print::registration(snapshot, one, clock::now(), &TimeZone::system());
            match phrase::tone(&one.status) {
                Tone::Good => {}
                Tone::Quiet | Tone::Working => why_not_yet = Some(told()),
                Tone::Wanted | Tone::Bad if is_seen_to(card, one) => why_not_yet = Some(told()),
                Tone::Wanted | Tone::Bad => {
                    let what = told();
                    return Verdict::Never(Failure::NeedsPerson { what });
                }
            }
        }
    }
    why_not_yet.map_or(Verdict::Holds, Verdict::NotYet)
}

/// The PIN is there, or somebody is registering it by hand.
fn is_seen_to(card: &Card, registration: &Registration) -> bool {
    let by_hand = card.wizard.as_ref().is_some_and(|wizard| {
        let is_done = matches!(wizard.state, WizardState::Done { .. });
        wizard.portal == registration.portal && !is_done
    });
    by_hand || (card.pin_kept && registration.status.waits_for_pin())
}

fn card(snapshot: &Snapshot, wanted: Wanted<'_>) -> Verdict {
    let mut why_not_yet = "no card is in a reader".to_owned();
    let mut fault = None;
    for card in cards(snapshot, wanted) {
        match register::is_read(card) {
            Ok(true) => return Verdict::Holds,
            Ok(false) => "a card is being read".clone_into(&mut why_not_yet),
            Err(Failure::CardHeld { .. }) => {
                why_not_yet = format!("a card cannot be read: {}", phrase::HELD);
            }
            Err(failure) => fault = Some(needs_person(&failure)),
        }
    }
    match fault.or_else(|| hidden(snapshot)) {
        Some(failure) => Verdict::Never(failure),
        None => Verdict::NotYet(why_not_yet),
    }
}

fn pin(snapshot: &Snapshot, wanted: Wanted<'_>) -> Verdict {
    let is_wanted = |card: &Card| {
        let mut registrations = registrations(card, wanted);
        !card.pin_kept && registrations.any(|one| one.status.waits_for_pin())
    };
    if cards(snapshot, wanted).any(is_wanted) {
        return Verdict::Holds;
    }
    match card(snapshot, wanted) {
        Verdict::Holds => Verdict::NotYet("no portal waits for a PIN".into()),
        other @ (Verdict::NotYet(_) | Verdict::Never(_)) => other,
    }
}

fn idle(snapshot: &Snapshot, wanted: Wanted<'_>) -> Verdict {
    for card in cards(snapshot, wanted) {
        if matches!(card.stage, Stage::Reading { .. }) {
            return Verdict::NotYet("a card is being read".into());
        }
        let mut registrations = registrations(card, wanted);
        if registrations.any(|one| one.status == RegistrationStatus::SigningIn) {
            return Verdict::NotYet("a card signs in".into());
        }
        let by_hand = card.wizard.as_ref();
        if by_hand.is_some_and(|wizard| wizard.state == WizardState::Working) {
            return Verdict::NotYet("a portal is asked, step by step".into());
        }
    }
    Verdict::Holds
}

fn no_card(snapshot: &Snapshot, wanted: Wanted<'_>) -> Verdict {
    let mut readers = snapshot.readers.iter();
    let is_in = match wanted.card {
        Some(_) => cards(snapshot, wanted).next().is_some(),
        None => readers.any(|reader| reader.status != ReaderStatus::Empty),
    };
    if is_in {
        Verdict::NotYet("a card is in a reader".into())
    } else {
        Verdict::Holds
    }
}

fn cards<'a>(snapshot: &'a Snapshot, wanted: Wanted<'a>) -> impl Iterator<Item = &'a Card> {
    let cards = snapshot
        .readers
        .iter()
        .filter_map(|reader| reader.card.as_ref());
    cards.filter(move |card| {
        let id = card.id.as_ref();
        wanted
            .card
            .is_none_or(|wanted| id.is_some_and(|id| id.0 == wanted))
    })
}

fn registrations<'a>(card: &'a Card, wanted: Wanted<'a>) -> impl Iterator<Item = &'a Registration> {
    let registrations = card.registrations.iter();
    registrations.filter(move |one| wanted.portal.is_none_or(|portal| one.portal == portal))
}

/// Somebody has to do something about it, whatever it would be elsewhere.
fn needs_person(failure: &Failure) -> Failure {
    let advice = failure.advice().unwrap_or_default();
    let what = format!("{}. {advice}", Chain(failure));
    Failure::NeedsPerson { what }
}

fn none_is_in(snapshot: &Snapshot, wanted: Wanted<'_>) -> Failure {
    let what = match wanted.card {
        Some(id) => format!("card {} is not in a reader", readable(id)),
        None => return hidden(snapshot).unwrap_or(Failure::NoCard),
    };
    hidden(snapshot).unwrap_or(Failure::NeedsPerson { what })
}

fn hidden(snapshot: &Snapshot) -> Option<Failure> {
    let mut readers = snapshot.readers.iter();
    let hidden = readers.find(|reader| reader.hidden.is_some())?;
    Some(Failure::CardHidden {
        reader: readable(&hidden.name.0),
        why: hidden.hidden,
    })
}

#[cfg(test)]
mod tests {
    use cac_common::cause::Cause;
    use cac_common::snapshot::PinStatus;

    use super::*;
    use crate::invented;

    fn wanted(what: WaitFor) -> Wanted<'static> {
        Wanted {
            what,
            portal: None,
            card: None,
        }
    }

    fn at_ako(what: WaitFor) -> Wanted<'static> {
        Wanted {
            portal: Some("ako"),
            ..wanted(what)
        }
    }

    /// `holds`, `not yet`, or the exit code.
    fn verdict(snapshot: &Snapshot, wanted: Wanted<'_>) -> String {
        match judge(snapshot, wanted) {
            Verdict::Holds => "holds".into(),
            Verdict::NotYet(_) => "not yet".into(),
            Verdict::Never(failure) => format!("{:?}", failure.exit()),
        }
    }

    fn with_card(change: impl FnOnce(&mut Card)) -> Snapshot {
        let mut desk = invented::desk();
        change(desk.readers[2].card.as_mut().unwrap());
        desk
    }

    fn at_all(status: &RegistrationStatus) -> Snapshot {
        with_card(|card| {
            for one in &mut card.registrations {
                one.status = status.clone();
            }
        })
    }

    #[test]
    fn registered_holds_where_every_portal_that_is_meant_says_so() {
        let desk = invented::desk();
        let travel = Wanted {
            portal: Some("travel"),
            ..wanted(WaitFor::Registered)
        };
        let elsewhere = Wanted {
            card: Some("another"),
            ..at_ako(WaitFor::Registered)
        };

        assert_eq!(verdict(&desk, at_ako(WaitFor::Registered)), "holds");
        assert_eq!(verdict(&desk, travel), "NeedsPerson");
        assert_eq!(verdict(&desk, wanted(WaitFor::Registered)), "NeedsPerson");
        assert_eq!(verdict(&desk, elsewhere), "NeedsPerson");
    }

    #[test]
    fn what_goes_on_by_itself_is_waited_for() {
        let waiting = RegistrationStatus::Waiting {
            until: invented::NOW,
            attempt: 1,
            cause: Cause::from("the portal answered 503"),
        };
        for status in [RegistrationStatus::SigningIn, waiting] {
            let desk = at_all(&status);
            assert_eq!(verdict(&desk, wanted(WaitFor::Registered)), "not yet");
        }
        let kept = with_card(|card| {
            card.pin_kept = true;
            card.registrations.retain(|one| one.status.waits_for_pin());
        });
        assert_eq!(verdict(&kept, wanted(WaitFor::Registered)), "not yet");
        assert_eq!(verdict(&kept, wanted(WaitFor::Pin)), "not yet");
        let by_hand = with_card(|card| {
            card.registrations[0].status = RegistrationStatus::NeedsWizard;
            card.wizard = Some(invented::wizard("ako", WizardState::Telling));
        });
        assert_eq!(verdict(&by_hand, at_ako(WaitFor::Registered)), "not yet");
        let reading = with_card(|card| {
            card.stage = Stage::Reading {
                done: 1,
                of: 9,
                what: None,
            }
        });
        for what in [WaitFor::Registered, WaitFor::Card, WaitFor::Idle] {
            assert_eq!(verdict(&reading, at_ako(what)), "not yet", "{what:?}");
        }
        let mut new = invented::desk();
        new.readers[2].card = None;
        assert_eq!(verdict(&new, wanted(WaitFor::Registered)), "not yet");
        let held = with_card(|card| card.stage = Stage::Held);
        for what in [WaitFor::Registered, WaitFor::Card] {
            assert_eq!(verdict(&held, at_ako(what)), "not yet", "{what:?}");
        }
    }

    #[test]
    fn what_a_person_has_to_do_is_not_waited_for() {
        for status in [
            RegistrationStatus::NeedsWizard,
            RegistrationStatus::NotFound,
            RegistrationStatus::PinBlocked,
        ] {
            let desk = at_all(&status);
            assert_eq!(verdict(&desk, wanted(WaitFor::Registered)), "NeedsPerson");
        }
        let failed = with_card(|card| {
            card.stage = Stage::Failed {
                cause: "reset".into(),
            };
        });
        for what in [WaitFor::Registered, WaitFor::Card] {
            assert_eq!(verdict(&failed, wanted(what)), "NeedsPerson", "{what:?}");
        }
        let empty = invented::nothing_plugged_in();
        assert_eq!(verdict(&empty, wanted(WaitFor::Registered)), "NeedsPerson");
    }

    #[test]
    fn a_card_and_its_absence_are_waited_for_without_end() {
        let (desk, empty) = (invented::desk(), invented::nothing_plugged_in());

        assert_eq!(verdict(&desk, wanted(WaitFor::Card)), "holds");
        assert_eq!(verdict(&empty, wanted(WaitFor::Card)), "not yet");
        assert_eq!(verdict(&desk, wanted(WaitFor::NoCard)), "not yet");
        assert_eq!(verdict(&empty, wanted(WaitFor::NoCard)), "holds");
        assert_eq!(verdict(&desk, wanted(WaitFor::Pin)), "holds");
        assert_eq!(verdict(&desk, at_ako(WaitFor::Pin)), "not yet");
        assert_eq!(verdict(&desk, wanted(WaitFor::Idle)), "holds");
        let signing_in = at_all(&RegistrationStatus::SigningIn);
        assert_eq!(verdict(&signing_in, wanted(WaitFor::Idle)), "not yet");
    }

    #[test]
    fn without_the_smart_card_service_nothing_holds() {
        let away = Snapshot {
            service: ServiceStatus::Away,
            ..invented::nothing_plugged_in()
        };

        for what in [WaitFor::Idle, WaitFor::NoCard, WaitFor::Registered] {
            assert_eq!(verdict(&away, wanted(what)), "not yet", "{what:?}");
        }
    }

    #[test]
    fn who_may_not_see_the_card_is_told_so() {
        let stranger = invented::desk().for_a_stranger();

        for what in [WaitFor::Registered, WaitFor::Card, WaitFor::Pin] {
            assert_eq!(verdict(&stranger, wanted(what)), "Refused", "{what:?}");
        }
        assert_eq!(verdict(&stranger, wanted(WaitFor::NoCard)), "not yet");
    }

    #[test]
    fn a_blocked_pin_is_nothing_that_a_pin_helps_with() {
        let mut desk = at_all(&RegistrationStatus::PinBlocked);
        desk.readers[2].card.as_mut().unwrap().pin = PinStatus::Blocked;

        assert_eq!(verdict(&desk, wanted(WaitFor::Pin)), "not yet");
    }
}
