//! From the reader to the PIN.

use cac_common::certificate::{CertificateSummary, ChainStatus, Revocation};
use cac_common::finding::Weight;
use cac_common::reader::ReaderStatus;
use cac_common::snapshot::{Card, Hidden, PinStatus, Snapshot, Stage};

use super::held::CARD_HELD;
use super::machine::LOCAL_LOGIN;
use super::service::clock;
use super::{By, Check, Found, Known, Verdict};
use crate::app::Chosen;
use crate::failure::PUT_IT_IN_AGAIN;
use crate::phrase::certificate as words;
use crate::phrase::{self, Tone};
use crate::view::NO_ANSWER;

/// In the name of a kind that is long out of use.
const FIRST_GENERATION: &str = "first generation";

const OFFICE: &str = "An ID card office (RAPIDS) exchanges the card: the certificates on it cannot \
     be renewed alone. Make an appointment, and bring another photo ID.";

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "permission",
        title: "you may see and use cards",
        meaning: "The service shows you cards and lets you act: root and the members of cacd-admin may. \
             Others see only that there are readers.",
        after: &["reader"],
        by: By::Picture(permission),
    },
    Check {
        name: "card",
        title: "a card is in, and answers",
        meaning: "A card is in the reader that is chosen, and its chip answers when it gets power.",
        after: &["permission"],
        by: By::Known(card_in),
    },
    CARD_HELD,
    Check {
        name: "card-read",
        title: "the card is read",
        meaning: "What the card shows without a PIN was read: who it belongs to, and its certificates.",
        after: &["card"],
        by: By::Card(read),
    },
    Check {
        name: "card-kind",
        title: "it is a kind that is known",
        meaning: "What the card is: a PIV card, as every CAC is that was issued since 2018, a CAC by its \
             older applets, or another token. Old ones are served, and not by every program.",
        after: &["card-read"],
        by: By::Card(kind),
    },
    Check {
        name: "certificate",
        title: "a certificate signs you in",
        meaning: "Of the certificates on the card this one is shown to portals, and why this one. A \
             portal whose profile wants another gets that.",
        after: &["card-read"],
        by: By::Card(login),
    },
    Check {
        name: "certificate-dates",
        title: "the certificate is in date",
        meaning: "Today lies between its first and its last day. Portals refuse it before and after.",
        after: &["certificate"],
        by: By::Card(dates),
    },
    Check {
        name: "certificate-chain",
        title: "its issuer is trusted",
        meaning: "Its issuers lead up to an authority that lies on this machine. It is a look ahead: \
             what counts at a portal is whom the portal trusts.",
        after: &["certificate"],
        by: By::Card(chain),
    },
    Check {
        name: "certificate-revocation",
        title: "the certificate is not revoked",
        meaning: "Its issuer was asked whether it was taken back, as happens to lost cards. Portals ask \
             the same.",
        after: &["certificate"],
        by: By::Card(revocation),
    },
    Check {
        name: "card-expiry",
        title: "the card itself is in date",
        meaning: "The last day that the card itself states. After it the card is no identification any \
             more, whatever its certificates say.",
        after: &["certificate"],
        by: By::Card(expiry),
    },
    Check {
        name: "card-findings",
        title: "nothing else is wrong with it",
        meaning: "What else was odd in what the card holds, such as data that contradict each other. \
             Nothing of it keeps you from signing in.",
        after: &["certificate"],
        by: By::Card(findings),
    },
    Check {
        name: "pin-tries",
        title: "PIN tries are left",
        meaning: "The card counts wrong PINs down and blocks itself at none. It was asked for the count, \
             which costs no try.",
        after: &["certificate"],
        by: By::Card(pin),
    },
    LOCAL_LOGIN,
];

/// What a card that is not there is known of.
fn nothing() -> Found {
    Found::unknown("nothing is known of it")
}

fn permission(snapshot: &Snapshot) -> Found {
    if snapshot.may_act {
        return Found::fine("cacd lets you");
    }
    Found::failed("cacd shows you the readers only").by(
        "Log in at the machine itself, at the seat of the reader. From elsewhere its administrators \
         may, which are a group: cacd-admin, unless another is configured. Have yourself added, then \
         log in again.",
        "sudo usermod --append --groups cacd-admin \"$USER\"",
    )
}

