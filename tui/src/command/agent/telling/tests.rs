mod never_twice;

use std::fmt::Write as _;

use cac_common::cause::{Cause, Kind as CauseKind};
use cac_common::reader::ReaderStatus;
use cac_common::registration::{Notice, RegistrationStatus};
use cac_common::snapshot::PinStatus;

use super::*;
use crate::invented::{self, NOW};
use crate::settings::Settings;

/// An agent at the invented desk, and the notifications that were shown there.
struct Scene {
    teller: Teller,
    /// What each serial said when it was shown first.
    told: Vec<(Key, Note)>,
    shows_nothing: bool,
}

/// What is beside the snapshot.
#[derive(Debug, Clone, Copy, Default)]
struct Beside {
    has_dashboard: bool,
    is_asked: bool,
}

const NOTHING: Beside = Beside {
    has_dashboard: false,
    is_asked: false,
};

impl Scene {
    fn new() -> Self {
        Self::with("")
    }

    /// Since just before the card was put in.
    fn with(settings: &str) -> Self {
        let text = format!("[notifications]\n{settings}");
        let source = cac_common::toml_file::Source::new("a.toml".as_ref(), text);
        let settings = Settings::check(&source).unwrap().notifications;
        Self {
            teller: Teller::new(
                settings,
                Memory::default(),
                TimeZone::UTC,
                UtcSeconds(NOW.0 - 60),
            ),
            told: Vec::new(),
            shows_nothing: false,
        }
    }

    /// What pops up.
    fn see(&mut self, snapshot: &Snapshot, now: UtcSeconds, beside: Beside) -> Vec<String> {
        let moment = Moment {
            now,
            has_dashboard: beside.has_dashboard,
            is_asked: &|_| beside.is_asked,
        };
        self.teller.take(snapshot, |_| true, &moment);
        let mut new = Vec::new();
        for (key, note) in self.teller.wanted() {
            if self.told.iter().all(|(_, told)| told.serial != note.serial) {
                if !self.shows_nothing {
                    self.teller.was_shown(&note, now);
                }
                new.push(note.summary.clone());
                self.told.push((key, note));
            }
        }
        new
    }

    /// What stands there.
    fn stands(&self) -> Vec<String> {
        let wanted = self.teller.wanted();
        wanted.into_values().map(|note| note.summary).collect()
    }
}

/// Jane's card, which needs its PIN at Travel, and nothing else to be told of.
fn desk() -> Snapshot {
    with_a_card(|card| card.registrations.truncate(2))
}

fn with_a_card(change: impl FnOnce(&mut Card)) -> Snapshot {
    let mut desk = invented::desk();
    desk.readers[0].status = ReaderStatus::Empty;
    change(desk.readers[2].card.as_mut().unwrap());
    desk
}

fn at_travel(status: RegistrationStatus) -> Snapshot {
    with_a_card(|card| {
        card.registrations.truncate(2);
        card.registrations[1].status = status;
    })
}

fn registered() -> RegistrationStatus {
    RegistrationStatus::Registered {
        since: NOW,
        checked_at: NOW,
        account: Some("jane.q.doe".into()),
        recheck_due: false,
    }
}

fn later(seconds: i64) -> UtcSeconds {
    UtcSeconds(NOW.0 + seconds)
}

