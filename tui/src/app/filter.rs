//! What is looked for in a list.

use cac_common::certificate::CertificateSummary;
use cac_common::snapshot::{HistoryEntry, Registration};

use super::{App, Chosen, Pane, Screen};
use crate::{happening, phrase};

/// Rows of one pane without these words are not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    pub pane: Pane,
    pub text: String,
    /// It is still being typed.
    pub is_typed: bool,
}

impl App {
    /// What is looked for in this pane.
    pub fn filter_of(&self, pane: Pane) -> Option<&Filter> {
        self.filter.as_ref().filter(|filter| filter.pane == pane)
    }

    /// Whether what is looked for is being typed now.
    pub fn types_filter(&self) -> bool {
        self.screen == Screen::Panes && self.filter.as_ref().is_some_and(|it| it.is_typed)
    }

    /// The rows of a pane that are shown, by where they stand in the whole list.
    pub fn shown(&self, pane: Pane) -> Vec<usize> {
        // The card's keys move among the readers.
        let listed = if pane == Pane::Card {
            Pane::Readers
        } else {
            pane
        };
        let Some(filter) = self.filter_of(listed) else {
            return (0..self.length(pane)).collect();
        };
        let words = words(&filter.text);
        let matching = |texts: Vec<String>| {
            let texts = texts.into_iter().map(|text| text.to_lowercase());
            let has_all = |text: &String| words.iter().all(|word| text.contains(word));
            let rows = texts.enumerate().filter(|(_, text)| has_all(text));
            rows.map(|(at, _)| at).collect()
        };
        match pane {
            Pane::Readers | Pane::Card => {
                matching(self.rows().iter().map(|row| self.row_text(row)).collect())
            }
            Pane::Certificates => {
                let certificates = self.certificates().iter();
                matching(certificates.map(|one| self.certificate_text(one)).collect())
            }
            Pane::Registration => {
                let registrations = self.registrations().iter();
                matching(
                    registrations
                        .map(|one| self.registration_text(one))
                        .collect(),
                )
            }
            Pane::Happened => {
                let entries = self.happened().iter();
                matching(entries.map(|one| self.entry_text(one)).collect())
            }
        }
    }

    /// How many rows a pane has, shown or not.
    pub fn length(&self, pane: Pane) -> usize {
        match pane {
            Pane::Readers | Pane::Card => self.rows().len(),
            Pane::Certificates => self.certificates().len(),
            Pane::Registration => self.registrations().len(),
            Pane::Happened => self.happened().len(),
        }
    }

    fn row_text(&self, row: &Chosen<'_>) -> String {
        match row {
            Chosen::Reader(reader) => {
                let card = reader.card.as_ref();
                let holder = card.and_then(|card| card.holder.as_ref());
                let name = holder.map(|holder| holder.name.to_string());
                let dod_id = card.and_then(|card| card.dod_id);
                let dod_id = dod_id.map(|dod_id| self.dod_id(dod_id));
                format!(
                    "{} {} {} {}",
                    reader.name.0,
                    phrase::reader(reader.status),
                    name.unwrap_or_default(),
                    dod_id.unwrap_or_default()
                )
            }
            Chosen::Known(known) => format!(
                "{} {}",
                known.name,
                known.dod_id_tail.as_deref().unwrap_or_default()
            ),
        }
    }

    fn certificate_text(&self, certificate: &CertificateSummary) -> String {
        format!(
            "{} {} {} {}",
            phrase::certificate::place(certificate),
            certificate.issuer,
            certificate.key,
            self.discreet(certificate.upn.as_deref().unwrap_or_default())
        )
    }

    fn registration_text(&self, registration: &Registration) -> String {
        let title = self
            .portal(&registration.portal)
            .map(|it| it.title.as_str());
        format!(
            "{} {} {}",
            registration.portal,
            title.unwrap_or_default(),
            registration.status.label()
        )
    }

    fn entry_text(&self, entry: &HistoryEntry) -> String {
        let told = happening::told(entry, self.snapshot.as_ref());
        format!("{} {told}", phrase::kind(entry.kind))
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_lowercase).collect()
}