fn card_in(known: &Known<'_>) -> Found {
    let reader = match known.chosen {
        Some(Chosen::Reader(reader)) => reader,
        Some(Chosen::Known(_)) => {
            return Found::failed("the card that is chosen is in no reader")
                .mended("Put it in, chip first, or choose another row in the list of readers.");
        }
        None => return nothing(),
    };
    match (&reader.card, reader.status) {
        (Some(_), _) => Found::fine(format!("in {}", reader.name)),
        (None, ReaderStatus::Empty) => Found::failed(format!("{} is empty", reader.name))
            .mended("Put your card in, chip first, and push it in all the way."),
        (None, ReaderStatus::NoAnswer) => {
            let cause = format!("the one in {} does not answer", reader.name);
            Found::failed(cause).mended(format!(
                "{NO_ANSWER} If that does not help, try another reader."
            ))
        }
        (None, ReaderStatus::Card) if reader.hidden == Some(Hidden::PutInBefore) => {
            Found::failed(format!("the one in {} is not shown to you", reader.name))
                .mended(PUT_IT_IN_AGAIN)
        }
        (None, ReaderStatus::Card) => Found::running(format!("there is one in {}", reader.name)),
    }
}

fn read(_: &Known<'_>, card: &Card) -> Found {
    match &card.stage {
        Stage::Read => Found::fine(phrase::read_in(card.read_apdus)),
        Stage::Reading { done, of, .. } => Found::running(format!("{done} of {of} parts are read")),
        Stage::Held => Found::failed("another program holds it for itself").by(
            "Close that program, or wait. cacctl status says which it may be.",
            "cacctl status",
        ),
        Stage::Failed { cause } => Found::failed(cause).mended(
            "Take the card out, wipe the chip, and put it in again. If it stays so with another \
             reader too, the card may be broken.",
        ),
    }
}

fn kind(_: &Known<'_>, card: &Card) -> Found {
    match card.kind.as_str() {
        "" => Found::unknown("it does not say"),
        kind if kind.contains(FIRST_GENERATION) => Found::warning(kind)
            .mended("cacd serves it; many programs do not. An ID card office exchanges it."),
        kind => Found::fine(kind),
    }
}

fn login(_: &Known<'_>, card: &Card) -> Found {
    match chosen(card) {
        Some((certificate, reason)) => {
            Found::fine(format!("{}: {reason}", words::place(certificate)))
        }
        None if card.certificates.is_empty() => {
            Found::failed("the card holds no certificate").mended(OFFICE)
        }
        None => Found::failed("none on the card is made for it and in date")
            .by(OFFICE, "cacctl card show"),
    }
}

/// The certificate that signs in, and why this one.
fn chosen(card: &Card) -> Option<(&CertificateSummary, &str)> {
    let login = card.login.as_ref()?;
    let mut certificates = card.certificates.iter();
    let certificate = certificates.find(|it| it.slot == login.slot)?;
    Some((certificate, &login.reason))
}

/// Of the certificate that signs in.
fn of_login(card: &Card, found: impl FnOnce(&CertificateSummary) -> Found) -> Found {
    chosen(card).map_or_else(nothing, |(certificate, _)| found(certificate))
}

fn dates(known: &Known<'_>, card: &Card) -> Found {
    if clock(known).verdict() == Verdict::Failed {
        return Found::not_applicable("after: the clock is right");
    }
    of_login(card, |certificate| {
        let (from, to) = (certificate.not_before, certificate.not_after);
        let told = phrase::validity(known.now, (from, to), known.zone);
        match words::lifetime(certificate, known.now, known.zone) {
            Tone::Bad if known.now < from => Found::failed(told).by(
                "It is too early for it, or the clock of this machine is wrong.",
                "timedatectl",
            ),
            Tone::Bad => Found::failed(told).mended(OFFICE),
            Tone::Wanted => Found::warning(told).mended(OFFICE),
            Tone::Good | Tone::Quiet | Tone::Working => Found::fine(told),
        }
    })
}

