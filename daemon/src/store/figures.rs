//! How much there is.

use super::{Store, StoreError};

/// How much the database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Of the database itself, without what is not written back into it yet.
    pub bytes: i64,
    pub history_entries: i64,
}

impl Store {
    pub async fn figures(&self) -> Result<Figures, StoreError> {
        self.run(|connection| {
            let one = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
            Ok(Figures {
                bytes: one(
                    "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
                )?,
                history_entries: one("SELECT count(*) FROM history")?,
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use crate::store::fixtures::{entry, opened};

    #[tokio::test]
    async fn what_is_kept_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        let before = store.figures().await.unwrap();
        for _ in 0..100 {
            store.append(entry(&"x".repeat(250))).await.unwrap();
        }

        let after = store.figures().await.unwrap();

        assert_eq!((before.history_entries, after.history_entries), (0, 100));
        assert!(before.bytes > 0 && after.bytes > before.bytes + 25_000);
        store.close().await;
        let file = std::fs::metadata(folder.path().join("cacd.db")).unwrap();
        assert_eq!(i64::try_from(file.len()).unwrap(), after.bytes);
    }
}
