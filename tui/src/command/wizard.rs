//! `cacctl wizard`: registers a card by hand, and shows again what the portal
//! showed at the end.

mod typed;
mod walk;

use std::io::{self, IsTerminal as _};
use std::path::Path;

use cac_common::client::Client;
use cac_common::identity::{CardId, readable};
use cac_common::interface::GetConfirmation;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, Snapshot};
use cac_common::wizard::{Confirmation, WizardState};
use jiff::tz::TimeZone;

use self::walk::{End, Walk};
use super::{register, which};
use crate::cli::{Keep, Wizard};
use crate::confirmation;
use crate::failure::{Exit, Failure};
use crate::paper::{self, Existing};
use crate::patience::{self, Awaited};
use crate::print::wizard::{Ended, Marks};
use crate::sheet::Sheet;
use crate::theme::Theme;
use crate::{phrase, print};

pub async fn run(
    socket: &Path,
    wanted: Wizard,
    theme: Theme,
    sheet: Sheet,
) -> Result<Exit, Failure> {
    let existing = existing(&wanted.keep);
    // Known before anything is typed.
    for path in &wanted.keep.save {
        paper::free(path, existing)?;
    }
    if wanted.confirmation {
        return show(socket, &wanted).await;
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::NobodyToAsk);
    }
    let marks = if theme.ascii || !io::stdout().is_terminal() {
        Marks::Plain
    } else {
        Marks::Signs
    };
    let mut walk = Walk::start(socket, &wanted, marks, sheet.quiet).await?;
    let end = walk.go().await?;
    let is_registered = match end {
        End::Done { is_registered } => is_registered,
        End::Stopped => {
            walk.tell("Stopped. What was typed is wiped, and nothing of it is kept.")?;
            return Ok(Exit::Failed);
        }
        End::Left => {
            walk.tell(
                "It is left as it is: cacctl wizard goes on with it while the card stays in.",
            )?;
            return Ok(Exit::NeedsPerson);
        }
    };
    // That it is done is told whatever became of the confirmation.
    let shown = walk.confirmation().await;
    let told = tell_end(
        &wanted,
        &walk,
        is_registered,
        shown.as_ref().ok().and_then(Option::as_ref),
    );
    // From here on the next run begins anew, whatever becomes of the paper.
    walk.put_away().await;
    told?;
    if let Some(shown) = shown? {
        keep(&wanted.keep, &shown, wanted.json).await?;
        if !wanted.json && !sheet.quiet && wanted.keep.save.is_empty() && !wanted.keep.print {
            let name = readable(walk.portal());
            walk.tell(&format!(
                "\nIt is kept. To have it in a file or on paper: cacctl wizard --confirmation {name} --save FILE, or --print."
            ))?;
        }
    }
    Ok(if is_registered {
        Exit::Fine
    } else {
        Exit::NeedsPerson
    })
}

fn tell_end(
    wanted: &Wizard,
    walk: &Walk<'_>,
    is_registered: bool,
    shown: Option<&Confirmation>,
) -> Result<(), Failure> {
    if wanted.json {
        let ended = Ended {
            portal: walk.portal(),
            is_registered,
            confirmation: shown,
        };
        return print::json(&mut io::stdout().lock(), &ended);
    }
    let portal = walk.portal_title();
    walk.tell("")?;
    walk.tell(&phrase::wizard_done(&portal, is_registered))?;
    if let Some(shown) = shown {
        walk.tell("")?;
        let mut out = io::stdout().lock();
        print::wizard::confirmation(&mut out, &portal, shown, &TimeZone::system())?;
    }
    Ok(())
}

/// What was kept of the last time.
async fn show(socket: &Path, wanted: &Wizard) -> Result<Exit, Failure> {
    let mut client = Client::connect(socket).await?;
    let snapshot = client.snapshot().await?;
    let card = if let Some(id) = &wanted.card {
        CardId(id.clone())
    } else {
        let card = register::find(&snapshot, None)?;
        card.id.clone().ok_or_else(nameless)?
    };
    let portals: Vec<&str> = match &wanted.portal {
        Some(name) => vec![known(&snapshot, name)?],
        None => snapshot
            .portals
            .iter()
            .map(|portal| portal.name.as_str())
            .collect(),
    };
    let mut kept = Vec::new();
    for portal in portals {
        let request = GetConfirmation {
            card: card.clone(),
            portal: portal.to_owned(),
        };
        kept.extend(client.confirmation(&request).await?);
    }
    let shown = match kept.as_slice() {
        [only] => only,
        [] => return Err(Failure::NoConfirmation),
        several => {
            return Err(Failure::SeveralPortals {
                names: several.iter().map(|one| readable(&one.portal)).collect(),
            });
        }
    };
    let mut out = io::stdout().lock();
    if wanted.json {
        print::json(&mut out, shown)?;
    } else {
        let portal = print::portal_title(&snapshot, &shown.portal);
        print::wizard::confirmation(&mut out, &portal, shown, &TimeZone::system())?;
    }
    drop(out);
    keep(&wanted.keep, shown, wanted.json).await?;
    Ok(Exit::Fine)
}

