//! `cacctl portal`: the portals, and how signing in there goes.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use cac_common::client::Client;
use cac_common::identity::readable;
use cac_common::interface::TestPortal;
use cac_common::snapshot::{Card, PinStatus, Reader, Snapshot, Stage};
use jiff::tz::TimeZone;

use super::ask_pin::{self, Question};
use super::ends::Ends;
use super::{register, which};
use crate::app::may_be_the_last_try;
use crate::cli::{self, PortalList, PortalShow, PortalTest};
use crate::failure::{Exit, Failure};
use crate::patience::{self, Awaited};
use crate::sheet::Sheet;
use crate::{clock, print};

pub async fn run(socket: &Path, wanted: cli::Portal, sheet: Sheet) -> Result<Exit, Failure> {
    match wanted {
        cli::Portal::List(wanted) => list(socket, &wanted, sheet).await,
        cli::Portal::Show(wanted) => show(socket, &wanted, sheet).await,
        cli::Portal::Test(wanted) => test(socket, &wanted, sheet).await,
    }
}

async fn list(socket: &Path, wanted: &PortalList, sheet: Sheet) -> Result<Exit, Failure> {
    let snapshot = Client::connect(socket).await?.snapshot().await?;
    let mut out = io::stdout().lock();
    if wanted.json {
        print::json(&mut out, &snapshot.portals)?;
    } else {
        print::portal::list(&mut out, &snapshot, sheet)?;
    }
    Ok(Exit::Fine)
}

async fn show(socket: &Path, wanted: &PortalShow, sheet: Sheet) -> Result<Exit, Failure> {
    let mut client = Client::connect(socket).await?;
    // Says which ones there are if it is none of them.
    which::portal(&client.snapshot().await?, &wanted.name)?;
    let portal = client.portal(&wanted.name).await?;
    let mut out = io::stdout().lock();
    if wanted.json {
        print::json(&mut out, &portal)?;
    } else {
        print::portal::details(&mut out, &portal, sheet)?;
    }
    Ok(Exit::Fine)
}

async fn test(socket: &Path, wanted: &PortalTest, sheet: Sheet) -> Result<Exit, Failure> {
    let snapshot = Client::connect(socket).await?.snapshot().await?;
    which::portal(&snapshot, &wanted.name)?;
    if let Some(path) = wanted.page.clone()
        && path.exists()
    {
        return Err(Failure::FileExists { path });
    }
    let card = register::find(&snapshot, wanted.card.as_deref())?;
    let request = request(wanted, card)?;
    let reader = reader_of(&snapshot, card)?;
    let mut ends = Ends::listen().map_err(Failure::Terminal)?;
    let question = Question::of(reader, card);
    let (digits, length) = tokio::select! {
        pin = ask_pin::ask(&question, &wanted.prompt) => pin?,
        // The terminal is given back as it was.
        () = ends.any() => return Err(Failure::Interrupted),
    };
    let mut client = Client::connect(socket).await?;
    let answer = client.test_portal(request, digits, length);
    let mut reply = tokio::select! {
        reply = patience::of(Awaited::Card, answer) => reply?,
        () = ends.any() => return Err(Failure::Interrupted),
    };
    if let (Some(file), Some(page)) = (&wanted.page, reply.page.take()) {
        write(file, &page).map_err(|source| Failure::File {
            path: file.clone(),
            source,
        })?;
    }
    let mut out = io::stdout().lock();
    if wanted.json {
        print::json(&mut out, &reply)?;
    } else {
        print::portal::test(&mut out, &reply, sheet, clock::now(), &TimeZone::system())?;
    }
    Ok(register::exit_of(&reply.outcome))
}

/// For its owner alone, and over nothing that is there.
fn write(file: &Path, page: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    file.write_all(page.as_bytes())
}

fn request(wanted: &PortalTest, card: &Card) -> Result<TestPortal, Failure> {
    if let Stage::Failed { cause } = &card.stage {
        return Err(Failure::CardUnreadable {
            cause: readable(cause),
        });
    }
    if card.pin == PinStatus::Blocked {
        return Err(Failure::PinBlocked);
    }
    if may_be_the_last_try(&card.pin) && !wanted.even_the_last_try {
        return Err(Failure::last_try_of(card));
    }
    Ok(TestPortal {
        portal: wanted.name.clone(),
        card: card.id.clone().ok_or(Failure::CardUnreadable {
            cause: "it says nothing by which it could be recognised".into(),
        })?,
        visit: card.visit,
        even_the_last_try: wanted.even_the_last_try,
        with_page: wanted.page.is_some(),
    })
}

fn reader_of<'a>(snapshot: &'a Snapshot, card: &Card) -> Result<&'a Reader, Failure> {
    let mut readers = snapshot.readers.iter();
    let holds_it = |reader: &&Reader| {
        let held = reader.card.as_ref();
        held.is_some_and(|held| held.visit == card.visit)
    };
    readers.find(holds_it).ok_or(Failure::CardGone)
}
