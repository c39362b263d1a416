//! How sign-ins end, one by one; their order is the state's property test's.

use super::*;
use crate::card::error::StatusWord;
use crate::state::tests::fixtures::{facts, portal};

const NOW: Now = Now {
    utc: UtcSeconds(5_000),
    monotonic: Duration::from_secs(5),
    random: 0,
};

#[test]
fn a_recheck_that_fails_leaves_what_was_written_down() {
    let failures = [
        SignInResult::Card(CardError::WrongPin {
            tries_left: Some(2),
        }),
        SignInResult::Card(CardError::OtherCard),
        SignInResult::PinGone,
        SignInResult::Failed {
            cause: "no memory".into(),
        },
        SignInResult::Portal(Outcome::Unavailable {
            cause: "connection refused".into(),
            retry_after: None,
        }),
    ];
    for result in failures {
        let (stand, next) = Stand::ended(recheck(result.clone()), &Config::default(), NOW);

        assert_eq!(stand, Stand::Rest(registered()), "{result:?}");
        assert!(!matches!(next, Next::Record(_)), "{result:?}");
    }
}

#[test]
fn what_a_card_answered_to_a_pin_decides_what_is_asked_next() {
    let refused = |status| CardError::Refused {
        command: "VERIFY",
        status: StatusWord(status),
    };
    let wrong = CardError::WrongPin { tries_left: None };
    let uncounted = PinStatus::Ready { tries_left: None };
    let end = |error| {
        let end = SignInEnd {
            due: Due::default(),
            ..recheck(SignInResult::Card(error))
        };
        Stand::ended(end, &Config::default(), NOW)
    };

    let due = Stand::Due(Due::default());
    let blocked = (due.clone(), Next::Pin(PinStatus::Blocked));
    assert_eq!(end(CardError::PinBlocked), blocked);
    assert_eq!(end(wrong), (due, Next::Pin(uncounted)));
    let (stand, next) = end(refused(0x6A88));
    let cause = "no PIN was ever set on this card, or not the one that it names; an ID card office can set it (6A88 to VERIFY)";
    let failed = RegistrationStatus::CardFailed {
        cause: Cause::new(Kind::CardFailed, cause),
    };
    assert_eq!((stand, next), (Stand::Rest(failed), Next::Nothing));
}

#[test]
fn what_was_cleared_is_not_taken_for_true_when_a_recheck_fails() {
    let due = recheck(SignInResult::PinGone).due;
    let signing_in = Stand::SigningIn { due, again: false };

    let Stand::SigningIn { due, .. } = signing_in.forgotten() else {
        panic!("it goes on");
    };

    let end = SignInEnd {
        due,
        ..recheck(SignInResult::PinGone)
    };
    let (stand, _) = Stand::ended(end, &Config::default(), NOW);
    assert_eq!(stand, Stand::Due(Due::default()));
}

#[test]
fn a_recheck_keeps_since_when_somebody_is_registered() {
    let yes = SignInResult::Portal(Outcome::Registered { account: None });

    let (_, next) = Stand::ended(recheck(yes), &Config::default(), NOW);

    assert_eq!(
        next,
        Next::Record(RegistrationStatus::Registered {
            since: UtcSeconds(1),
            checked_at: NOW.utc,
            account: None,
            recheck_due: false,
        })
    );
}

#[test]
fn a_forbidden_page_is_met_with_one_fresh_session_and_no_more() {
    let forbidden = |again, may_sign_again| SignInEnd {
        due: Due::default(),
        again,
        result: SignInResult::Portal(Outcome::Forbidden {
            cause: "403".into(),
        }),
        may_sign_again,
        locks_for: None,
        proof: proof(),
    };
    let next = |end| Stand::ended(end, &Config::default(), NOW).1;

    assert_eq!(next(forbidden(false, true)), Next::Again);
    assert!(matches!(next(forbidden(true, true)), Next::Record(_)));
    assert!(matches!(next(forbidden(false, false)), Next::Record(_)));
}

fn recheck(result: SignInResult) -> SignInEnd {
    SignInEnd {
        due: Due {
            recheck_of: Some(Box::new(registered())),
            ..Due::default()
        },
        again: false,
        result,
        may_sign_again: false,
        locks_for: None,
        proof: proof(),
    }
}

fn proof() -> Proof {
    Proof {
        certificate_sha256: "ab".into(),
        profile: "cd".into(),
    }
}

fn registered() -> RegistrationStatus {
    RegistrationStatus::Registered {
        since: UtcSeconds(1),
        checked_at: UtcSeconds(2),
        account: Some("jane.doe".into()),
        recheck_due: false,
    }
}

#[test]
fn an_account_that_is_locked_is_left_alone_until_that_is_over() {
    let minutes = Duration::from_mins;
    let end = SignInEnd {
        locks_for: Some(minutes(15)),
        result: SignInResult::Portal(Outcome::LockedOut),
        due: Due::default(),
        ..recheck(SignInResult::PinGone)
    };
    let at = |span| Now {
        utc: NOW.utc.after(span),
        ..NOW
    };

    let (stand, _) = Stand::ended(end, &Config::default(), NOW);
    let too_early = stand
        .clone()
        .asked_for(&facts(0, 0), &portal("first", "/"), at(minutes(14)));
    let in_time = stand
        .clone()
        .asked_for(&facts(0, 0), &portal("first", "/"), at(minutes(15)));

    let until = Some(NOW.utc.after(minutes(15)));
    assert_eq!(stand, Stand::Rest(RegistrationStatus::LockedOut { until }));
    assert_eq!(too_early, stand);
    assert!(in_time.is_due());
}
