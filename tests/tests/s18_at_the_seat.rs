//! Users who are in no group, one after the other at the machine's seat: each
//! sees and uses the cards they put in, and nothing of the other's.

use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context as _;
use cac_common::client::Client;
use cac_common::interface::{
    Clear, ClearScope, GetCertificates, GetConfirmation, GetHistory, Refusal, Register,
};
use cac_common::locked::Locked;
use cac_common::reader::ReaderName;
use cac_common::snapshot::{Hidden, Snapshot};
use cac_tests::harness::{Lab, PORTAL, Plan, as_user, jane, john, pin_for, refusal, tells_of_jane};
use cac_tests::system_bus::SystemBus;
use cac_tests::virtual_card::{CardModel, samples};

/// `nobody` and `nogroup`.
const FIRST: (u32, u32) = (65534, 65534);

/// `games`, on every Debian.
const SECOND: (u32, u32) = (5, 60);

const LIMIT: Duration = Duration::from_secs(30);

const HISTORY: GetHistory = GetHistory::newest(100);

#[test]
fn s18_the_user_at_the_seat_sees_and_uses_their_card_and_clears_nothing() -> anyhow::Result<()> {
    let (bus, mut lab) = lab()?;
    bus.begin_session("first", FIRST.0, "nobody")?;
    let card = jane(CardModel::T1)?;
    lab.insert(0, &card)?;
    let shown = lab.wait_for_status(0, "needs PIN")?;
    let (socket, request) = (lab.socket(), pin_for(&shown)?);
    let reader = ReaderName(lab.reader_name(0));

    let (seen, history, exported, refusals) = as_user(FIRST.0, FIRST.1, async || {
        wait_for(&socket, |seen| seen.readers[0].card.is_some()).await?;
        let mut client = Client::connect(&socket).await?;
        client.submit_pin(request, pin()?, 8).await?;
        let seen = wait_for(&socket, |seen| {
            let card = seen.readers[0].card.as_ref();
            card.is_some_and(|card| card.registrations[0].status.label() == "registered")
        })
        .await?;
        let history = client.history(&HISTORY).await?;
        let reader = reader.clone();
        let exported = client.certificates(&GetCertificates { reader }).await?;
        let everything = Clear {
            scope: ClearScope::All {},
            dry_run: true,
        };
        let refusals = [
            refusal(client.clear(&everything).await)?,
            refusal(client.activity().await.map(|_| ()))?,
        ];
        Ok((seen, history, exported, refusals))
    })?;

    let whole = lab.snapshot()?;
    assert!(seen.may_act && !seen.may_administer);
    assert_eq!(seen.readers[0].seat.as_deref(), Some("seat0"));
    assert_eq!(
        seen.readers[0]
            .card
            .as_ref()
            .and_then(|card| card.holder.clone()),
        shown.holder
    );
    assert!(whole.may_administer);
    assert!(history.iter().any(|entry| entry.text.contains("DOE")));
    assert_eq!(exported.len(), 4);
    assert_eq!(refusals, [const { Refusal::PermissionDenied }; 2]);
    assert_eq!(card.log().pin_attempts(), 1);
    Ok(())
}

