//! Registering by hand: which step a person is at, what they have typed for it,
//! and what the portal said.

mod ends;
mod run;

use std::sync::Arc;
#[cfg(test)]
use std::time::Duration;

use cac_common::cause::{Cause, Kind};
use cac_common::identity::readable;
use cac_common::interface::{AnswerWizard, MoveWizard, Refusal, StartWizard};
use cac_common::locked::Locked;
use cac_common::password::Password;
use cac_common::pin::{self, Pin, PinFor};
use cac_common::snapshot::PinStatus;
use cac_common::wizard::{AskKind, Move};

use super::printed::refusal;
use super::signing::until;
use super::{Aside, CardVisit};
use crate::card::error::capitalised;
use crate::event::{Answer, Effect, HeldPin, Proof, WizardOrder, WizardResult};
use crate::portal::wizard::{Begins, Turn, Why};
use crate::registration::{Stand, pin_after};
use crate::state::Context;
use crate::state::notes::Note;
pub(in crate::state) use run::ByHand;
use run::{Phase, Reply, Run};

/// Of what is typed in the open, in bytes.
const LONGEST_TEXT: usize = 256;

const WIPED: &str = "What was typed was wiped, since it took too long. Type it again.";
const REFUSED: &str = "The portal did not take what was typed: it asks for the same again.";
const EXPIRED: &str = "The portal's session is over, so it wants this step again.";
const UNKNOWN: &str = "Whether the portal took what was sent is not known.";

impl CardVisit {
    /// A person wants to register by hand.
    pub(in crate::state) fn start_wizard(
        &mut self,
        uid: u32,
        what: &StartWizard,
        context: &mut Context<'_>,
    ) -> Result<Answer, Refusal> {
        if self.id() != Some(&what.card) {
            return Err(Refusal::NoSuchCard);
        }
        let facts = self.facts.as_deref().ok_or(Refusal::NotRead)?;
        let mut portals = context.portals.iter();
        let profile = portals
            .find(|portal| portal.enabled && portal.name == what.portal)
            .ok_or(Refusal::NoSuchPortal)?;
        if profile.wizard.is_empty() {
            return Err(Refusal::NoSteps);
        }
        let certificate = facts
            .certificate_for(profile.certificate)
            .ok_or(Refusal::NoLogin)?;
        if self.by_hand.is_under_way() || self.by_hand.is_stopped_for_another(uid) {
            return Err(Refusal::WizardRuns);
        }
        if self.stands.get(&profile.name).is_some_and(Stand::is_busy) {
            return Err(Refusal::PinInUse);
        }
        let proof = Proof {
            certificate_sha256: certificate.summary.sha256.clone(),
            profile: profile.fingerprint.clone(),
        };
        let profile = Arc::clone(profile);
        self.end_wizard(context);
        let note = Note::by_hand(self, &profile, "was begun");
        context.effects.push(note.at(context.now));
        self.by_hand.run = Some(Run::new(uid, profile, proof, context.now));
        self.go(0, Begins::Opening, None, None, context);
        Ok(Answer::Done)
    }

