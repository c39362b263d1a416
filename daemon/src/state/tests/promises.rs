//! What every effect, and every picture, has to keep to.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use cac_common::identity::{CardId, HolderName};
use cac_common::interface::Refusal;
use cac_common::pin::PinFor;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Registration, Visit};

use super::fixtures::{account_of, card_id, certificate_of, holder, persona_of};
use super::world::Who;
use super::{CARDS, World, by_hand};
use crate::event::{Answer, CardToRemember, Effect, SignInOrder};
use crate::store::Consent;

impl World {
    /// Holds an effect against the promises; true if it is work that will end
    /// in an event. `before` is what was shown before this step.
    pub(super) fn check_effect(
        &mut self,
        effect: &Effect,
        current: &BTreeMap<Visit, CardId>,
        before: &BTreeMap<(Visit, String), RegistrationStatus>,
        who: Who,
    ) -> bool {
        match effect {
            Effect::Answer { request, answer } => {
                assert!(self.owed.remove(request), "answered twice");
                if answer.is_ok() {
                    self.pin_was_taken(*request);
                }
                check_answer(answer);
                return false;
            }
            Effect::Note(note) => {
                for number in ["1234567890", "9876543210"] {
                    assert!(!note.text.contains(number), "DoD ID in the history");
                }
                return false;
            }
            Effect::KeepCard(_)
            | Effect::KeepConfirmation { .. }
            | Effect::EndWizard(_)
            | Effect::LetSleep(_) => return false,
            Effect::Wizard(order) => self.check_leg(order, current),
            Effect::KeepConsent { consent, .. } => {
                self.consents.push(consent.clone());
                return false;
            }
            Effect::ReadRest { visit, .. } => {
                let busy = self
                    .under_way
                    .iter()
                    .any(|other| uses_a_pin(other) == Some(*visit));
                assert!(!busy, "what could wait did not wait for a PIN's work");
            }
            Effect::EndVisit(visit) => {
                assert!(!current.contains_key(visit), "ended, and still there");
                return false;
            }
            Effect::EndSession(session) => self.check_session_to_end(session),
            Effect::EndReader(reader) => {
                self.at_work.remove(reader);
                return false;
            }
            Effect::ForgetPin(visit) => {
                for other in &self.under_way {
                    if let Effect::SignIn(order) = other
                        && order.visit == *visit
                    {
                        self.wiped.insert((*visit, order.number));
                    }
                }
                return false;
            }
            Effect::ReadPrinted(order) => {
                let typed_for = order.pin.typed_for();
                assert_eq!(typed_for.card, order.target.card, "PIN of another card");
                self.check_pin(typed_for, order.visit, current);
            }
            Effect::ChangePin(order) => {
                let typed_for = order.pin.typed_for();
                assert_eq!(typed_for.card, order.target.card, "PIN of another card");
                self.check_pin(typed_for, order.visit, current);
            }
            Effect::TestPortal { order, .. } => self.check_order(order, current),
            Effect::SignIn(order) => self.check_sign_in(order, current, before, who),
            Effect::Record {
                visit,
                card,
                portal,
                proof,
                status: RegistrationStatus::Registered { account, .. },
            } => {
                check_owner(card, &proof.certificate_sha256, account.as_deref());
                let key = (*visit, portal.clone(), proof.certificate_sha256.clone());
                self.check_word(&key, current);
            }
            Effect::ReadCard { visit, .. }
            | Effect::Judge { visit, .. }
            | Effect::RememberCard { visit, .. }
            | Effect::Record { visit, .. } => {
                assert!(
                    self.state.visits().any(|card| card.visit == *visit),
                    "work for an old visit"
                );
            }
            Effect::Clear { .. }
            | Effect::LoadKnown
            | Effect::FindSeat { .. }
            | Effect::ReadConfirmation { .. } => {}
        }
        if let Effect::ReadCard { reader, .. } = effect {
            self.at_work.insert(reader.clone());
        }
        true
    }

    fn check_sign_in(
        &mut self,
        order: &SignInOrder,
        current: &BTreeMap<Visit, CardId>,
        before: &BTreeMap<(Visit, String), RegistrationStatus>,
        who: Who,
    ) {
        self.check_order(order, current);
        let typed_by = (order.pin.typed_for().uid, order.visit);
        assert!(
            !self.left.contains(&typed_by),
            "signed in with the PIN of somebody who has left"
        );
        let certificate = order.certificate.summary.sha256.clone();
        let begun = (Arc::clone(&order.portal), certificate);
        let earlier = self.sign_ins.insert((order.visit, order.number), begun);
        assert!(earlier.is_none(), "two sign-ins with one number");
        let key = (order.visit, order.portal.name.clone());
        assert!(!self.refused.contains(&key), "tried again after a refusal");
        if let Some(status) = before.get(&key) {
            assert!(
                may_go_on(status) || who == Who::Person,
                "tried again by itself after {status:?}"
            );
            let is_registered = matches!(status, RegistrationStatus::Registered { .. });
            assert!(
                !is_registered || who != Who::Session,
                "checked again since somebody came back"
            );
        }
    }

