//! A card when its holder's session begins, is left and is come back to.

use cac_common::users::Users;

use super::{Afterwards, CardVisit};
use crate::event::{Effect, SessionUser};
use crate::state::Context;
use crate::state::notes::Note;
use crate::state::session::Occasion;

impl CardVisit {
    /// The user whom the configuration ties the card to, once it is read.
    pub(in crate::state) fn user<'a>(&self, users: &'a Users) -> Option<&'a str> {
        let facts = self.facts.as_deref()?;
        let signs_in = facts.login.as_ref().map(|login| login.slot);
        let subject = facts
            .certificates
            .iter()
            .map(|certificate| &certificate.summary)
            .find(|summary| Some(summary.slot) == signs_in)
            .map(|summary| summary.subject_dn.as_str());
        let upn = facts.holder.as_ref().and_then(|it| it.upn.as_deref());
        users.of(upn, self.dod_id(), subject)
    }

    /// Starts what is due, or asks for the PIN that it needs. A card that is
    /// nobody's may be anybody's; after a sleep there is no telling who is there.
    pub(in crate::state) fn holder_is_back(
        &mut self,
        user: Option<&SessionUser>,
        occasion: &Occasion,
        context: &mut Context<'_>,
    ) {
        let may_be_theirs = user.is_none_or(|user| {
            self.user(&context.config.users)
                .is_none_or(|name| name == user.name)
        });
        if !may_be_theirs || !self.remembered {
            return;
        }
        if let Some(uid) = self.pin_is_of() {
            // A PIN serves the one who typed it.
            if user.is_none_or(|user| user.uid == uid) {
                for stand in self.stands.values_mut() {
                    stand.wait_no_longer();
                }
                self.advance(context);
            }
        } else if self.is_at_work() {
            self.wanted = Some(occasion.clone());
        } else {
            self.ask(Some(occasion), context);
        }
    }

    /// Nobody is there to see what is done with a PIN, so it goes, also from work
    /// under way, which comes to its end with what the card has signed.
    pub(in crate::state) fn holder_has_left(
        &mut self,
        user: &SessionUser,
        occasion: &Occasion,
        context: &mut Context<'_>,
    ) {
        let is_theirs = self.user(&context.config.users) == Some(user.name.as_str());
        self.forget_pins(|uid| is_theirs || uid == user.uid, occasion, context);
        self.leave_wizard(Some(user.uid), context);
        if is_theirs {
            self.wanted = None;
        }
    }

    /// What lies in memory may soon lie on a disk: no PIN stays, not even one
    /// that is being used.
    pub(in crate::state) fn machine_sleeps(
        &mut self,
        occasion: &Occasion,
        context: &mut Context<'_>,
    ) {
        self.forget_pins(|_| true, occasion, context);
        self.leave_wizard(None, context);
        self.wanted = None;
    }

    /// Wipes what was typed by those whom `goes` means, wherever it is.
    fn forget_pins(
        &mut self,
        goes: impl Fn(u32) -> bool,
        occasion: &Occasion,
        context: &mut Context<'_>,
    ) {
        let held = self
            .held
            .take_if(|held| goes(held.pin.typed_for().uid))
            .is_some();
        let at_work = self.at_work.as_mut().filter(|at_work| goes(at_work.uid));
        let lent = at_work.is_some_and(|at_work| {
            std::mem::replace(&mut at_work.afterwards, Afterwards::Forgotten)
                != Afterwards::Forgotten
        });
        let aside = self.aside.as_mut().filter(|aside| goes(aside.uid));
        let is_aside = aside.map(|aside| aside.until = None).is_some();
        if lent || is_aside {
            context.effects.push(Effect::ForgetPin(self.visit));
        }
        if held || lent {
            let note = Note::pin_forgotten(self, occasion);
            context.effects.push(note.at(context.now));
        }
    }

    /// Who typed the PIN that what is due is signed in with.
    pub(super) fn pin_is_of(&self) -> Option<u32> {
        let held = self.held.as_ref().map(|held| held.pin.typed_for().uid);
        let lent = self.at_work.as_ref();
        let lent = lent.filter(|it| it.afterwards == Afterwards::Held);
        held.or(lent.map(|at_work| at_work.uid))
    }

    /// Calls for the holder, where a portal waits for a PIN that nobody has typed.
    pub(super) fn ask(&mut self, occasion: Option<&Occasion>, context: &mut Context<'_>) {
        if self.pin_is_of().is_some() {
            return;
        }
        let waiting = self.waiting_for_pin(context.portals, context.now);
        if waiting == 0 {
            return;
        }
        self.asked += 1;
        if let Some(occasion) = occasion {
            let note = Note::pin_wanted(self, occasion, waiting);
            context.effects.push(note.at(context.now));
        }
    }

    /// Asks for what there was no asking for while a PIN was in use.
    pub(super) fn ask_if_wanted(&mut self, context: &mut Context<'_>) {
        if let Some(occasion) = self.wanted.take() {
            self.ask(Some(&occasion), context);
        }
    }
}
