//! One run of the wizard.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cac_common::cause::Cause;
use cac_common::interface::Refusal;
use cac_common::password::Password;
use cac_common::pin::Pin;
use cac_common::profile::{FieldKind, Profile};
use cac_common::time::UtcSeconds;
use cac_common::wizard::{Ask, AskKind, Wizard, WizardState};

use crate::event::{Now, Proof};
use crate::portal::wizard::Value;

/// A run that nobody goes on with is given up.
const IDLE: Duration = Duration::from_mins(30);
/// Passwords are held no longer than this, however long a PIN may be.
const HELD_AT_MOST: Duration = Duration::from_mins(5);

/// What a visit knows of registering by hand.
#[derive(Default)]
pub(in crate::state) struct ByHand {
    pub(super) run: Option<Run>,
    /// Legs begun in this visit.
    pub(super) legs: u32,
    /// The leg that a PIN was given to, until it ends.
    pub(super) with_pin: Option<u32>,
    /// Passwords that a portal did not take, in this visit.
    pub(super) refused: BTreeMap<String, u32>,
}

pub(super) struct Run {
    /// Who began it, and may go on.
    pub(super) uid: u32,
    pub(super) profile: Arc<Profile>,
    pub(super) proof: Proof,
    /// The leg that goes on, or went on last.
    pub(super) leg: u32,
    pub(super) turn: u64,
    pub(super) at: usize,
    pub(super) phase: Phase,
    pub(super) problem: Option<String>,
    /// Shown with the next question.
    pub(super) carried: Option<String>,
    /// The leg sends a password.
    pub(super) sends_secret: bool,
    since: UtcSeconds,
    idle_at: Duration,
    /// When what was typed has to be gone.
    wipe_at: Option<Duration>,
}

/// What was typed for a step: for its form, and for the card.
pub(super) type Typed = (Vec<(String, Value)>, Option<Pin>);

pub(super) enum Phase {
    Working,
    Asking(Vec<Question>),
    Telling,
    Stopped(Cause),
    Done {
        is_registered: bool,
        has_confirmation: bool,
    },
}

pub(super) struct Question {
    label: String,
    kind: AskKind,
    /// Of the form; the PIN goes elsewhere.
    field: Option<String>,
    reply: Option<Reply>,
}

pub(super) enum Reply {
    Text(String),
    Password(Password),
    Pin(Pin),
}

impl ByHand {
    pub(in crate::state) fn deadline(&self) -> Option<Duration> {
        let run = self.run.as_ref()?;
        let idle = match run.phase {
            Phase::Asking(_) | Phase::Telling | Phase::Stopped(_) => Some(run.idle_at),
            Phase::Working | Phase::Done { .. } => None,
        };
        [idle, run.wipe_at].into_iter().flatten().min()
    }

    pub(in crate::state) fn portal(&self) -> Option<&str> {
        Some(&self.run.as_ref()?.profile.name)
    }

    /// The session with the portal may still be there.
    pub(in crate::state) fn has_session(&self) -> bool {
        self.run.as_ref().is_some_and(|run| !run.is_over())
    }

    /// It goes on, or waits for a person.
    pub(in crate::state) fn is_under_way(&self) -> bool {
        let run = self.run.as_ref();
        run.is_some_and(|run| !matches!(run.phase, Phase::Done { .. } | Phase::Stopped(_)))
    }

    /// Nothing that was typed stays longer than that.
    pub(in crate::state) fn wipe_by(&mut self, latest: Duration) {
        if let Some(run) = &mut self.run {
            run.wipe_at = run.wipe_at.map(|at| at.min(latest));
        }
    }

    /// Somebody may still go on with it, and it is not `uid`.
    pub(super) fn is_stopped_for_another(&self, uid: u32) -> bool {
        let run = self.run.as_ref();
        run.is_some_and(|run| run.uid != uid && matches!(run.phase, Phase::Stopped(_)))
    }

    pub(in crate::state) fn is_at(&self, portal: &str) -> bool {
        self.is_under_way() && self.portal() == Some(portal)
    }

