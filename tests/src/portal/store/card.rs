//! Which card is tied to which account.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, StoreError};
use crate::portal::certificate::Holder;
use crate::portal::terms::{Renewal, Terms, TiedBy};

/// What tying a card to an account came to.
pub(super) enum Tie {
    Known {
        card: i64,
    },
    New {
        card: i64,
    },
    /// The latest before it was registered on that day.
    HasAnother {
        since: String,
    },
    TooMany,
    /// It is another account's.
    Taken,
}

/// What registering by hand came to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::portal) enum ByHand {
    Registered,
    /// The password was not given right before.
    NotAsked,
    /// The certificate is of someone else.
    NotTheirs,
    TooManyCards,
    Taken,
}

/// A card as its account's holder is shown it.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::portal) struct Card {
    pub(in crate::portal) id: i64,
    pub(in crate::portal) account: String,
    pub(in crate::portal) issuer: String,
    pub(in crate::portal) serial: String,
    /// UTC, year-month-day.
    pub(in crate::portal) registered_on: String,
}

impl Store {
    pub(in crate::portal) fn cards_of(&self, account: &str) -> Result<Vec<Card>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT id, account, issuer, serial, date(registered_at, 'unixepoch')
             FROM cards WHERE account = ?1 ORDER BY id",
        )?;
        let rows = statement.query_map([account], |row| {
            Ok(Card {
                id: row.get(0)?,
                account: row.get(1)?,
                issuer: row.get(2)?,
                serial: row.get(3)?,
                registered_on: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The card that the session stands for.
    pub(in crate::portal) fn card_of_session(
        &self,
        session: &str,
    ) -> Result<Option<Card>, StoreError> {
        let found: Option<(String, i64)> = self
            .connection
            .query_row(
                "SELECT account, card FROM sessions
                 WHERE id = ?1 AND account IS NOT NULL AND card IS NOT NULL",
                [session],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let Some((account, id)) = found else {
            return Ok(None);
        };
        let mut cards = self.cards_of(&account)?.into_iter();
        Ok(cards.find(|card| card.id == id))
    }

    /// Unties every card of the account.
    pub(in crate::portal) fn clear_cards(&self, account: &str) -> Result<(), StoreError> {
        self.connection
            .execute("DELETE FROM cards WHERE account = ?1", [account])?;
        Ok(())
    }

    /// Lets the session register one card.
    pub(in crate::portal) fn allow_registration(&self, session: &str) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE sessions SET may_register = 1 WHERE id = ?1",
            [session],
        )?;
        Ok(())
    }

    pub(in crate::portal) fn register_by_hand(
        &mut self,
        session: &str,
        holder: &Holder,
        terms: &Terms,
        now: i64,
    ) -> Result<ByHand, StoreError> {
        let transaction = self.connection.transaction()?;
        let asked: Option<(String, String)> = transaction
            .query_row(
                "UPDATE sessions SET may_register = 0
                 WHERE id = ?1 AND may_register = 1 AND account IS NOT NULL
                 RETURNING account,
                     (SELECT edipi FROM people WHERE people.upn = sessions.person)",
                [session],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let Some((account, edipi)) = asked else {
            return Ok(ByHand::NotAsked);
        };
        if holder.edipi.as_deref() != Some(edipi.as_str()) {
            transaction.commit()?;
            return Ok(ByHand::NotTheirs);
        }
        let card = match known(&transaction, &account, holder)? {
            Some(Tie::Known { card } | Tie::New { card }) => card,
            Some(_) => {
                transaction.commit()?;
                return Ok(ByHand::Taken);
            }
            None => {
                if terms.renewal == Renewal::ByHand {
                    transaction.execute("DELETE FROM cards WHERE account = ?1", [&account])?;
                }
                if is_full(&transaction, &account, terms)? {
                    transaction.commit()?;
                    return Ok(ByHand::TooManyCards);
                }
                add(&transaction, &account, holder, now)?
            }
        };
        transaction.execute(
            "UPDATE sessions SET card = ?2, registered_card = 1 WHERE id = ?1",
            params![session, card],
        )?;
        transaction.commit()?;
        Ok(ByHand::Registered)
    }
}

pub(super) fn tie(
    connection: &Connection,
    account: &str,
    holder: &Holder,
    terms: &Terms,
    now: i64,
) -> rusqlite::Result<Tie> {
    if let Some(tie) = known(connection, account, holder)? {
        return Ok(tie);
    }
    let before: Option<(String, bool)> = connection
        .query_row(
            "SELECT date(max(registered_at), 'unixepoch'), max(subject = ?2)
             FROM cards WHERE account = ?1 HAVING count(*) > 0",
            [account, &holder.subject],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    if let Some((since, has_same_subject)) = before {
        let is_renewal = match terms.tied_by {
            TiedBy::Upn | TiedBy::Edipi => true,
            TiedBy::Subject => has_same_subject,
        };
        let is_refused = terms.renewal == Renewal::ByHand || !is_renewal;
        if is_refused {
            return Ok(Tie::HasAnother { since });
        }
    }
    if is_full(connection, account, terms)? {
        return Ok(Tie::TooMany);
    }
    let card = add(connection, account, holder, now)?;
    Ok(Tie::New { card })
}

fn known(connection: &Connection, account: &str, holder: &Holder) -> rusqlite::Result<Option<Tie>> {
    let found: Option<(i64, String)> = connection
        .query_row(
            "SELECT id, account FROM cards WHERE issuer = ?1 AND serial = ?2",
            [&holder.issuer, &holder.serial],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    Ok(found.map(|(card, of)| {
        if of == account {
            Tie::Known { card }
        } else {
            Tie::Taken
        }
    }))
}

fn is_full(connection: &Connection, account: &str, terms: &Terms) -> rusqlite::Result<bool> {
    let count: u32 = connection.query_row(
        "SELECT count(*) FROM cards WHERE account = ?1",
        [account],
        |row| row.get(0),
    )?;
    Ok(terms.most_cards.is_some_and(|most| count >= most))
}

fn add(connection: &Connection, account: &str, holder: &Holder, now: i64) -> rusqlite::Result<i64> {
    connection.execute(
        "INSERT INTO cards (account, issuer, serial, upn, subject, registered_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            account,
            holder.issuer,
            holder.serial,
            holder.upn.as_deref().unwrap_or_default(),
            holder.subject,
            now
        ],
    )?;
    Ok(connection.last_insert_rowid())
}
