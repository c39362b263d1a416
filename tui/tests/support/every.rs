//! Each variant of what can stand in an output, at least once. A variant that
//! is new does not compile before it is named here.
#![expect(clippy::unwrap_used, reason = "it serves tests alone")]

use cac_common::cause::{Cause, Kind};
use cac_common::certificate::{ChainStatus, Revocation, Role};
use cac_common::eligibility::{Category, Known, Route, Sponsor, Standing, Sure, Way};
use cac_common::finding::Weight;
use cac_common::interface::TestReply;
use cac_common::profile::{AccountKey, Purpose, RuleResult};
use cac_common::reader::{ReaderStatus, ServiceStatus};
use cac_common::registration::{Notice, RegistrationStatus};
use cac_common::snapshot::{Card, HistoryKind, PinStatus, Snapshot, Stage};
use cac_common::trace::{Hop, RuleTried, Trace};
use cac_common::wizard::{Ask, AskKind, WizardState};

use crate::invented;

macro_rules! every {
    ($kind:ident: $($variant:ident $({ $($field:ident: $value:expr),+ $(,)? })?),+ $(,)?) => {{
        let all = vec![$($kind::$variant $({ $($field: $value),+ })?),+];
        for one in &all {
            match one {
                $($kind::$variant { .. } => {})+
            }
        }
        all
    }};
}

fn cause() -> Cause {
    Cause::new(Kind::PortalBusy, "the portal answered 503").on_page(503, "00ff".into())
}

pub(crate) fn status() -> Vec<RegistrationStatus> {
    let now = invented::NOW;
    every![RegistrationStatus:
        NotSeen,
        NeedsPin { tries_left: None },
        SigningIn,
        Registered { since: now, checked_at: now, account: None, recheck_due: true },
        RegisteredNotSaved { account: Some("jane".into()), reason: "disk full".into() },
        OutOfDate { tries_left: Some(2) },
        NeedsConsent { notice: Notice { text: "You are".into(), sha256: "00ff".into() } },
        NeedsWizard,
        NotEligible,
        NeedsSponsor,
        NotFound,
        Forbidden { cause: cause() },
        Rejected { cause: Cause::from("expired") },
        Waiting { until: now, attempt: 2, cause: cause() },
        PinBlocked,
        LockedOut { until: Some(now) },
        Unsupported { cause: cause() },
        Unrecognised { cause: cause() },
        CardFailed { cause: cause() },
    ]
}

pub(crate) fn cause_kind() -> Vec<Kind> {
    Kind::ALL.into_iter().chain([Kind::Other]).collect()
}

pub(crate) fn stage() -> Vec<Stage> {
    every![Stage: Reading { done: 1, of: 9, what: Some("9A certificate".into()) }, Read, Held, Failed { cause: "reset".into() }]
}

pub(crate) fn pin() -> Vec<PinStatus> {
    every![PinStatus: Unknown, Ready { tries_left: None }, Blocked, OtherProgram]
}

pub(crate) fn chain() -> Vec<ChainStatus> {
    every![ChainStatus:
        NotChecked,
        NotConfigured,
        Trusted { path: vec!["CA".into()] },
        Test { authority: "CA".into() },
        NotTrusted { reason: "not known".into() },
    ]
}

pub(crate) fn revocation() -> Vec<Revocation> {
    let now = invented::NOW;
    every![Revocation:
        NotChecked,
        Good { at: now },
        Revoked { since: now, reason: None },
        Unknown { why: "not said".into() },
        Offline { why: "no route".into() },
    ]
}

pub(crate) fn wizard_state() -> Vec<WizardState> {
    let asks = ask_kind().into_iter().map(|kind| Ask {
        label: "Password".into(),
        kind,
        is_answered: false,
    });
    every![WizardState:
        Working,
        Asking { asks: asks.collect() },
        Telling,
        Stopped { cause: cause() },
        Done { is_registered: true, has_confirmation: false },
    ]
}

pub(crate) fn ask_kind() -> Vec<AskKind> {
    every![AskKind: Text, Password, Pin]
}

pub(crate) fn sure() -> Vec<Sure> {
    every![Sure: Good, Hint]
}

pub(crate) fn way() -> Vec<Way> {
    every![Way: Self_, Sponsor, Guest, NotAuthorised, NotYet, OtherCredential, HelpDesk]
}

pub(crate) fn rule_result() -> Vec<RuleResult> {
    every![RuleResult:
        Registered,
        NeedsWizard,
        NotEligible,
        NeedsSponsor,
        NotFound,
        Forbidden,
        LockedOut,
        Rejected,
        Waiting,
    ]
}

pub(crate) fn weight() -> Vec<Weight> {
    every![Weight: Fault, Warning, Note]
}