    pub(super) fn run_of_leg(&mut self, number: u32) -> Option<&mut Run> {
        let run = self.run.as_mut()?;
        (run.leg == number && matches!(run.phase, Phase::Working)).then_some(run)
    }

    /// What kind of thing `uid` is asked for there.
    pub(super) fn kind_of(&self, uid: u32, turn: u64, ask: u32) -> Result<AskKind, Refusal> {
        let run = self.run.as_ref().ok_or(Refusal::NotAsked)?;
        if run.uid != uid {
            return Err(Refusal::NotYours);
        }
        let Phase::Asking(questions) = &run.phase else {
            return Err(Refusal::NotAsked);
        };
        let ask = usize::try_from(ask).map_err(|_| Refusal::NotAsked)?;
        let question = questions.get(ask).filter(|it| it.reply.is_none());
        let question = question.filter(|_| run.turn == turn);
        let kind = question.ok_or(Refusal::NotAsked)?.kind;
        // It goes to the card at once, so that nothing comes in between.
        let mut others = questions.iter().enumerate();
        let is_last = others.all(|(place, it)| place == ask || it.reply.is_some());
        if kind == AskKind::Pin && !is_last {
            return Err(Refusal::NotAsked);
        }
        Ok(kind)
    }

    pub(in crate::state) fn shown(&self) -> Option<Wizard> {
        let run = self.run.as_ref()?;
        let steps = run.profile.wizard.iter();
        Some(Wizard {
            portal: run.profile.name.clone(),
            steps: steps.map(|step| step.title.clone()).collect(),
            at: u32::try_from(run.at).unwrap_or(u32::MAX),
            turn: run.turn,
            state: match &run.phase {
                Phase::Working => WizardState::Working,
                Phase::Asking(questions) => WizardState::Asking {
                    asks: questions.iter().map(Question::shown).collect(),
                },
                Phase::Telling => WizardState::Telling,
                Phase::Stopped(cause) => WizardState::Stopped {
                    cause: cause.clone(),
                },
                Phase::Done {
                    is_registered,
                    has_confirmation,
                } => WizardState::Done {
                    is_registered: *is_registered,
                    has_confirmation: *has_confirmation,
                },
            },
            problem: run.problem.clone(),
            caution: run.caution(self.refused.get(&run.profile.name).copied()),
            since: run.since,
        })
    }
}

impl Run {
    pub(super) fn new(uid: u32, profile: Arc<Profile>, proof: Proof, now: Now) -> Self {
        Self {
            uid,
            profile,
            proof,
            leg: 0,
            turn: now.random,
            at: 0,
            phase: Phase::Working,
            problem: None,
            carried: None,
            sends_secret: false,
            since: now.utc,
            idle_at: now.monotonic + IDLE,
            wipe_at: None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Done { .. })
    }

    /// What was asked for before is not any more, and its answers are wiped.
    pub(super) fn turn_to(&mut self, phase: Phase, now: Now) {
        self.phase = phase;
        self.turn = self.turn.wrapping_add(1);
        self.problem = None;
        self.since = now.utc;
        self.idle_at = now.monotonic + IDLE;
        self.wipe_at = None;
    }

    pub(super) fn come_to(&mut self, at: usize, now: Now) {
        if self.at != at {
            self.at = at;
            self.sends_secret = false;
            self.since = now.utc;
        }
    }

    /// What the step at hand wants typed: its fields, then the PIN.
    pub(super) fn questions(&self) -> Vec<Question> {
        let Some(step) = self.profile.wizard.get(self.at) else {
            return Vec::new();
        };
        let fields = step.fields.iter().filter_map(|field| {
            let kind = match field.kind {
                FieldKind::Text => AskKind::Text,
                FieldKind::Password => AskKind::Password,
                FieldKind::Certificate => return None,
            };
            Some(Question {
                label: field.label.clone(),
                kind,
                field: Some(field.name.clone()),
                reply: None,
            })
        });
        let pin = step.certificate.then(|| Question {
            label: "PIN".into(),
            kind: AskKind::Pin,
            field: None,
            reply: None,
        });
        fields.chain(pin).collect()
    }

