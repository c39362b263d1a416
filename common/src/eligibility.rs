//! Who may have an account at a portal, and by which way.
//!
//! What a card tells of its holder is held against the routes of a profile.
//! Where that does not decide, a question is left for a person. Pure.

mod decide;
mod letter;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::decide::{Answer, Answers, Question, Verdict, closed, decide};
pub use self::letter::letter;

/// In what capacity people hold cards, and who holds none but wants an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// In a uniformed service; in which part of it is not said.
    Uniformed,
    ActiveDuty,
    NationalGuard,
    Reserve,
    Civilian,
    Contractor,
    /// Works with the DoD, and neither for it nor for a contractor of it.
    Affiliate,
    ForeignAffiliate,
    /// Has a claim to something from an earlier service, or through somebody else.
    Beneficiary,
    Retiree,
    Veteran,
    /// Family, and friends.
    Family,
    /// Not issued by the federal government.
    OtherCredential,
}

impl Category {
    pub const ALL: [Self; 13] = [
        Self::Uniformed,
        Self::ActiveDuty,
        Self::NationalGuard,
        Self::Reserve,
        Self::Civilian,
        Self::Contractor,
        Self::Affiliate,
        Self::ForeignAffiliate,
        Self::Beneficiary,
        Self::Retiree,
        Self::Veteran,
        Self::Family,
        Self::OtherCredential,
    ];

    /// As profiles and the command line have it: `active-duty`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniformed => "uniformed",
            Self::ActiveDuty => "active-duty",
            Self::NationalGuard => "national-guard",
            Self::Reserve => "reserve",
            Self::Civilian => "civilian",
            Self::Contractor => "contractor",
            Self::Affiliate => "affiliate",
            Self::ForeignAffiliate => "foreign-affiliate",
            Self::Beneficiary => "beneficiary",
            Self::Retiree => "retiree",
            Self::Veteran => "veteran",
            Self::Family => "family",
            Self::OtherCredential => "other-credential",
        }
    }

    /// As people say it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Uniformed => "uniformed service",
            Self::ActiveDuty => "active duty",
            Self::NationalGuard => "National Guard",
            Self::Reserve => "reserve",
            Self::Civilian => "civilian",
            Self::Contractor => "contractor",
            Self::Affiliate => "affiliate",
            Self::ForeignAffiliate => "foreign affiliate",
            Self::Beneficiary => "beneficiary",
            Self::Retiree => "retiree",
            Self::Veteran => "veteran",
            Self::Family => "family or friend",
            Self::OtherCredential => "other credential",
        }
    }

    /// The wider category that this one is part of.
    fn part_of(self) -> Option<Self> {
        match self {
            Self::ActiveDuty | Self::NationalGuard | Self::Reserve => Some(Self::Uniformed),
            Self::ForeignAffiliate => Some(Self::Affiliate),
            Self::Retiree | Self::Veteran | Self::Family => Some(Self::Beneficiary),
            Self::Uniformed
            | Self::Civilian
            | Self::Contractor
            | Self::Affiliate
            | Self::Beneficiary
            | Self::OtherCredential => None,
        }
    }

    /// Whoever is `other` is this too.
    pub fn includes(self, other: Self) -> bool {
        self == other || other.part_of() == Some(self)
    }
}

/// The text names no category.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a category is one of {}", Category::ALL.map(Category::name).join(", "))]
pub struct NotACategory;

impl std::str::FromStr for Category {
    type Err = NotACategory;

    fn from_str(text: &str) -> Result<Self, NotACategory> {
        let mut all = Self::ALL.into_iter();
        all.find(|category| category.name() == text)
            .ok_or(NotACategory)
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// What a card tells of its holder's place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub category: Option<Known<Category>>,
    /// `Army`; the list of the DoD's is open.
    pub component: Option<Known<String>>,
}

/// Something the card tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known<T> {
    pub value: T,
    pub sure: Sure,
    /// Where it stands: `FASC-N`.
    pub source: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sure {
    /// The issuer vouches for it: nobody is asked.
    Good,
    /// May be out of date or somebody else's: it is asked.
    Hint,
}

impl<T> Known<T> {
    pub fn good(value: T, source: &str) -> Self {
        Self {
            value,
            sure: Sure::Good,
            source: source.to_owned(),
        }
    }

    pub fn hint(value: T, source: &str) -> Self {
        Self {
            value,
            sure: Sure::Hint,
            source: source.to_owned(),
        }
    }

    fn if_good(&self) -> Option<&T> {
        (self.sure == Sure::Good).then_some(&self.value)
    }
}

/// Which way is open to people of some categories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Anyone's if empty.
    pub categories: Vec<Category>,
    /// As a card tells them: `Army`; any if empty.
    pub components: Vec<String>,
    /// Has to be answered with yes besides, by a person.
    pub question: Option<String>,
    pub way: Way,
    /// What to do, for a person.
    pub text: String,
    /// With a sponsor alone.
    pub sponsor: Option<Sponsor>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// They register by themselves.
    #[serde(rename = "self")]
    Self_,
    /// A sponsor who has an account asks for one.
    Sponsor,
    /// As a guest, by a sponsor of another organisation.
    Guest,
    /// Their organisation has not authorised it.
    NotAuthorised,
    /// Not before it begins.
    NotYet,
    /// With something else than this card.
    OtherCredential,
    HelpDesk,
}

impl Way {
    /// Completes "they register", of people in general.
    pub fn title(self) -> &'static str {
        match self {
            Self::Self_ => "by themselves",
            Self::Sponsor => "with a sponsor",
            Self::Guest => "as a guest, with a sponsor",
            Self::NotAuthorised => "not at all: their organisation has not authorised it",
            Self::NotYet => "not yet",
            Self::OtherCredential => "with another credential",
            Self::HelpDesk => "through the help desk",
        }
    }

    /// The same as a sentence, to the person.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Self_ => "You may register by yourself.",
            Self::Sponsor => "You need a sponsor.",
            Self::Guest => "You may register as a guest, with a sponsor.",
            Self::NotAuthorised => "You may not register: your organisation has not authorised it.",
            Self::NotYet => "You may not register yet.",
            Self::OtherCredential => "You register with another credential than this card.",
            Self::HelpDesk => "Ask the help desk.",
        }
    }

    pub fn needs_sponsor(self) -> bool {
        matches!(self, Self::Sponsor | Self::Guest)
    }
}

/// Who vouches for a person, and on what terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sponsor {
    /// Who may: `your Contracting Officer Representative`.
    pub who: String,
    /// What they have to have first.
    pub needs: Option<String>,
    /// Whom they may sponsor.
    pub limits: Option<String>,
    /// Who pays.
    pub pays: Option<String>,
}