    /// A person has typed one of the things that are asked for.
    pub(in crate::state) fn answer_wizard(
        &mut self,
        uid: u32,
        what: AnswerWizard,
        secret: Option<(Locked, usize)>,
        context: &mut Context<'_>,
    ) -> Result<Answer, Refusal> {
        if self.id() != Some(&what.card) {
            return Err(Refusal::NoSuchCard);
        }
        let kind = self.by_hand.kind_of(uid, what.turn, what.ask)?;
        let reply = match (kind, secret, what.value) {
            (AskKind::Text, None, Some(text)) => {
                if text.is_empty() || text.len() > LONGEST_TEXT || text != readable(&text) {
                    let parameter = "value".into();
                    return Err(Refusal::InvalidParameter { parameter });
                }
                Reply::Text(text)
            }
            (AskKind::Password, Some((bytes, length)), None) => Reply::Password(
                Password::new(bytes, length).map_err(|_| Refusal::MalformedPassword)?,
            ),
            (AskKind::Pin, Some((digits, length)), None) => {
                let typed_for = PinFor {
                    uid,
                    card: what.card,
                    visit: what.visit,
                    even_the_last_try: what.even_the_last_try,
                    by_login: false,
                };
                if length >= pin::LONGEST {
                    return Err(Refusal::MalformedPin);
                }
                let pin = Pin::new(digits, length, typed_for).map_err(|_| Refusal::MalformedPin)?;
                self.may_take(&pin)?;
                Reply::Pin(pin)
            }
            (AskKind::Password | AskKind::Pin, None, _) => return Err(Refusal::NoPin),
            (_, _, _) => {
                let parameter = "value".into();
                return Err(Refusal::InvalidParameter { parameter });
            }
        };
        let Some(run) = &mut self.by_hand.run else {
            return Err(Refusal::NotAsked);
        };
        run.take(what.ask, reply, until(context), context.now);
        self.send_if_complete(context);
        Ok(Answer::Done)
    }

    /// A person wants to go on, back, or nowhere.
    pub(in crate::state) fn move_wizard(
        &mut self,
        uid: u32,
        what: &MoveWizard,
        context: &mut Context<'_>,
    ) -> Result<Answer, Refusal> {
        if self.id() != Some(&what.card) {
            return Err(Refusal::NoSuchCard);
        }
        let run = self.by_hand.run.as_ref().ok_or(Refusal::NotAsked)?;
        // Whoever sees it may stop it.
        if what.to == Move::Stop {
            if !run.is_over() {
                let note = Note::by_hand(self, &run.profile, "was stopped");
                context.effects.push(note.at(context.now));
            }
            self.end_wizard(context);
            self.advance(context);
            return Ok(Answer::Done);
        }
        if run.uid != uid {
            return Err(Refusal::NotYours);
        }
        if run.turn != what.turn {
            return Err(Refusal::NotAsked);
        }
        let portal = &run.profile.name;
        if self.stands.get(portal).is_some_and(Stand::is_busy) {
            return Err(Refusal::PinInUse);
        }
        let at = run.at;
        let (at, begins) = match (what.to, &run.phase) {
            (Move::On, Phase::Telling) => (at, Begins::Told),
            (Move::Again, Phase::Asking(_) | Phase::Stopped(_)) => {
                (run.opened_for(at), Begins::Opening)
            }
            (Move::Back, Phase::Asking(_) | Phase::Stopped(_) | Phase::Telling) => {
                (run.before(at).ok_or(Refusal::NotAsked)?, Begins::Opening)
            }
            _ => return Err(Refusal::NotAsked),
        };
        self.go(at, begins, None, None, context);
        Ok(Answer::Done)
    }

    /// The portal is at another step.
    pub(in crate::state) fn wizard_at(&mut self, number: u32, at: usize, context: &Context<'_>) {
        if let Some(run) = self.by_hand.run_of_leg(number) {
            run.come_to(at, context.now);
        }
    }

    /// A leg has ended.
    pub(in crate::state) fn wizard_turned(
        &mut self,
        number: u32,
        result: WizardResult,
        tries: Option<PinStatus>,
        context: &mut Context<'_>,
    ) {
        if self
            .by_hand
            .with_pin
            .take_if(|leg| *leg == number)
            .is_some()
        {
            self.aside = None;
        }
        if let Some(tries) = tries {
            self.pin = tries;
        }
        if let WizardResult::Card(error) = &result {
            if let Some(pin) = pin_after(error) {
                self.pin = pin;
            }
            let note = Note::card_said(self, error);
            context.effects.push(note.at(context.now));
        }
        if self.by_hand.run_of_leg(number).is_some() {
            self.take_turn(result, context);
        }
        self.advance(context);
    }