    pub(super) fn take(&mut self, ask: u32, reply: Reply, pin_until: Option<Duration>, now: Now) {
        let is_secret = !matches!(reply, Reply::Text(_));
        let place = usize::try_from(ask).unwrap_or(usize::MAX);
        if let Phase::Asking(questions) = &mut self.phase
            && let Some(question) = questions.get_mut(place)
        {
            question.reply = Some(reply);
        }
        self.idle_at = now.monotonic + IDLE;
        if is_secret && self.wipe_at.is_none() {
            let latest = now.monotonic + HELD_AT_MOST;
            self.wipe_at = Some(pin_until.map_or(latest, |until| until.min(latest)));
        }
    }

    /// All that was typed, once the last of it is there.
    pub(super) fn take_answers(&mut self) -> Option<Typed> {
        let Phase::Asking(questions) = &mut self.phase else {
            return None;
        };
        if questions.iter().any(|question| question.reply.is_none()) {
            return None;
        }
        let mut values = Vec::new();
        let mut pin = None;
        for question in questions.drain(..) {
            match (question.reply, question.field) {
                (Some(Reply::Pin(typed)), _) => pin = Some(typed),
                (Some(Reply::Text(text)), Some(field)) => values.push((field, Value::Text(text))),
                (Some(Reply::Password(password)), Some(field)) => {
                    values.push((field, Value::Password(password)));
                }
                _ => {}
            }
        }
        Some((values, pin))
    }

    /// The nearest step up to `at` that can be opened by its page.
    pub(super) fn opened_for(&self, at: usize) -> usize {
        let steps = self.profile.wizard.iter().enumerate().take(at + 1);
        let opened =
            steps.filter(|(place, step)| *place == at && step.is_told() || step.page.is_some());
        opened.map(|(place, _)| place).next_back().unwrap_or(0)
    }

    /// The nearest step before `at` that a person has something to do at.
    pub(super) fn before(&self, at: usize) -> Option<usize> {
        let steps = self.profile.wizard.iter().enumerate().take(at);
        let asking = steps.filter(|(_, step)| {
            step.is_told() || step.page.is_some() && (step.form.is_some() || step.certificate)
        });
        asking.map(|(place, _)| place).next_back()
    }

    pub(super) fn is_given_up(&self, now: Now) -> bool {
        let waits = !matches!(self.phase, Phase::Working | Phase::Done { .. });
        waits && self.idle_at <= now.monotonic
    }

    /// Whether something was wiped.
    pub(super) fn wipe_if_due(&mut self, now: Now) -> bool {
        if self.wipe_at.take_if(|at| *at <= now.monotonic).is_none() {
            return false;
        }
        let asks = self.questions();
        self.turn_to(Phase::Asking(asks), now);
        true
    }

    /// How the portal locks accounts, once that may matter.
    fn caution(&self, refused: Option<u32>) -> Option<String> {
        let refused = refused.filter(|refused| *refused > 0)?;
        let lockout = self.profile.lockout?;
        let lasts = match lockout.wait.map(|wait| wait.as_secs().div_ceil(60)) {
            None => "until somebody unlocks it".to_owned(),
            Some(1) => "for a minute".to_owned(),
            Some(minutes) => format!("for {minutes} minutes"),
        };
        let tries = lockout.tries;
        let now = match (tries.saturating_sub(refused), refused) {
            (0 | 1, _) => "One more may lock it.".to_owned(),
            (_, 1) => "One was not taken so far.".to_owned(),
            _ => format!("{refused} were not taken so far."),
        };
        Some(format!(
            "The portal locks the account after {tries} wrong passwords, {lasts}. {now}"
        ))
    }

    /// Whether something typed is held for longer than it may be.
    #[cfg(test)]
    pub(super) fn holds_too_long(&self, now: Duration) -> bool {
        self.wipe_at.is_some_and(|at| at <= now)
    }
}

impl Question {
    fn shown(&self) -> Ask {
        Ask {
            label: self.label.clone(),
            kind: self.kind,
            is_answered: self.reply.is_some(),
        }
    }
}
