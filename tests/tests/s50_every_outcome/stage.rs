//! Plays rows, one after the other, at one machine with one card.

use std::time::UNIX_EPOCH;

use anyhow::{Context as _, bail, ensure};
use cac_common::interface::{Clear, ClearScope};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, PinStatus, Snapshot};
use cac_common::time::UtcSeconds;
use cac_tests::clock;
use cac_tests::harness::{LIMIT, Lab, PORTAL, Plan, john, portal_person};
use cac_tests::portal::{Fault, PortalConfig, ReferencePortal, ServerIdentity};
use cac_tests::virtual_card::card_file::CardFile;
use cac_tests::virtual_card::certificate::Validity;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};
use cac_tests::wait::wait_until;

use crate::row::{Row, Then, cause};

/// A second portal, which nothing is ever wrong with.
const STEADY: &str = "steady";

/// The PIN is typed once and at hand from then on: whatever is not due is left
/// alone all the same. What waits is soon tried again.
const SETTINGS: &str = "\
[pin]\nkeep = \"visit\"\n[retry]\nfirst_wait = \"1s\"\nlongest_wait = \"1s\"\n";

/// John Roe's card in a reader, its PIN typed, and registered at the steady portal.
pub(crate) struct Stage {
    pub(crate) lab: Lab,
    pub(crate) card: CardHandle,
    /// So many portals have been there beside the steady one.
    portals: u32,
    wrong: Vec<String>,
}

impl Stage {
    pub(crate) fn open() -> anyhow::Result<Self> {
        let mut lab = Plan::default().settings(SETTINGS).start()?;
        lab.welcome(samples::john())?;
        let steady = lab
            .portal()
            .profile()
            .replace(&named(PORTAL), &named(STEADY));
        lab.remove_profile(PORTAL)?;
        lab.write_profile(STEADY, &steady)?;
        lab.wait_for(
            "the steady portal is the only one",
            |snapshot| matches!(&snapshot.portals[..], [portal] if portal.name == STEADY),
        )?;
        let card = john(CardModel::T1)?;
        lab.insert(0, &card)?;
        lab.wait_for("the PIN is asked for", |snapshot| {
            standing(&lab, snapshot, STEADY) == Some("needs PIN")
        })?;
        lab.type_pin(0, samples::PIN)?;
        lab.wait_for("the card is registered at the steady portal", |snapshot| {
            standing(&lab, snapshot, STEADY) == Some("registered")
        })?;
        Ok(Self {
            lab,
            card,
            portals: 0,
            wrong: Vec::new(),
        })
    }

    /// The way to every portal but the steady one leads through it from now on.
    pub(crate) fn set_proxy(&mut self, proxy: &str) -> anyhow::Result<()> {
        let network = format!("[network]\nproxy = \"{proxy}\"\n");
        self.lab.reconfigure(&format!("{SETTINGS}{network}"))
    }

    /// Ends with all that was wrong.
    pub(crate) fn close(self) -> anyhow::Result<()> {
        ensure!(self.wrong.is_empty(), "\n{}", self.wrong.join("\n"));
        Ok(())
    }

