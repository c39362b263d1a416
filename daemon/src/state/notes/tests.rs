use std::time::Duration;

use cac_common::cause::{Cause, Kind};
use cac_common::time::UtcSeconds;

use super::*;

#[test]
fn a_portal_that_does_not_answer_leaves_registered_who_was() {
    let busy = Outcome::Unavailable {
        cause: Cause::new(Kind::PortalBusy, "the portal answered 503"),
        retry_after: None,
    };

    let said = |is_registered| portal_said(&busy, is_registered).unwrap().1;

    assert_eq!(said(false), "waiting: the portal answered 503");
    assert_eq!(
        said(true),
        "registered, not checked: the portal answered 503"
    );
}

#[test]
fn a_card_that_is_put_in_is_registered_as_of_when_that_was_checked() {
    let day = 24 * 60 * 60;
    let now = Now {
        utc: UtcSeconds(40 * day),
        monotonic: Duration::ZERO,
        random: 0,
    };
    let registered = |days: i64, recheck_due| RegistrationStatus::Registered {
        since: UtcSeconds(0),
        checked_at: UtcSeconds((40 - days) * day),
        account: None,
        recheck_due,
    };

    for (status, told) in [
        (registered(0, false), "still registered, checked just now"),
        (registered(2, false), "still registered, checked 2 days ago"),
        (registered(31, true), "registered, not checked for 31 days"),
        (RegistrationStatus::NotFound, "not found"),
    ] {
        assert_eq!(at_first(&status, now), told);
    }
}
