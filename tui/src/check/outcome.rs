//! What a check can come to: the words for it, once for what is told and for the
//! guide's pages.

use std::fmt::{Display, Write as _};

use super::{Fix, Found, Verdict};

/// One of the things that a check can come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    pub verdict: Verdict,
    /// A clause. What only a machine can tell stands in braces: `{path} is not there`.
    pub cause: &'static str,
    /// Sentences that say what to do.
    pub advice: Option<&'static str>,
    pub way: Option<Way>,
}

/// What mends it, or shows more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To be copied into a shell.
    Command(&'static str),
    /// A step of `cacctl setup`, by its name.
    Setup(&'static str),
}

/// What stands for the words in braces.
pub type Told<'a> = [(&'static str, &'a dyn Display)];

impl Outcome {
    const fn new(verdict: Verdict, cause: &'static str) -> Self {
        Self {
            verdict,
            cause,
            advice: None,
            way: None,
        }
    }

    pub const fn fine(cause: &'static str) -> Self {
        Self::new(Verdict::Fine, cause)
    }

    pub const fn warning(cause: &'static str) -> Self {
        Self::new(Verdict::Warning, cause)
    }

    pub const fn failed(cause: &'static str) -> Self {
        Self::new(Verdict::Failed, cause)
    }

    pub const fn running(cause: &'static str) -> Self {
        Self::new(Verdict::Running, cause)
    }

    pub const fn unknown(cause: &'static str) -> Self {
        Self::new(Verdict::Unknown, cause)
    }

    pub const fn not_applicable(cause: &'static str) -> Self {
        Self::new(Verdict::NotApplicable, cause)
    }

    /// With sentences that say what to do.
    #[must_use]
    pub const fn mended(self, advice: &'static str) -> Self {
        Self {
            advice: Some(advice),
            ..self
        }
    }

    /// With a command that mends it, or shows more.
    #[must_use]
    pub const fn by(self, advice: &'static str, command: &'static str) -> Self {
        Self {
            advice: Some(advice),
            way: Some(Way::Command(command)),
            ..self
        }
    }

    /// With a step of `cacctl setup` that mends it.
    #[must_use]
    pub const fn by_setup(self, advice: &'static str, step: &'static str) -> Self {
        Self {
            advice: Some(advice),
            way: Some(Way::Setup(step)),
            ..self
        }
    }

    /// Whether something in it is told by a machine alone.
    pub fn names_what_is_found(&self) -> bool {
        let command = match self.way {
            Some(Way::Command(command)) => command,
            Some(Way::Setup(_)) | None => "",
        };
        let texts = [self.cause, self.advice.unwrap_or_default(), command];
        texts.iter().any(|text| text.contains('{'))
    }

    /// The cause, where no machine is looked at.
    pub fn shown(&self) -> String {
        capitals(self.cause)
    }

    /// What is typed for it, where no machine is looked at.
    pub fn command(&self) -> Option<String> {
        self.way.map(|way| match way {
            Way::Command(command) => capitals(command),
            Way::Setup(step) => Fix::Setup(step).command(),
        })
    }

    /// As it stands.
    pub fn found(self) -> Found {
        self.told(&[])
    }

    /// With this in place of the words in braces.
    pub fn told(self, told: &Told<'_>) -> Found {
        Found::of(self, told)
    }
}

/// What only a machine can tell, in capitals: `READER is empty`.
pub fn capitals(template: &str) -> String {
    let mut text = String::with_capacity(template.len());
    for (at, part) in template.split(['{', '}']).enumerate() {
        // Every second one stood in braces.
        if at % 2 == 1 {
            text.push_str(&part.to_uppercase());
        } else {
            text.push_str(part);
        }
    }
    text
}

/// Each `{name}` that is known replaced, in one pass: what is put in is never
/// looked at again.
pub(super) fn filled(template: &str, told: &Told<'_>) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let known = after.split_once('}').and_then(|(name, after)| {
            let (_, value) = told.iter().find(|(known, _)| *known == name)?;
            Some((value, after))
        });
        if let Some((value, after)) = known {
            // A string takes whatever is written into it.
            let _ = write!(text, "{value}");
            rest = after;
        } else {
            text.push('{');
            rest = after;
        }
    }
    text.push_str(rest);
    text
}

/// Names what a check can come to, and lists it whole in `ALL`.
macro_rules! outcomes {
    ($check:ident { $($name:ident: $outcome:expr;)+ }) => {
        pub(super) mod $check {
            use crate::check::outcome::Outcome;

            $(pub(in crate::check) const $name: Outcome = $outcome;)+

            pub(in crate::check) const ALL: &[Outcome] = &[$($name),+];
        }
    };
}
pub(super) use outcomes;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_machine_can_tell_stands_in_capitals() {
        let outcome = Outcome::failed("{reader} is empty").by("Use {it}.", "lsusb -d {id}");

        assert_eq!(outcome.shown(), "READER is empty");
        assert_eq!(outcome.command().as_deref(), Some("lsusb -d ID"));
        assert_eq!(capitals("none"), "none");
    }

    #[test]
    fn words_in_braces_are_replaced_once_and_what_came_in_is_not_looked_at() {
        let told: &Told<'_> = &[("a", &"{b}"), ("b", &2)];
        for (template, expected) in [
            ("{a} and {b}", "{b} and 2"),
            ("{c} {", "{c} {"),
            ("{{a}}", "{{b}}"),
            ("", ""),
            ("none", "none"),
        ] {
            assert_eq!(filled(template, told), expected, "{template}");
        }
    }
}