    /// Goes on to the next where something is wrong, so that one run tells it all.
    pub(crate) fn play(&mut self, rows: &[Row<'_>]) -> anyhow::Result<()> {
        for row in rows {
            if let Err(error) = self.play_one(row) {
                self.wrong.push(format!("{}: {error:#}", row.name));
            }
            if let Some(portal) = row.portal {
                portal.set_fault(Fault::Normal)?;
            }
        }
        Ok(())
    }

    fn play_one(&mut self, row: &Row<'_>) -> anyhow::Result<()> {
        if let Some(portal) = row.portal {
            match row.host {
                Some(host) => portal.set_fault_at(host, row.fault)?,
                None => portal.set_fault(row.fault)?,
            }
        }
        let before = self.card.log().pin_attempts();

        let shown = self.sign_in(&row.profile)?;

        let pins = self.card.log().pin_attempts() - before;
        let status = self.status(&shown)?;
        self.judge(row, &status, pins)?;
        match row.then {
            Then::Rests => self.rests(row, &status),
            Then::GoesOn => {
                let portal = row.portal.context("a fault can be lifted")?;
                portal.set_fault(Fault::Normal)?;
                self.wait_for("it is registered by itself", |status| {
                    status.label() == "registered"
                })
            }
            Then::TriesAgain => self.wait_for("it is tried again", |status| {
                matches!(status, RegistrationStatus::Waiting { attempt: 2.., .. })
            }),
            Then::Waits(time) => {
                let RegistrationStatus::Waiting { until, .. } = status else {
                    bail!("it does not wait");
                };
                let wait = until.since(now());
                // It has begun, and the date in a header has no fractions.
                let least = time.saturating_sub(LIMIT);
                ensure!(
                    (least..=time).contains(&wait),
                    "it waits {wait:?}, and not {time:?}"
                );
                Ok(())
            }
        }
    }

    /// A portal appears that the card has never been at, in the place of the one
    /// before, and is signed in to at once, since the PIN is there.
    pub(crate) fn sign_in(&mut self, profile: &str) -> anyhow::Result<Card> {
        let before = self.portal();
        self.portals += 1;
        let name = self.portal();
        let profile = profile.replacen(&named(PORTAL), &named(&name), 1);
        self.lab.write_profile(&name, &profile)?;
        if self.portals > 1 {
            self.lab.remove_profile(&before)?;
        }
        let snapshot = self.lab.wait_for("the sign-in has ended", |snapshot| {
            let card = self.lab.card(snapshot, 0);
            let is_settled =
                card.is_ok_and(|card| self.status(&card).is_ok_and(|it| is_settled(&it)));
            is_settled || !snapshot.problems.is_empty()
        })?;
        ensure!(snapshot.problems.is_empty(), "{:?}", snapshot.problems);
        self.lab.card(&snapshot, 0)
    }

    /// What the one that is there now is called.
    pub(crate) fn portal(&self) -> String {
        format!("portal-{}", self.portals)
    }

    /// Where the card stands there.
    pub(crate) fn status(&self, card: &Card) -> anyhow::Result<RegistrationStatus> {
        status(card, &self.portal())
    }

    pub(crate) fn wait_for(
        &self,
        what: &str,
        condition: impl Fn(&RegistrationStatus) -> bool,
    ) -> anyhow::Result<()> {
        self.lab.wait_for_card(0, what, |card| {
            self.status(card).is_ok_and(|status| condition(&status))
        })?;
        Ok(())
    }

    fn judge(&self, row: &Row<'_>, status: &RegistrationStatus, pins: usize) -> anyhow::Result<()> {
        let kind = cause(status).map(|cause| cause.kind);
        let label = status.label();
        ensure!(
            (label, kind, pins) == (row.status, row.kind, row.pins),
            "is {label} because of {kind:?} after {pins} PINs, and not {} because of {:?} after \
             {}: {:?}",
            row.status,
            row.kind,
            row.pins,
            status.advice()
        );
        let advice = status.advice();
        if !matches!(status, RegistrationStatus::Registered { .. }) {
            let said = advice.as_deref().unwrap_or_default();
            ensure!(!said.is_empty(), "nothing is said");
            ensure!(said.contains(row.says), "is said: {said}");
            ensure!(
                !said.chars().any(moves_the_text),
                "a terminal is shown {said:?}"
            );
        }
        ensure!(!self.card.pin_is_verified(), "the card is left logged in");
        let shown = self.lab.card(&self.lab.snapshot()?, 0)?.pin;
        let three = PinStatus::Ready {
            tries_left: Some(3),
        };
        ensure!(
            (self.card.tries_left(), &shown) == (3, &three),
            "the card has {} tries left, and shown is {shown:?}",
            self.card.tries_left()
        );
        Ok(())
    }

    /// The PIN is at hand and used for another portal: the one that has had its
    /// say is not asked again.
    fn rests(&mut self, row: &Row<'_>, stood: &RegistrationStatus) -> anyhow::Result<()> {
        let connections = |row: &Row<'_>| row.portal.map(ReferencePortal::connections);
        let (came, signed) = (connections(row), self.card.log().key_operations());

        let shown = self.sign_in_at_the_other()?;

        let stands = self.status(&shown)?;
        ensure!(stands == *stood, "is {stands:?} later, and was {stood:?}");
        ensure!(came == connections(row), "the portal was asked again");
        let signed = self.card.log().key_operations() - signed;
        ensure!(signed == 1, "the card signed {signed} times for the other");
        Ok(())
    }

    /// Takes another card of the same holder, which is registered in its turn.
    pub(crate) fn change_card(&mut self, card: &CardFile) -> anyhow::Result<()> {
        self.put_in(CardHandle::new(card, CardModel::T1)?)?;
        self.register()
    }

    /// The card is taken out, and this one put in.
    pub(crate) fn put_in(&mut self, card: CardHandle) -> anyhow::Result<()> {
        self.lab.take_out(0)?;
        self.lab.insert(0, &card)?;
        self.card = card;
        Ok(())
    }

    /// The card in the reader, of whose holder another is registered, is so too.
    pub(crate) fn register(&self) -> anyhow::Result<()> {
        self.lab.wait_for("an earlier one is known", |snapshot| {
            standing(&self.lab, snapshot, STEADY) == Some("out of date")
        })?;
        self.lab.type_pin(0, samples::PIN)?;
        self.lab
            .wait_for("this one is registered too", |snapshot| {
                standing(&self.lab, snapshot, STEADY) == Some("registered")
            })?;
        Ok(())
    }

    /// Something happens, and is over.
    pub(crate) fn sign_in_at_the_other(&self) -> anyhow::Result<Card> {
        let sign_ins = self.lab.portal().sign_ins();
        let clear = Clear {
            scope: ClearScope::Portal {
                portal: STEADY.to_owned(),
            },
            dry_run: false,
        };
        self.lab.ask(async |client| client.clear(&clear).await)?;
        wait_until("the steady portal is signed in to", LIMIT, || {
            self.lab.portal().sign_ins() > sign_ins
        })?;
        let snapshot = self.lab.wait_for("that is written down", |snapshot| {
            standing(&self.lab, snapshot, STEADY) == Some("registered")
        })?;
        self.lab.card(&snapshot, 0)
    }
}

/// Controls, and what turns the direction of reading round.
fn moves_the_text(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
        )
}