    fn check_word(&self, key: &(Visit, String, String), current: &BTreeMap<Visit, CardId>) {
        assert!(
            self.said_yes.contains(key),
            "recorded without the portal's word"
        );
        assert!(current.contains_key(&key.0), "recorded for an old visit");
    }

    fn check_order(&self, order: &SignInOrder, current: &BTreeMap<Visit, CardId>) {
        let typed_for = order.pin.typed_for();
        assert_eq!(typed_for.card, order.card, "PIN of another card");
        self.check_pin(typed_for, order.visit, current);
        self.check_consents(order);
    }

    fn check_consents(&self, order: &SignInOrder) {
        for sha256 in &order.accepted {
            let consent = Consent {
                portal: order.portal.name.clone(),
                sha256: sha256.clone(),
            };
            assert!(self.consents.contains(&consent), "nobody accepted that");
        }
    }

    pub(super) fn check_pin(
        &self,
        typed_for: &PinFor,
        visit: Visit,
        current: &BTreeMap<Visit, CardId>,
    ) {
        assert!(
            !self.state.is_asleep,
            "a PIN is used, and the machine sleeps"
        );
        assert_eq!(typed_for.visit, visit, "PIN of another visit");
        assert_eq!(current.get(&visit), Some(&typed_for.card));
        let at_work = self
            .under_way
            .iter()
            .any(|effect| uses_a_pin(effect) == Some(visit));
        assert!(!at_work, "two PINs for one card at a time");
    }

    /// What is called registered is written down.
    pub(super) fn check_what_is_shown(&self) {
        let snapshot = self.state.snapshot(self.now);
        for card in snapshot
            .readers
            .iter()
            .filter_map(|reader| reader.card.as_ref())
        {
            let Some(id) = &card.id else { continue };
            for registration in &card.registrations {
                if let RegistrationStatus::Registered { account, .. } = &registration.status {
                    let key = (id.clone(), registration.portal.clone());
                    assert!(
                        self.database.contains_key(&key),
                        "called registered and not written down"
                    );
                    let summary = card.certificates.first();
                    let own = summary.map(|summary| account_of(&summary.sha256));
                    assert_eq!(*account, own, "shown with the account of another");
                }
            }
        }
    }

    /// A status stays since when it began: in this step, or in an earlier one, if
    /// it was remembered since then.
    pub(super) fn check_since(&self, before: &BTreeMap<(Visit, String), Registration>) {
        let now = self.now.utc;
        for (key, shown) in self.registrations() {
            assert!(shown.since <= now, "began later than now: {shown:?}");
            let kind = mem::discriminant(&shown.status);
            let stays = before
                .get(&key)
                .filter(|earlier| mem::discriminant(&earlier.status) == kind);
            if let Some(earlier) = stays {
                assert_eq!(shown.since, earlier.since, "began twice: {shown:?}");
                continue;
            }
            assert!(
                self.moments.contains(&shown.since),
                "began when nothing happened: {shown:?}"
            );
        }
    }
}

fn check_answer(answer: &Result<Answer, Refusal>) {
    if let Err(refusal) = answer {
        assert_ne!(*refusal, Refusal::PermissionDenied);
    }
}

/// Card, persona, certificate and account are of one and the same person.
fn check_owner(card: &CardToRemember, certificate: &str, account: Option<&str>) {
    let owner = (0..CARDS).find(|owner| card_id(*owner) == card.id).unwrap();
    let (name, dod_id) = HolderName::from_common_name(holder(owner));
    assert_eq!(card.persona_key, persona_of(owner), "another persona");
    assert_eq!(card.name, name.to_string(), "another name");
    assert_eq!(card.dod_id, dod_id, "another DoD ID");
    assert_eq!(certificate, certificate_of(owner), "another certificate");
    assert_eq!(account, Some(&*account_of(certificate)), "another account");
}

/// The visit in which work uses a PIN.
pub(super) fn uses_a_pin(effect: &Effect) -> Option<Visit> {
    if let Effect::SignIn(order) = effect {
        return Some(order.visit);
    }
    if let Effect::ReadPrinted(order) = effect {
        return Some(order.visit);
    }
    if let Effect::ChangePin(order) = effect {
        return Some(order.visit);
    }
    if let Effect::TestPortal { order, .. } = effect {
        return Some(order.visit);
    }
    by_hand::pin_of(effect)
}

/// Statuses from which a sign-in may start without a person asking for it.
fn may_go_on(status: &RegistrationStatus) -> bool {
    matches!(
        status,
        RegistrationStatus::NeedsPin { .. }
            | RegistrationStatus::OutOfDate { .. }
            | RegistrationStatus::Waiting { .. }
            | RegistrationStatus::SigningIn
            | RegistrationStatus::Registered { .. }
    )
}
