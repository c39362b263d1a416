//! Where each persona stands at each portal, as far as it is to be kept.

use cac_common::cause::Cause;
use cac_common::error_chain::Chain;
use cac_common::identity::{CardId, PersonaId};
use cac_common::registration::RegistrationStatus;
use cac_common::time::UtcSeconds;
use rusqlite::{Connection, Row, params};

use super::Store;
use super::error::{StoreError, Unreadable};
use super::kept_text::kept_text;

/// What a portal said of a persona, and which card was used to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationRecord {
    pub persona: PersonaId,
    pub portal: String,
    /// Recorded before.
    pub card: CardId,
    /// Hexadecimal.
    pub certificate_sha256: String,
    /// Names the contents of the profile that was in force.
    pub profile: String,
    /// One that is true until someone acts, not one that passes by itself.
    pub status: RegistrationStatus,
    pub at: UtcSeconds,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRegistration {
    pub portal: String,
    pub status: RegistrationStatus,
    /// Hexadecimal.
    pub certificate_sha256: String,
    pub card: CardId,
    /// Names the contents of the profile that was in force.
    pub profile: String,
    /// When it was written down.
    pub at: UtcSeconds,
}

/// A status that is kept: without DoD ID number.
struct DurableStatus(RegistrationStatus);

/// The label of a status that is not kept.
struct PassingStatus(&'static str);

impl Store {
    /// Writes down where a persona stands at a portal. `Ok` means that it
    /// outlives a power cut.
    pub async fn record_registration(&self, record: RegistrationRecord) -> Result<(), StoreError> {
        let status = DurableStatus::of(&record.status)
            .map_err(|PassingStatus(state)| StoreError::NotDurable { state })?
            .to_json()?;
        self.run(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO registration
                     (persona, portal, card, certificate_sha256, profile, status, at)
                     VALUES (?, ?, ?, ?, ?, ?, ?)
                     ON CONFLICT (persona, portal) DO UPDATE
                     SET card = excluded.card, status = excluded.status, at = excluded.at,
                     certificate_sha256 = excluded.certificate_sha256,
                     profile = excluded.profile",
                )?
                .execute(params![
                    record.persona.0,
                    record.portal,
                    record.card.0,
                    record.certificate_sha256,
                    record.profile,
                    status,
                    record.at.0
                ])?;
            Ok(())
        })
        .await
    }
}

pub(super) fn of_persona(
    connection: &Connection,
    persona: &PersonaId,
) -> Result<Vec<StoredRegistration>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT portal, status, certificate_sha256, card, profile, at FROM registration
         WHERE persona = ? ORDER BY portal",
    )?;
    let mut rows = select.query([&persona.0])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        match registration(row) {
            Ok(registration) => found.push(registration),
            Err(error) => {
                let error = Chain(&error);
                tracing::warn!(%error, "registration could not be read back and was skipped");
            }
        }
    }
    Ok(found)
}

fn registration(row: &Row<'_>) -> Result<StoredRegistration, Unreadable> {
    Ok(StoredRegistration {
        portal: row.get(0)?,
        status: DurableStatus::from_json(&row.get::<_, String>(1)?)?.0,
        certificate_sha256: row.get(2)?,
        card: CardId(row.get(3)?),
        profile: row.get(4)?,
        at: UtcSeconds(row.get(5)?),
    })
}

impl DurableStatus {
    fn of(status: &RegistrationStatus) -> Result<Self, PassingStatus> {
        use RegistrationStatus as Status;

        let durable = match status {
            Status::Registered {
                since,
                checked_at,
                account,
                recheck_due,
            } => Status::Registered {
                since: *since,
                checked_at: *checked_at,
                account: account.as_deref().map(kept_text),
                recheck_due: *recheck_due,
            },
            Status::Forbidden { cause } => Status::Forbidden { cause: kept(cause) },
            Status::Rejected { cause } => Status::Rejected { cause: kept(cause) },
            Status::Unsupported { cause } => Status::Unsupported { cause: kept(cause) },
            Status::Unrecognised { cause } => Status::Unrecognised { cause: kept(cause) },
            // The text is the portal's own, and names nobody.
            Status::NeedsConsent { .. }
            | Status::NeedsWizard
            | Status::NotEligible
            | Status::NeedsSponsor
            | Status::NotFound
            | Status::LockedOut { .. } => status.clone(),
            Status::NotSeen
            | Status::NeedsPin { .. }
            | Status::SigningIn
            | Status::RegisteredNotSaved { .. }
            | Status::OutOfDate { .. }
            | Status::Waiting { .. }
            | Status::PinBlocked
            | Status::CardFailed { .. } => return Err(PassingStatus(status.label())),
        };
        Ok(Self(durable))
    }