/// Every status that a registration can have.
fn every_status() -> Vec<RegistrationStatus> {
    let cause = |kind| Cause::new(kind, "it says so");
    let tries_left = Some(3);
    vec![
        RegistrationStatus::NotSeen,
        RegistrationStatus::NeedsPin { tries_left },
        RegistrationStatus::SigningIn,
        registered(),
        RegistrationStatus::RegisteredNotSaved {
            account: None,
            reason: "disk is full".into(),
        },
        RegistrationStatus::OutOfDate { tries_left },
        RegistrationStatus::NeedsConsent {
            notice: Notice {
                text: "You are accessing".into(),
                sha256: "ab".into(),
            },
        },
        RegistrationStatus::NeedsWizard,
        RegistrationStatus::NotEligible,
        RegistrationStatus::NeedsSponsor,
        RegistrationStatus::NotFound,
        RegistrationStatus::Forbidden {
            cause: cause(CauseKind::Forbidden),
        },
        RegistrationStatus::Rejected {
            cause: cause(CauseKind::CertificateRevoked),
        },
        RegistrationStatus::Waiting {
            until: later(60),
            attempt: 1,
            cause: cause(CauseKind::PortalBusy),
        },
        RegistrationStatus::PinBlocked,
        RegistrationStatus::LockedOut { until: None },
        RegistrationStatus::Unsupported {
            cause: cause(CauseKind::AsksLateRenegotiation),
        },
        RegistrationStatus::Unrecognised {
            cause: cause(CauseKind::UnknownPage),
        },
        RegistrationStatus::CardFailed {
            cause: cause(CauseKind::CardFailed),
        },
    ]
}

#[test]
fn each_status_is_told_in_its_words_or_not_at_all() {
    let mut all = String::new();
    for status in every_status() {
        let mut scene = Scene::with("kinds = [\"pin\", \"registered\", \"needs-you\"]");
        scene.see(&at_travel(status.clone()), NOW, NOTHING);

        writeln!(all, "{}", status.label()).unwrap();
        for (_, note) in &scene.told {
            writeln!(all, "  {}\n    {}", note.summary, note.body).unwrap();
        }
    }
    insta::assert_snapshot!(all);
}