pub(crate) fn role() -> Vec<Role> {
    every![Role: Authentication, Identity, Signature, Encryption, Card, ContentSigning, Other]
}

pub(crate) fn authority() -> Vec<cacctl::trust::Role> {
    use cacctl::trust::Role as Authority;

    every![Authority: Anchor, Root, CrossCertificate, Issuing, EndEntity]
}

pub(crate) fn reader() -> Vec<ReaderStatus> {
    every![ReaderStatus: Empty, Card, NoAnswer]
}

pub(crate) fn service() -> Vec<ServiceStatus> {
    every![ServiceStatus: Starting, Running, Away, NotAllowed]
}

pub(crate) fn history_kind() -> Vec<HistoryKind> {
    every![HistoryKind: Service, Reader, Card, Pin, Registration, Configuration, Clear]
}

pub(crate) fn purpose() -> Vec<Purpose> {
    every![Purpose: Authentication, Signature]
}

pub(crate) fn account() -> Vec<AccountKey> {
    every![AccountKey: Upn, Edipi, Subject]
}

fn route(way: Way) -> Route {
    Route {
        categories: Category::ALL.into(),
        components: vec!["Army".into()],
        question: Some("Have you an account?".into()),
        way,
        text: "Ask your Task Monitor.".into(),
        sponsor: Some(Sponsor {
            who: "your Task Monitor".into(),
            needs: None,
            limits: Some("contractors".into()),
            pays: None,
        }),
    }
}

fn standings() -> Vec<Standing> {
    let of = |sure| Standing {
        category: Some(Known {
            value: Category::Contractor,
            sure,
            source: "FASC-N".into(),
        }),
        component: Some(Known {
            value: "Navy".into(),
            sure,
            source: "subject".into(),
        }),
    };
    sure().into_iter().map(of).collect()
}

/// The desk, with each variant in its place in one of them.
pub(crate) fn snapshots() -> Vec<Snapshot> {
    let mut all = vec![
        invented::desk(),
        invented::checked(),
        invented::nothing_plugged_in(),
        invented::desk().for_a_stranger(),
    ];
    let mut on_card = |change: &dyn Fn(&mut Card)| {
        let mut desk = invented::checked();
        change(desk.readers[2].card.as_mut().unwrap());
        all.push(desk);
    };
    let causes = cause_kind().into_iter().map(|kind| {
        let cause = Cause::new(kind, "so");
        RegistrationStatus::Rejected { cause }
    });
    for status in status().into_iter().chain(causes) {
        on_card(&|card| card.registrations[0].status = status.clone());
    }
    for way in way() {
        on_card(&|card| card.registrations[1].route = Some(route(way)));
    }
    for stage in stage() {
        on_card(&|card| card.stage = stage.clone());
    }
    for pin in pin() {
        on_card(&|card| card.pin = pin.clone());
    }
    for role in role() {
        on_card(&|card| card.certificates[0].role = role);
    }
    for chain in chain() {
        on_card(&|card| card.certificates[0].chain = chain.clone());
    }
    for revocation in revocation() {
        on_card(&|card| card.certificates[0].revocation = revocation.clone());
    }
    for state in wizard_state() {
        on_card(&|card| card.wizard = Some(invented::wizard("ako", state.clone())));
    }
    for standing in standings() {
        on_card(&|card| card.holder.as_mut().unwrap().standing = standing.clone());
    }
    // Nothing is known of it yet.
    on_card(&|card| {
        card.id = None;
        card.dod_id = None;
        card.holder = None;
        card.expires = None;
        card.login = None;
        card.user = Some("jane".into());
    });
    for service in service() {
        all.push(Snapshot {
            service,
            problems: vec!["p.toml:1:1: bad".into()],
            ..invented::desk()
        });
    }
    for kind in history_kind() {
        let mut desk = invented::desk();
        desk.happened[0].kind = kind;
        desk.daemon.store_problem = Some("disk full".into());
        all.push(desk);
    }
    for status in reader() {
        let mut desk = invented::desk();
        desk.readers[0].status = status;
        all.push(desk);
    }
    all
}

pub(crate) fn test_replies() -> Vec<TestReply> {
    let hop = Hop {
        method: "GET".into(),
        url: "https://portal.example/".into(),
        fields: vec!["user".into()],
        ..Hop::default()
    };
    let rules = rule_result().into_iter().map(|result| RuleTried {
        number: 1,
        result,
        misses: Some("status is 200".into()),
    });
    let trace = Trace {
        hops: vec![hop],
        rules: rules.collect(),
    };
    let of = |outcome| TestReply {
        outcome,
        trace: trace.clone(),
        page: None,
    };
    status().into_iter().map(of).collect()
}
