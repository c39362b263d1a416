use cac_common::cause::Cause;
use cac_common::locked::Locked;
use cac_common::pin::{Pin, PinFor};
use cac_common::reader::{ReaderName, ReaderStatus};
use cac_common::registration::Notice;
use cac_common::time::UtcSeconds;

use super::*;
use crate::card::transport::{Report, SeenReader, TransportError};
use crate::event::{Memory, RequestId};
use crate::state::tests::fixtures::{facts, portal, reader_name};
use crate::state::{DaemonFacts, State};

fn at(seconds: u64) -> Now {
    Now {
        utc: UtcSeconds(0),
        monotonic: Duration::from_secs(seconds),
        random: 0,
    }
}

fn configured(names: &[String], problems: &[&str]) -> Event {
    Event::Configured {
        config: Box::default(),
        portals: names.iter().map(|name| portal(name, "/")).collect(),
        problems: problems.iter().map(|&problem| problem.into()).collect(),
    }
}

fn with(names: &[&str]) -> Counts {
    let names: Vec<String> = names.iter().map(|&name| name.into()).collect();
    let mut counts = Counts::default();
    counts.take_event(&configured(&names, &[]), at(0));
    counts
}

/// As the effect that begins it would have it noted.
fn begin(counts: &mut Counts, portal: &str, seconds: u64) {
    let begun = (portal.to_owned(), Duration::from_secs(seconds));
    counts.under_way.insert((Visit(1), 1), begun);
}

fn ended(result: SignInResult) -> Event {
    Event::SignInEnded {
        visit: Visit(1),
        number: 1,
        result,
        pin: None,
        tries: None,
    }
}

fn every_result() -> Vec<SignInResult> {
    let cause = || Cause::new(Kind::NotSaid, "of no account");
    let portal = [
        Outcome::Registered { account: None },
        Outcome::NeedsConsent {
            notice: Notice {
                text: String::new(),
                sha256: String::new(),
            },
        },
        Outcome::NeedsWizard,
        Outcome::NotEligible,
        Outcome::NeedsSponsor,
        Outcome::NotFound,
        Outcome::Forbidden { cause: cause() },
        Outcome::Rejected { cause: cause() },
        Outcome::Unavailable {
            cause: cause(),
            retry_after: None,
        },
        Outcome::LockedOut,
        Outcome::Unsupported { cause: cause() },
        Outcome::Unrecognised { cause: cause() },
    ];
    let card = [
        CardError::WrongPin {
            tries_left: Some(2),
        },
        CardError::WrongPin {
            tries_left: Some(0),
        },
        CardError::LastTry {
            tries_left: Some(1),
        },
        CardError::Transport(TransportError::Removed),
    ];
    let failed = SignInResult::Failed {
        cause: "no thread".into(),
    };
    let portal = portal.into_iter().map(SignInResult::Portal);
    let card = card.into_iter().map(SignInResult::Card);
    portal
        .chain(card)
        .chain([SignInResult::PinGone, failed])
        .collect()
}

#[test]
fn every_end_of_a_sign_in_has_an_outcome_that_is_there_from_the_start() {
    let mut seen = std::collections::BTreeSet::new();
    for result in every_result() {
        let mut counts = with(&["first"]);
        begin(&mut counts, "first", 1);

        counts.take_event(&ended(result.clone()), at(4));

        let first = &counts.by_portal["first"];
        assert_eq!(first.outcomes.len(), OUTCOMES.len(), "{result:?}");
        assert_eq!(first.outcomes.values().sum::<u64>(), 1, "{result:?}");
        let (outcome, _) = first.outcomes.iter().find(|(_, n)| **n == 1).unwrap();
        seen.insert(*outcome);
        let mut expected = Histogram::default();
        expected.observe(Duration::from_secs(3));
        assert_eq!(first.took, expected);
    }
    assert_eq!(seen.len(), OUTCOMES.len(), "{seen:?}");
}

#[test]
fn a_sign_in_that_nobody_waits_for_any_more_is_not_counted() {
    let mut counts = with(&["first"]);
    begin(&mut counts, "first", 1);

    counts.take_effect(&Effect::EndVisit(Visit(1)), at(2));
    counts.take_event(&ended(SignInResult::Portal(Outcome::NeedsWizard)), at(3));

    assert_eq!(counts.by_portal["first"], AtPortal::default());
    assert!(counts.under_way.is_empty());
}

#[test]
fn what_has_no_profile_any_more_has_no_series_any_more() {
    let mut counts = with(&["first", "second"]);
    begin(&mut counts, "second", 1);

    counts.take_event(&configured(&["first".into()], &[]), at(2));
    counts.take_event(&ended(SignInResult::PinGone), at(3));

    assert_eq!(counts.by_portal.keys().collect::<Vec<_>>(), ["first"]);
    assert_eq!(counts.by_portal["first"], AtPortal::default());
    assert_eq!(counts.label("second"), None);
}

#[test]
fn portals_beyond_a_number_are_counted_together() {
    let names: Vec<String> = (0..200).map(|number| format!("p{number:03}")).collect();
    let mut counts = Counts::default();
    counts.take_event(&configured(&names, &[]), at(0));
    begin(&mut counts, "p199", 1);

    counts.take_event(&ended(SignInResult::PinGone), at(3));

    assert_eq!(counts.by_portal.len(), MOST_PORTALS + 1);
    assert_eq!(counts.label("p063"), Some("p063"));
    assert_eq!(counts.label("p064"), Some(OTHERS));
    assert_eq!(counts.by_portal[OTHERS].outcomes["pin_not_sent"], 1);
}