fn is_settled(status: &RegistrationStatus) -> bool {
    !matches!(
        status,
        RegistrationStatus::NotSeen
            | RegistrationStatus::NeedsPin { .. }
            | RegistrationStatus::OutOfDate { .. }
            | RegistrationStatus::SigningIn
    )
}

fn now() -> UtcSeconds {
    let since = clock::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UtcSeconds(0).after(since)
}

/// Where a card stands at a portal.
pub(crate) fn status(card: &Card, portal: &str) -> anyhow::Result<RegistrationStatus> {
    let mut registrations = card.registrations.iter();
    let registration = registrations.find(|registration| registration.portal == portal);
    Ok(registration.context("it stands somewhere")?.status.clone())
}

fn standing(lab: &Lab, snapshot: &Snapshot, portal: &str) -> Option<&'static str> {
    let card = lab.card(snapshot, 0).ok()?;
    Some(status(&card, portal).ok()?.label())
}

/// The line of a profile.
pub(crate) fn named(name: &str) -> String {
    format!("name = \"{name}\"")
}

/// A portal beside that of the lab, at which John Roe has an account.
pub(crate) fn portal(
    stage: &Stage,
    name: &str,
    change: impl FnOnce(&mut PortalConfig),
) -> anyhow::Result<ReferencePortal> {
    let authority = samples::authority();
    let names = ["localhost", "127.0.0.1"];
    let certificate =
        authority.issue_server_certificate(&names, Validity::current(clock::now()))?;
    let identity = ServerIdentity {
        chain: certificate.chain_pem,
        key: certificate.key_pem,
        anchor: authority.root_pem(),
    };
    let folder = stage.lab.folder().join("portals").join(name);
    let mut config = PortalConfig::new(folder, identity, authority.root_pem());
    "127.0.0.1".clone_into(&mut config.account_name);
    change(&mut config);
    let portal = ReferencePortal::start(&config)?;
    let person = portal_person(samples::john());
    portal.add_person(&person)?;
    portal.add_account("john.roe", &person.upn)?;
    Ok(portal)
}
