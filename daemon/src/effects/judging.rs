//! Has what was read off a card judged, and asks over the network what became
//! of its certificates since.

use std::sync::Arc;

use cac_common::snapshot::Visit;
use cac_common::time::UtcSeconds;
use tokio::sync::mpsc;

use crate::card::facts::CardFacts;
use crate::event::Event;
use crate::judgement::{Judgement, judge};
use crate::trust::Authorities;
use crate::trust::http::Web;
use crate::trust::revocation::Revocations;

/// What certificates are judged with.
pub(super) struct JudgeWith {
    pub(super) authorities: Arc<Authorities>,
    /// None asks nobody whether a certificate was taken back.
    pub(super) revocations: Option<Arc<Revocations<Web>>>,
    pub(super) at: UtcSeconds,
}

/// Judges; ends in [`Event::Judged`], and in another for each answer that
/// comes over the network, for as long as that is wanted.
pub(super) fn start(
    (visit, number): (Visit, u32),
    facts: Arc<CardFacts>,
    with: JudgeWith,
    is_wanted: impl Fn() -> bool + Send + 'static,
    events: mpsc::UnboundedSender<Event>,
) {
    tokio::spawn(async move {
        let at = with.at;
        let judged =
            tokio::task::spawn_blocking(move || judge(&facts, &with.authorities, at)).await;
        let Ok((mut judgement, paths)) = judged else {
            tracing::error!("the certificates of a card could not be judged");
            return;
        };
        let tell = |judgement: &Judgement| {
            let _ = events.send(Event::Judged {
                visit,
                number,
                judgement: Box::new(judgement.clone()),
            });
        };
        tell(&judgement);
        let Some(revocations) = with.revocations else {
            return;
        };
        for (sha256, path) in paths {
            if !is_wanted() {
                return;
            }
            let revocation = revocations.check(&path, at).await;
            judgement.revocations.insert(sha256, revocation);
            tell(&judgement);
        }
    });
}
