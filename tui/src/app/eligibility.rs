//! Whether the holder of a card, or somebody without one, may register.

use cac_common::eligibility::{Answers, Question, Route, Standing, Verdict, decide, letter};
use cac_common::identity::readable;
use cac_common::interface::PortalDetails;
use cac_common::snapshot::Holder;

use super::Said;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EligibilityDialog {
    /// Whose card was chosen; nobody's where none was.
    pub holder: Option<Holder>,
    pub step: EligibilityStep,
    /// Why the last key did nothing, or what came of it.
    pub said: Option<Said>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EligibilityStep {
    /// Which portal is meant, if several are there.
    Choosing {
        cursor: usize,
    },
    /// Its profile is on its way.
    Loading {
        portal: String,
    },
    Open(Box<OpenEligibility>),
}

/// The routes of a profile, and what was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenEligibility {
    pub profile: PortalDetails,
    pub standing: Standing,
    /// Before each answer; the last is what holds.
    pub answers: Vec<Answers>,
    /// Among what can be answered.
    pub cursor: usize,
    pub scroll: u16,
    /// The name of the file to save the letter to, while that is typed.
    pub file: Option<String>,
}

impl OpenEligibility {
    pub fn new(profile: PortalDetails, holder: Option<&Holder>) -> Self {
        Self {
            profile,
            standing: holder.map_or_else(Standing::default, |holder| holder.standing.clone()),
            answers: vec![Answers::default()],
            cursor: 0,
            scroll: 0,
            file: None,
        }
    }

    pub fn said(&self) -> Answers {
        self.answers.last().cloned().unwrap_or_default()
    }

    pub fn verdict(&self) -> Verdict<'_> {
        decide(&self.profile.eligibility, &self.standing, &self.said())
    }

    pub fn question(&self) -> Option<Question<'_>> {
        match self.verdict() {
            Verdict::Ask(question) => Some(question),
            Verdict::Open(_) | Verdict::Nothing => None,
        }
    }

    pub fn route(&self) -> Option<&Route> {
        match self.verdict() {
            Verdict::Open(route) => Some(route),
            Verdict::Ask(_) | Verdict::Nothing => None,
        }
    }

    /// What can be answered now, as people say it.
    pub fn choices(&self) -> Vec<String> {
        let none = || "none of these".to_owned();
        match self.question() {
            Some(Question::Category(offered)) => offered
                .iter()
                .map(|category| category.title().to_owned())
                .chain([none()])
                .collect(),
            Some(Question::Component(offered)) => offered
                .iter()
                .map(|component| readable(component))
                .chain([none()])
                .collect(),
            Some(Question::YesOrNo(_)) => vec!["yes".into(), "no".into()],
            None => Vec::new(),
        }
    }

    /// The letter to a sponsor, where one is needed.
    pub fn letter(&self, holder: Option<&Holder>) -> Option<String> {
        let name = holder.map(|holder| readable(&holder.name.to_string()));
        letter(
            self.route()?,
            &readable(&self.profile.title),
            name.as_deref(),
        )
    }
}