fn chain(_: &Known<'_>, card: &Card) -> Found {
    of_login(card, |certificate| {
        let told = words::chain(&certificate.chain).1;
        match &certificate.chain {
            ChainStatus::NotChecked => Found::running("it is being judged"),
            ChainStatus::Trusted { .. } => Found::fine(told),
            ChainStatus::NotConfigured => Found::unknown("no authority is trusted here").by(
                "Cards are served all the same. To have them judged, import the DoD's authorities \
                 (cacctl trust import); docs/trust.md says where to get them.",
                "cacctl trust list",
            ),
            ChainStatus::Test { .. } => {
                Found::warning(told).mended("A card for tests: no portal in real use takes it.")
            }
            ChainStatus::NotTrusted { .. } => Found::failed(told).by(
                "Its issuer may be newer than the authorities that lie here, or it is none of \
                 theirs. docs/trust.md says where to get the DoD's, cacctl trust import puts them \
                 in place.",
                "cacctl trust list",
            ),
        }
    })
}

fn revocation(known: &Known<'_>, card: &Card) -> Found {
    of_login(card, |certificate| {
        let told = words::revocation(&certificate.revocation, known.zone).1;
        match &certificate.revocation {
            Revocation::NotChecked if certificate.chain == ChainStatus::NotChecked => {
                Found::running("it is being judged")
            }
            Revocation::NotChecked => Found::unknown("nobody was asked").mended(
                "It is asked only of those under a trusted root, and where cacd.toml lets it.",
            ),
            Revocation::Good { .. } => Found::fine(told),
            Revocation::Revoked { .. } => Found::failed(told).mended(OFFICE),
            Revocation::Unknown { .. } => {
                Found::warning(told).mended("A portal may know more, and let you in or not.")
            }
            Revocation::Offline { .. } => Found::warning(told)
                .mended("It is asked again by itself; a portal asks for itself anyway."),
        }
    })
}

fn expiry(known: &Known<'_>, card: &Card) -> Found {
    let Some(expires) = &card.expires else {
        return Found::unknown("it does not say until when");
    };
    let today = phrase::date(known.now, known.zone);
    let Ok(last) = expires.parse::<jiff::civil::Date>() else {
        return Found::unknown(format!("it says {expires}, which is no day"));
    };
    match today.parse::<jiff::civil::Date>() {
        Ok(today) if last < today => Found::failed(format!("it ended on {last}")).mended(OFFICE),
        Ok(_) => Found::fine(format!("until {last}")),
        Err(_) => nothing(),
    }
}

fn findings(_: &Known<'_>, card: &Card) -> Found {
    let findings = phrase::by_weight(&card.findings);
    let Some(worst) = findings.first() else {
        return Found::fine("nothing was found");
    };
    let more = findings.len() - 1;
    let cause = if more == 0 {
        worst.to_string()
    } else {
        format!("{worst}, and {more} more")
    };
    let found = match worst.weight {
        // It stands in nobody's way: what does has a line of its own.
        Weight::Fault | Weight::Warning => Found::warning(cause),
        Weight::Note => Found::fine(cause),
    };
    found.by(&worst.meaning, "cacctl card show")
}

fn pin(_: &Known<'_>, card: &Card) -> Found {
    let told = phrase::pin(&card.pin);
    match card.pin {
        PinStatus::Unknown => Found::running(told),
        PinStatus::Ready {
            tries_left: Some(2..),
        } => Found::fine(told),
        PinStatus::Ready {
            tries_left: Some(1),
        } => Found::warning(told).mended(
            "If you are not sure of the PIN, stop: a wrong one blocks the card. An ID card office \
             (RAPIDS) can reset it.",
        ),
        PinStatus::Ready { tries_left: None } => {
            Found::warning(told).mended("Any try may be the last: type it only if you are sure.")
        }
        PinStatus::OtherProgram => Found::warning(told).mended(
            "The count cannot be read until that program is done, or the card is put in anew.",
        ),
        PinStatus::Ready {
            tries_left: Some(0),
        }
        | PinStatus::Blocked => Found::failed("blocked: no tries are left").mended(
            "An ID card office (RAPIDS) can reset the PIN; bring the card and another photo ID.",
        ),
    }
}
