//! What a check comes to.

use super::Check;
use super::anywhere::any;
use super::outcome::{Outcome, Told, Way, filled};
use crate::phrase::Tone;

/// One line: a check, and what was found of it.
#[derive(Debug, Clone)]
pub struct Finding {
    pub check: &'static Check,
    pub found: Found,
}

/// What was found. One that looks at several things finds something of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    outcome: Outcome,
    verdict: Verdict,
    about: Option<About>,
    /// A clause.
    cause: String,
    /// Sentences that say what to do.
    advice: Option<String>,
    fix: Option<Fix>,
}

/// Which of several things a line is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Stable: the name of a portal, the path of a profile.
    pub key: String,
    /// As people call it.
    pub title: String,
}

/// How to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// To be copied into a shell.
    Command(String),
    /// A step of `cacctl setup`, by its name.
    Setup(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    /// It goes on, but somebody should look.
    Warning,
    Failed,
    /// It follows from a line that failed, or is not meant here.
    NotApplicable,
    /// Nobody can tell.
    Unknown,
    /// It is being found out.
    Running,
}

impl Verdict {
    /// As it stands in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotApplicable => "not_applicable",
            Self::Fine | Self::Warning | Self::Failed | Self::Unknown | Self::Running => {
                self.title()
            }
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::NotApplicable => "n/a",
            Self::Unknown => "unknown",
            Self::Running => "running",
        }
    }

    pub fn tone(self) -> Tone {
        match self {
            Self::Fine => Tone::Good,
            Self::Warning => Tone::Wanted,
            Self::Failed => Tone::Bad,
            Self::NotApplicable | Self::Unknown => Tone::Quiet,
            Self::Running => Tone::Working,
        }
    }
}

impl Fix {
    /// What is typed for it.
    pub fn command(&self) -> String {
        match self {
            Self::Command(command) => command.clone(),
            Self::Setup(step) => format!("cacctl setup --only {step}"),
        }
    }
}

impl Finding {
    /// Where it was not found out in time.
    pub(crate) fn given_up(mut self) -> Self {
        if self.found.verdict == Verdict::Running {
            let told = any::NOT_IN_TIME.told(&[("what", &self.found.cause)]);
            let about = self.found.about.take();
            self.found = Found { about, ..told };
        }
        self
    }

    /// What should be so, or what the line is about where there are several.
    pub fn title(&self) -> &str {
        match &self.found.about {
            Some(about) => &about.title,
            None => self.check.title,
        }
    }

    /// Names the line among all, and stays the same.
    pub fn key(&self) -> String {
        match &self.found.about {
            Some(about) => format!("{} {}", self.check.name, about.key),
            None => self.check.name.into(),
        }
    }

    pub fn verdict(&self) -> Verdict {
        self.found.verdict
    }

    pub fn about(&self) -> Option<&About> {
        self.found.about.as_ref()
    }

    pub fn cause(&self) -> &str {
        &self.found.cause
    }

    pub fn advice(&self) -> Option<&str> {
        self.found.advice.as_deref()
    }

    pub fn fix(&self) -> Option<&Fix> {
        self.found.fix.as_ref()
    }
}

impl Found {
    /// What an outcome comes to here.
    pub(super) fn of(outcome: Outcome, told: &Told<'_>) -> Self {
        Self {
            outcome,
            verdict: outcome.verdict,
            about: None,
            cause: filled(outcome.cause, told),
            advice: outcome.advice.map(|advice| filled(advice, told)),
            fix: outcome.way.map(|way| match way {
                Way::Command(command) => Fix::Command(filled(command, told)),
                Way::Setup(step) => Fix::Setup(step),
            }),
        }
    }

    #[must_use]
    pub fn about(self, key: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            about: Some(About {
                key: key.into(),
                title: title.into(),
            }),
            ..self
        }
    }

    /// With the words and the command of somewhere else, if there are any.
    #[must_use]
    pub(super) fn advised(self, advice: Option<String>, command: Option<String>) -> Self {
        Self {
            advice,
            fix: command.map(Fix::Command),
            ..self
        }
    }

    #[cfg(test)]
    pub(super) fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Which of those that its check can come to.
    #[cfg(test)]
    pub(super) fn outcome(&self) -> Outcome {
        self.outcome
    }
}
