//! The two card edges as a signature needs them.

use cac_common::certificate::{Applet, Slot};
use cac_common::identity::CardId;
use cac_common::pin::Pin;

use super::Target;
use crate::card::apdu::Exchange;
use crate::card::cac::{self, CCC};
use crate::card::cac_read::{self, Found, Kind, certificate_in};
use crate::card::certificate;
use crate::card::chuid::Chuid;
use crate::card::error::CardError;
use crate::card::facts::Edge;
use crate::card::holder::id_by;
use crate::card::objects::{self, CHUID, Object, PRINTED};
use crate::card::piv::{self, Algorithm, Content, PinState, Verified};
use crate::card::read::id_of_unnumbered;

/// How the key of a certificate is reached.
pub(in crate::card) enum Way {
    Piv {
        certificate: Object,
        key_reference: u8,
    },
    /// `kind` is none on a card that has PIV too.
    Cac { applet: Applet, kind: Option<Kind> },
}

impl Way {
    pub(super) fn of(target: &Target) -> Result<Self, CardError> {
        if let Slot::Applet(applet) = target.slot {
            let kind = match target.edge {
                Edge::Piv => None,
                Edge::Cac(kind) => Some(kind),
            };
            return Ok(Self::Cac { applet, kind });
        }
        let certificate = objects::certificate(target.slot);
        match (target.edge, certificate, target.slot.key_reference()) {
            (Edge::Piv, Some(certificate), Some(key_reference)) => Ok(Self::Piv {
                certificate,
                key_reference,
            }),
            _ => Err(CardError::OtherCard),
        }
    }

    /// Whether the reader holds the very card that is meant, by its ID and by
    /// the certificate.
    pub(super) fn is_the_card(
        &self,
        exchange: &mut Exchange<'_>,
        target: &Target,
    ) -> Result<bool, CardError> {
        match self {
            Self::Piv { certificate, .. } => {
                piv::select(exchange)?;
                let number = number(exchange)?;
                if !has_piv_certificate(exchange, *certificate, &target.certificate)? {
                    return Ok(false);
                }
                let id = match number {
                    Some(id) => Some(id),
                    None if id_by(&target.certificate) == target.card => Some(target.card.clone()),
                    None => id_of_unnumbered(exchange)?,
                };
                Ok(id.as_ref() == Some(&target.card))
            }
            Self::Cac { applet, kind: None } => {
                piv::select(exchange)?;
                let id = match number(exchange)? {
                    Some(id) => Some(id),
                    None if id_by(&target.certificate) == target.card => Some(target.card.clone()),
                    None => id_of_unnumbered(exchange)?,
                };
                exchange.settle();
                Ok(id.as_ref() == Some(&target.card)
                    && has_certificate(exchange, Kind::Named, *applet, &target.certificate)?)
            }
            Self::Cac {
                applet,
                kind: Some(kind),
            } => {
                if id_by(&target.certificate) != target.card
                    && cac_read::id_of(exchange, *kind, &[])?.as_ref() != Some(&target.card)
                {
                    return Ok(false);
                }
                has_certificate(exchange, *kind, *applet, &target.certificate)
            }
        }
    }

    pub(super) fn pin_state(
        &self,
        exchange: &mut Exchange<'_>,
        target: &Target,
    ) -> Result<PinState, CardError> {
        match self {
            Self::Piv { .. } => piv::pin_state(exchange, target.ways.pin),
            Self::Cac { kind, .. } => cac_read::state_of_pin(exchange, kind.unwrap_or(Kind::Named)),
        }
    }

    pub(super) fn verify(
        &self,
        exchange: &mut Exchange<'_>,
        target: &Target,
        pin: Pin,
    ) -> Verified {
        match self {
            Self::Piv { .. } => piv::verify(exchange, target.ways.pin, pin),
            Self::Cac { .. } => cac::verify(exchange, pin),
        }
    }

    pub(in crate::card) fn sign(
        &self,
        exchange: &mut Exchange<'_>,
        algorithm: Algorithm,
        block: &[u8],
    ) -> Result<Vec<u8>, CardError> {
        match self {
            Self::Piv { key_reference, .. } => {
                piv::sign(exchange, algorithm, *key_reference, block)
            }
            Self::Cac { applet, kind } => {
                // The PIN was taken elsewhere, for all applets.
                if let Some(Kind::Token(_)) = kind {
                    cac::select(exchange, cac::pki(*applet))?;
                }
                cac::sign(exchange, block)
            }
        }
    }

