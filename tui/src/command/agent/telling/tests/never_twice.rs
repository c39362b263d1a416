//! Whatever happens in whatever order, nothing is told twice.

use cac_common::snapshot::PinStatus;
use proptest::prelude::*;

use super::*;

/// One thing that happens at the desk.
#[derive(Debug, Clone)]
enum Happens {
    Status(usize, usize),
    TakenOut,
    PutIn,
    DaemonStarts,
    Read(bool),
    Tries(u8),
    Passes(i64),
    Dashboard(bool),
    Asked(bool),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        8 => (0_usize..2, 0_usize..19).prop_map(|(at, status)| Happens::Status(at, status)),
        1 => Just(Happens::TakenOut),
        2 => Just(Happens::PutIn),
        1 => Just(Happens::DaemonStarts),
        2 => any::<bool>().prop_map(Happens::Read),
        1 => (0_u8..4).prop_map(Happens::Tries),
        3 => (0_i64..40_000).prop_map(Happens::Passes),
        2 => any::<bool>().prop_map(Happens::Dashboard),
        2 => any::<bool>().prop_map(Happens::Asked),
    ]
}

proptest! {
    /// For each time that the card is put in, whatever happens meanwhile.
    #[test]
    fn nothing_is_told_twice(
        happening in prop::collection::vec(happens(), 1..120),
        settings in prop_oneof![Just(""), Just("quiet_hours = \"22:00-07:00\"")],
    ) {
        let mut scene = Scene::with(settings);
        let mut snapshot = with_ends(later(3 * DAY));
        let statuses = every_status();
        snapshot.readers[2].card.as_mut().unwrap().registrations = desk().readers[2]
            .card
            .as_ref()
            .unwrap()
            .registrations
            .clone();
        let mut out = None;
        let mut now = NOW;
        let mut beside = NOTHING;
        let mut visits = 0;
        for one in happening {
            match (one, &mut snapshot.readers[2].card) {
                (Happens::Status(at, status), Some(card)) => {
                    card.registrations[at].status = statuses[status].clone();
                }
                (Happens::TakenOut, card @ Some(_)) => out = card.take(),
                (Happens::PutIn, card @ None) => {
                    visits += 1;
                    *card = out.take().map(|card| Card {
                        visit: Visit(100 + visits),
                        inserted_at: now,
                        ..card
                    });
                    scene.told.clear();
                }
                (Happens::DaemonStarts, card) => {
                    snapshot.daemon.started_at = now;
                    if let Some(card) = card {
                        card.visit = Visit(1);
                        card.inserted_at = now;
                    }
                }
                (Happens::Read(is_read), Some(card)) => {
                    card.stage = if is_read {
                        Stage::Read
                    } else {
                        Stage::Reading { done: 1, of: 9, what: None }
                    };
                }
                (Happens::Tries(tries), Some(card)) => {
                    card.pin = PinStatus::Ready { tries_left: Some(tries) };
                }
                (Happens::Passes(seconds), _) => now.0 += seconds,
                (Happens::Dashboard(is_open), _) => beside.has_dashboard = is_open,
                (Happens::Asked(is_asked), _) => beside.is_asked = is_asked,
                (
                    Happens::Status(..)
                    | Happens::TakenOut
                    | Happens::PutIn
                    | Happens::Read(_)
                    | Happens::Tries(_),
                    _,
                ) => {}
            }
            let before = scene.told.len();
            let is_quiet = scene.teller.is_quiet(now);
            scene.see(&snapshot, now, beside);
            for (at, (key, note)) in scene.told.iter().enumerate().skip(before) {
                let says = |note: &Note| (note.summary.clone(), note.body.clone());
                let mut earlier = scene.told[..at].iter();
                prop_assert!(
                    !earlier.any(|(other, told)| other == key && says(told) == says(note)),
                    "{note:?} twice"
                );
                prop_assert!(!is_quiet && !beside.has_dashboard);
            }
        }
    }
}
