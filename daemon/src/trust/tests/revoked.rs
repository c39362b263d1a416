//! Whom is asked, what is made of the answers, and how long they are kept.

use std::sync::Arc;
use std::time::Duration;

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
    let later = |hours: u64| later(hours * 3600);

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

    for at in [NOW, later(30)] {
        revocations.check(&place.path, at).await;
    }

    let hosts = ["ocsp.example", "crl.example", "ocsp.example", "crl.example"];
    assert_eq!(net.asked(), hosts);
}

#[tokio::test]
async fn whoever_is_away_is_left_alone_for_a_while() {
    let place = Place::new();
    let net = Arc::new(Net::default());
    let revocations = Revocations::new(Arc::clone(&net));
    let others = [1, 2, 3].map(|serial| place.neighbour(serial).1);

    let first = revocations.check(&place.path, NOW).await;
    for path in &others {
        assert_eq!(revocations.check(path, later(29)).await, first);
    }
    assert_eq!(net.asked(), ["ocsp.example", "crl.example"]);

    revocations.check(&others[0], later(30)).await;
    assert_eq!(net.asked().len(), 4);
}

#[tokio::test]
async fn a_crl_is_read_once_for_all_that_it_is_about() {
    let place = Place::new();
    let others = [1, 2].map(|serial| place.neighbour(serial).1);
    let net = Arc::new(Net::default().with_crl(place.good_crl()));
    let revocations = Revocations::new(Arc::clone(&net));
    let reads = || {
        let asked = net.asked();
        asked.iter().filter(|host| *host == "crl.example").count()
    };

    // Two at once, and one when it is there.
    let at_once = tokio::join!(
        revocations.check(&place.path, NOW),
        revocations.check(&others[0], NOW)
    );
    let after = revocations.check(&others[1], later(60)).await;

    assert_eq!((at_once, after), ((GOOD, GOOD), GOOD));
    assert_eq!(reads(), 1);
    // What it says holds as long for each of them.
    assert_eq!(
        revocations.good_for(&others[1], later(60)),
        Duration::from_hours(12) - Duration::from_mins(1)
    );
    revocations.check(&others[1], later(12 * 3600)).await;
    assert_eq!(reads(), 2);
}

#[tokio::test]
async fn whoever_a_crl_lists_is_never_missed() {
    let place = Place::new();
    let (card, path) = place.neighbour(1);
    let crl = place.root.crl((5, 31), (6, 8), &[&card]);
    let net = Arc::new(Net::default().with_crl(crl));
    let revocations = Revocations::new(Arc::clone(&net));

    assert_eq!(revocations.check(&place.path, NOW).await, GOOD);
    assert_eq!(revocations.check(&path, NOW).await, is_revoked());
}

#[tokio::test]
async fn a_crl_that_was_refused_says_nothing_to_the_next_either() {
    let place = Place::new();
    let (_, path) = place.neighbour(1);
    let stranger = Authority::root("Root 1");
    let net = Arc::new(Net::default().with_crl(stranger.crl((5, 31), (6, 8), &[])));
    let revocations = Revocations::new(Arc::clone(&net));

    for (path, at, asked) in [
        (&place.path, NOW, 2),
        (&path, NOW, 2),
        (&path, later(30), 4),
    ] {
        let revocation = revocations.check(path, at).await;

        assert_unknown(&revocation, "not by the key");
        assert_eq!(net.asked().len(), asked);
    }
}

#[tokio::test]
async fn it_is_known_for_how_long_an_answer_is_good() {
    let place = Place::new();
    let hour = Duration::from_hours(1);
    let revocations = Revocations::new(Arc::new(answering(place.responder(good()))));

    revocations.check(&place.path, NOW).await;
    assert_eq!(revocations.good_for(&place.path, NOW), 12 * hour);
    // The responder's answers are good until tomorrow.
    revocations.check(&place.path, later(23 * 3600)).await;
    assert_eq!(revocations.good_for(&place.path, later(23 * 3600)), hour);
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

fn later(seconds: u64) -> UtcSeconds {
    NOW.after(Duration::from_secs(seconds))
}
