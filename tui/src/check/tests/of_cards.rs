//! What is checked of a card: each way in which one can stand.

use cac_common::finding::Finding as Oddity;
use cac_common::reader::ReaderStatus;
use cac_common::snapshot::Hidden;

use super::super::card as of;
use super::*;

/// Of a desk that is changed so.
fn with(name: &'static str, expected: Outcome, change: Change) -> Case {
    let mut snapshot = well();
    change(&mut snapshot);
    case(
        name,
        expected,
        named(&checked(&snapshot), name).found.clone(),
    )
}

fn odd(finding: Oddity) -> Case {
    let expected = match finding.weight {
        cac_common::finding::Weight::Note => of::findings::NOTED,
        cac_common::finding::Weight::Fault | cac_common::finding::Weight::Warning => {
            of::findings::ODD
        }
    };
    let mut snapshot = well();
    card(&mut snapshot).findings = vec![finding.clone(), finding];
    let found = named(&checked(&snapshot), "card-findings").found.clone();
    case("card-findings", expected, found)
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = in_the_reader();
    cases.extend(of_its_certificates());
    cases.extend(of_its_end());
    cases
}

fn in_the_reader() -> Vec<Case> {
    let snapshot = well();
    let (profiles, ticked) = (BTreeMap::new(), BTreeSet::new());
    let known_card = snapshot.known.first().expect("one was here before");
    let chosen = Known {
        chosen: Some(Chosen::Known(known_card)),
        ..known(Some(&snapshot), &Link::Connected, &profiles, &ticked)
    };
    let in_no_reader = named(&findings(&chosen), "card").found.clone();
    vec![
        with("reader", readers::reader::THERE, |_| {}),
        with("permission", of::permission::LET, |_| {}),
        with("permission", of::permission::READERS_ONLY, |it| {
            *it = it.for_a_stranger();
        }),
        with("card", of::card_in::IS_IN, |_| {}),
        case("card", of::card_in::IN_NO_READER, in_no_reader),
        with("card", of::card_in::EMPTY, |it| {
            it.readers[0].card = None;
            it.readers[0].status = ReaderStatus::Empty;
        }),
        with("card", of::card_in::SILENT, |it| {
            it.readers[0].card = None;
            it.readers[0].status = ReaderStatus::NoAnswer;
        }),
        with("card", of::card_in::HIDDEN, |it| {
            it.readers[0].card = None;
            it.readers[0].hidden = Some(Hidden::PutInBefore);
        }),
        with("card", of::card_in::APPEARS, |it| it.readers[0].card = None),
        with("card-read", of::read::READ, |_| {}),
        with("card-read", of::read::READING, |it| {
            card(it).stage = Stage::Reading {
                done: 3,
                of: 9,
                what: None,
            };
        }),
        with("card-read", of::read::HELD, |it| {
            card(it).stage = Stage::Held;
        }),
        with("card-read", of::read::FAILED, |it| {
            card(it).stage = Stage::Failed {
                cause: "it was reset".into(),
            };
        }),
        with("card-kind", of::kind::KNOWN, |_| {}),
        with("card-kind", of::kind::NOT_SAID, |it| card(it).kind.clear()),
        with("card-kind", of::kind::FIRST, |it| {
            card(it).kind = "CAC, first generation".into();
        }),
    ]
}

fn of_its_certificates() -> Vec<Case> {
    vec![
        with("certificate", of::login::CHOSEN, |_| {}),
        with("certificate", of::login::NO_CERTIFICATE, |it| {
            card(it).certificates.clear();
        }),
        with("certificate", of::login::NONE_FIT, |it| {
            card(it).login = None;
        }),
        with("certificate-dates", of::dates::IN_DATE, |_| {}),
        with("certificate-dates", of::dates::TOO_EARLY, |it| {
            card(it).certificates[0].not_before = UtcSeconds(i64::MAX);
        }),
        with("certificate-dates", of::dates::EXPIRED, |it| {
            card(it).certificates[0].not_after = UtcSeconds(invented::NOW.0 - 1);
        }),
        with("certificate-dates", of::dates::SOON, |it| {
            card(it).certificates[0].not_after = UtcSeconds(invented::NOW.0 + 86_400);
        }),
        with("certificate-chain", of::chain::TRUSTED, |_| {}),
        with("certificate-chain", of::chain::JUDGED, |it| {
            card(it).certificates[0].chain = ChainStatus::NotChecked;
        }),
        with("certificate-chain", of::chain::NOT_CONFIGURED, |it| {
            card(it).certificates[0].chain = ChainStatus::NotConfigured;
        }),
        with("certificate-chain", of::chain::TEST, |it| {
            card(it).certificates[0].chain = ChainStatus::Test {
                authority: "DoD JITC Root CA 6".into(),
            };
        }),
        with("certificate-chain", of::chain::NOT_TRUSTED, |it| {
            card(it).certificates[0].chain = ChainStatus::NotTrusted {
                reason: "no issuer".into(),
            };
        }),
        with("certificate-revocation", of::revocation::GOOD, |_| {}),
        with("certificate-revocation", of::revocation::JUDGED, |it| {
            card(it).certificates[0].chain = ChainStatus::NotChecked;
            card(it).certificates[0].revocation = Revocation::NotChecked;
        }),
        with("certificate-revocation", of::revocation::NOT_ASKED, |it| {
            card(it).certificates[0].revocation = Revocation::NotChecked;
        }),
        with("certificate-revocation", of::revocation::REVOKED, |it| {
            card(it).certificates[0].revocation = Revocation::Revoked {
                since: invented::NOW,
                reason: None,
            };
        }),
        with("certificate-revocation", of::revocation::UNKNOWN, |it| {
            card(it).certificates[0].revocation = Revocation::Unknown {
                why: "it does not know it".into(),
            };
        }),
        with("certificate-revocation", of::revocation::OFFLINE, |it| {
            card(it).certificates[0].revocation = Revocation::Offline {
                why: "no route".into(),
            };
        }),
    ]
}

fn of_its_end() -> Vec<Case> {
    let pin = |expected: Outcome, status: PinStatus| {
        let mut snapshot = well();
        card(&mut snapshot).pin = status;
        let found = named(&checked(&snapshot), "pin-tries").found.clone();
        case("pin-tries", expected, found)
    };
    let left = |tries_left: Option<u8>| PinStatus::Ready { tries_left };
    vec![
        with("card-expiry", of::expiry::IN_DATE, |it| {
            card(it).expires = Some("2026-11-22".into());
        }),
        with("card-expiry", of::expiry::ENDED, |it| {
            card(it).expires = Some("2026-11-21".into());
        }),
        with("card-expiry", of::expiry::NO_DAY, |it| {
            card(it).expires = Some("2026-13-41".into());
        }),
        with("card-expiry", of::expiry::NOT_SAID, |it| {
            card(it).expires = None;
        }),
        with("card-findings", of::findings::NONE, |it| {
            card(it).findings.clear();
        }),
        odd(Oddity::fault("CHUID", "is cut short", "It is damaged.")),
        odd(Oddity::note("CHUID", "is long", "It is rare.")),
        pin(of::pin::ASKED, PinStatus::Unknown),
        pin(of::pin::LEFT, left(Some(2))),
        pin(of::pin::LAST, left(Some(1))),
        pin(of::pin::NO_COUNT, left(None)),
        pin(of::pin::OTHER_PROGRAM, PinStatus::OtherProgram),
        pin(of::pin::BLOCKED, PinStatus::Blocked),
        pin(of::pin::BLOCKED, left(Some(0))),
    ]
}
