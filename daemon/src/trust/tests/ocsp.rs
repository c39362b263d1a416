use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cac_common::certificate::Revocation;
use rcgen::KeyUsagePurpose;

use super::answers::{CallsItself, Net, Nonce, Responder, good, revoked, unknown};
use super::pki::{Authority, expired};
use super::place::{GOOD, Place, assert_unknown, is_revoked};

#[tokio::test]
async fn good_revoked_and_unknown_are_told_apart() {
    let place = Place::new();

    let is_good = place.check_ocsp(place.responder(good())).await;
    let was_revoked = place.check_ocsp(place.responder(revoked())).await;
    let is_unknown = place.check_ocsp(place.responder(unknown())).await;

    assert_eq!(is_good, GOOD);
    assert_eq!(was_revoked, is_revoked());
    assert_unknown(&is_unknown, "the responder does not know it");
}

#[tokio::test]
async fn an_answer_signed_ahead_of_time_has_no_nonce_and_is_good() {
    let place = Place::new();

    let revocation = place
        .check_ocsp(Responder {
            nonce: Nonce::Left,
            ..place.responder(good())
        })
        .await;

    assert_eq!(revocation, GOOD);
}

#[tokio::test]
async fn an_answer_with_another_nonce_is_refused() {
    let place = Place::new();

    let revocation = place
        .check_ocsp(Responder {
            nonce: Nonce::Wrong,
            ..place.responder(good())
        })
        .await;

    assert_unknown(&revocation, "its nonce is not ours");
}

#[tokio::test]
async fn an_answer_out_of_its_time_is_refused() {
    let place = Place::new();
    let of = |this_update, next_update| Responder {
        this_update,
        next_update,
        ..place.responder(good())
    };

    let stale = place
        .check_ocsp(of("20260501000000Z", Some("20260531000000Z")))
        .await;
    let undated = place.check_ocsp(of("20260531000000Z", None)).await;
    let early = place
        .check_ocsp(of("20260601010000Z", Some("20260602000000Z")))
        .await;
    let fresh = place.check_ocsp(of("20260531233000Z", None)).await;
    let clocks_differ = place
        .check_ocsp(of("20260601000400Z", Some("20260602000000Z")))
        .await;

    assert_unknown(&stale, "the answer is too old");
    assert_unknown(&undated, "the answer is too old");
    assert_unknown(&early, "of a time to come");
    assert!(matches!(fresh, Revocation::Good { .. }), "{fresh:?}");
    assert!(
        matches!(clocks_differ, Revocation::Good { .. }),
        "{clocks_differ:?}"
    );
}

#[tokio::test]
async fn an_answer_about_another_certificate_is_refused() {
    let place = Place::new();

    let revocation = place
        .check_ocsp(Responder {
            change_id: |id| *id.last_mut().unwrap() ^= 1,
            ..place.responder(good())
        })
        .await;

    assert_unknown(&revocation, "about another certificate");
}

#[tokio::test]
async fn whom_the_authority_made_its_responder_may_answer() {
    let place = Place::new();

    for calls_itself in [CallsItself::ByName, CallsItself::ByKey] {
        let revocation = place
            .check_ocsp(Responder {
                calls_itself,
                ..place.delegate(|_| {})
            })
            .await;

        assert_eq!(revocation, GOOD, "{calls_itself:?}");
    }
}

#[tokio::test]
async fn nobody_else_may_answer() {
    let place = Place::new();
    let stranger = Place::new();

    let of_another_authority = stranger.delegate(|_| {});
    let no_responder = place.delegate(|params| params.extended_key_usages.clear());
    let may_not_sign = place.delegate(|params| {
        params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
    });
    let has_expired = place.delegate(expired);
    let absent = Responder {
        certificates: vec![],
        ..place.delegate(|_| {})
    };

    for responder in [
        of_another_authority,
        no_responder,
        may_not_sign,
        has_expired,
        absent,
    ] {
        let revocation = place.check_ocsp(responder).await;

        assert_unknown(&revocation, "may not speak for the authority");
    }
}

#[tokio::test]
async fn an_answer_that_was_signed_by_another_key_is_refused() {
    let place = Place::new();
    let stranger = Authority::root("Root 1");

    for responder in [place.responder(good()), place.delegate(|_| {})] {
        let revocation = place
            .check_ocsp(Responder {
                key: stranger.key(),
                ..responder
            })
            .await;

        assert_unknown(&revocation, "not by the key that should have signed it");
    }
}

#[tokio::test]
async fn what_a_responder_refuses_is_said() {
    let place = Place::new();

    for (answer, why) in [
        (
            &[0x30, 3, 0x0A, 1, 6][..],
            "does not answer for this authority",
        ),
        (&[0x30, 3, 0x0A, 1, 3], "says to try later"),
        (b"<html>", "cannot be read"),
        (b"", "cannot be read"),
    ] {
        let revocation = place
            .check(Net::default().with_ocsp(|_| answer.to_vec()))
            .await;

        assert_unknown(&revocation, why);
    }
}

#[tokio::test]
async fn an_answer_that_was_changed_anywhere_says_nothing() {
    let place = Place::new();
    let responder = Arc::new(place.responder(good()));
    let length = Arc::new(AtomicUsize::new(0));
    let changed_at = |at: usize, flip: u8| {
        let (responder, length) = (Arc::clone(&responder), Arc::clone(&length));
        Net::default().with_ocsp(move |request| {
            let mut answer = responder.answer(request);
            length.store(answer.len(), Ordering::Relaxed);
            // Signatures of ECDSA differ in length by a byte or two.
            let at = at % answer.len();
            answer[at] ^= flip;
            answer
        })
    };
    assert_eq!(place.check(changed_at(0, 0)).await, GOOD);

    for at in 0..length.load(Ordering::Relaxed) {
        for flip in [0x01, 0x80] {
            let revocation = place.check(changed_at(at, flip)).await;

            let is_unknown = matches!(revocation, Revocation::Unknown { .. });
            assert!(is_unknown, "{at}: {revocation:?}");
        }
    }
}