    /// Printed Information; a CAC without PIV has none.
    pub(in crate::card) fn printed(
        &self,
        exchange: &mut Exchange<'_>,
    ) -> Result<Option<Vec<u8>>, CardError> {
        match self {
            Self::Piv { .. } => piv::get_data(exchange, PRINTED),
            Self::Cac { .. } => Ok(None),
        }
    }

    /// Logs out, and proves it.
    pub(in crate::card) fn log_out(
        &self,
        exchange: &mut Exchange<'_>,
        target: &Target,
    ) -> Result<PinState, CardError> {
        match self {
            Self::Piv { .. } => piv::log_out(exchange, target.ways),
            // One PIN for both edges, and PIV can tell.
            Self::Cac { kind: None, .. } => {
                piv::as_far_as_it_answers(piv::select(exchange).map(|()| None))?;
                piv::log_out(exchange, target.ways)
            }
            Self::Cac {
                applet,
                kind: Some(kind),
            } => log_out_of_applet(exchange, *kind, *applet),
        }
    }
}

/// To select another applet is to log out; which others there are, differs.
fn log_out_of_applet(
    exchange: &mut Exchange<'_>,
    kind: Kind,
    applet: Applet,
) -> Result<PinState, CardError> {
    let own = cac::pki(applet);
    let siblings = Applet::all().map(cac::pki).filter(|aid| *aid != own);
    let others = match kind {
        Kind::Token(aid) => vec![aid],
        Kind::Named | Kind::Bare | Kind::FirstGeneration => {
            std::iter::once(CCC).chain(siblings).collect()
        }
    };
    for aid in others {
        let left = log_out_by_selecting(exchange, aid, kind, own);
        if let Some(state) = piv::as_far_as_it_answers(left)? {
            return Ok(state);
        }
    }
    tracing::warn!("card is reset: it could not be logged out by other means");
    exchange.reset()?;
    logged_out_of(exchange, kind, own)?.ok_or(CardError::StillLoggedIn)
}

fn log_out_by_selecting(
    exchange: &mut Exchange<'_>,
    aid: cac::Aid,
    kind: Kind,
    own: cac::Aid,
) -> Result<Option<PinState>, CardError> {
    if cac::select(exchange, aid)? {
        logged_out_of(exchange, kind, own)
    } else {
        Ok(None)
    }
}

/// The state, if nobody is logged in any more.
fn logged_out_of(
    exchange: &mut Exchange<'_>,
    kind: Kind,
    own: cac::Aid,
) -> Result<Option<PinState>, CardError> {
    if !matches!(kind, Kind::Token(_)) && !cac::select(exchange, own)? {
        return Ok(None);
    }
    let state = cac_read::state_of_pin(exchange, kind)?;
    Ok((state != PinState::LoggedIn).then_some(state))
}

/// What numbers the card, if its CHUID does.
fn number(exchange: &mut Exchange<'_>) -> Result<Option<CardId>, CardError> {
    let mut is_enough = |front: &[u8]| Chuid::parse_head(front).is_enough;
    match piv::get_head(exchange, CHUID, &mut is_enough) {
        Ok(Content::Part(content) | Content::Whole(content)) => {
            Ok(Chuid::parse_head(&content).chuid.card_id())
        }
        Err(error @ CardError::Transport(_)) => Err(error),
        // The certificates tell which card it is.
        Ok(Content::Absent) | Err(_) => Ok(None),
    }
}

fn has_piv_certificate(
    exchange: &mut Exchange<'_>,
    object: Object,
    ordered: &[u8],
) -> Result<bool, CardError> {
    let content = piv::get_head(exchange, object, &mut |so_far| {
        certificate::front(so_far).is_some_and(|front| front.is_of(ordered))
    })?;
    Ok(match content {
        Content::Absent => false,
        // Nothing but its front ends the reading early.
        Content::Part(_) => true,
        Content::Whole(content) => certificate::unpack(&content).is_ok_and(|der| der == ordered),
    })
}

/// Leaves the applet selected.
fn has_certificate(
    exchange: &mut Exchange<'_>,
    kind: Kind,
    applet: Applet,
    ordered: &[u8],
) -> Result<bool, CardError> {
    let found = certificate_in(exchange, kind, applet, &[ordered])?;
    Ok(matches!(found, Found::Same(_)))
}
