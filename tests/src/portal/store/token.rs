//! One-time tokens, which carry a certificate from one host to the other.

use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError};

/// As login.gov's.
const LIFE: i64 = 5 * 60;

/// What a token was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::portal) enum Purpose {
    SignIn,
    Register,
}

impl Purpose {
    fn word(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Register => "register",
        }
    }
}

impl Store {
    pub(in crate::portal) fn add_token(
        &self,
        token: &str,
        certificate: &[u8],
        purpose: Purpose,
        now: i64,
    ) -> Result<(), StoreError> {
        self.connection
            .execute("DELETE FROM tokens WHERE made_at + ?1 <= ?2", [LIFE, now])?;
        self.connection.execute(
            "INSERT INTO tokens (id, certificate, purpose, made_at) VALUES (?1, ?2, ?3, ?4)",
            params![token, certificate, purpose.word(), now],
        )?;
        Ok(())
    }

    /// The certificate it carries, once, and not for another purpose.
    pub(in crate::portal) fn redeem(
        &self,
        token: &str,
        purpose: Purpose,
        now: i64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let certificate = self
            .connection
            .query_row(
                "DELETE FROM tokens WHERE id = ?1 AND purpose = ?2 AND made_at + ?3 > ?4
                 RETURNING certificate",
                params![token, purpose.word(), LIFE, now],
                |row| row.get(0),
            )
            .optional()?;
        Ok(certificate)
    }
}
