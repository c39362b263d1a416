//! The whole state, for a person: readers, cards, and where each card stands.

use std::io::Write;

use cac_common::identity::{masked, readable};
use cac_common::snapshot::{Card, Reader, Registration, Snapshot, Stage};
use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;

use super::table::{Cell, Table, field_toned, hanging, paragraph};
use super::{line, portal_title};
use crate::failure::{Failure, LOG_IN_THERE};
use crate::phrase;
use crate::sheet::Sheet;

/// The service, each problem, and a table of readers; then each card with its
/// certificates and portals, and who was seen before. `of_one`: the state is
/// that of one card.
pub fn status(
    out: &mut impl Write,
    snapshot: &Snapshot,
    of_one: bool,
    sheet: Sheet,
    (now, zone): (UtcSeconds, &TimeZone),
) -> Result<(), Failure> {
    let daemon = &snapshot.daemon;
    line(
        out,
        &format!(
            "cacd {} on {}, running {}",
            readable(&daemon.version),
            readable(&daemon.host),
            phrase::span(now.since(daemon.started_at))
        ),
    )?;
    for problem in problems(snapshot) {
        hanging(out, sheet, "problem: ", &problem)?;
    }
    line(out, "")?;
    if snapshot.readers.is_empty() {
        let told = if of_one {
            "the card is in no reader"
        } else {
            "no reader is plugged in"
        };
        line(out, told)?;
    }
    let mut readers = Table::new(0, &["READER", "CARD"]);
    for reader in &snapshot.readers {
        readers.row(vec![
            readable(&reader.name.0).into(),
            content(reader).into(),
        ]);
    }
    readers.print(out, sheet)?;
    for reader in &snapshot.readers {
        let Some(card) = &reader.card else {
            continue;
        };
        line(out, "")?;
        let id = card.id.as_ref();
        let id = id.map_or_else(|| "(not known)".into(), |id| readable(&id.0));
        let text = format!("card {id} in {}", readable(&reader.name.0));
        hanging(out, sheet, "", &text)?;
        card_lines(out, snapshot, card, sheet, (now, zone))?;
    }
    known_lines(out, snapshot, sheet, (now, zone))?;
    if sheet.quiet {
        return Ok(());
    }
    if !snapshot.may_act {
        paragraph(
            out,
            sheet,
            0,
            &format!("cards are not shown to you. {LOG_IN_THERE}"),
        )?;
    } else if snapshot.portals.is_empty() {
        line(out, "no portal is configured: see /etc/cacd/portals.d")?;
    }
    Ok(())
}

fn problems(snapshot: &Snapshot) -> Vec<String> {
    let service = phrase::service(snapshot.service).map(str::to_owned);
    let store = snapshot.daemon.store_problem.as_ref();
    let store = store.map(|it| format!("database cannot be used: {}", readable(it)));
    let others = snapshot.problems.iter().map(|it| readable(it));
    service.into_iter().chain(store).chain(others).collect()
}

fn content(reader: &Reader) -> String {
    match &reader.card {
        Some(card) => match &card.holder {
            Some(holder) => readable(&holder.name.to_string()),
            None => "card".into(),
        },
        None => phrase::reader(reader.status).into(),
    }
}

fn card_lines(
    out: &mut impl Write,
    snapshot: &Snapshot,
    card: &Card,
    sheet: Sheet,
    (now, zone): (UtcSeconds, &TimeZone),
) -> Result<(), Failure> {
    paragraph(out, sheet, 2, &itself(card))?;
    for finding in phrase::by_weight(&card.findings) {
        let (tone, weight) = phrase::weight(finding.weight);
        let found = readable(&masked(&finding.to_string()));
        let name = (weight, weight.len(), tone);
        field_toned(out, sheet, "  ", name, &format!(": {found}"))?;
    }
    certificates(card, now, zone).print(out, sheet)?;
    let mut portals = Table::new(2, &["PORTAL", "STATUS"]);
    for one in &card.registrations {
        let advice = one.advice().filter(|_| !sheet.quiet);
        let advice = advice.map(|advice| readable(&advice));
        portals.row_with_note(standing(snapshot, one, now, zone), advice);
    }
    portals.print(out, sheet)?;
    if let Some(wizard) = &card.wizard {
        let portal = portal_title(snapshot, &wizard.portal);
        let text = format!("by hand at {portal}: {}", phrase::wizard(wizard));
        paragraph(out, sheet, 2, &text)?;
    }
    Ok(())
}

fn certificates(card: &Card, now: UtcSeconds, zone: &TimeZone) -> Table {
    let mut table = Table::new(2, &["CERTIFICATE", "ISSUER", "KEY", "STANDING"]);
    for certificate in &card.certificates {
        let login = card.login.as_ref();
        let signs_in = login.is_some_and(|login| login.slot == certificate.slot);
        let (tone, standing) = phrase::certificate::standing(certificate, now, zone);
        let standing = if signs_in {
            format!("{standing}, signs in")
        } else {
            standing
        };
        table.row(vec![
            phrase::certificate::place(certificate).into(),
            readable(&certificate.issuer).into(),
            readable(&certificate.key).into(),
            Cell::toned(standing, tone),
        ]);
    }
    table
}

