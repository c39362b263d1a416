//! The people of the demo, their cards, and the authority that issued them.

use anyhow::Context as _;

use crate::clock;
use crate::virtual_card::certificate::Validity;
use crate::virtual_card::issuer::{Authority, CardOrder};
use crate::virtual_card::key::KeyAlgorithm;
use crate::virtual_card::person::Person;
use crate::virtual_card::{CardHandle, CardModel};

/// The PIN of every card of the demo.
pub(super) const PIN: &str = "123456";

pub(super) struct Cards {
    pub(super) authority: Authority,
    /// Military, has an account at the portal.
    pub(super) jane: DemoCard,
    /// A contractor, has an account too.
    pub(super) john: DemoCard,
    /// Somebody the portal has never heard of.
    pub(super) pat: DemoCard,
}

pub(super) struct DemoCard {
    pub(super) person: Person,
    pub(super) card: CardHandle,
}

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Jane,
    John,
    Pat,
}

impl Cards {
    pub(super) fn issue() -> anyhow::Result<Self> {
        let authority = Authority::new(clock::now()).context("cannot make an authority")?;
        let issue = |person, algorithm| DemoCard::issue(&authority, person, algorithm);
        Ok(Self {
            jane: issue(Person::jane_doe(), KeyAlgorithm::Rsa2048)?,
            john: issue(Person::john_roe(), KeyAlgorithm::P256)?,
            pat: issue(pat_poe(), KeyAlgorithm::P256)?,
            authority,
        })
    }

    pub(super) fn of(&self, who: Who) -> &DemoCard {
        match who {
            Who::Jane => &self.jane,
            Who::John => &self.john,
            Who::Pat => &self.pat,
        }
    }
}

impl DemoCard {
    fn issue(
        authority: &Authority,
        person: Person,
        algorithm: KeyAlgorithm,
    ) -> anyhow::Result<Self> {
        let order = CardOrder {
            person: person.clone(),
            algorithm,
            validity: Validity::current(clock::now()),
            pin: PIN,
            retired: 0,
            blemishes: &[],
        };
        let file = authority
            .issue_card(&order)
            .with_context(|| format!("cannot issue the card of {}", person.first))?;
        let card = CardHandle::new(&file, CardModel::T1)?;
        // A card that was just issued lies in nobody's reader.
        card.take_out();
        Ok(Self { person, card })
    }

    /// `JANE DOE`
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.person.first, self.person.last)
    }

    /// `jane.doe`
    pub(super) fn account(&self) -> String {
        format!("{}.{}", self.person.first, self.person.last).to_lowercase()
    }
}

fn pat_poe() -> Person {
    Person {
        last: "POE".to_owned(),
        first: "PAT".to_owned(),
        middle: None,
        edipi: 1_000_000_011,
        oi: 1700,
        poa: 2,
        ou: "USN".to_owned(),
    }
}
