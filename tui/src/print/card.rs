//! One card, all of it, for a person.

use std::io::Write;

use cac_common::certificate::CertificateSummary;
use cac_common::finding::Finding;
use cac_common::identity::{Edipi, masked, readable};
use cac_common::interface::Printed;
use cac_common::snapshot::{Card, Reader, Stage};
use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;

use super::line;
use super::table::{field as field_of, field_toned};
use crate::failure::Failure;
use crate::phrase;
use crate::sheet::Sheet;

/// Columns of what a value is called.
const NAME: usize = 14;

/// How a card is told.
pub struct Manner {
    pub numbers: Numbers,
    pub now: UtcSeconds,
    pub zone: TimeZone,
    pub sheet: Sheet,
}

/// What of a DoD ID is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Its last four digits.
    Masked,
    Whole,
}

impl Numbers {
    /// Text that may name a person by number, made harmless.
    fn told(self, text: &str) -> String {
        match self {
            Self::Masked => readable(&masked(text)),
            Self::Whole => readable(text),
        }
    }

    fn dod_id(self, dod_id: Edipi) -> String {
        match self {
            Self::Masked => format!("{} (--reveal shows it)", dod_id.masked()),
            Self::Whole => dod_id.to_string(),
        }
    }
}

/// The card, what was found wrong with it, and each certificate; a value a line.
pub fn card(
    out: &mut impl Write,
    reader: &Reader,
    card: &Card,
    manner: &Manner,
) -> Result<(), Failure> {
    for (name, value) in card_itself(reader, card, manner) {
        field(out, manner, "", name, &value)?;
    }
    for finding in phrase::by_weight(&card.findings) {
        line(out, "")?;
        found(out, manner, "", finding)?;
    }
    for certificate in &card.certificates {
        let login = card.login.as_ref();
        let signs_in = login.is_some_and(|login| login.slot == certificate.slot);
        line(out, "")?;
        line(
            out,
            &format!(
                "certificate {}{}",
                phrase::certificate::place(certificate),
                if signs_in { ", signs in" } else { "" }
            ),
        )?;
        for (name, value) in certificate_fields(certificate, manner) {
            field(out, manner, "  ", name, &value)?;
        }
    }
    Ok(())
}

/// What is printed on the card, a value a line.
pub fn printed(
    out: &mut impl Write,
    printed: Option<&Printed>,
    manner: &Manner,
) -> Result<(), Failure> {
    line(out, "")?;
    let Some(printed) = printed else {
        return line(out, "printed       nothing that the card could show");
    };
    line(out, "printed on the card")?;
    let told = |text: &Option<String>| {
        let text = text.as_deref();
        text.map(|text| manner.numbers.told(text))
            .unwrap_or_default()
    };
    for (name, value) in [
        ("name", told(&printed.name)),
        ("affiliation", told(&printed.affiliation)),
        ("expires", told(&printed.expires)),
        ("number", told(&printed.serial)),
        // It has ten digits too, and they are nobody's.
        (
            "issuer",
            printed.issuer.as_deref().map(readable).unwrap_or_default(),
        ),
        (
            "organisation",
            phrase::certificate::several(&printed.organisation),
        ),
    ] {
        field(out, manner, "  ", name, &value)?;
    }
    for finding in phrase::by_weight(&printed.findings) {
        found(out, manner, "  ", finding)?;
    }
    Ok(())
}

