//! Whom is asked, what is made of the answers, and how long they are kept.

use std::sync::Arc;

use cac_common::certificate::Revocation;
use cac_common::time::UtcSeconds;
use rcgen::{CertificateParams, CrlDistributionPoint, SerialNumber};

use super::answers::{Net, Responder, good, unknown};
use super::pki::{Authority, CRL, NOW, OCSP, add, judged, oid, tlv, trusted};
use super::place::{GOOD, MAY_DAY, Place, answering, assert_unknown, is_revoked};
use crate::trust::revocation::Revocations;

#[tokio::test]
async fn whoever_cannot_be_reached_is_offline_and_not_unknown() {
    let place = Place::new();

    let revocation = place.check(Net::default()).await;

    let why = "ocsp.example did not answer in time; crl.example did not answer in time".into();
    assert_eq!(revocation, Revocation::Offline { why });
}

#[tokio::test]
async fn a_useless_answer_is_unknown_even_if_others_are_away() {
    let place = Place::new();

    let revocation = place.check(Net::default().with_ocsp(|_| vec![])).await;

    assert_unknown(
        &revocation,
        "cannot be read; crl.example did not answer in time",
    );
}

#[tokio::test]
async fn a_certificate_that_names_nobody_is_unknown() {
    let place = Place::with(|_| {});

    let revocation = place.check(Net::default()).await;

    assert_unknown(&revocation, "it names nobody who could be asked");
}

/// A CRL knows what was taken back, and not what was issued.
#[tokio::test]
async fn a_crl_does_not_vouch_for_what_the_responder_does_not_know() {
    let place = Place::new();
    let net = || {
        let responder = place.responder(unknown());
        Net::default().with_ocsp(move |request| responder.answer(request))
    };

    let not_listed = place.check(net().with_crl(place.good_crl())).await;
    let listed = place
        .check(net().with_crl(place.root.crl((5, 31), (6, 8), &[&place.card])))
        .await;

    assert_unknown(&not_listed, "the responder does not know it");
    assert_eq!(listed, is_revoked());
}

#[tokio::test]
async fn the_crl_is_not_fetched_where_the_responder_answers() {
    let place = Place::new();
    let responder = place.responder(good());
    let net = Arc::new(answering(responder).with_crl(place.good_crl()));

    Revocations::new(Arc::clone(&net))
        .check(&place.path, NOW)
        .await;

    assert_eq!(net.asked(), ["ocsp.example"]);
}

#[tokio::test]
async fn an_answer_is_kept_while_it_is_good_and_no_longer() {
    let place = Place::new();
    let net = Arc::new(answering(place.responder(good())));
    let revocations = Revocations::new(Arc::clone(&net));
    let later = |hours: i64| UtcSeconds(NOW.0 + hours * 3600);

    for (at, asked) in [
        (NOW, 1),
        (later(11), 1),
        // Twelve hours are the most; an answer of today runs out tomorrow.
        (later(12), 2),
        (later(23), 2),
        // The clock was set back.
        (NOW, 3),
        (later(23), 4),
    ] {
        let revocation = revocations.check(&place.path, at).await;

        assert_eq!(revocation, GOOD);
        assert_eq!(net.asked().len(), asked, "{at:?}");
    }
    let stale = revocations.check(&place.path, later(25)).await;
    assert_unknown(&stale, "too old");
}

#[tokio::test]
async fn what_could_not_be_learnt_is_asked_again() {
    let place = Place::new();
    let net = Arc::new(Net::default().with_ocsp(|_| vec![]));
    let revocations = Revocations::new(Arc::clone(&net));

    for _ in 0..2 {
        revocations.check(&place.path, NOW).await;
    }

    let hosts = ["ocsp.example", "crl.example", "ocsp.example", "crl.example"];
    assert_eq!(net.asked(), hosts);
}

#[tokio::test]
async fn a_card_of_a_revoked_authority_is_revoked() {
    let root = Authority::root("Root 1");
    let point = |params: &mut CertificateParams| {
        params.crl_distribution_points = vec![CrlDistributionPoint {
            uris: vec![CRL.into()],
        }];
    };
    let authority = root.below_with("CA 1", |params| {
        params.serial_number = Some(SerialNumber::from(9999_u64));
        point(params);
    });
    let card = authority.card_with(|params| {
        let address = tlv(0x86, &[OCSP.as_bytes()]);
        let method = oid("1.3.6.1.5.5.7.48.1");
        let access = tlv(0x30, &[&method, &address]);
        let value = tlv(0x30, &[&access]);
        add(params, &[1, 3, 6, 1, 5, 5, 7, 1, 1], false, value);
    });
    let path = trusted(judged(&[&root.der], &[&authority.der], &card));
    let net = |crl| {
        let responder = Responder::of(&authority, good());
        let mut net = answering(responder);
        net.crl = crl;
        Arc::new(net)
    };
    let lists_it = root.crl((5, 31), (6, 8), &[&authority.der]);
    let lists_others = root.crl((5, 31), (6, 8), &[]);

    let revoked = Revocations::new(net(Some(lists_it)))
        .check(&path, NOW)
        .await;
    let is_good = Revocations::new(net(Some(lists_others)))
        .check(&path, NOW)
        .await;
    let offline = Revocations::new(net(None)).check(&path, NOW).await;

    assert_eq!(
        revoked,
        Revocation::Revoked {
            since: MAY_DAY,
            reason: Some("its authority CA 1 was revoked: keyCompromise".into()),
        }
    );
    assert_eq!(is_good, GOOD);
    assert_eq!(offline, GOOD);
}
