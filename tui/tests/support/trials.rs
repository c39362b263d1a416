//! What may come of a sign-in that is tried.

use cac_common::cause::{Cause, Kind};
use cac_common::interface::TestReply;
use cac_common::profile::RuleResult;
use cac_common::registration::RegistrationStatus;
use cac_common::time::UtcSeconds;
use cac_common::trace::{Hop, RuleTried, Trace};

use crate::invented;

pub(crate) fn registered() -> TestReply {
    let first = Hop {
        asked: true,
        signed: true,
        cookies: 1,
        redirect: Some("https://travel.example/home".into()),
        ..hop("https://travel.example/", 302)
    };
    TestReply {
        outcome: RegistrationStatus::Registered {
            since: invented::NOW,
            checked_at: invented::NOW,
            account: Some("jane.q.doe".into()),
            recheck_due: false,
        },
        trace: Trace {
            hops: vec![first, hop("https://travel.example/home", 200)],
            rules: vec![
                RuleTried {
                    number: 1,
                    result: RuleResult::NotFound,
                    misses: Some("\u{201c}User Not Found\u{201d} is not on the page".into()),
                },
                RuleTried {
                    number: 2,
                    result: RuleResult::Registered,
                    misses: None,
                },
            ],
        },
        page: None,
    }
}

pub(crate) fn unrecognised() -> TestReply {
    let mut reply = registered();
    reply.outcome = RegistrationStatus::Unrecognised {
        cause: Cause::new(Kind::UnknownPage, "Welcome to Travel, 1234567890").on_page(
            200,
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        ),
    };
    reply.trace.rules[1].misses = Some("the status is 200, not 403".into());
    reply
}

/// Everything long, wide or out of range.
pub(crate) fn long() -> TestReply {
    let long = "\u{65e5}\u{672c}\u{8a9e} e\u{301} \u{202e}\u{1b}[2J ".repeat(40);
    let failed = Hop {
        status: None,
        failure: Some(long.clone()),
        fields: vec![long.clone(); 2],
        doubt: Some(long.clone()),
        redirect: Some(long.clone()),
        took: u64::MAX,
        cookies: u32::MAX,
        ..hop(&long, 0)
    };
    TestReply {
        outcome: RegistrationStatus::Waiting {
            until: UtcSeconds(i64::MAX),
            attempt: 1,
            cause: Cause::new(Kind::NoAnswer, long.clone()),
        },
        trace: Trace {
            hops: vec![failed; 3],
            rules: vec![RuleTried {
                number: u32::MAX,
                result: RuleResult::NeedsSponsor,
                misses: Some(long),
            }],
        },
        page: None,
    }
}

fn hop(url: &str, status: u16) -> Hop {
    Hop {
        method: "GET".into(),
        url: url.into(),
        status: Some(status),
        took: 182,
        protocol: Some("HTTP/1.1".into()),
        ..Hop::default()
    }
}