    fn to_json(&self) -> Result<String, StoreError> {
        serde_json::to_string(&self.0)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()).into())
    }

    fn from_json(json: &str) -> Result<Self, Unreadable> {
        Self::of(&serde_json::from_str(json)?)
            .map_err(|PassingStatus(state)| Unreadable::PassingStatus(state))
    }
}

fn kept(cause: &Cause) -> Cause {
    Cause {
        detail: kept_text(&cause.detail),
        ..cause.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{NOW, jane, opened, registered};
    use super::*;

    #[tokio::test]
    async fn every_status_that_is_kept_survives_the_round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        store.record_card(jane()).await.unwrap();
        for status in [
            registered("AKO").status,
            RegistrationStatus::NeedsWizard,
            RegistrationStatus::NotEligible,
            RegistrationStatus::NeedsSponsor,
            RegistrationStatus::NotFound,
            RegistrationStatus::Forbidden {
                cause: "403 twice".into(),
            },
            RegistrationStatus::Rejected {
                cause: "expired".into(),
            },
            RegistrationStatus::LockedOut { until: Some(NOW) },
            RegistrationStatus::Unsupported {
                cause: "renegotiation".into(),
            },
            RegistrationStatus::Unrecognised {
                cause: "Maintenance".into(),
            },
        ] {
            let record = RegistrationRecord {
                status: status.clone(),
                ..registered("AKO")
            };

            store.record_registration(record).await.unwrap();

            let memory = store.record_card(jane()).await.unwrap();
            assert_eq!(memory.registrations.len(), 1);
            assert_eq!(memory.registrations[0].status, status);
        }
    }

    #[tokio::test]
    async fn a_status_that_passes_by_itself_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        store.record_card(jane()).await.unwrap();
        store.record_registration(registered("AKO")).await.unwrap();
        for status in [
            RegistrationStatus::NotSeen,
            RegistrationStatus::NeedsPin {
                tries_left: Some(3),
            },
            RegistrationStatus::SigningIn,
            RegistrationStatus::RegisteredNotSaved {
                account: None,
                reason: "disk is full".into(),
            },
            RegistrationStatus::OutOfDate { tries_left: None },
            RegistrationStatus::Waiting {
                until: NOW,
                attempt: 1,
                cause: "refused".into(),
            },
            RegistrationStatus::PinBlocked,
            RegistrationStatus::CardFailed {
                cause: "removed".into(),
            },
        ] {
            let record = RegistrationRecord {
                status,
                ..registered("AKO")
            };

            let error = store.record_registration(record).await.unwrap_err();

            assert!(matches!(error, StoreError::NotDurable { .. }), "{error:?}");
        }
        let memory = store.record_card(jane()).await.unwrap();
        assert_eq!(memory.registrations[0].status, registered("AKO").status);
    }

    #[tokio::test]
    async fn a_card_that_was_cleared_meanwhile_has_to_be_recorded_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());

        let error = store.record_registration(registered("AKO")).await;

        assert!(matches!(error, Err(StoreError::NotOnRecord)), "{error:?}");
    }

    #[tokio::test]
    async fn an_account_named_by_the_dod_id_is_kept_masked() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        store.record_card(jane()).await.unwrap();
        let record = RegistrationRecord {
            status: RegistrationStatus::Registered {
                since: NOW,
                checked_at: NOW,
                account: Some("1234567890@mil".into()),
                recheck_due: false,
            },
            ..registered("AKO")
        };

        store.record_registration(record).await.unwrap();

        let memory = store.record_card(jane()).await.unwrap();
        let RegistrationStatus::Registered { account, .. } = &memory.registrations[0].status else {
            panic!("{memory:?}");
        };
        assert_eq!(account.as_deref(), Some("••••••7890@mil"));
    }

    #[tokio::test]
    async fn a_status_of_another_version_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        store.record_card(jane()).await.unwrap();
        for portal in ["AKO", "Records", "Travel"] {
            store.record_registration(registered(portal)).await.unwrap();
        }

        store
            .run(|connection| {
                connection.execute_batch(
                    r#"UPDATE registration SET status = '{"state":"teleported"}' WHERE portal = 'AKO';
                     UPDATE registration SET status = '{"state":"signing_in"}' WHERE portal = 'Travel';"#,
                )?;
                Ok(())
            })
            .await
            .unwrap();

        let memory = store.record_card(jane()).await.unwrap();
        let portals: Vec<_> = memory.registrations.iter().map(|r| &r.portal).collect();
        assert_eq!(portals, ["Records"]);
    }

    #[tokio::test]
    async fn the_state_can_be_read_without_taking_the_status_apart() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        store.record_card(jane()).await.unwrap();

        store.record_registration(registered("AKO")).await.unwrap();

        let state: String = store
            .run(|connection| {
                Ok(connection.query_row("SELECT state FROM registration", [], |row| row.get(0))?)
            })
            .await
            .unwrap();
        assert_eq!(state, "registered");
    }
}
