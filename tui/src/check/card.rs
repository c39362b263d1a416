//! From the reader to the PIN.

use cac_common::certificate::{CertificateSummary, ChainStatus, Revocation};
use cac_common::finding::Weight;
use cac_common::reader::ReaderStatus;
use cac_common::snapshot::{Card, Hidden, PinStatus, Snapshot, Stage};

use super::anywhere::any;
use super::held::CARD_HELD;
use super::machine::LOCAL_LOGIN;
use super::outcome::outcomes;
use super::{By, Check, Found, Known};
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
        outcomes: permission::ALL,
    },
    Check {
        name: "card",
        title: "a card is in, and answers",
        meaning: "A card is in the reader that is chosen, and its chip answers when it gets power.",
        after: &["permission"],
        by: By::Known(card_in),
        outcomes: card_in::ALL,
    },
    CARD_HELD,
    Check {
        name: "card-read",
        title: "the card is read",
        meaning: "What the card shows without a PIN was read: who it belongs to, and its certificates.",
        after: &["card"],
        by: By::Card(read),
        outcomes: read::ALL,
    },
    Check {
        name: "card-kind",
        title: "it is a kind that is known",
        meaning: "What the card is: a PIV card, as every CAC is that was issued since 2018, a CAC by its \
             older applets, or another token. Old ones are served, and not by every program.",
        after: &["card-read"],
        by: By::Card(kind),
        outcomes: kind::ALL,
    },
    Check {
        name: "certificate",
        title: "a certificate signs you in",
        meaning: "Of the certificates on the card this one is shown to portals, and why this one. A \
             portal whose profile wants another gets that.",
        after: &["card-read"],
        by: By::Card(login),
        outcomes: login::ALL,
    },
    Check {
        name: "certificate-dates",
        title: "the certificate is in date",
        meaning: "Today lies between its first and its last day. Portals refuse it before and after.",
        after: &["certificate", "clock"],
        by: By::Card(dates),
        outcomes: dates::ALL,
    },
    Check {
        name: "certificate-chain",
        title: "its issuer is trusted",
        meaning: "Its issuers lead up to an authority that lies on this machine. It is a look ahead: \
             what counts at a portal is whom the portal trusts.",
        after: &["certificate"],
        by: By::Card(chain),
        outcomes: chain::ALL,
    },
    Check {
        name: "certificate-revocation",
        title: "the certificate is not revoked",
        meaning: "Its issuer was asked whether it was taken back, as happens to lost cards. Portals ask \
             the same.",
        after: &["certificate"],
        by: By::Card(revocation),
        outcomes: revocation::ALL,
    },
    Check {
        name: "card-expiry",
        title: "the card itself is in date",
        meaning: "The last day that the card itself states. After it the card is no identification any \
             more, whatever its certificates say.",
        after: &["certificate"],
        by: By::Card(expiry),
        outcomes: expiry::ALL,
    },
    Check {
        name: "card-findings",
        title: "nothing else is wrong with it",
        meaning: "What else was odd in what the card holds, such as data that contradict each other. \
             Nothing of it keeps you from signing in.",
        after: &["certificate"],
        by: By::Card(findings),
        outcomes: findings::ALL,
    },
    Check {
        name: "pin-tries",
        title: "PIN tries are left",
        meaning: "The card counts wrong PINs down and blocks itself at none. It was asked for the count, \
             which costs no try.",
        after: &["certificate"],
        by: By::Card(pin),
        outcomes: pin::ALL,
    },
    LOCAL_LOGIN,
];

outcomes! {
    permission {
        LET: Outcome::fine("cacd lets you");
        READERS_ONLY: Outcome::failed("cacd shows you the readers only").by(
            "Log in at the machine itself, at the seat of the reader. From elsewhere its \
             administrators may, which are a group: cacd-admin, unless another is configured. Have \
             yourself added, then log in again.",
            "sudo usermod --append --groups cacd-admin \"$USER\"",
        );
    }
}

outcomes! {
    card_in {
        IS_IN: Outcome::fine("in {reader}");
        IN_NO_READER: Outcome::failed("the card that is chosen is in no reader")
            .mended("Put it in, chip first, or choose another row in the list of readers.");
        EMPTY: Outcome::failed("{reader} is empty")
            .mended("Put your card in, chip first, and push it in all the way.");
        SILENT: Outcome::failed("the one in {reader} does not answer")
            .mended("{what to do} If that does not help, try another reader.");
        HIDDEN: Outcome::failed("the one in {reader} is not shown to you")
            .mended(super::PUT_IT_IN_AGAIN);
        APPEARS: Outcome::running("there is one in {reader}");
    }
}

outcomes! {
    read {
        READ: Outcome::fine("{how it was read}");
        READING: Outcome::running("{done} of {of} parts are read");
        HELD: Outcome::failed("another program holds it for itself").by(
            "Close that program, or wait. cacctl status says which it may be.",
            "cacctl status",
        );
        FAILED: Outcome::failed("{what went wrong}").mended(
            "Take the card out, wipe the chip, and put it in again. If it stays so with another \
             reader too, the card may be broken.",
        );
    }
}