/// Saves and prints, as was asked for; tells of it on standard error where
/// a program reads the output.
async fn keep(wanted: &Keep, shown: &Confirmation, json: bool) -> Result<(), Failure> {
    let tell = |text: &str| {
        if json {
            print::line(&mut io::stderr().lock(), text)
        } else {
            print::line(&mut io::stdout().lock(), text)
        }
    };
    for path in &wanted.save {
        let contents = confirmation::contents(shown, path);
        paper::save(&contents, path, existing(wanted))?;
        tell(&format!("Saved to {}.", path.display()))?;
    }
    if wanted.print {
        let text = confirmation::text(shown);
        let printed = tokio::task::spawn_blocking(move || paper::print(&text));
        let said = patience::of(Awaited::Printer, printed)
            .await
            .map_err(|error| Failure::Terminal(error.into()))??;
        tell(&format!("Sent to the printer. {said}"))?;
    }
    Ok(())
}

fn existing(wanted: &Keep) -> Existing {
    if wanted.force {
        Existing::Replace
    } else {
        Existing::Keep
    }
}

fn known<'a>(snapshot: &'a Snapshot, name: &str) -> Result<&'a str, Failure> {
    Ok(&which::portal(snapshot, name)?.name)
}

fn nameless() -> Failure {
    Failure::CardUnreadable {
        cause: "it says nothing by which it could be recognised".into(),
    }
}

/// The portal that is named; else where it goes on already; else the only one
/// that waits for this.
fn portal(snapshot: &Snapshot, card: &Card, wanted: Option<&str>) -> Result<String, Failure> {
    let running = card.wizard.as_ref();
    let in_the_way = |name: &str| {
        running.filter(|wizard| {
            let is_done = matches!(wizard.state, WizardState::Done { .. });
            wizard.portal != name && !is_done
        })
    };
    if let Some(name) = wanted {
        let name = known(snapshot, name)?;
        return match in_the_way(name) {
            Some(other) => Err(Failure::OtherWizard {
                portal: print::portal_title(snapshot, &other.portal),
            }),
            None => Ok(name.to_owned()),
        };
    }
    if let Some(wizard) = running {
        return Ok(wizard.portal.clone());
    }
    let waiting: Vec<&str> = card
        .registrations
        .iter()
        .filter(|one| one.status == RegistrationStatus::NeedsWizard)
        .map(|one| one.portal.as_str())
        .collect();
    match waiting.as_slice() {
        [only] => Ok((*only).to_owned()),
        [] if snapshot.portals.is_empty() => Err(Failure::NoPortal),
        [] => Err(Failure::NoneNeedsWizard {
            names: snapshot
                .portals
                .iter()
                .map(|portal| readable(&portal.name))
                .collect(),
        }),
        several => Err(Failure::SeveralPortals {
            names: several.iter().map(|name| readable(name)).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    fn chosen(snapshot: &Snapshot, wanted: Option<&str>) -> Result<String, String> {
        let card = register::find(snapshot, None).unwrap();
        portal(snapshot, card, wanted).map_err(|failure| failure.to_string())
    }

    fn waiting(portals: &[&str]) -> Snapshot {
        let mut desk = invented::desk();
        let card = desk.readers[2].card.as_mut().unwrap();
        for one in &mut card.registrations {
            if portals.contains(&one.portal.as_str()) {
                one.status = RegistrationStatus::NeedsWizard;
            }
        }
        desk
    }

    #[test]
    fn the_only_portal_that_waits_is_meant() {
        assert_eq!(chosen(&waiting(&["records"]), None), Ok("records".into()));
        assert_eq!(
            chosen(&waiting(&["records"]), Some("ako")),
            Ok("ako".into())
        );
    }

    #[test]
    fn where_none_or_several_wait_it_is_said_which_there_are() {
        for (waiting_at, wanted, told) in [
            (
                &[][..],
                None,
                "no portal waits for registering by hand (ako, travel, records)",
            ),
            (
                &["ako", "records"],
                None,
                "several portals could be meant: ako, records",
            ),
            (
                &["ako"],
                Some("aok"),
                "no portal has the name \"aok\"; did you mean ako? There are ako, travel and records",
            ),
        ] {
            assert_eq!(chosen(&waiting(waiting_at), wanted), Err(told.to_owned()));
        }
    }

    #[test]
    fn one_that_is_under_way_goes_on_and_lets_no_other_in() {
        let mut desk = waiting(&["records"]);
        let card = desk.readers[2].card.as_mut().unwrap();
        card.wizard = Some(invented::wizard("ako", WizardState::Telling));

        assert_eq!(chosen(&desk, None), Ok("ako".into()));
        assert_eq!(chosen(&desk, Some("ako")), Ok("ako".into()));
        assert_eq!(
            chosen(&desk, Some("records")),
            Err("the card is being registered by hand at AKO".into())
        );
    }

    #[test]
    fn one_that_is_done_lets_another_in() {
        let mut desk = waiting(&[]);
        let done = WizardState::Done {
            is_registered: true,
            has_confirmation: true,
        };
        let card = desk.readers[2].card.as_mut().unwrap();
        card.wizard = Some(invented::wizard("ako", done));

        assert_eq!(chosen(&desk, Some("records")), Ok("records".into()));
    }
}
