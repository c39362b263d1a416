//! `cacctl clear`: forgets, after it has said what would be lost.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write as _};
use std::path::Path;

use cac_common::client::Client;
use cac_common::identity::{CardId, readable};
use cac_common::interface::{Clear, ClearScope, Lost};
use cac_common::snapshot::Snapshot;
use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;

use super::{ask_yes, which};
use crate::clearing;
use crate::cli;
use crate::failure::{Exit, Failure};
use crate::print::table::hanging;
use crate::sheet::Sheet;
use crate::{phrase, print};

pub async fn run(socket: &Path, wanted: cli::Clear, sheet: Sheet) -> Result<Exit, Failure> {
    let zone = TimeZone::system();
    let scope = scope(wanted.scope, wanted.before, &zone)?;
    let mut client = Client::connect(socket).await?;
    let mut request = Clear {
        scope,
        dry_run: true,
    };
    let would_be_lost = client.clear(&request).await?;
    let snapshot = client.snapshot().await?;
    if would_be_lost == Lost::default() {
        is_known(&snapshot, &request.scope)?;
    }
    let mut comes_back = clearing::comes_back(&snapshot, &request.scope);
    comes_back.extend(still_in_copies(&mut client, &request.scope).await?);
    if wanted.dry_run {
        tell(&request, &would_be_lost, wanted.json, sheet, &zone)?;
        warn(&comes_back);
        return Ok(Exit::Fine);
    }
    if !wanted.yes && would_be_lost != Lost::default() {
        confirm(&request.scope, &would_be_lost, &comes_back, &zone).await?;
    }
    request.dry_run = false;
    // The daemon may have closed the connection while nobody answered.
    let lost = Client::connect(socket).await?.clear(&request).await?;
    // What JSON was asked for is told.
    if wanted.json || !sheet.quiet {
        tell(&request, &lost, wanted.json, sheet, &zone)?;
    }
    warn(&comes_back);
    Ok(Exit::Fine)
}

/// Says where what is cleared may still stand, if anywhere.
async fn still_in_copies(
    client: &mut Client,
    scope: &ClearScope,
) -> Result<Option<String>, Failure> {
    match scope {
        ClearScope::All {} | ClearScope::Copies {} | ClearScope::Sessions {} => return Ok(None),
        ClearScope::Card { .. } | ClearScope::Portal { .. } | ClearScope::History { .. } => {}
    }
    let every = Clear {
        scope: ClearScope::Copies {},
        dry_run: true,
    };
    let copies = client.clear(&every).await?.copies;
    Ok((!copies.is_empty()).then(|| {
        format!(
            "It may stand in copies that are kept aside too ({}): cacctl clear --copies removes those.",
            names(&copies)
        )
    }))
}

fn names(copies: &[String]) -> String {
    let names: Vec<String> = copies.iter().map(|name| readable(name)).collect();
    names.join(", ")
}

/// A name that means nothing is mistyped.
fn is_known(snapshot: &Snapshot, scope: &ClearScope) -> Result<(), Failure> {
    if let ClearScope::Portal { portal } = scope {
        which::portal(snapshot, portal)?;
    }
    let ClearScope::Card { card } = scope else {
        return Ok(());
    };
    let cards = snapshot.readers.iter().filter_map(|it| it.card.as_ref());
    let in_readers = cards.filter_map(|card| card.id.as_ref());
    let known = snapshot.known.iter().map(|known| &known.card);
    let there: BTreeSet<&str> = in_readers.chain(known).map(|id| &*id.0).collect();
    if there.contains(&*card.0) {
        return Ok(());
    }
    let there = there.into_iter().map(readable).collect();
    Err(Failure::OtherCard {
        id: card.clone(),
        there,
    })
}

fn scope(
    wanted: cli::Scope,
    before: Option<jiff::civil::Date>,
    zone: &TimeZone,
) -> Result<ClearScope, Failure> {
    if let Some(card) = wanted.card {
        return Ok(ClearScope::Card { card: CardId(card) });
    }
    if let Some(portal) = wanted.portal {
        return Ok(ClearScope::Portal { portal });
    }
    if wanted.all {
        return Ok(ClearScope::All {});
    }
    if wanted.copies {
        return Ok(ClearScope::Copies {});
    }
    if wanted.sessions {
        return Ok(ClearScope::Sessions {});
    }
    let before = match before {
        Some(day) => {
            let start = day
                .to_zoned(zone.clone())
                .map_err(|_| Failure::NoSuchDay(day))?;
            Some(UtcSeconds(start.timestamp().as_second()))
        }
        None => None,
    };
    Ok(ClearScope::History { before })
}

fn tell(
    request: &Clear,
    lost: &Lost,
    json: bool,
    sheet: Sheet,
    zone: &TimeZone,
) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    if json {
        return print::json(&mut out, lost);
    }
    let verb = if request.dry_run {
        "would be lost"
    } else {
        "cleared"
    };
    let scope = phrase::scope(&request.scope, zone);
    let text = format!("{scope}: {verb}: {}", phrase::lost(lost));
    hanging(&mut out, sheet, "", &text)?;
    if !lost.copies.is_empty() {
        hanging(&mut out, sheet, "  ", &names(&lost.copies))?;
    }
    match phrase::traces(lost) {
        Some(traces) => hanging(&mut out, sheet, "", &format!("{scope}: {traces}")),
        None => Ok(()),
    }
}

/// Says what comes back by itself, also to whoever has standard output parsed.
fn warn(comes_back: &[String]) {
    for text in comes_back {
        // What was to be cleared is, whether or not that can be told.
        let _ = writeln!(io::stderr(), "{text}");
    }
}

/// Asks on the terminal; without one nobody can say yes.
async fn confirm(
    scope: &ClearScope,
    lost: &Lost,
    comes_back: &[String],
    zone: &TimeZone,
) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::NotConfirmed);
    }
    let question = format!(
        "Clearing {} forgets {}. It is gone for good.{} Clear it? [y/N] ",
        phrase::scope(scope, zone),
        phrase::lost(lost),
        comes_back
            .iter()
            .fold(String::new(), |told, text| told + " " + text)
    );
    if ask_yes::ask(&question).await? {
        Ok(())
    } else {
        Err(Failure::NotConfirmed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_meant_in_the_time_zone_of_the_one_who_asks() {
        let wanted = cli::Scope {
            all: false,
            card: None,
            portal: None,
            history: true,
            sessions: false,
            copies: false,
        };
        let zone = TimeZone::fixed(jiff::tz::offset(-5));

        let scope = scope(wanted, Some(jiff::civil::date(2026, 11, 22)), &zone).unwrap();

        let five_in_the_morning = UtcSeconds(1_795_323_600);
        assert_eq!(
            scope,
            ClearScope::History {
                before: Some(five_in_the_morning)
            }
        );
    }
}