outcomes! {
    kind {
        NOT_SAID: Outcome::unknown("it does not say");
        FIRST: Outcome::warning("{kind}")
            .mended("cacd serves it; many programs do not. An ID card office exchanges it.");
        KNOWN: Outcome::fine("{kind}");
    }
}

outcomes! {
    login {
        CHOSEN: Outcome::fine("{place}: {reason}");
        NO_CERTIFICATE: Outcome::failed("the card holds no certificate").mended(super::OFFICE);
        NONE_FIT: Outcome::failed("none on the card is made for it and in date")
            .by(super::OFFICE, "cacctl card show");
    }
}

outcomes! {
    dates {
        TOO_EARLY: Outcome::failed("{its dates}").by(
            "It is too early for it, or the clock of this machine is wrong.",
            "timedatectl",
        );
        EXPIRED: Outcome::failed("{its dates}").mended(super::OFFICE);
        SOON: Outcome::warning("{its dates}").mended(super::OFFICE);
        IN_DATE: Outcome::fine("{its dates}");
    }
}

outcomes! {
    chain {
        JUDGED: Outcome::running("it is being judged");
        TRUSTED: Outcome::fine("{its chain}");
        NOT_CONFIGURED: Outcome::unknown("no authority is trusted here").by(
            "Cards are served all the same. To have them judged, import the DoD's authorities \
             (cacctl trust import); docs/trust.md says where to get them.",
            "cacctl trust list",
        );
        TEST: Outcome::warning("{its chain}")
            .mended("A card for tests: no portal in real use takes it.");
        NOT_TRUSTED: Outcome::failed("{its chain}").by(
            "Its issuer may be newer than the authorities that lie here, or it is none of theirs. \
             docs/trust.md says where to get the DoD's, cacctl trust import puts them in place.",
            "cacctl trust list",
        );
    }
}

outcomes! {
    revocation {
        JUDGED: Outcome::running("it is being judged");
        NOT_ASKED: Outcome::unknown("nobody was asked").mended(
            "It is asked only of those under a trusted root, and where cacd.toml lets it.",
        );
        GOOD: Outcome::fine("{what its issuer says}");
        REVOKED: Outcome::failed("{what its issuer says}").mended(super::OFFICE);
        UNKNOWN: Outcome::warning("{what its issuer says}")
            .mended("A portal may know more, and let you in or not.");
        OFFLINE: Outcome::warning("{what its issuer says}")
            .mended("It is asked again by itself; a portal asks for itself anyway.");
    }
}

outcomes! {
    expiry {
        NOT_SAID: Outcome::unknown("it does not say until when");
        NO_DAY: Outcome::unknown("it says {day}, which is no day");
        ENDED: Outcome::failed("it ended on {day}").mended(super::OFFICE);
        IN_DATE: Outcome::fine("until {day}");
    }
}

outcomes! {
    findings {
        NONE: Outcome::fine("nothing was found");
        ODD: Outcome::warning("{finding}").by("{meaning}", "cacctl card show");
        NOTED: Outcome::fine("{finding}").by("{meaning}", "cacctl card show");
    }
}

outcomes! {
    pin {
        ASKED: Outcome::running("{how many are left}");
        LEFT: Outcome::fine("{how many are left}");
        LAST: Outcome::warning("{how many are left}").mended(
            "If you are not sure of the PIN, stop: a wrong one blocks the card. An ID card office \
             (RAPIDS) can reset it.",
        );
        NO_COUNT: Outcome::warning("{how many are left}")
            .mended("Any try may be the last: type it only if you are sure.");
        OTHER_PROGRAM: Outcome::warning("{how many are left}").mended(
            "The count cannot be read until that program is done, or the card is put in anew.",
        );
        BLOCKED: Outcome::failed("blocked: no tries are left").mended(
            "An ID card office (RAPIDS) can reset the PIN; bring the card and another photo ID.",
        );
    }
}

/// What a card that is not there is known of.
fn nothing() -> Found {
    any::NOTHING.found()
}

fn permission(snapshot: &Snapshot) -> Found {
    if snapshot.may_act {
        permission::LET.found()
    } else {
        permission::READERS_ONLY.found()
    }
}

fn card_in(known: &Known<'_>) -> Found {
    let reader = match known.chosen {
        Some(Chosen::Reader(reader)) => reader,
        Some(Chosen::Known(_)) => return card_in::IN_NO_READER.found(),
        None => return nothing(),
    };
    let outcome = match (&reader.card, reader.status) {
        (Some(_), _) => card_in::IS_IN,
        (None, ReaderStatus::Empty) => card_in::EMPTY,
        (None, ReaderStatus::NoAnswer) => card_in::SILENT,
        (None, ReaderStatus::Card) if reader.hidden == Some(Hidden::PutInBefore) => card_in::HIDDEN,
        (None, ReaderStatus::Card) => card_in::APPEARS,
    };
    outcome.told(&[("reader", &reader.name), ("what to do", &NO_ANSWER)])
}