#[test]
fn s18_who_comes_to_the_seat_sees_nothing_of_a_card_that_was_in_before() -> anyhow::Result<()> {
    let (bus, mut lab) = lab()?;
    bus.begin_session("first", FIRST.0, "nobody")?;
    let card = jane(CardModel::T1)?;
    lab.register(0, &card, samples::PIN)?;
    let socket = lab.socket();
    let shown = lab.wait_until_whole(0)?;
    let request = pin_for(&shown)?;
    let (id, visit) = (request.card.clone(), request.visit);
    let (followed, begins) = follow(&lab);
    begins.recv_timeout(LIMIT)?;

    bus.leave_seat("first")?;
    bus.begin_session("second", SECOND.0, "games")?;

    // Who was there before is shown nobody from that moment on.
    let followed = followed
        .join()
        .map_err(|_| anyhow::anyhow!("the one who watched has panicked"))??;
    is_a_strangers(&followed)?;
    let (seen, history, refusals) = as_user(SECOND.0, SECOND.1, async || {
        let seen = wait_for(&socket, |seen| seen.may_act).await?;
        let mut client = Client::connect(&socket).await?;
        let history = client.history(&HISTORY).await?;
        let reader = ReaderName(seen.readers[0].name.0.clone());
        let of_the_card = Register {
            card: Some(id.clone()),
            portal: None,
        };
        let confirmation = GetConfirmation {
            card: id.clone(),
            portal: PORTAL.into(),
        };
        let wizard = cac_common::interface::StartWizard {
            card: id.clone(),
            visit,
            portal: PORTAL.into(),
        };
        let refusals = [
            refusal(client.certificates(&GetCertificates { reader }).await)?,
            refusal(client.start_wizard(&wizard).await)?,
            refusal(client.confirmation(&confirmation).await)?,
            refusal(client.register(&of_the_card).await)?,
            refusal(client.register(&Register::default()).await)?,
        ];
        Ok((seen, history, refusals))
    })?;
    assert_eq!(seen.readers[0].hidden, Some(Hidden::PutInBefore));
    assert!(seen.readers[0].card.is_none() && seen.known.is_empty());
    names_no_jane(&seen)?;
    let id = shown.id.context("it is known")?.0;
    let text = serde_json::to_string(&seen)?;
    assert!(!text.contains(&id), "{id} in {text}");
    assert!(
        history.iter().all(|entry| entry.card.is_none()),
        "{history:?}"
    );
    assert_eq!(
        refusals,
        [
            Refusal::PutInBefore,
            Refusal::PutInBefore,
            Refusal::NotAtTheSeat,
            Refusal::NoSuchCard,
            Refusal::NoSuchCard,
        ]
    );
    lab.wait_for_log("put it in again")?;

    // The one who was first is back, and sees it again; then another card comes.
    bus.leave_seat("second")?;
    bus.come_to_front("first")?;
    as_user(FIRST.0, FIRST.1, async || {
        wait_for(&socket, |seen| seen.readers[0].card.is_some()).await
    })?;
    bus.leave_seat("first")?;
    bus.come_to_front("second")?;
    lab.take_out(0)?;
    let other = john(CardModel::T1)?;
    lab.insert(0, &other)?;
    let seen = as_user(SECOND.0, SECOND.1, async || {
        wait_for(&socket, |seen| {
            let card = seen.readers[0].card.as_ref();
            card.is_some_and(|card| card.holder.is_some())
        })
        .await
    })?;
    names_no_jane(&seen)?;
    let text = serde_json::to_string(&seen)?;
    assert!(text.contains("ROE"), "{text}");
    Ok(())
}

#[test]
fn s18_without_logind_nobody_is_at_a_seat() -> anyhow::Result<()> {
    let (mut bus, mut lab) = lab()?;
    bus.begin_session("first", FIRST.0, "nobody")?;
    let card = jane(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    let (followed, begins) = follow(&lab);
    begins.recv_timeout(LIMIT)?;

    bus.kill();

    let followed = followed
        .join()
        .map_err(|_| anyhow::anyhow!("the one who watched has panicked"))??;
    is_a_strangers(&followed)
}

fn lab() -> anyhow::Result<(SystemBus, Lab)> {
    let bus = SystemBus::start()?;
    let lab = Plan::default().bus(&bus).start()?;
    lab.welcome(samples::jane())?;
    bus.wait_until_followed()?;
    Ok((bus, lab))
}

type Followed = std::thread::JoinHandle<anyhow::Result<Snapshot>>;

/// The first user watches, from a card that they see until they see none: the
/// first picture after that. Says when it begins.
fn follow(lab: &Lab) -> (Followed, mpsc::Receiver<()>) {
    let socket = lab.socket();
    let (begun, begins) = mpsc::channel();
    let followed = std::thread::spawn(move || {
        as_user(FIRST.0, FIRST.1, async || {
            let mut monitor = Client::connect(&socket).await?.monitor().await?;
            let mut has_seen = false;
            loop {
                let seen = tokio::time::timeout(LIMIT, monitor.next()).await??;
                if seen.readers.first().is_some_and(|it| it.card.is_some()) {
                    has_seen = true;
                    begun.send(()).ok();
                } else if has_seen {
                    return Ok(seen);
                }
            }
        })
    });
    (followed, begins)
}

async fn wait_for(
    socket: &std::path::Path,
    condition: impl Fn(&Snapshot) -> bool,
) -> anyhow::Result<Snapshot> {
    let mut monitor = Client::connect(socket).await?.monitor().await?;
    tokio::time::timeout(LIMIT, async {
        loop {
            let seen = monitor.next().await?;
            if !seen.readers.is_empty() && condition(&seen) {
                return Ok(seen);
            }
        }
    })
    .await
    .context("it is not shown so")?
}

fn pin() -> anyhow::Result<Locked> {
    let mut digits = Locked::new()?;
    digits.bytes_mut()[..8].copy_from_slice(samples::PIN.as_bytes());
    Ok(digits)
}

fn is_a_strangers(seen: &Snapshot) -> anyhow::Result<()> {
    assert!(!seen.may_act && seen.happened.is_empty());
    assert_eq!(seen.readers[0].hidden, Some(Hidden::OtherSeat));
    names_no_jane(seen)
}

fn names_no_jane(seen: &Snapshot) -> anyhow::Result<()> {
    let text = serde_json::to_string(seen)?;
    assert_eq!(tells_of_jane(&text), None, "{text}");
    Ok(())
}
