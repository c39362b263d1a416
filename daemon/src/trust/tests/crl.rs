use cac_common::certificate::Revocation;
use rcgen::{CrlDistributionPoint, CrlIssuingDistributionPoint, CrlScope};

use super::pki::{Authority, CRL};
use super::place::{GOOD, Place, assert_unknown, is_revoked};

#[tokio::test]
async fn a_crl_tells_where_no_responder_does() {
    let place = Place::new();
    let of_others = place.good_crl();
    let with_ours = place.root.crl((5, 31), (6, 8), &[&place.card]);

    assert_eq!(place.check_crl(of_others).await, GOOD);
    assert_eq!(place.check_crl(with_ours).await, is_revoked());
}

#[tokio::test]
async fn a_crl_without_entries_is_read_too() {
    let place = Place::new();
    let empty = place
        .root
        .crl_with((5, 31), (6, 8), &[], |params| params.revoked_certs.clear());

    assert_eq!(place.check_crl(empty).await, GOOD);
}

#[tokio::test]
async fn a_crl_that_says_nothing_of_ours_is_refused() {
    let place = Place::new();
    let stranger = Authority::root("Root 2");
    let namesake = Authority::root("Root 1");
    let about = |uri: &str, scope| {
        let uris = vec![uri.to_owned()];
        place.root.crl_with((5, 31), (6, 8), &[], |params| {
            params.issuing_distribution_point = Some(CrlIssuingDistributionPoint {
                distribution_point: CrlDistributionPoint { uris },
                scope,
            });
        })
    };
    let mut cut = place.good_crl();
    cut.truncate(cut.len() - 1);
    let mut longer = place.good_crl();
    longer.push(0);

    for (crl, why) in [
        (place.root.crl((4, 1), (5, 31), &[]), "CRL: it is too old"),
        (
            place.root.crl((6, 2), (6, 8), &[]),
            "CRL: it is of a time to come",
        ),
        (
            stranger.crl((5, 31), (6, 8), &[]),
            "it is another authority's",
        ),
        (namesake.crl((5, 31), (6, 8), &[]), "not by the key"),
        (
            about(CRL, Some(CrlScope::CaCertsOnly)),
            "not about all certificates",
        ),
        (
            about("http://crl.example/b.crl", None),
            "not about all certificates",
        ),
        (cut, "it ends before its end"),
        (longer, "it cannot be read"),
        (b"<html>no such file".to_vec(), "it cannot be read"),
        (vec![], "it ends before its end"),
    ] {
        assert_unknown(&place.check_crl(crl).await, why);
    }
    let ours = about(CRL, Some(CrlScope::UserCertsOnly));
    assert_eq!(place.check_crl(ours).await, GOOD);
}

#[tokio::test]
async fn a_crl_that_was_changed_anywhere_is_never_good() {
    let place = Place::new();
    let crl = place
        .root
        .crl_with((5, 31), (6, 8), &[&place.card], |params| {
            params.revoked_certs.truncate(201);
            params.revoked_certs.drain(..198);
        });

    assert_eq!(place.check_crl(crl.clone()).await, is_revoked());
    for at in 0..crl.len() {
        for flip in [0x01, 0x80] {
            let mut changed = crl.clone();
            changed[at] ^= flip;

            let revocation = place.check_crl(changed).await;

            let is_unknown = matches!(revocation, Revocation::Unknown { .. });
            assert!(is_unknown, "{at}: {revocation:?}");
        }
    }
}
