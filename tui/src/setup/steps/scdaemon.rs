//! GnuPG's scdaemon, which by itself opens a card for nobody but itself.

use std::path::Path;

use crate::browsers::tool;
use crate::setup::fault::SetupFault;
use crate::setup::places::Places;
use crate::setup::plan::{Action, NewFile, Step};
use crate::setup::write;

const NAME: &str = "scdaemon";
const ABOUT: &str = "GnuPG's scdaemon";

/// Where distributions install it.
const PROGRAMS: [&str; 4] = [
    "usr/lib/gnupg/scdaemon",
    "usr/libexec/scdaemon",
    "usr/lib/gnupg2/scdaemon",
    "usr/libexec/gnupg2/scdaemon",
];

/// Options of scdaemon(1): go through pcscd, and share what is there.
const OPTIONS: [&str; 2] = ["disable-ccid", "pcsc-shared"];

pub(in crate::setup) async fn add(places: &Places, plan: &mut Vec<Step>) {
    let program = PROGRAMS.map(|below| places.system(below));
    let Some(program) = program.iter().find(|path| path.is_file()) else {
        return;
    };
    let step = shared(places, program).await;
    plan.push(step.unwrap_or_else(|fault| Step::faulty(NAME, ABOUT, &fault)));
}

async fn shared(places: &Places, program: &Path) -> Result<Step, SetupFault> {
    // It refuses to start with an option that it does not know.
    let known = tool::run(&program.display().to_string(), ["--dump-options"]).await?;
    let known = String::from_utf8_lossy(&known).into_owned();
    let path = write::resolved(&places.gnupg.join("scdaemon.conf"))?;
    let from = write::look(&path).map_err(SetupFault::file(&path, "read"))?;
    let before = from.as_ref().map_or(&[][..], |from| &from.bytes);
    let text = String::from_utf8_lossy(before);
    let is_set = |option: &str| {
        let mut lines = text.lines().map(str::trim);
        lines.any(|line| line.split_whitespace().next() == Some(option))
    };
    let missing: Vec<&str> = OPTIONS
        .into_iter()
        .filter(|option| {
            known
                .lines()
                .any(|line| line.trim_start_matches('-') == *option)
        })
        .filter(|option| !is_set(option))
        .collect();
    if missing.is_empty() {
        let so = "it shares the card, as far as it can";
        return Ok(Step::there(NAME, ABOUT, so));
    }
    let mut bytes = before.to_vec();
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.push(b'\n');
    }
    for option in &missing {
        bytes.extend_from_slice(option.as_bytes());
        bytes.push(b'\n');
    }
    let what = vec![format!(
        "adds {} to {}; it counts when scdaemon starts the next time (gpgconf --kill scdaemon)",
        missing.join(" and "),
        path.display()
    )];
    let files = vec![NewFile {
        path,
        from,
        bytes,
        mode: 0o600,
    }];
    let action = Action::Write {
        files,
        refresh: None,
    };
    Ok(Step::to_do(NAME, ABOUT, what, action))
}