fn read(_: &Known<'_>, card: &Card) -> Found {
    match &card.stage {
        Stage::Read => read::READ.told(&[("how it was read", &phrase::read_in(card.read_apdus))]),
        Stage::Reading { done, of, .. } => read::READING.told(&[("done", done), ("of", of)]),
        Stage::Held => read::HELD.found(),
        Stage::Failed { cause } => read::FAILED.told(&[("what went wrong", cause)]),
    }
}

fn kind(_: &Known<'_>, card: &Card) -> Found {
    let outcome = match card.kind.as_str() {
        "" => kind::NOT_SAID,
        kind if kind.contains(FIRST_GENERATION) => kind::FIRST,
        _ => kind::KNOWN,
    };
    outcome.told(&[("kind", &card.kind)])
}

fn login(_: &Known<'_>, card: &Card) -> Found {
    match chosen(card) {
        Some((certificate, reason)) => {
            let place = words::place(certificate);
            login::CHOSEN.told(&[("place", &place), ("reason", &reason)])
        }
        None if card.certificates.is_empty() => login::NO_CERTIFICATE.found(),
        None => login::NONE_FIT.found(),
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
    of_login(card, |certificate| {
        let (from, to) = (certificate.not_before, certificate.not_after);
        let told = phrase::validity(known.now, (from, to), known.zone);
        let outcome = match words::lifetime(certificate, known.now, known.zone) {
            Tone::Bad if known.now < from => dates::TOO_EARLY,
            Tone::Bad => dates::EXPIRED,
            Tone::Wanted => dates::SOON,
            Tone::Good | Tone::Quiet | Tone::Working => dates::IN_DATE,
        };
        outcome.told(&[("its dates", &told)])
    })
}

fn chain(_: &Known<'_>, card: &Card) -> Found {
    of_login(card, |certificate| {
        let told = words::chain(&certificate.chain).1;
        let outcome = match &certificate.chain {
            ChainStatus::NotChecked => chain::JUDGED,
            ChainStatus::Trusted { .. } => chain::TRUSTED,
            ChainStatus::NotConfigured => chain::NOT_CONFIGURED,
            ChainStatus::Test { .. } => chain::TEST,
            ChainStatus::NotTrusted { .. } => chain::NOT_TRUSTED,
        };
        outcome.told(&[("its chain", &told)])
    })
}

fn revocation(known: &Known<'_>, card: &Card) -> Found {
    of_login(card, |certificate| {
        let told = words::revocation(&certificate.revocation, known.zone).1;
        let outcome = match &certificate.revocation {
            Revocation::NotChecked if certificate.chain == ChainStatus::NotChecked => {
                revocation::JUDGED
            }
            Revocation::NotChecked => revocation::NOT_ASKED,
            Revocation::Good { .. } => revocation::GOOD,
            Revocation::Revoked { .. } => revocation::REVOKED,
            Revocation::Unknown { .. } => revocation::UNKNOWN,
            Revocation::Offline { .. } => revocation::OFFLINE,
        };
        outcome.told(&[("what its issuer says", &told)])
    })
}

fn expiry(known: &Known<'_>, card: &Card) -> Found {
    let Some(expires) = &card.expires else {
        return expiry::NOT_SAID.found();
    };
    let today = phrase::date(known.now, known.zone);
    let Ok(last) = expires.parse::<jiff::civil::Date>() else {
        return expiry::NO_DAY.told(&[("day", expires)]);
    };
    match today.parse::<jiff::civil::Date>() {
        Ok(today) if last < today => expiry::ENDED.told(&[("day", &last)]),
        Ok(_) => expiry::IN_DATE.told(&[("day", &last)]),
        Err(_) => nothing(),
    }
}

fn findings(_: &Known<'_>, card: &Card) -> Found {
    let findings = phrase::by_weight(&card.findings);
    let Some(worst) = findings.first() else {
        return findings::NONE.found();
    };
    let more = findings.len() - 1;
    let told = if more == 0 {
        worst.to_string()
    } else {
        format!("{worst}, and {more} more")
    };
    let outcome = match worst.weight {
        // It stands in nobody's way: what does has a line of its own.
        Weight::Fault | Weight::Warning => findings::ODD,
        Weight::Note => findings::NOTED,
    };
    outcome.told(&[("finding", &told), ("meaning", &worst.meaning)])
}

fn pin(_: &Known<'_>, card: &Card) -> Found {
    let outcome = match card.pin {
        PinStatus::Unknown => pin::ASKED,
        PinStatus::Ready {
            tries_left: Some(2..),
        } => pin::LEFT,
        PinStatus::Ready {
            tries_left: Some(1),
        } => pin::LAST,
        PinStatus::Ready { tries_left: None } => pin::NO_COUNT,
        PinStatus::OtherProgram => pin::OTHER_PROGRAM,
        PinStatus::Ready {
            tries_left: Some(0),
        }
        | PinStatus::Blocked => pin::BLOCKED,
    };
    outcome.told(&[("how many are left", &phrase::pin(&card.pin))])
}
