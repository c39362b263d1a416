//! A PIN that somebody has just logged in to the machine with: for the one
//! card in a reader that the configuration ties to them.

use std::sync::Arc;
use std::time::Duration;

use cac_common::identity::CardId;
use cac_common::interface::{Login, Refusal};
use cac_common::pin::{LONGEST, PinFor};
use cac_common::snapshot::{Card, Snapshot, Stage, Visit};
use cac_common::wire::Descriptor;
use serde_json::Value;

use super::{Answered, Server, parameters, pin};
use crate::event::{Event, Peer};

/// The card that somebody logs in with was used by other programs just now. A
/// PIN waits no longer than this for what is still being read.
const LIMIT: Duration = Duration::from_secs(5);

impl Server {
    pub(super) async fn login(
        &self,
        asked: Value,
        descriptor: Option<Descriptor>,
        peer: Peer,
    ) -> Result<Answered, Refusal> {
        // Whoever lets people in to the machine, and nobody else.
        if peer.uid != 0 {
            return Err(Refusal::PermissionDenied);
        }
        let Login { user } = parameters(asked)?;
        let taken = pin::take(descriptor, LONGEST).await?;
        let visits: Vec<Visit> = cards(&self.snapshots.borrow().snapshot)
            .map(|card| card.visit)
            .collect();
        let found = async {
            let uid = uid_of(user.clone()).await?;
            Ok((uid, self.card_of(&user, &visits).await?))
        };
        let found = tokio::time::timeout(LIMIT, found).await;
        let (uid, (card, visit)) = found.unwrap_or(Err(Refusal::NotRead))?;
        let pin = taken.typed_for(PinFor {
            uid,
            card,
            visit,
            even_the_last_try: false,
            by_login: true,
        })?;
        self.ask(peer, move |request| Event::PinGiven { request, pin })
            .await
    }

    /// The one card of a user. One that is put in later is not the one that
    /// they have logged in with; one that is not read yet could be theirs too.
    async fn card_of(&self, user: &str, visits: &[Visit]) -> Result<(CardId, Visit), Refusal> {
        let mut snapshots = self.snapshots.clone();
        let was_there = |card: &&Card| visits.contains(&card.visit);
        let published = snapshots
            .wait_for(|published| {
                let snapshot = &published.snapshot;
                cards(snapshot)
                    .filter(was_there)
                    .all(|card| is_settled(card, snapshot))
            })
            .await
            .map(|published| Arc::clone(&published))
            .map_err(|_| Refusal::Stopping)?;
        let present = || cards(&published.snapshot).filter(was_there);
        let mut theirs = present().filter(|card| card.user.as_deref() == Some(user));
        // One that could sign in and is nobody's may be the one that was used.
        let mut nobodys = present().filter(|card| card.user.is_none() && card.login.is_some());
        match (theirs.next(), theirs.next().or_else(|| nobodys.next())) {
            (Some(card), None) => {
                let id = card.id.clone().ok_or(Refusal::NotRead)?;
                Ok((id, card.visit))
            }
            (None, _) => Err(Refusal::UserHasNoCard),
            (Some(_), Some(_)) => Err(Refusal::UserHasSeveralCards),
        }
    }
}

fn cards(snapshot: &Snapshot) -> impl Iterator<Item = &Card> {
    let readers = snapshot.readers.iter();
    readers.filter_map(|reader| reader.card.as_ref())
}

/// Whose it is is known, and where it stands; or it will not be.
fn is_settled(card: &Card, snapshot: &Snapshot) -> bool {
    match card.stage {
        Stage::Reading { .. } | Stage::Held => false,
        Stage::Failed { .. } => true,
        // The database may still be asked about it.
        Stage::Read => {
            !card.registrations.is_empty() || !snapshot.portals.iter().any(|portal| portal.enabled)
        }
    }
}

/// Asks the user database, which can take its time.
async fn uid_of(user: String) -> Result<u32, Refusal> {
    let found = tokio::task::spawn_blocking(move || users::get_user_by_name(&user));
    let found = found.await.ok().flatten();
    let uid = found.map(|user| user.uid());
    uid.ok_or(Refusal::InvalidParameter {
        parameter: "user".into(),
    })
}
