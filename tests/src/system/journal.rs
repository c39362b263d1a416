//! What the machine's journal holds.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::System;
use crate::virtual_card::card_file::CardFile;
use crate::virtual_card::samples;

/// An entry, by the names of its fields.
pub type Entry = BTreeMap<String, Value>;

impl System {
    /// Every entry of the journal with all its fields, one JSON object a line.
    pub fn journal(&self) -> anyhow::Result<String> {
        self.does(&["journalctl", "--sync"])?;
        self.does(&["journalctl", "--boot", "--all", "--output=json"])
    }

    /// Every entry, oldest first.
    pub fn entries(&self) -> anyhow::Result<Vec<Entry>> {
        let journal = self.journal()?;
        let entries = journal.lines().map(serde_json::from_str);
        entries
            .collect::<Result<_, _>>()
            .context("an entry is an object")
    }

    /// Neither the PIN nor the holder of the card stands in an entry, whatever
    /// its field.
    pub fn journal_names_nobody(&self, card: &CardFile) -> anyhow::Result<()> {
        let entries = self.entries()?;
        let is_ours = |entry: &&Entry| entry.get("_COMM").is_some_and(|name| name == "cacd");
        ensure!(
            entries.iter().filter(is_ours).count() > 0,
            "nothing of cacd is in the journal"
        );
        let person = &card.person;
        let edipi = format!("{:010}", person.edipi);
        let secrets = [samples::PIN, &person.last, &person.first, &edipi];
        for (name, value) in entries.iter().flatten() {
            // Numbers that the journal itself gives hold any digits.
            if name.starts_with("__") || name.ends_with("_TIMESTAMP") {
                continue;
            }
            let text = value.to_string();
            for secret in secrets {
                ensure!(!text.contains(secret), "{secret} in {name}: {text}");
            }
        }
        Ok(())
    }
}
