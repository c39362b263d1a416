//! The story, played by the demo itself: keys into the dashboard, and what
//! daemon and portal make of it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, Snapshot};

use super::cards::{DemoCard, PIN, Who};
use super::ending::Ending;
use super::screen::{Screen, Size};
use super::stage::Stage;
use super::told::Told;
use crate::clock;
use crate::portal::Fault;

const SIZE: Size = Size {
    columns: 120,
    rows: 36,
};

/// For the whole story.
const LIMIT: Duration = Duration::from_mins(2);

/// For one step of it.
const STEP: Duration = Duration::from_secs(30);

/// What the dashboard says when it asks for the PIN, and when it has six digits of it.
const PROMPT: &str = "6 to 8 digits";
const SIX_DIGITS: [&str; 2] = ["••••••_", "******_"];

/// Plays the story and shows how it ended. Fails unless the card is registered.
pub(super) fn run(stage: &mut Stage, ending: &Ending, told: &mut Told) -> anyhow::Result<()> {
    let screen = Screen::open(stage.folder(), SIZE, &stage.dashboard())?;
    told.part("dashboard", "cacctl, in a tmux of its own")?;
    told.say("")?;

    let mut story = Story {
        stage,
        screen,
        ending,
        told,
        until: clock::instant() + LIMIT,
    };
    let outcome = story.play();
    story.show_screen()?;
    outcome
}

struct Story<'a> {
    stage: &'a mut Stage,
    screen: Screen,
    ending: &'a Ending,
    told: &'a mut Told,
    until: Instant,
}

