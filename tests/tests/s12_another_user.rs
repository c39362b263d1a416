//! Another user of the machine connects: what is shown, and what is refused.

use anyhow::Context as _;
use cac_common::client::Client;
use cac_common::interface::{Clear, ClearScope, GetHistory, Refusal, Register};
use cac_common::locked::Locked;
use cac_common::snapshot::Snapshot;
use cac_tests::harness::{Lab, Plan, as_user, john, pin_for, refusal, tells_of_john};
use cac_tests::virtual_card::{CardModel, samples};

/// `nobody` and `nogroup`.
const NOBODY: (u32, u32) = (65534, 65534);

/// `games`, whose own group is `games`, on every Debian.
const GAMES: (u32, u32) = (5, 60);

const HISTORY: GetHistory = GetHistory::newest(10);

#[test]
fn s12_a_stranger_sees_readers_and_no_person_and_may_do_nothing() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    let shown = lab.wait_for_status(0, "needs PIN")?;
    lab.wait_for_entries("needs PIN", 1)?;
    let whole = lab.snapshot()?;
    assert!(!whole.known.is_empty() && !whole.happened.is_empty());
    let (socket, request) = (lab.socket(), pin_for(&shown)?);

    let (snapshot, followed, refusals) = as_user(NOBODY.0, NOBODY.1, async || {
        let mut client = Client::connect(&socket).await?;
        let snapshot = client.snapshot().await?;
        let mut digits = Locked::new()?;
        digits.bytes_mut()[..8].copy_from_slice(samples::PIN.as_bytes());
        let everything = Clear {
            scope: ClearScope::All {},
            dry_run: false,
        };
        let refusals = [
            refusal(client.submit_pin(request, digits, 8).await)?,
            refusal(client.register(&Register::default()).await)?,
            refusal(client.history(&HISTORY).await)?,
            refusal(client.clear(&everything).await)?,
        ];
        let mut monitor = client.monitor().await?;
        Ok((snapshot, monitor.next().await?, refusals))
    })?;

    for seen in [snapshot, followed] {
        shows_nobody(&seen, &whole)?;
    }
    let [at_the_seat @ .., clearing] = refusals;
    assert_eq!(at_the_seat, [const { Refusal::NotAtTheSeat }; 3]);
    assert_eq!(clearing, Refusal::PermissionDenied);
    assert_eq!(card.log().pin_attempts(), 0);
    assert_eq!(
        lab.wait_for_status(0, "needs PIN")?.visit,
        shown.visit,
        "nothing has happened"
    );
    assert!(!lab.history()?.is_empty());
    Ok(())
}

#[test]
fn s12_a_member_of_the_group_may_act() -> anyhow::Result<()> {
    let mut lab = Plan::default()
        .settings("[access]\ngroup = \"games\"\n")
        .start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    let shown = lab.wait_for_status(0, "needs PIN")?;
    let (socket, request) = (lab.socket(), pin_for(&shown)?);

    let (snapshot, history) = as_user(GAMES.0, GAMES.1, async || {
        let mut client = Client::connect(&socket).await?;
        let mut digits = Locked::new()?;
        digits.bytes_mut()[..8].copy_from_slice(samples::PIN.as_bytes());
        client.submit_pin(request, digits, 8).await?;
        let history = client.history(&HISTORY).await?;
        Ok((client.snapshot().await?, history))
    })?;

    assert!(snapshot.may_act);
    let seen = lab.card(&snapshot, 0)?;
    assert_eq!(seen.holder, shown.holder);
    assert!(!history.is_empty());
    lab.wait_for_status(0, "registered")?;
    assert_eq!(card.log().pin_attempts(), 1);

    // The group does not make a stranger of everyone else's friend.
    let socket = lab.socket();
    let refused = as_user(NOBODY.0, NOBODY.1, async || {
        refusal(Client::connect(&socket).await?.history(&HISTORY).await)
    })?;
    assert_eq!(refused, Refusal::NotAtTheSeat);
    Ok(())
}

/// Readers and portals, and nothing by which a person could be known.
fn shows_nobody(seen: &Snapshot, whole: &Snapshot) -> anyhow::Result<()> {
    assert!(!seen.may_act && !seen.may_administer);
    let names = |snapshot: &Snapshot| -> Vec<String> {
        let readers = snapshot.readers.iter();
        readers.map(|reader| reader.name.0.clone()).collect()
    };
    assert_eq!(names(seen), names(whole));
    assert!(seen.readers.iter().all(|reader| reader.card.is_none()));
    assert!(seen.known.is_empty() && seen.happened.is_empty() && seen.problems.is_empty());
    let text = serde_json::to_string(seen)?;
    let card = whole.readers[0].card.as_ref().context("a card is there")?;
    let id = card.id.as_ref().context("it is known")?;
    assert_eq!(tells_of_john(&text), None, "{text}");
    assert!(!text.contains(&id.0), "{id:?} in {text}");
    Ok(())
}