    fn take_turn(&mut self, result: WizardResult, context: &mut Context<'_>) {
        match result {
            WizardResult::Turn(Turn::Asks { at, why }) => self.ask_at(at, why, context),
            WizardResult::Turn(Turn::Tells { at }) => {
                if let Some(run) = &mut self.by_hand.run {
                    run.at = at;
                    run.turn_to(Phase::Telling, context.now);
                }
            }
            WizardResult::Turn(Turn::Stopped { at, cause, sent }) => {
                self.count_refusal(sent);
                self.stop_at(at, cause, sent, context);
            }
            WizardResult::Turn(Turn::Notice { at, notice }) => self.notice(at, notice, context),
            WizardResult::Turn(Turn::LockedOut { at }) => self.locked_out(at, context),
            WizardResult::Turn(Turn::Done { registered, shown }) => {
                self.done(registered, shown, context);
            }
            WizardResult::Card(error) if pin_after(&error).is_some() => {
                let Some(run) = &self.by_hand.run else {
                    return;
                };
                if self.pin == PinStatus::Blocked {
                    let cause = Cause::new(Kind::PinBlocked, error.to_string());
                    return self.stop_at(run.at, cause, false, context);
                }
                let at = run.opened_for(run.at);
                let told = format!("{}.", capitalised(&refusal(&error).to_string()));
                self.go(at, Begins::Opening, None, Some(told), context);
            }
            WizardResult::Card(error) => {
                self.stop_here(Cause::new(Kind::CardFailed, error.to_string()), context);
            }
            WizardResult::PinGone => {
                let why = "the PIN was held no longer, and nothing was sent to the card";
                self.stop_here(Cause::new(Kind::CardFailed, why), context);
            }
            WizardResult::Failed { cause } => {
                self.stop_here(Cause::new(Kind::FailedHere, cause), context);
            }
        }
    }

    fn ask_at(&mut self, at: usize, why: Why, context: &mut Context<'_>) {
        self.count_refusal(why != Why::Next);
        let Some(run) = &mut self.by_hand.run else {
            return;
        };
        run.at = at;
        let told = match why {
            Why::Next => run.carried.take(),
            Why::Refused => Some(REFUSED.to_owned()),
            Why::Expired => Some(EXPIRED.to_owned()),
        };
        let asks = run.questions();
        if !asks.is_empty() {
            run.turn_to(Phase::Asking(asks), context.now);
            run.problem = told;
            return;
        }
        if why != Why::Next {
            let cause = Cause::new(Kind::OtherPage, "the portal shows the same form again");
            return self.stop_at(at, cause, false, context);
        }
        // Nothing to be typed: its button alone is pressed.
        self.go(at, Begins::Sending(Vec::new()), None, told, context);
    }

    fn send_if_complete(&mut self, context: &mut Context<'_>) {
        let Some(run) = &mut self.by_hand.run else {
            return;
        };
        let Some((values, pin)) = run.take_answers() else {
            return;
        };
        let at = run.at;
        let has_form = run.profile.wizard[at].form.is_some();
        let begins = if has_form {
            Begins::Sending(values)
        } else {
            Begins::Opening
        };
        self.go(at, begins, pin, None, context);
    }

    /// Sends the portal's client on its way.
    fn go(
        &mut self,
        at: usize,
        begins: Begins,
        pin: Option<Pin>,
        carried: Option<String>,
        context: &mut Context<'_>,
    ) {
        let ByHand { run, legs, .. } = &mut self.by_hand;
        let (Some(run), Some(facts)) = (run, self.facts.clone()) else {
            return;
        };
        let Some(certificate) = facts.certificate_for(run.profile.certificate) else {
            return;
        };
        *legs += 1;
        let is_first = run.leg == 0;
        run.leg = *legs;
        run.at = at;
        run.sends_secret = begins.has_password();
        run.carried = carried;
        run.turn_to(Phase::Working, context.now);
        let order = WizardOrder {
            visit: self.visit,
            number: run.leg,
            reader: self.reader.clone(),
            card: facts.id.clone(),
            portal: Arc::clone(&run.profile),
            certificate: certificate.clone(),
            edge: facts.edge,
            ways: facts.ways,
            accepted: Vec::new(),
            is_first,
            at,
            begins,
            pin: pin.map(HeldPin::Unsent),
        };
        let order = WizardOrder {
            accepted: self.accepted_at(&order.portal.name),
            ..order
        };
        if let Some(pin) = &order.pin {
            self.by_hand.with_pin = Some(order.number);
            self.aside = Some(Aside {
                uid: pin.typed_for().uid,
                until: until(context),
            });
        }
        context.effects.push(Effect::Wizard(Box::new(order)));
    }