type Field = (&'static str, String);

fn field(
    out: &mut impl Write,
    manner: &Manner,
    margin: &str,
    name: &str,
    value: &str,
) -> Result<(), Failure> {
    field_of(out, manner.sheet, margin, (name, NAME), value)
}

fn card_itself(reader: &Reader, card: &Card, manner: &Manner) -> Vec<Field> {
    let numbers = manner.numbers;
    let holder = card.holder.as_ref();
    let login = card.login.as_ref().map(|login| {
        let reason = readable(&login.reason);
        format!("{}: {reason}", login.slot)
    });
    let read = match &card.stage {
        Stage::Reading { done, of, .. } => format!("being read, {done} of {of} done"),
        Stage::Read => phrase::read_in(card.read_apdus),
        Stage::Held => format!("failed: {}", phrase::HELD),
        Stage::Failed { cause } => format!("failed: {}", readable(cause)),
    };
    let or_none = Option::unwrap_or_default;
    vec![
        ("reader", readable(&reader.name.0)),
        (
            "card ID",
            or_none(card.id.as_ref().map(|id| readable(&id.0))),
        ),
        ("kind", readable(&card.kind)),
        ("expires", or_none(card.expires.as_deref().map(readable))),
        (
            "holder",
            holder.map_or_else(
                || "not known".into(),
                |holder| numbers.told(&holder.name.to_string()),
            ),
        ),
        (
            "DoD ID",
            or_none(card.dod_id.map(|dod_id| numbers.dod_id(dod_id))),
        ),
        (
            "UPN",
            or_none(holder.and_then(|holder| Some(numbers.told(holder.upn.as_deref()?)))),
        ),
        (
            "category",
            or_none(holder.and_then(|holder| Some(readable(holder.category.as_deref()?)))),
        ),
        ("PIN", phrase::pin(&card.pin)),
        (
            "signs in with",
            login.unwrap_or_else(|| "none that is known".into()),
        ),
        ("put in", phrase::moment(card.inserted_at, &manner.zone)),
        ("read", read),
        (
            "seen before",
            if card.recognised { "yes" } else { "no" }.into(),
        ),
    ]
}

/// What it is, and what that means.
fn found(
    out: &mut impl Write,
    manner: &Manner,
    margin: &str,
    finding: &Finding,
) -> Result<(), Failure> {
    let (tone, weight) = phrase::weight(finding.weight);
    let what = manner.numbers.told(&finding.to_string());
    field_toned(out, manner.sheet, margin, (weight, NAME, tone), &what)?;
    field(
        out,
        manner,
        margin,
        "",
        &manner.numbers.told(&finding.meaning),
    )
}

fn certificate_fields(certificate: &CertificateSummary, manner: &Manner) -> Vec<Field> {
    use phrase::certificate::{chain, purpose, revocation, role, several};
    let told = |text: &str| manner.numbers.told(text);
    let mail: Vec<String> = certificate.mail.iter().map(|mail| told(mail)).collect();
    let CertificateSummary {
        not_before,
        not_after,
        ..
    } = *certificate;
    vec![
        (
            "role",
            format!("{}: {}", role(certificate.role), purpose(certificate)),
        ),
        ("subject", told(&certificate.subject_dn)),
        (
            "UPN",
            certificate.upn.as_deref().map(told).unwrap_or_default(),
        ),
        ("mail", several(&mail)),
        ("issuer", readable(&certificate.issuer_dn)),
        ("serial", readable(&certificate.serial)),
        (
            "valid",
            format!(
                "{} to {}, {}",
                phrase::moment(not_before, &manner.zone),
                phrase::moment(not_after, &manner.zone),
                phrase::validity(manner.now, (not_before, not_after), &manner.zone)
            ),
        ),
        ("chain", chain(&certificate.chain).1),
        (
            "revocation",
            revocation(&certificate.revocation, &manner.zone).1,
        ),
        ("key", readable(&certificate.key)),
        ("key usage", several(&certificate.key_usage)),
        ("extended use", several(&certificate.extended_key_usage)),
        ("policies", several(&certificate.policies)),
        ("SHA-256", readable(&certificate.sha256)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    fn told(snapshot: &cac_common::snapshot::Snapshot, numbers: Numbers) -> String {
        let reader = snapshot.readers.last().unwrap();
        let manner = Manner {
            numbers,
            now: invented::NOW,
            zone: TimeZone::UTC,
            sheet: Sheet::PLAIN,
        };
        let mut out = Vec::new();
        card(&mut out, reader, reader.card.as_ref().unwrap(), &manner).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_card_is_told_with_all_that_stands_on_it() {
        insta::assert_snapshot!(told(&invented::checked(), Numbers::Masked));
    }

    #[test]
    fn the_dod_id_is_told_only_when_asked_for() {
        let masked = told(&invented::checked(), Numbers::Masked);
        let whole = told(&invented::checked(), Numbers::Whole);

        assert!(!masked.contains("1234567890"), "{masked}");
        assert!(whole.contains("DoD ID        1234567890\n"), "{whole}");
        assert!(whole.contains("CN=DOE.JANE.Q.1234567890,"), "{whole}");
    }

    #[test]
    fn of_a_card_being_read_what_is_known_is_told() {
        let mut desk = invented::desk();
        let card = desk.readers[2].card.as_mut().unwrap();
        card.stage = Stage::Reading {
            done: 1,
            of: 9,
            what: None,
        };
        card.holder = None;
        card.certificates.clear();
        card.login = None;

        let told = told(&desk, Numbers::Masked);

        assert!(told.contains("holder        not known\n"), "{told}");
        assert!(told.contains("DoD ID        ••••••7890 (--reveal shows it)\n"));
        assert!(told.contains("read          being read, 1 of 9 done\n"));
    }

    #[test]
    fn what_is_printed_is_told_and_that_nothing_is() {
        let manner = Manner {
            numbers: Numbers::Masked,
            now: invented::NOW,
            zone: TimeZone::UTC,
            sheet: Sheet::PLAIN,
        };
        let told = |what: Option<&Printed>| {
            let mut out = Vec::new();
            printed(&mut out, what, &manner).unwrap();
            String::from_utf8(out).unwrap()
        };
        let whole = Printed {
            name: Some("DOE, JANE Q".into()),
            affiliation: Some("CIVILIAN\u{1b}[2J".into()),
            expires: Some("2031-12-31".into()),
            organisation: vec!["NAVY".into()],
            findings: vec![Finding::warning(
                "Printed Information",
                "it says 2031-12-31",
                "The earlier date counts.",
            )],
            ..Printed::default()
        };

        assert_eq!(
            told(Some(&whole)),
            "\nprinted on the card\n  \
             name          DOE, JANE Q\n  \
             affiliation   CIVILIAN\u{FFFD}[2J\n  \
             expires       2031-12-31\n  \
             organisation  NAVY\n  \
             warning       Printed Information: it says 2031-12-31\n                \
             The earlier date counts.\n"
        );
        assert!(told(None).contains("nothing that the card could show"));
    }

    #[test]
    fn nothing_from_a_card_reaches_the_terminal_raw() {
        let mut desk = invented::checked();
        let card = desk.readers[2].card.as_mut().unwrap();
        let wild = "\u{1b}[2J\u{202e}";
        card.kind = wild.into();
        card.findings[0].meaning = wild.into();
        card.findings[0].object = wild.into();
        for certificate in &mut card.certificates {
            certificate.subject_dn = wild.into();
            certificate.issuer_dn = wild.into();
            certificate.policies = vec![wild.into()];
            certificate.mail = vec![wild.into()];
        }

        let told = told(&desk, Numbers::Whole);

        assert!(!told.contains(['\u{1b}', '\u{202e}']), "{told:?}");
    }
}