#[test]
fn a_pin_is_refused_by_a_card_whatever_it_was_typed_for() {
    let wrong = || CardError::WrongPin {
        tries_left: Some(2),
    };
    let request = RequestId(1);
    let mut counts = with(&["first"]);

    counts.take_event(&ended(SignInResult::Card(wrong())), at(1));
    counts.take_event(
        &Event::PortalTested {
            visit: Visit(1),
            request,
            result: SignInResult::Card(wrong()),
            tries: None,
            trace: Box::default(),
            page: None,
        },
        at(1),
    );
    counts.take_event(
        &Event::PrintedRead {
            visit: Visit(1),
            request,
            result: Err(Some(wrong())),
            tries: None,
        },
        at(1),
    );
    counts.take_event(
        &Event::Wizard(Box::new(WizardEvent::Turned {
            visit: Visit(1),
            number: 1,
            result: WizardResult::Card(wrong()),
            tries: None,
        })),
        at(1),
    );
    counts.take_event(&ended(SignInResult::Card(CardError::PinBlocked)), at(1));

    assert_eq!(counts.pins_refused, 4, "a blocked card refuses none");
}

#[test]
fn loads_are_counted_by_how_they_went() {
    let mut counts = with(&[]);

    counts.take_event(&configured(&[], &["cacd.toml:1:1"]), at(1));

    assert_eq!((counts.loads_ok, counts.loads_failed), (1, 1));
    assert!(!counts.last_load_ok);
}

#[test]
fn what_is_not_counted_is_no_reason_to_write() {
    let mut counts = with(&["first"]);
    let away = Event::Readers(Report {
        service: ServiceStatus::Away,
        readers: Vec::new(),
    });

    assert!(!counts.take_event(&away, at(1)));
    assert!(!counts.take_event(&Event::Tick, at(1)));
    assert!(counts.take_event(&configured(&[], &[]), at(1)));
    assert!(counts.take_event(&ended(SignInResult::PinGone), at(1)));
}

/// The state and its observer, as the supervisor has them.
struct Watched {
    state: State,
    counts: Counts,
}

impl Watched {
    fn new() -> Self {
        let facts = DaemonFacts {
            version: "0".into(),
            host: "test".into(),
            started_at: UtcSeconds(0),
        };
        let mut watched = Self {
            state: State::new(facts, cac_common::config::Config::default()),
            counts: Counts::default(),
        };
        watched.step(configured(&["first".into()], &[]));
        watched
    }

    fn step(&mut self, event: Event) -> Vec<Effect> {
        let before = self.state.snapshot(at(0));
        self.counts.take_event(&event, at(0));
        let effects = self.state.step(event, at(0));
        self.counts
            .take_change(&before, &self.state.snapshot(at(0)));
        for effect in &effects {
            self.counts.take_effect(effect, at(0));
        }
        effects
    }

    fn service(&mut self, service: ServiceStatus, readers: &[(ReaderName, ReaderStatus)]) {
        let readers = readers.iter().map(|(name, status)| SeenReader {
            name: name.clone(),
            status: *status,
            changes: 1,
        });
        let report = Report {
            service,
            readers: readers.collect(),
        };
        self.step(Event::Readers(report));
    }
}

#[test]
fn pcscd_has_restarted_when_it_is_back_and_not_when_it_is_first_there() {
    let mut watched = Watched::new();

    watched.service(ServiceStatus::Away, &[]);
    watched.service(ServiceStatus::Running, &[]);
    assert_eq!(watched.counts.pcscd_restarts, 0);
    watched.service(ServiceStatus::Away, &[]);
    watched.service(ServiceStatus::Away, &[]);
    watched.service(ServiceStatus::Running, &[]);

    assert_eq!(watched.counts.pcscd_restarts, 1);
}

#[test]
fn a_holder_who_is_asked_for_the_pin_is_counted_once() {
    let mut watched = Watched::new();

    watched.service(
        ServiceStatus::Running,
        &[(reader_name(0), ReaderStatus::Card)],
    );
    watched.step(Event::CardRead {
        visit: Visit(1),
        result: Box::new(Ok(facts(0, 0))),
    });
    watched.step(Event::CardRemembered {
        visit: Visit(1),
        memory: Memory::default(),
    });
    watched.step(Event::Tick);

    assert_eq!(watched.counts.pin_prompts, 1);
}

#[test]
fn a_sign_in_is_timed_from_the_effect_that_begins_it() {
    let mut watched = Watched::new();
    watched.service(
        ServiceStatus::Running,
        &[(reader_name(0), ReaderStatus::Card)],
    );
    let facts = facts(0, 0);
    let card = facts.id.clone();
    watched.step(Event::CardRead {
        visit: Visit(1),
        result: Box::new(Ok(facts)),
    });
    watched.step(Event::CardRemembered {
        visit: Visit(1),
        memory: Memory::default(),
    });
    let mut locked = Locked::new().unwrap();
    locked.bytes_mut()[..6].copy_from_slice(b"123456");
    let typed_for = PinFor {
        uid: 0,
        card,
        visit: Visit(1),
        even_the_last_try: false,
        by_login: false,
    };
    let pin = Pin::new(locked, 6, typed_for).unwrap();

    watched.step(Event::PinGiven {
        request: RequestId(1),
        pin,
    });

    let begun: Vec<_> = watched.counts.under_way.keys().collect();
    assert_eq!(begun, [&(Visit(1), 1)]);
}
