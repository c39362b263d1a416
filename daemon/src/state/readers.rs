//! What is in the readers, and what comes and goes.

use cac_common::reader::{ReaderName, ReaderStatus, ServiceStatus};
use cac_common::snapshot::Visit;

use super::notes::{self, Note};
use super::visit::CardVisit;
use super::{ReaderSlot, State};
use crate::card::transport::{Report, SeenReader};
use crate::event::{Effect, Now};

impl State {
    pub(super) fn take_report(&mut self, report: Report, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        if report.service != self.service {
            effects.extend(notes::service(self.service, report.service).map(|note| note.at(now)));
            self.service = report.service;
        }
        let gone: Vec<ReaderName> = self
            .readers
            .keys()
            .filter(|name| !report.readers.iter().any(|seen| seen.name == **name))
            .cloned()
            .collect();
        for name in gone {
            let slot = self.readers.remove(&name);
            let (visit, mute) = slot.map_or((None, None), |slot| (slot.visit, slot.mute));
            self.absent.lost(mute);
            if let Some(mut card) = visit {
                // Nobody has taken it out, as far as is known.
                self.absent.lost(card.bound.take());
                if report.service != ServiceStatus::Running
                    && let Some(uid) = card.is_for
                {
                    self.left_in.insert(name.clone(), uid);
                }
                effects.push(Effect::EndVisit(card.visit));
                if report.service == ServiceStatus::Running {
                    effects.push(Note::card_out(&card, &name).at(now));
                }
            }
            if report.service == ServiceStatus::Running {
                effects.push(Note::reader(&name, "unplugged").at(now));
            }
            effects.push(Effect::EndReader(name));
        }
        for seen in report.readers {
            effects.extend(self.take_reader(seen, now));
        }
        effects
    }

    fn take_reader(&mut self, seen: SeenReader, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        let is_new = !self.readers.contains_key(&seen.name);
        if is_new {
            self.arrivals += 1;
            effects.push(Note::reader(&seen.name, "found").at(now));
            effects.push(Effect::FindSeat {
                reader: seen.name.clone(),
                arrival: self.arrivals,
            });
        }
        let left_for = self.left_in.remove(&seen.name);
        let slot = self.readers.entry(seen.name.clone()).or_insert(ReaderSlot {
            status: ReaderStatus::Empty,
            changes: seen.changes,
            seat: None,
            arrival: self.arrivals,
            visit: None,
            mute: None,
        });
        let same_card = slot.status == seen.status && slot.changes == seen.changes && !is_new;
        slot.changes = seen.changes;
        slot.status = seen.status;
        if same_card {
            return effects;
        }
        let mut bound = slot.mute.take();
        if let Some(mut card) = slot.visit.take() {
            bound = card.bound.take();
            effects.push(Effect::EndVisit(card.visit));
            effects.push(Note::card_out(&card, &seen.name).at(now));
        }
        match seen.status {
            ReaderStatus::Empty => {}
            ReaderStatus::NoAnswer => {
                // It is still there.
                slot.mute = bound.take();
                effects.push(Note::no_answer(&seen.name).at(now));
            }
            ReaderStatus::Card => {
                self.last_visit = Visit(self.last_visit.0 + 1);
                let mut card = CardVisit::new(self.last_visit, seen.name.clone(), now);
                card.is_for = left_for;
                slot.visit = Some(card);
                effects.push(Note::card_in(&seen.name).at(now));
                effects.push(Effect::ReadCard {
                    reader: seen.name,
                    visit: self.last_visit,
                });
            }
        }
        self.taken_out(bound, now);
        effects
    }
}
