//! Sessions of the machine's users: whose holder is back, and whose has left.

use super::State;
use super::visit::CardVisit;
use crate::event::{Effect, Now, SessionEvent};

/// What happened to a session, as the history's sentences begin.
#[derive(Debug, Clone)]
pub(super) struct Occasion {
    pub(super) text: String,
    /// The same without the user's name.
    pub(super) logged: &'static str,
}

impl State {
    pub(super) fn take_session(&mut self, event: SessionEvent, now: Now) -> Vec<Effect> {
        if let SessionEvent::Seats(in_front) = event {
            self.in_front = in_front;
            return Vec::new();
        }
        if let SessionEvent::GoesToSleep(_) | SessionEvent::Woke = event {
            self.is_asleep = !matches!(event, SessionEvent::Woke);
        }
        let occasion = Occasion::of(&event);
        let mut effects = self.each_visit(now, |card: &mut CardVisit, context| match &event {
            SessionEvent::Began(user) | SessionEvent::Unlocked(user) => {
                card.holder_is_back(Some(user), &occasion, context);
            }
            SessionEvent::Woke => card.holder_is_back(None, &occasion, context),
            SessionEvent::Locked(user)
            | SessionEvent::LeftSeat(user)
            | SessionEvent::Ended(user) => card.holder_has_left(user, &occasion, context),
            SessionEvent::GoesToSleep(_) => card.machine_sleeps(&occasion, context),
            SessionEvent::Seats(_) => {}
        });
        // Last: what work still holds is wiped, or has been told to be.
        if let SessionEvent::GoesToSleep(Some(inhibitor)) = event {
            effects.push(Effect::LetSleep(inhibitor));
        }
        effects
    }
}

impl Occasion {
    fn of(event: &SessionEvent) -> Self {
        let (text, logged) = match event {
            SessionEvent::Began(user) => {
                (format!("{}'s session began", user.name), "A session began")
            }
            SessionEvent::Unlocked(user) => (
                format!("{}'s session was unlocked", user.name),
                "A session was unlocked",
            ),
            SessionEvent::Locked(user) => (
                format!("{}'s session was locked", user.name),
                "A session was locked",
            ),
            SessionEvent::LeftSeat(user) => (
                format!("Another session is in front of {}'s", user.name),
                "Another session is in front",
            ),
            SessionEvent::Ended(user) => (
                format!("{}'s session has ended", user.name),
                "A session has ended",
            ),
            SessionEvent::GoesToSleep(_) => (
                "The machine goes to sleep".to_owned(),
                "The machine goes to sleep",
            ),
            SessionEvent::Woke => ("The machine woke".to_owned(), "The machine woke"),
            SessionEvent::Seats(_) => (
                "Others are at the seats".to_owned(),
                "Others are at the seats",
            ),
        };
        Self { text, logged }
    }
}