fn standing(
    snapshot: &Snapshot,
    registration: &Registration,
    now: UtcSeconds,
    zone: &TimeZone,
) -> Vec<Cell> {
    let status = phrase::status(&registration.status, now, zone);
    vec![
        portal_title(snapshot, &registration.portal).into(),
        Cell::toned(status, phrase::tone(&registration.status)),
    ]
}

/// `PIV, DoD ID ...7890, PIN: 3 tries left`
fn itself(card: &Card) -> String {
    let mut parts = vec![readable(&card.kind)];
    if let Some(dod_id) = card.dod_id {
        parts.push(format!("DoD ID ...{}", dod_id.tail()));
    }
    let category = card.holder.as_ref().and_then(|it| it.category.as_deref());
    parts.extend(category.map(readable));
    parts.extend(
        card.expires
            .as_deref()
            .map(|expires| format!("expires {}", readable(expires))),
    );
    parts.extend(
        card.user
            .as_deref()
            .map(|user| format!("user {}", readable(user))),
    );
    parts.push(format!("PIN: {}", phrase::pin(&card.pin)));
    match &card.stage {
        Stage::Read => {}
        Stage::Reading { done, of, .. } => parts.push(format!("reading, {done} of {of}")),
        Stage::Held => parts.push(format!("cannot be read: {}", phrase::HELD)),
        Stage::Failed { cause } => parts.push(format!("cannot be read: {}", readable(cause))),
    }
    parts.join(", ")
}

fn known_lines(
    out: &mut impl Write,
    snapshot: &Snapshot,
    sheet: Sheet,
    (now, zone): (UtcSeconds, &TimeZone),
) -> Result<(), Failure> {
    for known in &snapshot.known {
        let is_in_a_reader = snapshot.readers.iter().any(|reader| {
            let card = reader.card.as_ref();
            card.is_some_and(|card| card.id.as_ref() == Some(&known.card))
        });
        if is_in_a_reader {
            continue;
        }
        line(out, "")?;
        let text = format!(
            "seen before: {}, card {}, last {}",
            readable(&known.name),
            readable(&known.card.0),
            phrase::ago(now, known.last_seen)
        );
        paragraph(out, sheet, 0, &text)?;
        let mut portals = Table::new(2, &["PORTAL", "STATUS"]);
        for one in &known.registrations {
            portals.row(standing(snapshot, one, now, zone));
        }
        portals.print(out, sheet)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    #[test]
    fn the_status_of_a_desk_is_told_in_tables() {
        let mut out = Vec::new();

        status(
            &mut out,
            &invented::desk(),
            false,
            Sheet::PLAIN,
            (invented::NOW, &TimeZone::UTC),
        )
        .unwrap();

        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }

    #[test]
    fn whose_card_it_is_stands_beside_it() {
        let mut desk = invented::desk();
        let mut cards = desk.readers.iter_mut().filter_map(|it| it.card.as_mut());
        cards.next().unwrap().user = Some("jane\n".into());
        let mut out = Vec::new();

        status(
            &mut out,
            &desk,
            false,
            Sheet::PLAIN,
            (invented::NOW, &TimeZone::UTC),
        )
        .unwrap();

        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(", user jane"), "{text}");
    }

    #[test]
    fn the_whole_dod_id_stands_in_no_line() {
        let mut out = Vec::new();

        status(
            &mut out,
            &invented::desk(),
            false,
            Sheet::PLAIN,
            (invented::NOW, &TimeZone::UTC),
        )
        .unwrap();

        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains("1234567890"), "{text}");
    }

    #[test]
    fn on_a_terminal_every_line_fits_however_long_the_names() {
        let long = "门 A very long name of something that nobody would call so, ever";
        let mut desk = invented::checked();
        for reader in &mut desk.readers {
            reader.name.0 = format!("{long} {}", reader.name.0);
        }
        for portal in &mut desk.portals {
            portal.title = long.into();
        }
        let card = desk.readers[2].card.as_mut().unwrap();
        for certificate in &mut card.certificates {
            certificate.issuer = long.into();
        }
        card.findings[0].meaning = long.into();
        for columns in [60, 80, 120] {
            let sheet = Sheet {
                columns: Some(columns),
                ..Sheet::PLAIN
            };
            let mut out = Vec::new();

            status(
                &mut out,
                &desk,
                false,
                sheet,
                (invented::NOW, &TimeZone::UTC),
            )
            .unwrap();

            let text = String::from_utf8(out).unwrap();
            for line in text.lines() {
                let wide = usize::from(crate::view::text::width(line));
                assert!(wide <= columns, "{wide} of {columns}: {line}");
            }
            assert!(text.contains("needs PIN (3 left)"), "{text}");
        }
    }

    #[test]
    fn whoever_wants_no_advice_gets_none() {
        let quiet = Sheet {
            quiet: true,
            ..Sheet::PLAIN
        };
        let mut out = Vec::new();

        status(
            &mut out,
            &invented::desk(),
            false,
            quiet,
            (invented::NOW, &TimeZone::UTC),
        )
        .unwrap();

        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("needs PIN (3 left)\n"), "{text}");
        assert!(!text.contains("Type your PIN"), "{text}");
    }
}
