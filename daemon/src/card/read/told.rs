//! What went wrong with an object of the card, as a finding.

use cac_common::finding::Finding;

use crate::card::certificate;
use crate::card::error::{CardError, capitalised};
use crate::card::status_word::{self, Meaning};

pub(in crate::card) fn no_certificate(
    object: &'static str,
    error: &certificate::NotACertificate,
) -> CardError {
    use certificate::NotACertificate::{Compression, Malformed, Missing, TooLarge};
    CardError::Malformed {
        object,
        fault: match error {
            Missing => "it holds no certificate",
            Compression => "it is compressed, and cannot be unpacked",
            TooLarge => "it unpacks to far more than a certificate",
            Malformed => "it is no X.509 certificate",
        },
    }
}

/// A finding, unless the card cannot be talked to at all.
pub(in crate::card) fn finding(object: &str, error: CardError) -> Result<Finding, CardError> {
    if matches!(error, CardError::Transport(_)) {
        return Err(error);
    }
    if let CardError::Refused { command, status } = error {
        let Meaning { what, advice } = status_word::meaning(command, status);
        let advice = advice.map(|advice| format!("{}.", capitalised(advice)));
        return Ok(Finding::fault(
            object,
            &format!("{what} ({status} to {command})"),
            advice.as_deref().unwrap_or(DAMAGED),
        ));
    }
    let fault = if let CardError::Malformed { fault, .. } = error {
        fault.to_owned()
    } else {
        error.to_string()
    };
    Ok(Finding::fault(object, &fault, DAMAGED))
}

/// What a broken object means for the holder.
pub(in crate::card) const DAMAGED: &str = "The card is damaged or badly issued. If it is refused somewhere, have it replaced at an ID card office.";