    fn stop_here(&mut self, cause: Cause, context: &mut Context<'_>) {
        if let Some(run) = &self.by_hand.run {
            let (at, sent) = (run.at, run.sends_secret);
            self.stop_at(at, cause, sent, context);
        }
    }

    /// A password that led nowhere counts as one that the portal did not take.
    fn count_refusal(&mut self, is_one: bool) {
        let ByHand { run, refused, .. } = &mut self.by_hand;
        if let Some(run) = run.as_ref().filter(|run| is_one && run.sends_secret) {
            *refused.entry(run.profile.name.clone()).or_default() += 1;
        }
    }

    /// `sent`: what was typed may have reached the portal.
    fn stop_at(&mut self, at: usize, cause: Cause, sent: bool, context: &mut Context<'_>) {
        let Some(run) = &mut self.by_hand.run else {
            return;
        };
        let sent = sent && run.sends_secret;
        run.at = at;
        let profile = Arc::clone(&run.profile);
        let what = format!("stopped at step {}: {cause}", at + 1);
        run.turn_to(Phase::Stopped(cause), context.now);
        run.problem = sent.then(|| UNKNOWN.to_owned());
        let note = Note::by_hand(self, &profile, &what);
        context.effects.push(note.at(context.now));
    }

    /// Wipes what was typed, and forgets the session with the portal.
    pub(super) fn end_wizard(&mut self, context: &mut Context<'_>) {
        if self.by_hand.run.take().is_none() {
            return;
        }
        context.effects.push(Effect::EndWizard(self.visit));
        if self.by_hand.with_pin.is_some()
            && let Some(aside) = &mut self.aside
        {
            aside.until = None;
            context.effects.push(Effect::ForgetPin(self.visit));
        }
    }

    /// Nobody is there to go on: neither what was typed nor the session stays.
    pub(super) fn leave_wizard(&mut self, uid: Option<u32>, context: &mut Context<'_>) {
        let run = self.by_hand.run.as_ref();
        let theirs = run.filter(|run| !run.is_over() && uid.is_none_or(|uid| uid == run.uid));
        if let Some(run) = theirs {
            let note = Note::by_hand(self, &run.profile, "was stopped: nobody is there");
            context.effects.push(note.at(context.now));
            self.end_wizard(context);
        }
    }

    /// What was typed is held no longer than a PIN, and nothing is waited for
    /// without end.
    pub(super) fn wizard_tick(&mut self, context: &mut Context<'_>) {
        let Some(run) = &mut self.by_hand.run else {
            return;
        };
        if run.is_given_up(context.now) {
            let profile = Arc::clone(&run.profile);
            let note = Note::by_hand(self, &profile, "was given up: nothing was typed for long");
            context.effects.push(note.at(context.now));
            self.end_wizard(context);
        } else if run.wipe_if_due(context.now) {
            run.problem = Some(WIPED.to_owned());
        }
    }

    /// Steps of a profile that is not in force any more lead nowhere.
    pub(super) fn wizard_portals_changed(&mut self, context: &mut Context<'_>) {
        let Some(run) = &self.by_hand.run else {
            return;
        };
        if run.is_over() || context.portals.contains(&run.profile) {
            return;
        }
        let profile = Arc::clone(&run.profile);
        let note = Note::by_hand(self, &profile, "was stopped: the portal's profile changed");
        context.effects.push(note.at(context.now));
        self.end_wizard(context);
    }

    #[cfg(test)]
    pub(in crate::state) fn holds_stale_answers(&self, now: Duration) -> bool {
        let run = self.by_hand.run.as_ref();
        run.is_some_and(|run| run.holds_too_long(now))
    }
}
