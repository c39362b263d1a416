//! Has what was read off a card judged, and asks over the network what became
//! of its certificates since.

use std::sync::Arc;

use cac_common::certificate::Revocation;
use cac_common::snapshot::Visit;
use cac_common::time::UtcSeconds;
use tokio::sync::mpsc;

use crate::card::facts::CardFacts;
use crate::event::Event;
use crate::judgement::{Asked, Judgement, judge};
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
        let asks = with.revocations.is_some();
        let judged = tokio::task::spawn_blocking(move || {
            let (mut judgement, paths) = judge(&facts, &with.authorities, at);
            if asks {
                judgement.carry_over(&facts, paths.iter().map(|(sha256, _)| &sha256[..]));
            }
            (judgement, paths)
        })
        .await;
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
        let mut asked: Option<Asked> = None;
        let mut paths = paths.into_iter().peekable();
        while let Some((sha256, path)) = paths.next() {
            if !is_wanted() {
                return;
            }
            let revocation = revocations.check(&path, at).await;
            let one = match revocation {
                Revocation::Offline { .. } => Asked::Away,
                Revocation::NotChecked
                | Revocation::Good { .. }
                | Revocation::Revoked { .. }
                | Revocation::Unknown { .. } => Asked::Answered {
                    good_for: revocations.good_for(&path, at),
                },
            };
            asked = Some(asked.map_or(one, |asked| asked.and(one)));
            judgement.revocations.insert(sha256, revocation);
            judgement.asked = asked.filter(|_| paths.peek().is_none());
            tell(&judgement);
        }
    });
}
