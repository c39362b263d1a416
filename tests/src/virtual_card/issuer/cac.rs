//! The certificates that are on the CAC edge of a card only.

use std::collections::BTreeMap;

use super::office::dod_name;
use super::profile::{Profile, medium_hardware};
use super::{Authority, CardNumbers, CardOrder, IssueError};
use crate::virtual_card::cac::{Credential, PkiSlot};
use crate::virtual_card::card_file::{CardFile, Slot};
use crate::virtual_card::certificate::{COMMON_NAME, KeyUsage, UNIT};
use crate::virtual_card::key::{KeyAlgorithm, OldKey, PrivateKey};

impl Authority {
    /// A card whose three keys on the CAC edge are RSA-1024, as fifteen years
    /// ago, whatever keys it has over PIV.
    pub fn issue_old_cac(&self, order: &CardOrder<'_>) -> Result<CardFile, IssueError> {
        let mut card = self.issue_card(order)?;
        let numbers = CardNumbers {
            credential: card.credential,
            fascn: order.person.fascn(card.credential).encode(),
            card_id: card.card_id,
        };
        let order = &CardOrder {
            person: order.person.clone(),
            algorithm: KeyAlgorithm::Rsa2048,
            ..*order
        };
        for slot in PkiSlot::ALL {
            let key = OldKey::generate()?;
            let certify = |of| self.certify(of, order, &numbers, &key.public_key);
            let certificate = match slot {
                PkiSlot::Identity => self.identity(order, &key.public_key)?,
                PkiSlot::Signature => certify(Slot::Signature)?,
                PkiSlot::Encryption => certify(Slot::Encryption)?,
            };
            let credential = Credential {
                certificate,
                key: key.pkcs8,
            };
            card.cac.insert(slot, credential);
        }
        Ok(card)
    }

    /// The ID certificate with a key of its own; none for a card with other
    /// keys than RSA, which a CAC applet cannot have.
    pub(super) fn certify_identity(
        &self,
        order: &CardOrder<'_>,
    ) -> Result<BTreeMap<PkiSlot, Credential>, IssueError> {
        if !order.algorithm.is_rsa() {
            return Ok(BTreeMap::new());
        }
        let key = PrivateKey::generate(order.algorithm)?;
        let credential = Credential {
            certificate: self.identity(order, &key.public_key()?)?,
            key: key.to_pkcs8()?,
        };
        Ok(BTreeMap::from([(PkiSlot::Identity, credential)]))
    }

    fn identity(&self, order: &CardOrder<'_>, public_key: &[u8]) -> Result<Vec<u8>, IssueError> {
        let profile = Profile {
            issuer: &self.id_ca,
            subject: dod_name(&[
                (UNIT, &order.person.ou),
                (COMMON_NAME, &order.person.common_name()),
            ]),
            key_usage: vec![KeyUsage::DigitalSignature, KeyUsage::NonRepudiation],
            extended_key_usage: Vec::new(),
            policies: vec![medium_hardware(order.algorithm)],
            // Its subject names the holder; as a rule there is nothing more.
            alt_names: Vec::new(),
        };
        profile.sign(order.validity, public_key)
    }
}