impl Story<'_> {
    fn play(&mut self) -> anyhow::Result<()> {
        self.step("The dashboard is open and waits for a card.", |story| {
            let reader = story.stage.reader.name();
            story.screen_shows(&[&reader])
        })?;
        self.step(
            "JANE DOE's card is put in: the daemon reads it and asks for the PIN.",
            |story| {
                story.stage.put_in(Who::Jane)?;
                story.status_of(Who::Jane, "needs PIN", needs_pin)?;
                story.screen_shows(&["DOE, JANE"])
            },
        )?;
        self.step(
            "The PIN is typed into the dashboard: the card signs in, the portal registers it.",
            |story| {
                story.type_pin()?;
                story.status_of(Who::Jane, "registered", is_registered)?;
                story.portal_has(Who::Jane)
            },
        )?;
        self.step(
            "The card is taken out and put in again: still registered, and no PIN asked.",
            Self::again,
        )?;
        self.step(
            "The portal goes down. JOHN ROE's card is put in and the PIN typed: it waits.",
            |story| {
                story.stage.portal.set_fault(Fault::Down)?;
                story.stage.put_in(Who::John)?;
                story.status_of(Who::John, "needs PIN", needs_pin)?;
                story.type_pin()?;
                story.status_of(Who::John, "waiting", is_waiting)?;
                let sent = story.card(Who::John).card.log().pin_attempts();
                ensure!(
                    sent == 0,
                    "the card got a PIN that nothing could be signed with"
                );
                Ok(())
            },
        )?;
        self.step(
            "The portal is back: JOHN ROE is registered without anyone doing anything.",
            |story| {
                story.stage.portal.set_fault(Fault::Normal)?;
                story.status_of(Who::John, "registered", is_registered)?;
                story.portal_has(Who::John)?;
                story.screen_shows(&["ROE, JOHN", "registered to account john.roe"])
            },
        )
    }

    fn again(&mut self) -> anyhow::Result<()> {
        self.card(Who::Jane).card.clear_log();
        let requests = self.stage.portal.requests();
        self.stage.take_out();
        self.wait("the reader is empty", |snapshot| {
            snapshot.readers.iter().all(|reader| reader.card.is_none())
        })?;
        self.stage.put_in(Who::Jane)?;
        self.status_of(Who::Jane, "registered", is_registered)?;
        let sent = self.card(Who::Jane).card.log().pin_attempts();
        ensure!(sent == 0, "the card got a PIN again");
        ensure!(
            self.stage.portal.requests() == requests,
            "the portal was asked again"
        );
        Ok(())
    }

    fn type_pin(&mut self) -> anyhow::Result<()> {
        self.screen_shows(&["type the PIN"])?;
        self.screen.write("r")?;
        self.screen_shows(&[PROMPT])?;
        self.screen.write(PIN)?;
        self.screen_shows_any(&SIX_DIGITS)?;
        self.screen.press("Enter")
    }

    fn step(
        &mut self,
        what: &str,
        act: impl FnOnce(&mut Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let outcome = act(self);
        match &outcome {
            Ok(()) => self.told.done(what)?,
            Err(_) => self.told.failed(what)?,
        }
        outcome.with_context(|| format!("this did not happen: {what}"))
    }

    fn card(&self, who: Who) -> &DemoCard {
        self.stage.card(who)
    }

    /// Waits until the card in the reader is this person's and its status at
    /// the portal fits.
    fn status_of(
        &mut self,
        who: Who,
        label: &str,
        fits: impl Fn(&RegistrationStatus) -> bool,
    ) -> anyhow::Result<()> {
        let upn = self.card(who).person.upn();
        let is_theirs = |card: &Card| {
            card.holder
                .as_ref()
                .is_some_and(|holder| holder.upn.as_ref() == Some(&upn))
        };
        let what = format!("the card of {} is {label}", self.card(who).name());
        self.wait(&what, |snapshot| {
            snapshot
                .readers
                .iter()
                .filter_map(|reader| reader.card.as_ref())
                .filter(|card| is_theirs(card))
                .flat_map(|card| &card.registrations)
                .any(|registration| fits(&registration.status))
        })
    }

    fn portal_has(&self, who: Who) -> anyhow::Result<()> {
        let upn = self.card(who).person.upn();
        let registrations = self.stage.portal.registrations()?;
        ensure!(
            registrations.iter().any(|one| one.upn == upn),
            "the portal has no card of {upn} on record"
        );
        Ok(())
    }

    fn wait(&self, what: &str, fits: impl Fn(&Snapshot) -> bool) -> anyhow::Result<()> {
        let feed = &self.stage.feed;
        self.ending.wait_for(what, self.patience(), || {
            feed.latest().filter(|snapshot| fits(snapshot)).map(|_| ())
        })
    }

    fn screen_shows(&self, texts: &[&str]) -> anyhow::Result<()> {
        let what = format!("the dashboard shows {}", texts.join(" and "));
        self.screen_fits(&what, |screen| {
            texts.iter().all(|text| screen.contains(text))
        })
    }

    fn screen_shows_any(&self, texts: &[&str]) -> anyhow::Result<()> {
        let what = format!("the dashboard shows {}", texts.join(" or "));
        self.screen_fits(&what, |screen| {
            texts.iter().any(|text| screen.contains(text))
        })
    }

    fn screen_fits(&self, what: &str, fits: impl Fn(&str) -> bool) -> anyhow::Result<()> {
        self.ending
            .wait_for(what, self.patience(), || match self.screen.text() {
                Ok(screen) => fits(&screen).then_some(Ok(())),
                Err(error) => Some(Err(error)),
            })?
    }

    /// How long the next wait may last.
    fn patience(&self) -> Duration {
        self.until
            .saturating_duration_since(clock::instant())
            .min(STEP)
    }

    /// The last screen, and what the portal has on record.
    fn show_screen(&mut self) -> anyhow::Result<()> {
        self.told.say("")?;
        self.told.say("The dashboard, at the end:")?;
        self.told.say("")?;
        match self.screen.text() {
            Ok(screen) => {
                for line in screen.lines() {
                    self.told.say(line)?;
                }
            }
            Err(error) => self.told.say(&format!("  cannot be shown: {error:#}"))?,
        }
        self.told.say("")?;
        self.told.say("What the portal has on record:")?;
        for one in self.stage.portal.registrations()? {
            let certificate = one.serial;
            self.told.say(&format!(
                "  {:<10} {}  certificate {certificate}",
                one.account, one.upn
            ))?;
        }
        self.told.say("")?;
        Ok(())
    }
}

fn needs_pin(status: &RegistrationStatus) -> bool {
    matches!(status, RegistrationStatus::NeedsPin { .. })
}

fn is_registered(status: &RegistrationStatus) -> bool {
    matches!(status, RegistrationStatus::Registered { .. })
}

fn is_waiting(status: &RegistrationStatus) -> bool {
    matches!(status, RegistrationStatus::Waiting { .. })
}
