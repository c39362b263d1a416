//! Notices of portals that people have accepted.

use cac_common::identity::PersonaId;
use cac_common::time::UtcSeconds;
use rusqlite::{Connection, params};

use super::Store;
use super::error::StoreError;

/// A notice that a persona has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    pub portal: String,
    /// Of the notice's text, hexadecimal.
    pub sha256: String,
}

impl Store {
    /// Writes down that a persona, which is on record, has accepted a notice.
    pub async fn record_consent(
        &self,
        persona: PersonaId,
        consent: Consent,
        at: UtcSeconds,
    ) -> Result<(), StoreError> {
        self.run(move |connection| {
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO consent (persona, portal, sha256, at)
                     VALUES (?, ?, ?, ?)",
                )?
                .execute(params![persona.0, consent.portal, consent.sha256, at.0])?;
            Ok(())
        })
        .await
    }
}

pub(super) fn of_persona(
    connection: &Connection,
    persona: &PersonaId,
) -> Result<Vec<Consent>, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT portal, sha256 FROM consent WHERE persona = ?")?;
    let rows = select.query_map([&persona.0], |row| {
        Ok(Consent {
            portal: row.get(0)?,
            sha256: row.get(1)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use cac_common::interface::ClearScope;

    use super::super::fixtures::{NOW, jane, opened};
    use super::*;

    #[tokio::test]
    async fn what_was_accepted_is_known_until_it_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        store.record_card(jane()).await.unwrap();
        for scope in [
            ClearScope::All {},
            ClearScope::Portal {
                portal: "AKO".into(),
            },
            ClearScope::Card { card: jane().card },
        ] {
            let consent = Consent {
                portal: "AKO".into(),
                sha256: "00".into(),
            };
            let persona = jane().persona;
            for _ in 0..2 {
                let again = (persona.clone(), consent.clone());
                store.record_consent(again.0, again.1, NOW).await.unwrap();
            }

            let known = store.record_card(jane()).await.unwrap().consents;
            store.clear(scope.clone(), false).await.unwrap();
            let after = store.record_card(jane()).await.unwrap().consents;

            assert_eq!(known, [consent], "{scope:?}");
            assert_eq!(after, [], "{scope:?}");
        }
    }

    #[tokio::test]
    async fn nobody_accepts_who_is_not_on_record() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        let consent = Consent {
            portal: "AKO".into(),
            sha256: "00".into(),
        };

        let result = store.record_consent(jane().persona, consent, NOW).await;

        assert!(result.is_err());
    }
}
