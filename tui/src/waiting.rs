//! What a registration waits for, since when, and how to stop it.

use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::Registration;
use cac_common::time::UtcSeconds;
use cac_common::wizard::WizardState;

use crate::app::App;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// Goes on after "waits for".
    pub what: String,
    /// Nothing where the daemon does not tell.
    pub since: Option<UtcSeconds>,
    /// A sentence.
    pub to_stop: &'static str,
}

const TAKE_IT_OUT: &str = "Take the card out.";

impl Wait {
    /// Of the card that is chosen, at one portal; nothing where nothing is waited for.
    pub fn of(app: &App, registration: &Registration) -> Option<Self> {
        let card = app.card()?;
        if let Some(wizard) = app.wizard_at(&registration.portal) {
            let step = wizard.at.saturating_add(1);
            let of = wizard.steps.len();
            let (what, to_stop) = match &wizard.state {
                WizardState::Working => (
                    format!("the portal, in step {step} of {of} of the wizard"),
                    "Press w, then F8.",
                ),
                WizardState::Asking { .. } | WizardState::Telling => (
                    format!("you, in step {step} of {of} of the wizard: press w"),
                    "Press w, then F8.",
                ),
                WizardState::Stopped { .. } => (
                    format!("you: the wizard stopped in step {step} of {of}, press w"),
                    "Press w, then F8.",
                ),
                WizardState::Done { .. } => return Self::by_status(registration),
            };
            let since = Some(wizard.since);
            return Some(Self {
                what,
                since,
                to_stop,
            });
        }
        // What another card in the reader is asked for is not known.
        card.id.as_ref()?;
        Self::by_status(registration)
    }

    fn by_status(registration: &Registration) -> Option<Self> {
        let status = &registration.status;
        let (what, to_stop) = if *status == RegistrationStatus::SigningIn {
            ("the card and the portal", TAKE_IT_OUT)
        } else if let RegistrationStatus::Waiting { .. } = status {
            ("the portal, which is asked again by itself", TAKE_IT_OUT)
        } else if status.waits_for_pin() {
            (
                "your PIN: press r",
                "Leave it: nothing is done before you type it.",
            )
        } else if let RegistrationStatus::NeedsConsent { .. } = status {
            (
                "you to read and accept a notice",
                "Leave it: nothing is accepted before you say so.",
            )
        } else if let RegistrationStatus::RegisteredNotSaved { .. } = status {
            (
                "the database, to write down what the portal said",
                "Nothing has to be stopped.",
            )
        } else {
            return None;
        };
        let told = registration.since != UtcSeconds::default();
        Some(Self {
            what: what.to_owned(),
            since: told.then_some(registration.since),
            to_stop,
        })
    }
}

#[cfg(test)]
mod tests {
    use cac_common::snapshot::Snapshot;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::invented::{self, NOW};
    use crate::update::{Message, update};

    fn app(change: impl Fn(&mut Registration)) -> App {
        let mut desk: Snapshot = invented::desk();
        let card = desk.readers[2].card.as_mut().unwrap();
        change(&mut card.registrations[1]);
        let mut app = App::new(NOW, TimeZone::UTC);
        update(&mut app, Message::Snapshot(Box::new(desk)));
        app
    }

    fn wait(app: &App) -> Option<Wait> {
        Wait::of(app, &app.registrations()[1])
    }

    #[test]
    fn what_a_registration_waits_for_is_told_with_since_when_and_how_to_stop() {
        let since = UtcSeconds(NOW.0 - 90);
        let statuses = [
            (RegistrationStatus::SigningIn, "the card and the portal"),
            (
                RegistrationStatus::Waiting {
                    until: UtcSeconds(NOW.0 + 40),
                    attempt: 2,
                    cause: "Connection refused".into(),
                },
                "the portal, which is asked again by itself",
            ),
            (
                RegistrationStatus::NeedsPin { tries_left: None },
                "your PIN: press r",
            ),
        ];
        for (status, told) in statuses {
            let app = app(|registration| {
                registration.status = status.clone();
                registration.since = since;
            });

            let wait = wait(&app).unwrap();

            assert!(wait.what.starts_with(told), "{}", wait.what);
            assert_eq!(wait.since, Some(since));
            assert!(wait.to_stop.ends_with('.'));
        }
    }

    #[test]
    fn what_is_settled_waits_for_nothing() {
        assert_eq!(
            wait(&app(|it| it.status = RegistrationStatus::NotFound)),
            None
        );
    }

    #[test]
    fn a_moment_that_is_not_told_is_not_made_up() {
        let app = app(|it| it.since = UtcSeconds::default());

        assert_eq!(wait(&app).unwrap().since, None);
    }

    #[test]
    fn who_registers_by_hand_is_told_where_it_stands() {
        let mut app = app(|_| {});
        let snapshot = app.snapshot.as_mut().unwrap();
        let card = snapshot.readers[2].card.as_mut().unwrap();
        card.wizard = Some(invented::wizard("travel", WizardState::Working));

        let wait = wait(&app).unwrap();

        assert_eq!(wait.what, "the portal, in step 2 of 7 of the wizard");
        assert_eq!(wait.since, Some(UtcSeconds(NOW.0 - 12)));
    }
}
