//! An invented holder, and what is recorded of her.

use std::collections::BTreeMap;
use std::path::Path;

use cac_common::certificate::Slot;
use cac_common::identity::{CardId, PersonaId};
use cac_common::reader::ReaderName;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::HistoryKind;
use cac_common::time::UtcSeconds;

use super::{CachedCertificate, CardRecord, NewEntry, RegistrationRecord, Store};

pub(super) const NOW: UtcSeconds = UtcSeconds(1_795_000_000);

pub(super) fn opened(folder: &Path) -> Store {
    Store::open(folder, NOW).unwrap().0
}

impl Store {
    /// What is read next comes from the disk.
    pub(crate) async fn let_go_of_pages(&self) {
        self.run(|connection| Ok(connection.execute_batch("PRAGMA shrink_memory")?))
            .await
            .unwrap();
    }
}

pub(super) fn jane() -> CardRecord {
    CardRecord {
        card: CardId("aaaa-1".into()),
        persona: PersonaId("persona-jane".into()),
        name: "DOE, JANE Q".into(),
        dod_id_tail: Some("7890".into()),
        expires: Some("2027-03-01".into()),
        seen_at: NOW,
        certificates: vec![
            certificate(Slot::Authentication, b"DOE.JANE.Q.1234567890 9A"),
            certificate(Slot::Signature, b"DOE.JANE.Q.1234567890 9C"),
        ],
        objects: BTreeMap::from([(0x7E, vec![1, 2, 3]), (0x5F_C106, Vec::new())]),
    }
}

pub(super) fn john() -> CardRecord {
    CardRecord {
        card: CardId("bbbb-2".into()),
        persona: PersonaId("persona-john".into()),
        name: "ROE, JOHN".into(),
        dod_id_tail: Some("4321".into()),
        expires: None,
        seen_at: NOW,
        certificates: vec![certificate(Slot::Authentication, b"ROE.JOHN.0987654321 9A")],
        objects: BTreeMap::new(),
    }
}

fn certificate(slot: Slot, der: &[u8]) -> CachedCertificate {
    CachedCertificate {
        slot,
        der: der.into(),
        sha256: format!("{:064x}", der[der.len() - 1]),
    }
}

/// Jane at a portal, with her card.
pub(super) fn registered(portal: &str) -> RegistrationRecord {
    RegistrationRecord {
        persona: jane().persona,
        portal: portal.into(),
        card: jane().card,
        certificate_sha256: "ab".repeat(32),
        profile: "cd".into(),
        status: RegistrationStatus::Registered {
            since: NOW,
            checked_at: NOW,
            account: Some("jane.q.doe".into()),
            recheck_due: false,
        },
        at: NOW,
    }
}

pub(super) fn entry(text: &str) -> NewEntry {
    NewEntry {
        at: NOW,
        kind: HistoryKind::Card,
        reader: Some(ReaderName("SCR3310 [CCID] 00".into())),
        card: Some(jane().card),
        portal: None,
        text: text.into(),
    }
}
