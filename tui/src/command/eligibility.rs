//! `cacctl eligibility`: whether a person may register at a portal, and how.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use cac_common::client::Client;
use cac_common::eligibility::{
    Answer, Answers, Question, Route, Standing, Verdict, Way, decide, letter,
};
use cac_common::identity::readable;
use cac_common::interface::PortalDetails;
use cac_common::snapshot::{Holder, Snapshot};

use super::terminal::{Echo, Terminal};
use super::{register, which};
use crate::cli::{self, YesOrNo};
use crate::failure::{Exit, Failure};
use crate::patience::{self, Awaited};
use crate::print;
use crate::sheet::Sheet;

/// Standard output, in the place of a file.
const STANDARD_OUTPUT: &str = "-";

pub async fn run(socket: &Path, wanted: cli::Eligibility, sheet: Sheet) -> Result<Exit, Failure> {
    let snapshot = Client::connect(socket).await?.snapshot().await?;
    let name = portal(&snapshot, wanted.portal.as_deref())?;
    let portal = Client::connect(socket).await?.portal(name).await?;
    let holder = holder(&snapshot, wanted.card.as_deref())?;
    let standing = holder.map_or_else(Standing::default, |holder| holder.standing.clone());
    let mut answers = Answers {
        category: wanted.category.map(Answer::Is),
        component: wanted.component.clone().map(Answer::Is),
        ..Answers::default()
    };
    let mut said = wanted.answer.iter();
    let may_ask = !wanted.json && io::stdin().is_terminal();
    let verdict = loop {
        match decide(&portal.eligibility, &standing, &answers) {
            Verdict::Ask(Question::YesOrNo(text)) if let Some(answer) = said.next() => {
                answers
                    .said
                    .insert(text.to_owned(), *answer == YesOrNo::Yes);
            }
            Verdict::Ask(question) if may_ask => ask(&question, &mut answers).await?,
            verdict @ (Verdict::Open(_) | Verdict::Ask(_) | Verdict::Nothing) => break verdict,
        }
    };
    if let Some(file) = &wanted.letter {
        let Verdict::Open(route) = &verdict else {
            return Err(Failure::NotClear);
        };
        write(file, route, &portal, holder)?;
        if file.as_os_str() == STANDARD_OUTPUT {
            return Ok(exit(&verdict));
        }
    }
    let mut out = io::stdout().lock();
    if wanted.json {
        print::eligibility::json(&mut out, &portal.name, &standing, &verdict)?;
    } else {
        print::eligibility::told(&mut out, &portal, holder, &standing, &verdict, sheet)?;
    }
    Ok(exit(&verdict))
}

fn exit(verdict: &Verdict<'_>) -> Exit {
    match verdict {
        Verdict::Open(Route {
            way: Way::Self_, ..
        }) => Exit::Fine,
        Verdict::Open(Route {
            way: Way::NotAuthorised | Way::NotYet,
            ..
        }) => Exit::Refused,
        Verdict::Open(_) | Verdict::Ask(_) | Verdict::Nothing => Exit::NeedsPerson,
    }
}

/// The one that is named, or the only one that is enabled.
fn portal<'a>(snapshot: &'a Snapshot, wanted: Option<&str>) -> Result<&'a str, Failure> {
    if let Some(name) = wanted {
        return Ok(&which::portal(snapshot, name)?.name);
    }
    let portals = snapshot.portals.iter();
    let enabled: Vec<&str> = portals
        .filter(|portal| portal.enabled)
        .map(|portal| portal.name.as_str())
        .collect();
    match enabled.as_slice() {
        [only] => Ok(only),
        [] => Err(Failure::NoPortal),
        several => Err(Failure::SeveralPortals {
            names: several.iter().map(|name| readable(name)).collect(),
        }),
    }
}

/// Nobody's where no card is in; who has none may ask too.
fn holder<'a>(snapshot: &'a Snapshot, id: Option<&str>) -> Result<Option<&'a Holder>, Failure> {
    match register::find(snapshot, id) {
        Ok(card) => Ok(card.holder.as_ref()),
        Err(Failure::NoCard | Failure::CardHidden { .. }) if id.is_none() => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Asks until it is answered.
async fn ask(question: &Question<'_>, answers: &mut Answers) -> Result<(), Failure> {
    match question {
        Question::Category(offered) => {
            let titles: Vec<&str> = offered.iter().map(|category| category.title()).collect();
            let chosen = choose("Which of these are you?", &titles).await?;
            let chosen = chosen.and_then(|number| offered.get(number));
            answers.category = Some(chosen.map_or(Answer::NoneOfThese, |it| Answer::Is(*it)));
        }
        Question::Component(offered) => {
            let chosen = choose("Which of these do you belong to?", offered).await?;
            let chosen = chosen.and_then(|number| offered.get(number));
            let chosen = chosen.map(|it| Answer::Is((*it).to_owned()));
            answers.component = Some(chosen.unwrap_or(Answer::NoneOfThese));
        }
        Question::YesOrNo(text) => {
            let said = loop {
                let answer = line(format!("{} [y/n] ", readable(text))).await?;
                match answer.to_lowercase().as_str() {
                    "y" | "yes" => break true,
                    "n" | "no" => break false,
                    _ => {}
                }
            };
            answers.said.insert((*text).to_owned(), said);
        }
    }
    Ok(())
}

/// The number of what was chosen, from 0; none where nothing fits.
async fn choose(question: &str, offered: &[&str]) -> Result<Option<usize>, Failure> {
    let numbered = (1..).zip(offered);
    let lines: Vec<String> = numbered
        .map(|(number, title)| format!("  {number}  {}", readable(title)))
        .collect();
    let text = format!(
        "{question}\n{}\n  0  none of these\nNumber: ",
        lines.join("\n")
    );
    let mut answer = line(text).await?;
    loop {
        match answer.parse::<usize>() {
            Ok(0) => return Ok(None),
            Ok(number) if number <= offered.len() => return Ok(Some(number - 1)),
            Ok(_) | Err(_) => {
                answer = line("Type one of the numbers.\nNumber: ".into()).await?;
            }
        }
    }
}

/// Dropping the future ends the question.
async fn line(prompt: String) -> Result<String, Failure> {
    let terminal = Terminal::open().map_err(Failure::Terminal)?;
    let answer = patience::of(Awaited::Answer, terminal.line(&prompt, Echo::Shown)).await;
    let (line, length) = answer
        .map_err(Failure::Terminal)?
        .ok_or(Failure::Interrupted)?;
    let answer = String::from_utf8_lossy(&line.bytes()[..length]);
    Ok(answer.trim().to_owned())
}

/// Over nothing that is there.
fn write(
    file: &Path,
    route: &Route,
    portal: &PortalDetails,
    holder: Option<&Holder>,
) -> Result<(), Failure> {
    let name = holder.map(|holder| readable(&holder.name.to_string()));
    let text = letter(route, &readable(&portal.title), name.as_deref());
    let text = text.ok_or(Failure::NoSponsorNeeded)?;
    if file.as_os_str() == STANDARD_OUTPUT {
        return print::bytes(&mut io::stdout().lock(), text.as_bytes());
    }
    if file.exists() {
        return Err(Failure::FileExists {
            path: file.to_owned(),
        });
    }
    let mut options = OpenOptions::new();
    let opened = options.write(true).create_new(true).open(file);
    opened
        .and_then(|mut opened| opened.write_all(text.as_bytes()))
        .map_err(|source| Failure::File {
            path: file.to_owned(),
            source,
        })
}
