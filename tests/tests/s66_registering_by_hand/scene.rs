//! A portal with steps, and who has an account there.

use std::fs;

use anyhow::Context as _;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, Stage};
use cac_tests::clock;
use cac_tests::harness::{Lab, Plan, portal_person};
use cac_tests::portal::{Demand, Given, Layout, PortalConfig, ReferencePortal, ServerIdentity};
use cac_tests::virtual_card::card_file::CardFile;
use cac_tests::virtual_card::certificate::Validity;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};

pub(crate) const PORTAL: &str = "by-hand";
/// Stands nowhere by chance.
pub(crate) const PASSWORD: &str = "Wren-Quartz&7+43%";
pub(crate) const JANE: &str = "jane.doe";
pub(crate) const JOHN: &str = "john.roe";

/// A machine with readers, and a portal that people register at by hand.
pub(crate) struct Scene {
    pub(crate) lab: Lab,
    pub(crate) portal: ReferencePortal,
}

impl Scene {
    pub(crate) fn open(layout: Layout) -> anyhow::Result<Self> {
        let plan = Plan::default().readers(2);
        Self::with(plan, layout, Given::InTls, |profile| profile)
    }

    /// The profile as `change` makes it.
    pub(crate) fn with(
        plan: Plan,
        layout: Layout,
        given: Given,
        change: impl FnOnce(String) -> String,
    ) -> anyhow::Result<Self> {
        let lab = plan.start()?;
        let portal = portal(&lab, layout, given)?;
        lab.remove_profile(cac_tests::harness::PORTAL)?;
        let profile = portal
            .full_profile()
            .replace("name = \"reference\"", &format!("name = \"{PORTAL}\""));
        lab.write_profile(PORTAL, &change(profile))?;
        lab.wait_for(
            "the portal with the steps is the only one",
            |snapshot| matches!(&snapshot.portals[..], [portal] if portal.name == PORTAL),
        )?;
        Ok(Self { lab, portal })
    }

    /// With the card in the first reader, read.
    pub(crate) fn with_jane(layout: Layout) -> anyhow::Result<(Self, CardHandle)> {
        let mut scene = Self::open(layout)?;
        let card = CardHandle::new(samples::jane(), CardModel::T1)?;
        scene.lab.insert(0, &card)?;
        scene.lab.wait_until_whole(0)?;
        Ok((scene, card))
    }

    fn status(card: &Card) -> Option<RegistrationStatus> {
        let mut registrations = card.registrations.iter();
        let found = registrations.find(|one| one.portal == PORTAL)?;
        (card.stage == Stage::Read).then(|| found.status.clone())
    }

    pub(crate) fn wait_for_label(&self, reader: usize, label: &str) -> anyhow::Result<Card> {
        self.lab.wait_for_card(reader, label, |card| {
            Self::status(card).is_some_and(|status| status.label() == label)
        })
    }

    /// Logs in, and comes to the step that registers.
    pub(crate) fn come_to_the_last_step(&self, reader: usize, user: &str) -> anyhow::Result<()> {
        self.lab.start_wizard(reader, PORTAL)?;
        self.lab.wait_until_asked(reader, 0)?;
        self.lab.answer_all(reader, &[user, PASSWORD])?;
        self.lab.wait_until_asked(reader, 3)?;
        Ok(())
    }
}

fn portal(lab: &Lab, layout: Layout, given: Given) -> anyhow::Result<ReferencePortal> {
    let authority = samples::authority();
    let names = ["localhost", "127.0.0.1"];
    let certificate =
        authority.issue_server_certificate(&names, Validity::current(clock::now()))?;
    let identity = ServerIdentity {
        chain: certificate.chain_pem,
        key: certificate.key_pem,
        anchor: authority.root_pem(),
    };
    let folder = lab.folder().join("portals").join(PORTAL);
    fs::create_dir_all(&folder).context("folder of the portal")?;
    let mut config = PortalConfig::new(folder, identity, authority.root_pem());
    "127.0.0.1".clone_into(&mut config.account_name);
    config.layout = layout;
    config.terms.given = given;
    // Who logs in by password comes without a certificate.
    if layout == Layout::OneOrigin {
        config.demand = Demand::Optional;
    }
    let portal = ReferencePortal::start(&config)?;
    for (card, account) in [(samples::jane(), JANE), (samples::john(), JOHN)] {
        with_account(&portal, card, account)?;
    }
    Ok(portal)
}

fn with_account(portal: &ReferencePortal, card: &CardFile, account: &str) -> anyhow::Result<()> {
    let person = portal_person(card);
    portal.add_person(&person)?;
    portal.add_account(account, &person.upn)?;
    portal.set_password(account, PASSWORD)?;
    Ok(())
}
