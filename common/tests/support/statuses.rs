//! Where a card may stand at a portal.

use cac_common::cause::Cause;
use cac_common::registration::{Notice, RegistrationStatus};
use cac_common::time::UtcSeconds;

/// One of each, in the order of the documents; two of one that is advised on in two ways.
pub(crate) fn statuses() -> Vec<RegistrationStatus> {
    use RegistrationStatus as Status;

    let at = UtcSeconds(0);
    let cause = || Cause::from("*what happened*");
    let registered = |recheck_due| Status::Registered {
        since: at,
        checked_at: at,
        account: None,
        recheck_due,
    };
    vec![
        Status::NotSeen,
        Status::NeedsPin {
            tries_left: Some(3),
        },
        Status::SigningIn,
        registered(false),
        registered(true),
        Status::RegisteredNotSaved {
            account: None,
            reason: "*why*".into(),
        },
        Status::OutOfDate {
            tries_left: Some(3),
        },
        Status::NeedsConsent {
            notice: Notice {
                text: String::new(),
                sha256: String::new(),
            },
        },
        Status::NeedsWizard,
        Status::NotEligible,
        Status::NeedsSponsor,
        Status::NotFound,
        Status::Forbidden { cause: cause() },
        Status::Rejected { cause: cause() },
        Status::Waiting {
            until: at,
            attempt: 1,
            cause: cause(),
        },
        Status::PinBlocked,
        Status::LockedOut { until: None },
        Status::Unsupported { cause: cause() },
        Status::Unrecognised { cause: cause() },
        Status::CardFailed { cause: cause() },
    ]
}
