//! A card whose revocation is asked for, and those who are asked.

use std::sync::Arc;

use cac_common::certificate::Revocation;
use cac_common::time::UtcSeconds;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, SerialNumber};

use super::answers::{Net, Responder, good};
use super::pki::{Authority, NOW, judged, trusted, with_addresses};
use crate::trust::TrustedPath;
use crate::trust::revocation::Revocations;

/// 2026-05-31, when answers here were made.
pub(super) const YESTERDAY: UtcSeconds = UtcSeconds(NOW.0 - 86_400);
/// 2026-05-01, when certificates here were taken back.
pub(super) const MAY_DAY: UtcSeconds = UtcSeconds(1_777_593_600);

pub(super) const GOOD: Revocation = Revocation::Good { at: YESTERDAY };

/// A root, whose key is the authority's too, and a card below it.
pub(super) struct Place {
    pub(super) root: Authority,
    pub(super) card: Vec<u8>,
    pub(super) path: TrustedPath,
}

impl Place {
    pub(super) fn new() -> Self {
        Self::with(with_addresses)
    }

    pub(super) fn with(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let root = Authority::root("Root 1");
        let card = root.card_with(change);
        let path = trusted(judged(&[&root.der], &[], &card));
        Self { root, card, path }
    }

    /// Another card of the same authority, which names the same addresses.
    pub(super) fn neighbour(&self, serial: u8) -> (Vec<u8>, TrustedPath) {
        let card = self.root.card_with(|params| {
            with_addresses(params);
            params.serial_number = Some(SerialNumber::from_slice(&[0xE0, 0, serial]));
        });
        let path = trusted(judged(&[&self.root.der], &[], &card));
        (card, path)
    }

    pub(super) fn responder(&self, status: Vec<u8>) -> Responder {
        Responder::of(&self.root, status)
    }

    pub(super) fn good_crl(&self) -> Vec<u8> {
        self.root.crl((5, 31), (6, 8), &[])
    }

    /// Someone else than the authority, made its responder or not.
    pub(super) fn delegate(&self, change: impl FnOnce(&mut CertificateParams)) -> Responder {
        let (own, key) = self.root.issue("Responder 1", |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
            change(params);
        });
        Responder {
            certificates: vec![own.clone()],
            own,
            key,
            ..self.responder(good())
        }
    }

    pub(super) async fn check(&self, net: Net) -> Revocation {
        Revocations::new(Arc::new(net)).check(&self.path, NOW).await
    }

    pub(super) async fn check_ocsp(&self, responder: Responder) -> Revocation {
        self.check(answering(responder)).await
    }

    pub(super) async fn check_crl(&self, crl: Vec<u8>) -> Revocation {
        self.check(Net::default().with_crl(crl)).await
    }
}

pub(super) fn answering(responder: Responder) -> Net {
    Net::default().with_ocsp(move |request| responder.answer(request))
}

pub(super) fn is_revoked() -> Revocation {
    Revocation::Revoked {
        since: MAY_DAY,
        reason: Some("keyCompromise".into()),
    }
}

pub(super) fn assert_unknown(revocation: &Revocation, why: &str) {
    let Revocation::Unknown { why: found } = revocation else {
        panic!("{revocation:?}, not {why}");
    };
    assert!(found.contains(why), "{found}");
}
