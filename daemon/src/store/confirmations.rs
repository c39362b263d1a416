//! What portals showed when people were registered by hand.

use cac_common::identity::{CardId, PersonaId};
use cac_common::time::UtcSeconds;
use cac_common::wizard::Confirmation;
use rusqlite::{OptionalExtension, params};

use super::Store;
use super::error::StoreError;

impl Store {
    /// Keeps the latest of a persona, which is on record, at each portal.
    pub async fn record_confirmation(
        &self,
        persona: PersonaId,
        confirmation: Confirmation,
    ) -> Result<(), StoreError> {
        self.run(move |connection| {
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO confirmation (persona, portal, at, text, html)
                     VALUES (?, ?, ?, ?, ?)",
                )?
                .execute(params![
                    persona.0,
                    confirmation.portal,
                    confirmation.at.0,
                    confirmation.text,
                    confirmation.html
                ])?;
            Ok(())
        })
        .await
    }

    /// Of the holder of a card, the latest where a card ID was seen with several.
    pub async fn confirmation(
        &self,
        card: CardId,
        portal: String,
    ) -> Result<Option<Confirmation>, StoreError> {
        self.run(move |connection| {
            let mut select = connection.prepare_cached(
                "SELECT at, text, html FROM confirmation
                 WHERE portal = ?2 AND persona IN (SELECT persona FROM card WHERE id = ?1)
                 ORDER BY at DESC LIMIT 1",
            )?;
            let found = select.query_row(params![card.0, portal], |row| {
                Ok(Confirmation {
                    portal: portal.clone(),
                    at: UtcSeconds(row.get(0)?),
                    text: row.get(1)?,
                    html: row.get(2)?,
                })
            });
            Ok(found.optional()?)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use cac_common::interface::ClearScope;

    use super::super::fixtures::{NOW, jane, john, opened};
    use super::*;

    #[tokio::test]
    async fn a_confirmation_is_there_until_it_is_cleared_and_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        store.record_card(john()).await.unwrap();
        let confirmation = |text: &str| Confirmation {
            portal: "AKO".into(),
            at: NOW,
            text: text.into(),
            html: format!("<p>{text}"),
        };
        let found = async |card| store.confirmation(card, "AKO".into()).await.unwrap();
        for scope in [
            ClearScope::All {},
            ClearScope::Portal {
                portal: "AKO".into(),
            },
            ClearScope::Card { card: jane().card },
        ] {
            store.record_card(jane()).await.unwrap();
            for text in ["first", "second"] {
                let persona = jane().persona;
                let kept = store.record_confirmation(persona, confirmation(text));
                kept.await.unwrap();
            }
            assert_eq!(found(jane().card).await, Some(confirmation("second")));
            assert_eq!(found(john().card).await, None);

            let lost = store.clear(scope.clone(), false).await.unwrap();

            assert_eq!(lost.confirmations, 1, "{scope:?}");
            assert_eq!(found(jane().card).await, None, "{scope:?}");
        }
    }
}
