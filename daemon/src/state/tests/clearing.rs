//! What a clear leaves on the screen.

use std::time::Duration;

use cac_common::config::Config;
use cac_common::interface::{Clear, ClearScope, Lost};
use cac_common::snapshot::{HistoryEntry, HistoryKind};
use cac_common::time::UtcSeconds;

use crate::event::{Answer, Effect, Event, Now, RequestId};
use crate::state::{DaemonFacts, State};

const NOW: Now = Now {
    utc: UtcSeconds(1_000),
    monotonic: Duration::ZERO,
    random: 7,
};

#[test]
fn what_was_deleted_leaves_the_screen_even_if_traces_remain_on_disk() {
    let facts = DaemonFacts {
        version: "0".into(),
        host: "test".into(),
        started_at: NOW.utc,
    };
    let mut state = State::new(facts, Config::default());
    let line = HistoryEntry {
        id: 1,
        at: NOW.utc,
        kind: HistoryKind::Card,
        reader: None,
        card: None,
        portal: None,
        text: "Recognised the card of DOE, JANE Q".into(),
    };
    state.step(Event::Noted(line), NOW);
    let lost = Lost {
        cards: 1,
        traces_remain: true,
        ..Lost::default()
    };

    let effects = state.step(
        Event::Cleared {
            request: RequestId(1),
            uid: 1000,
            what: Clear {
                scope: ClearScope::All {},
                dry_run: false,
            },
            result: Ok(lost.clone()),
        },
        NOW,
    );

    assert_eq!(state.snapshot(NOW).happened, []);
    assert!(matches!(
        effects.as_slice(),
        [
            Effect::Answer { answer: Ok(Answer::Cleared(told)), .. },
            Effect::LoadKnown,
            Effect::Note(audit),
        ] if *told == lost && audit.text == "User 1000 cleared everything"
    ));
}
