//! What happened, in the order it happened.

use cac_common::identity::CardId;
use cac_common::interface::{GetHistory, HistoryReply};
use cac_common::reader::ReaderName;
use cac_common::snapshot::{HistoryEntry, HistoryKind, Shown};
use cac_common::time::UtcSeconds;
use rusqlite::{Connection, Row, params};
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as UnknownKind, StrDeserializer};

use super::Store;
use super::error::{StoreError, Unreadable};
use super::kept_text::kept_text;

mod search;

use search::Search;

/// An entry that has no id yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    pub at: UtcSeconds,
    pub kind: HistoryKind,
    pub reader: Option<ReaderName>,
    pub card: Option<CardId>,
    pub portal: Option<String>,
    /// One sentence for people.
    pub text: String,
}

impl NewEntry {
    /// As it is kept and shown, with a number.
    pub fn numbered(self, id: i64) -> HistoryEntry {
        HistoryEntry {
            id,
            at: self.at,
            kind: self.kind,
            reader: self.reader,
            card: self.card,
            portal: self.portal,
            text: kept_text(&self.text),
        }
    }
}

impl Store {
    /// Adds an entry; gives it back as it is kept.
    pub async fn append(&self, entry: NewEntry) -> Result<HistoryEntry, StoreError> {
        self.run(move |connection| append(connection, entry)).await
    }

    /// Entries older than the one with id `before`, newest first, at most
    /// [`LONGEST_HISTORY_PAGE`].
    pub async fn history(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let wanted = GetHistory {
            before,
            ..GetHistory::newest(limit)
        };
        Ok(self.search_history(wanted).await?.entries)
    }

    /// The same of those that fit, and where to go on.
    pub async fn search_history(&self, wanted: GetHistory) -> Result<HistoryReply, StoreError> {
        self.search_history_shown(wanted, None).await
    }

    /// The same of those that go with what is shown to somebody, if not all may be.
    pub async fn search_history_shown(
        &self,
        wanted: GetHistory,
        shown: Option<Shown>,
    ) -> Result<HistoryReply, StoreError> {
        let search = Search::new(wanted).only(shown);
        self.run(move |connection| search.page(connection)).await
    }
}

fn append(connection: &Connection, entry: NewEntry) -> Result<HistoryEntry, StoreError> {
    let entry = entry.numbered(0);
    let kind = serde_json::to_value(entry.kind)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    connection
        .prepare_cached(
            "INSERT INTO history (at, kind, reader, card, portal, text)
             VALUES (?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            entry.at.0,
            kind.as_str(),
            entry.reader.as_ref().map(|reader| &reader.0),
            entry.card.as_ref().map(|card| &card.0),
            entry.portal,
            entry.text
        ])?;
    Ok(HistoryEntry {
        id: connection.last_insert_rowid(),
        ..entry
    })
}

fn entry(row: &Row<'_>) -> Result<HistoryEntry, Unreadable> {
    let kind: String = row.get(2)?;
    let kind: StrDeserializer<'_, UnknownKind> = kind.as_str().into_deserializer();
    Ok(HistoryEntry {
        id: row.get(0)?,
        at: UtcSeconds(row.get(1)?),
        kind: HistoryKind::deserialize(kind)?,
        reader: row.get::<_, Option<String>>(3)?.map(ReaderName),
        card: row.get::<_, Option<String>>(4)?.map(CardId),
        portal: row.get(5)?,
        text: kept_text(&row.get::<_, String>(6)?),
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{NOW, entry, opened};
    use super::super::upkeep::tests::many;
    use cac_common::interface::LONGEST_HISTORY_PAGE;

    #[tokio::test]
    async fn pages_go_back_in_time_without_gap_or_overlap() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        let mut appended = Vec::new();
        for n in 0..5 {
            appended.push(store.append(entry(&format!("entry {n}"))).await.unwrap());
        }
        appended.reverse();

        let first = store.history(None, 3).await.unwrap();
        let second = store.history(Some(first[2].id), 3).await.unwrap();
        let third = store.history(Some(second[1].id), 3).await.unwrap();

        assert_eq!([first, second].concat(), appended);
        assert_eq!(third, []);
    }

    #[tokio::test]
    async fn a_page_has_a_limit_that_no_caller_can_lift() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        many(&store, LONGEST_HISTORY_PAGE + 1, NOW).await;

        let page = store.history(None, u32::MAX).await.unwrap();

        assert_eq!(page.len(), LONGEST_HISTORY_PAGE as usize);
    }

    #[tokio::test]
    async fn an_entry_that_cannot_be_read_back_does_not_shorten_the_page() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        for n in 0..4 {
            store.append(entry(&format!("entry {n}"))).await.unwrap();
        }
        store
            .run(|connection| {
                connection.execute_batch(
                    "UPDATE history SET kind = 'prophecy' WHERE id = 3;
                     UPDATE history SET text = CAST(x'FF' AS TEXT) WHERE id = 2;",
                )?;
                Ok(())
            })
            .await
            .unwrap();

        let page = store.history(None, 2).await.unwrap();

        let ids: Vec<_> = page.iter().map(|entry| entry.id).collect();
        assert_eq!(ids, [4, 1]);
    }

    #[tokio::test]
    async fn the_dod_id_number_is_masked_in_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());

        let kept = store.append(entry("account 1234567890")).await.unwrap();

        assert_eq!(kept.text, "account ••••••7890");
        assert_eq!(store.history(None, 1).await.unwrap(), [kept]);
    }
}
