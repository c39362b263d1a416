//! Which certificate of a card signs its holder in, and why this one.

use std::fmt;

use cac_common::certificate::{LoginChoice, Role, Slot};
use cac_common::time::UtcSeconds;

use super::date::Date;
use super::facts::CardCertificate;
use super::issuer::Issuer;
use super::purpose::Vouching;

/// The choice, and what speaks against every other certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub choice: Result<LoginChoice, NoLogin>,
    /// In the order in which the certificates were given.
    pub others: Vec<PassedOver>,
}

/// A certificate that was not chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    pub slot: Slot,
    /// A clause that goes on after "because".
    pub reason: String,
}

/// Why no certificate signs in. Each is a clause that goes on after "because".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoLogin {
    NoCertificate,
    /// Those that could have all expired.
    Expired,
    NoneFits,
}

impl fmt::Display for NoLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCertificate => "the card holds no certificate",
            Self::Expired => "the certificate for signing in has expired",
            Self::NoneFits => "no certificate on the card is made for signing in",
        })
    }
}

/// How well a certificate fits; the first fits best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fitness {
    /// A policy by which its holder stands behind it when signing in.
    Vouched,
    /// Smart card logon, by the DoD's authority for that.
    Logon,
    Authentication,
    /// The ID certificate of older cards.
    Identity,
    /// It says nothing of itself, and lies where that certificate belongs.
    Place,
}

/// Chooses the certificate that signs its holder in, and says why. With no
/// time given none counts as expired.
pub fn choose_login(
    certificates: &[CardCertificate],
    at: Option<UtcSeconds>,
) -> Option<LoginChoice> {
    weigh(certificates, at).choice.ok()
}

/// Weighs all certificates. One that has expired is never chosen; one that is
/// not valid yet only where there is no other, since the clock may be wrong.
pub fn weigh(certificates: &[CardCertificate], at: Option<UtcSeconds>) -> Login {
    let verdicts: Vec<_> = certificates
        .iter()
        .map(|certificate| (certificate, verdict(certificate, at)))
        .collect();
    let chosen = verdicts
        .iter()
        .filter_map(|(certificate, verdict)| Some((*certificate, *verdict.as_ref().ok()?)))
        .min_by_key(|(certificate, fitness)| {
            let begins_later = at.is_some_and(|at| certificate.summary.not_before > at);
            (begins_later, *fitness, certificate.summary.slot)
        });
    let others = verdicts
        .iter()
        .filter(|(certificate, _)| {
            chosen.is_none_or(|(chosen, _)| chosen.summary.slot != certificate.summary.slot)
        })
        .map(|(certificate, verdict)| PassedOver {
            slot: certificate.summary.slot,
            reason: match verdict {
                Err(unfit) => unfit.to_string(),
                Ok(_) => lesser(certificate, chosen.map(|(chosen, _)| chosen)),
            },
        })
        .collect();
    let choice = match chosen {
        Some((certificate, fitness)) => Ok(LoginChoice {
            slot: certificate.summary.slot,
            reason: fitness.reason(certificate),
        }),
        None if certificates.is_empty() => Err(NoLogin::NoCertificate),
        None if verdicts
            .iter()
            .any(|(_, verdict)| matches!(verdict, Err(Unfit::Expired(_)))) =>
        {
            Err(NoLogin::Expired)
        }
        None => Err(NoLogin::NoneFits),
    };
    Login { choice, others }
}

/// Why a certificate cannot sign in.
enum Unfit {
    Retired,
    Encryption,
    Card,
    Content,
    Signature,
    MayNotSign,
    Test,
    Unmarked,
    Expired(UtcSeconds),
}

/// The place speaks only against: what lies in 9D, 9E or a retired place is
/// never used, whatever it says.
fn verdict(certificate: &CardCertificate, at: Option<UtcSeconds>) -> Result<Fitness, Unfit> {
    let summary = &certificate.summary;
    match summary.slot {
        Slot::Retired(_) => return Err(Unfit::Retired),
        Slot::KeyManagement => return Err(Unfit::Encryption),
        Slot::CardAuthentication => return Err(Unfit::Card),
        Slot::Authentication | Slot::Signature | Slot::Applet(_) => {}
    }
    let purposes = &certificate.purposes;
    let is_in_place = summary.slot == Slot::Authentication;
    let fitness = match purposes.role() {
        Role::Encryption => return Err(Unfit::Encryption),
        Role::Card => return Err(Unfit::Card),
        Role::ContentSigning => return Err(Unfit::Content),
        Role::Signature => return Err(Unfit::Signature),
        _ if !purposes.may_sign() => return Err(Unfit::MayNotSign),
        _ if purposes.is_test_policy() => return Err(Unfit::Test),
        Role::Authentication if purposes.is_for_its_holder() => Fitness::Vouched,
        Role::Authentication
            if purposes.has_smartcard_logon() && Issuer::of(summary) == Issuer::DodIdentity =>
        {
            Fitness::Logon
        }
        Role::Authentication => Fitness::Authentication,
        Role::Identity | Role::Other if is_in_place => Fitness::Place,
        Role::Identity => Fitness::Identity,
        Role::Other => return Err(Unfit::Unmarked),
    };
    match at {
        Some(at) if summary.not_after < at => Err(Unfit::Expired(summary.not_after)),
        Some(_) | None => Ok(fitness),
    }
}

/// What speaks for `chosen` over a certificate that would do as well.
fn lesser(certificate: &CardCertificate, chosen: Option<&CardCertificate>) -> String {
    let Some(chosen) = chosen.map(|chosen| &chosen.summary) else {
        return String::new();
    };
    if chosen.sha256 == certificate.summary.sha256 {
        format!("it is the same as the one in {}", chosen.slot)
    } else {
        format!("the one in {} fits better", chosen.slot)
    }
}

impl Fitness {
    fn reason(self, certificate: &CardCertificate) -> String {
        match self {
            Self::Vouched => {
                let policy = match certificate.purposes.vouching() {
                    Some(Vouching::Derived) => "a derived PIV Authentication policy",
                    Some(Vouching::PivI) => "a PIV-I policy",
                    Some(Vouching::Piv) | None => "the PIV Authentication policy",
                };
                format!("it is made for signing in: {policy} stands in it")
            }
            Self::Logon => "it is made for smart card logon, by the DoD's own authority".into(),
            Self::Authentication => "it is made for signing in to servers".into(),
            Self::Identity => {
                "it is the CAC's older identity certificate, and there is no newer one".into()
            }
            Self::Place => "it lies in the slot for signing in, and may sign".into(),
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retired => f.write_str("its key is retired"),
            Self::Encryption => f.write_str("its key is for decryption"),
            Self::Card => f.write_str("it proves the card, never its holder"),
            Self::Content => f.write_str("it is for signing what stands on cards"),
            Self::Signature => {
                f.write_str("it is for signatures, and used only where a portal asks for it")
            }
            Self::MayNotSign => f.write_str("its key may not sign"),
            Self::Test => f.write_str("it was issued for tests"),
            Self::Unmarked => f.write_str("it does not say what it is for"),
            Self::Expired(not_after) => match Date::of(*not_after) {
                Some(day) => write!(f, "it expired on {day}"),
                None => f.write_str("it has expired"),
            },
        }
    }
}

#[cfg(test)]
mod tests;
