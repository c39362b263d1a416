//! Who asks a person for a PIN, and the person: a pinentry that follows a
//! script, and an agent that answers systemd-ask-password.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use anyhow::{Context as _, anyhow};

use super::LIMIT;
use crate::wait;

/// Where questions lie (password agents specification, systemd.io/PASSWORD_AGENTS).
const QUESTIONS: &str = "/run/systemd/ask-password";

/// How cacctl's are known.
const ID: &str = "Id=cacd:pin";

/// Speaks Assuan, and writes down what it was told.
const PINENTRY: &str = r#"#!/bin/sh
echo started >>"$0.starts"
echo "OK Pleased to meet you, process $$"
while read -r line; do
    printf '%s\n' "$line" >>"$0.heard"
    case $line in
    GETPIN) cat "$0.answer" ;;
    *) echo OK ;;
    esac
done
echo ended >>"$0.ends"
"#;

/// A pinentry, and what it answers to GETPIN.
pub struct ScriptedPinentry {
    program: PathBuf,
}

impl ScriptedPinentry {
    /// Lies in this folder from now on.
    pub fn in_folder(folder: &Path, answer: &str) -> anyhow::Result<Self> {
        let this = Self {
            program: folder.join("scripted-pinentry"),
        };
        this.answer(answer)?;
        fs::write(&this.program, PINENTRY)?;
        fs::set_permissions(&this.program, fs::Permissions::from_mode(0o755))?;
        Ok(this)
    }

    pub fn program(&self) -> &Path {
        &self.program
    }

    /// What it says from the next question on.
    pub fn answer(&self, answer: &str) -> anyhow::Result<()> {
        Ok(fs::write(self.beside("answer"), answer)?)
    }

    /// All that it was told so far.
    pub fn heard(&self) -> String {
        fs::read_to_string(self.beside("heard")).unwrap_or_default()
    }

    /// How often it was started.
    pub fn starts(&self) -> usize {
        let starts = fs::read_to_string(self.beside("starts"));
        starts.unwrap_or_default().lines().count()
    }

    fn beside(&self, ending: &str) -> PathBuf {
        self.program.with_extension(ending)
    }
}

/// Waits for one question of cacctl's, and answers it: `+` and what was typed,
/// or `-` for a person who does not want to.
pub fn answer_as_an_agent(answer: &str) -> JoinHandle<anyhow::Result<String>> {
    let answer = answer.to_owned();
    std::thread::spawn(move || {
        let question = wait::wait_for("a question is there", LIMIT, || questions().pop())?;
        let socket = question
            .lines()
            .find_map(|line| line.strip_prefix("Socket="))
            .context("a question names its socket")?;
        UnixDatagram::unbound()?.send_to(answer.as_bytes(), socket)?;
        Ok(question)
    })
}

/// The question that was answered.
pub fn question_of(agent: JoinHandle<anyhow::Result<String>>) -> anyhow::Result<String> {
    let joined = agent.join();
    joined.map_err(|_| anyhow!("the agent has panicked"))?
}

/// Waits until none of cacctl's questions is left.
pub fn nothing_is_asked() -> anyhow::Result<()> {
    wait::wait_until("no question is left", LIMIT, || questions().is_empty())?;
    Ok(())
}

/// The questions of cacctl that are open.
fn questions() -> Vec<String> {
    let entries = fs::read_dir(QUESTIONS).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("ask."))
        .filter_map(|entry| fs::read_to_string(entry.path()).ok())
        .filter(|text| text.lines().any(|line| line == ID))
        .collect()
}
