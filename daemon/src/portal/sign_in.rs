//! One sign-in at a portal: connect, let the key sign, follow redirects and
//! forms that send themselves, read the page.

use std::sync::Arc;
use std::time::Duration;

use cac_common::registration::Outcome;
use cac_common::trace::Trace;

use super::cookies::Jar;
use super::outcome;
use super::refusal::Own;
use super::tls;
use super::walk::{self, Ask, End, Walk};
use super::witness::{SigningFault, Witness};
use super::{Identity, Portal, SignInError};

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Until a connection is made or its server asks for the certificate.
    pub(super) connect: Duration,
    /// All of it, the signing included: some servers wait two minutes for a card.
    pub(super) whole: Duration,
}

pub(super) const LIMITS: Limits = Limits {
    connect: Duration::from_secs(10),
    whole: Duration::from_mins(2),
};

/// One sign-in with a new connection, no ticket, no cookie from before.
///
/// Blocks the thread that drives it while the key signs. What the portal and
/// the network have to say is an [`Outcome`]; an error is on our side.
pub async fn sign_in(portal: &Portal, identity: Identity) -> Result<Outcome, SignInError> {
    sign_in_traced(portal, identity, &mut Trace::default()).await
}

/// The same, with how it went.
pub async fn sign_in_traced(
    portal: &Portal,
    identity: Identity,
    trace: &mut Trace,
) -> Result<Outcome, SignInError> {
    sign_in_within(LIMITS, portal, identity, trace).await
}

/// The same, with the last page, if one came.
pub async fn sign_in_with_page(
    portal: &Portal,
    identity: Identity,
    trace: &mut Trace,
    page: &mut Vec<u8>,
) -> Result<Outcome, SignInError> {
    recorded(LIMITS, portal, identity, trace, page).await
}

pub(super) async fn sign_in_within(
    limits: Limits,
    portal: &Portal,
    identity: Identity,
    trace: &mut Trace,
) -> Result<Outcome, SignInError> {
    recorded(limits, portal, identity, trace, &mut Vec::new()).await
}

async fn recorded(
    limits: Limits,
    portal: &Portal,
    identity: Identity,
    trace: &mut Trace,
    page: &mut Vec<u8>,
) -> Result<Outcome, SignInError> {
    let witness = Arc::new(Witness::default());
    let own = Own::new(
        &identity.certificate,
        !identity.intermediates.is_empty(),
        identity.standing.clone(),
    )?;
    let (now, accepted) = (identity.standing.at, identity.accepted.clone());
    let config = tls::client_config(portal, Some(identity), Arc::clone(&witness))?;
    let mut walk = Walk {
        portal,
        now,
        accepted,
        client: walk::client(limits.connect, portal, config, &witness)?,
        witness: &witness,
        cookies: &mut Jar::default(),
    };
    let start = Ask::page(portal.profile.start.clone());

    let walk = tokio::time::timeout(limits.whole, walk.follow(start, &mut trace.hops)).await;

    let seen = witness.seen();
    match seen.fault {
        Some(SigningFault::Signer(failed)) => return Err(failed.into()),
        Some(SigningFault::Wrong) => return Err(SignInError::WrongSignature),
        None => {}
    }
    Ok(match walk {
        Err(_) => walk::too_late(),
        Ok(Err(lost)) => lost.outcome(&own, seen),
        Ok(Ok(End::Answer(answer))) => {
            let outcome = outcome::judge(portal, &answer, &own, seen, &mut trace.rules);
            *page = answer.body;
            outcome
        }
        Ok(Ok(End::Elsewhere { origin, answer })) => {
            outcome::judge_elsewhere(portal, &answer, &mut trace.rules)
                .unwrap_or_else(|| walk::leads_away(&origin))
        }
        Ok(Ok(end)) => end.without_an_answer(),
    })
}