#[test]
fn what_stands_in_the_way_of_a_card_is_told() {
    let mut all = String::new();
    let stages = [
        Stage::Held,
        Stage::Failed {
            cause: "it is mute".into(),
        },
    ];
    let stages = stages.map(|stage| with_a_card(|card| card.stage = stage));
    let blocked = with_a_card(|card| {
        card.registrations.truncate(2);
        card.registrations[1].status = RegistrationStatus::PinBlocked;
        card.pin = PinStatus::Blocked;
    });
    let new = with_a_card(|card| {
        card.recognised = false;
        card.registrations.truncate(1);
    });
    let mute = invented::desk();
    for snapshot in stages.iter().chain([&blocked, &new, &desk(), &mute]) {
        let mut scene = Scene::new();
        scene.see(snapshot, NOW, NOTHING);
        for (_, note) in &scene.told {
            writeln!(all, "{}\n    {}", note.summary, note.body).unwrap();
        }
        all.push('\n');
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_card_is_told_then_its_pin_and_once_that_is_typed_only_what_came_of_it() {
    let mut scene = Scene::new();
    let asked = Beside {
        is_asked: true,
        ..NOTHING
    };

    let card = scene.see(&desk(), NOW, asked);
    assert_eq!(card, ["Card recognised: DOE, JANE Q"]);
    // Nobody has answered.
    let pin = scene.see(&desk(), later(120), NOTHING);
    assert_eq!(pin, ["PIN needed: DOE, JANE Q"]);
    assert_eq!(scene.stands(), pin, "in its place");
    let working = at_travel(RegistrationStatus::SigningIn);
    assert!(scene.see(&working, later(130), NOTHING).is_empty());
    assert!(scene.stands().is_empty());
    let done = scene.see(&at_travel(registered()), later(131), NOTHING);
    assert_eq!(done, ["Registered at Travel"]);
    assert!(scene.see(&desk(), later(140), NOTHING).is_empty(), "once");
}

#[test]
fn what_was_so_before_is_no_news() {
    let mut scene = Scene::new();
    scene.teller.since = later(1);

    let told = scene.see(&at_travel(registered()), later(2), NOTHING);

    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn what_needs_somebody_is_told_also_to_who_comes_later() {
    let mut scene = Scene::new();
    scene.teller.since = later(1);

    let told = scene.see(&at_travel(RegistrationStatus::NotFound), later(2), NOTHING);

    assert_eq!(told, ["Travel: not found"]);
}

#[test]
fn a_card_that_comes_again_is_told_again() {
    let mut scene = Scene::new();
    scene.see(&desk(), NOW, NOTHING);

    scene.see(&invented::nothing_plugged_in(), later(1), NOTHING);
    assert!(scene.stands().is_empty());
    let again = with_a_card(|card| {
        card.visit.0 += 1;
        card.inserted_at = later(2);
        card.registrations.truncate(2);
    });

    assert_eq!(
        scene.see(&again, later(3), NOTHING),
        ["PIN needed: DOE, JANE Q"]
    );
}

#[test]
fn a_daemon_that_starts_again_has_nothing_told_twice() {
    let mut scene = Scene::new();
    scene.see(&desk(), NOW, NOTHING);
    let started = |mut snapshot: Snapshot| {
        snapshot.daemon.started_at = later(10);
        snapshot
    };
    let other_visit = |card: &mut Card| {
        card.visit.0 = 1;
        card.inserted_at = later(11);
        card.registrations.truncate(2);
    };

    for snapshot in [
        invented::nothing_plugged_in(),
        with_a_card(|card| {
            other_visit(card);
            card.id = None;
            card.stage = Stage::Reading {
                done: 0,
                of: 9,
                what: None,
            };
            card.registrations.clear();
        }),
        with_a_card(other_visit),
    ] {
        let told = scene.see(&started(snapshot), later(12), NOTHING);

        assert!(told.is_empty(), "{told:?}");
        assert_eq!(scene.stands(), ["PIN needed: DOE, JANE Q"]);
    }
    // Where the card is gone, the notification goes once that is certain.
    let empty = started(invented::nothing_plugged_in());
    let mut gone = Scene::new();
    gone.see(&desk(), NOW, NOTHING);
    gone.see(&empty, later(12), NOTHING);
    assert_eq!(gone.teller.next_look(), Some(later(40)));
    gone.see(&empty, later(40), NOTHING);
    assert!(gone.stands().is_empty());
}

#[test]
fn what_a_dashboard_shows_is_not_told_when_it_closes() {
    let mut scene = Scene::new();
    let open = Beside {
        has_dashboard: true,
        ..NOTHING
    };

    assert!(scene.see(&desk(), NOW, open).is_empty());
    assert!(scene.see(&desk(), later(1), NOTHING).is_empty());
}

#[test]
fn an_end_waits_for_the_dashboard_to_close() {
    let mut scene = Scene::with("kinds = [\"expiry\"]");
    let end = later(13 * DAY);
    let desk = with_ends(end);
    let open = Beside {
        has_dashboard: true,
        ..NOTHING
    };

    assert!(scene.see(&desk, NOW, open).is_empty());
    assert_eq!(scene.teller.next_look(), Some(later(DASHBOARD)));
    assert_eq!(scene.see(&desk, later(DASHBOARD), NOTHING).len(), 1);
}

#[test]
fn quiet_hours_hold_back_what_still_holds_at_their_end() {
    // It is 14:02 UTC.
    let mut scene = Scene::with("quiet_hours = \"14:00-15:00\"");
    let over = UtcSeconds(NOW.0 - 129 + 3600);
    let failed = at_travel(RegistrationStatus::NotFound);

    assert!(scene.see(&desk(), NOW, NOTHING).is_empty());
    assert!(scene.see(&failed, later(60), NOTHING).is_empty());
    assert_eq!(scene.teller.next_look(), Some(over));
    let told = scene.see(&failed, over, NOTHING);

    // The card is no news any more, and its PIN is not needed.
    assert_eq!(told, ["Travel: not found"]);
}

#[test]
fn what_comes_true_in_quiet_hours_is_taken_back() {
    let mut scene = Scene::with("quiet_hours = \"14:03-15:00\"");
    scene.see(&desk(), NOW, NOTHING);
    assert_eq!(scene.stands(), ["PIN needed: DOE, JANE Q"]);

    scene.see(&at_travel(registered()), later(60), NOTHING);

    assert!(scene.stands().is_empty());
}

#[test]
fn only_the_kinds_that_are_wanted_are_told() {
    let mut scene = Scene::with("kinds = [\"registered\"]");

    assert!(scene.see(&desk(), NOW, NOTHING).is_empty());
    let told = scene.see(&at_travel(registered()), later(1), NOTHING);
    assert_eq!(told, ["Registered at Travel"]);
}

#[test]
fn an_end_is_told_on_each_of_its_days_and_once() {
    let mut scene = Scene::with("kinds = [\"expiry\"]");
    let desk = with_ends(later(40 * DAY));
    let mut told = String::new();

    for hour in 0..(42 * 24) {
        let now = later(hour * 3600);
        for text in scene.see(&desk, now, NOTHING) {
            writeln!(told, "day {}: {text}", hour / 24).unwrap();
        }
    }

    insta::assert_snapshot!(told);
    insta::assert_snapshot!("an_end", scene.told[0].1.body);
}

#[test]
fn what_could_not_be_shown_is_not_taken_for_told() {
    let desk = with_ends(later(13 * DAY));
    let mut scene = Scene::with("kinds = [\"expiry\"]");
    scene.shows_nothing = true;
    assert_eq!(scene.see(&desk, NOW, NOTHING).len(), 1);

    let mut next = Scene::with("kinds = [\"expiry\"]");
    next.teller.memory = scene.teller.memory.clone();
    assert_eq!(next.see(&desk, later(5), NOTHING).len(), 1);
    let mut third = Scene::with("kinds = [\"expiry\"]");
    third.teller.memory = next.teller.memory.clone();
    assert!(third.see(&desk, later(9), NOTHING).is_empty());
}

#[test]
fn whoever_wants_to_be_reminded_is_a_day_later() {
    for snapshot in [
        with_ends(later(13 * DAY)),
        at_travel(RegistrationStatus::NotFound),
    ] {
        let mut scene = Scene::with("kinds = [\"expiry\", \"needs-you\"]");
        scene.see(&snapshot, NOW, NOTHING);
        let (key, note) = scene.told[0].clone();

        scene.teller.remind(&key, &note, NOW);

        assert!(scene.stands().is_empty());
        assert!(scene.see(&snapshot, later(DAY - 1), NOTHING).is_empty());
        assert_eq!(scene.teller.next_look(), Some(later(DAY)));
        assert_eq!(scene.see(&snapshot, later(DAY), NOTHING).len(), 1);
        assert!(scene.see(&snapshot, later(DAY + 1), NOTHING).is_empty());
    }
}

#[test]
fn no_number_of_a_person_is_ever_told() {
    for status in every_status() {
        let mut scene = Scene::new();
        let mut snapshot = at_travel(status);
        let card = snapshot.readers[2].card.as_mut().unwrap();
        card.registrations[0].status = RegistrationStatus::Registered {
            since: NOW,
            checked_at: NOW,
            account: Some("doe.1234567890".into()),
            recheck_due: false,
        };
        if let Some(holder) = &mut card.holder {
            holder.name.last = "DOE.1234567890".into();
        }

        scene.see(&snapshot, NOW, NOTHING);

        let told = format!("{:?}", scene.told);
        assert!(!told.contains("1234567890"), "{told}");
    }
}

/// Every certificate ends then, and the card long after.
fn with_ends(end: UtcSeconds) -> Snapshot {
    with_a_card(|card| {
        for certificate in &mut card.certificates {
            certificate.not_after = end;
            certificate.sha256 = format!("{:04x}", certificate.slot.number());
        }
        card.expires = Some("2029-03-01".into());
        card.registrations.clear();
    })
}
