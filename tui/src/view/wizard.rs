//! Registering by hand: the steps, what is asked, and what came of it. Of a
//! password or PIN only the number of its characters is known here.

use cac_common::identity::readable;
use cac_common::interface::PortalDetails;
use cac_common::snapshot::Card;
use cac_common::wizard::{Ask, AskKind, Wizard, WizardState};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::card::{pin_spans, warns};

use super::parts::{Parts, Seen, Sheet, input, paragraph};
use super::text::{cut, fit, width};
use crate::app::{App, KeptLast, Shown, Typed, WizardDialog, WizardStep};
use crate::confirmation;
use crate::phrase::{self, Tone};
use crate::possible::NO_STEPS;
use crate::theme::Theme;

const ASKS: &str = "You are asked for user name, password and PIN when the portal wants them. \
     A password goes to this portal alone, once, and is kept nowhere.";
const STOPS: &str = "Stop registering by hand? What was typed is wiped, and the session with the \
     portal forgotten. What the portal has done by now, it keeps.";
const LAST_TRY: &str = "This may be the last try. If the PIN is wrong, the card is blocked, and \
     only an ID card office can unblock it. To spend the try, type yes and press Enter.";

pub(super) fn draw(frame: &mut Frame<'_>, app: &App, dialog: &WizardDialog, theme: Theme) {
    let sheet = sheet(app, dialog, frame.area(), theme);
    let title = format!("Register by hand at {}", title(app, dialog));
    let title = cut(&title, sheet.columns);
    let (parts, seen) = sheet.parts();
    parts.draw(frame, &title, seen, theme);
}

pub(super) fn scroll_room(app: &App, dialog: &WizardDialog, whole: Rect) -> u16 {
    sheet(app, dialog, whole, Theme::MONOCHROME)
        .parts()
        .0
        .hidden(whole)
}

fn sheet<'a>(
    app: &'a App,
    dialog: &'a WizardDialog,
    whole: Rect,
    theme: Theme,
) -> Sheet<'a, WizardDialog> {
    Sheet::new(app, dialog, dialog.said.as_ref(), whole, theme)
}

fn title(app: &App, dialog: &WizardDialog) -> String {
    let portal = app.portal(&dialog.portal);
    readable(portal.map_or(&dialog.portal, |portal| &portal.title))
}

impl Sheet<'_, WizardDialog> {
    fn parts(&self) -> (Parts, Seen) {
        match &self.dialog.step {
            WizardStep::Offering { profile, kept, .. } => {
                (self.offering(profile.as_deref(), kept), Seen::Row(0))
            }
            WizardStep::Beginning => {
                let middle = self.marked("cacd begins.", Tone::Working);
                let foot = self.foot(&[("Esc", "leaves it to cacd")]);
                let parts = Parts {
                    middle,
                    foot,
                    ..Parts::default()
                };
                (parts, Seen::Row(0))
            }
            WizardStep::Following(typed) => self.following(typed),
            WizardStep::Stopping => {
                let (middle, seen) = self.steps();
                let mut foot = vec![Line::default()];
                foot.extend(self.marked(STOPS, Tone::Wanted));
                foot.extend(self.foot(&[("y", "stops it"), ("Esc", "goes on")]));
                let parts = Parts {
                    middle,
                    foot,
                    ..Parts::default()
                };
                (parts, seen)
            }
            WizardStep::Ended { is_registered } => {
                let parts = Parts {
                    middle: self.done(*is_registered),
                    foot: self.foot(&[("Enter", "closes this")]),
                    ..Parts::default()
                };
                (parts, Seen::Row(0))
            }
            WizardStep::Shown(shown) => (self.shown(shown), Seen::From(shown.scroll)),
        }
    }

    fn offering(&self, profile: Option<&PortalDetails>, kept: &KeptLast) -> Parts {
        let (columns, theme) = (self.columns, self.theme);
        let name = title(self.app, self.dialog);
        let mut head = paragraph(
            &format!(
                "cacd signs in at {name} as you would in a browser, and has this card registered \
                 to your account there, step by step. {ASKS}"
            ),
            columns,
            Tone::Quiet,
            theme,
        );
        let registrations = self.app.registrations().iter();
        let route = registrations
            .filter(|one| one.portal == self.dialog.portal)
            .find_map(|one| one.route.as_ref());
        if let Some(route) = route {
            head.push(Line::default());
            let told = format!("{} {}", route.way.sentence(), route.text);
            head.extend(self.marked(&told, Tone::Wanted));
        }
        head.push(Line::default());
        let middle = match profile {
            None => self.marked("Its steps are on their way.", Tone::Working),
            Some(profile) if profile.wizard.is_empty() => self.marked(NO_STEPS, Tone::Bad),
            Some(profile) => {
                let steps = (1..).zip(&profile.wizard);
                steps
                    .map(|(number, step)| step_line(number, "·", &step.title, columns))
                    .collect()
            }
        };
        let begins = profile.is_none_or(|profile| !profile.wizard.is_empty());
        let mut hints = vec![("Esc", "back")];
        if *kept != KeptLast::Nothing {
            hints.insert(0, ("v", "the confirmation of the last time"));
        }
        if begins {
            hints.insert(0, ("y", "begins"));
        }
        Parts {
            head,
            middle,
            foot: self.foot(&hints),
        }
    }

    /// Every step with its mark, and the one at hand.
    fn steps(&self) -> (Vec<Line<'static>>, Seen) {
        let Some(wizard) = self.app.wizard(self.dialog) else {
            return (Vec::new(), Seen::Row(0));
        };
        let now = usize::try_from(wizard.at).unwrap_or(usize::MAX);
        let lines = wizard.steps.iter().enumerate().map(|(at, step)| {
            let (mark, style) = match at.cmp(&now) {
                std::cmp::Ordering::Less => ("✔", self.theme.tone(Tone::Good)),
                std::cmp::Ordering::Equal => ("▶", self.theme.strong()),
                std::cmp::Ordering::Greater => ("·", self.theme.label()),
            };
            step_line(at + 1, mark, step, self.columns).style(style)
        });
        (lines.collect(), Seen::Row(now))
    }

    fn following(&self, typed: &Typed) -> (Parts, Seen) {
        let (middle, seen) = self.steps();
        let mut foot = vec![Line::default()];
        if let Some(wizard) = self.app.wizard(self.dialog) {
            foot.extend(self.state(wizard, typed));
        }
        let hints: &[(&str, &str)] = match self.app.wizard(self.dialog).map(|it| &it.state) {
            _ if typed.insists.is_some() => {
                &[("Enter", "after yes spends the try"), ("Esc", "goes back")]
            }
            Some(WizardState::Asking { .. }) if typed.sent.is_none() => &[
                ("Enter", "answers"),
                ("F9", "a step back"),
                ("F8", "stops"),
                ("Esc", "leaves it for later"),
            ],
            Some(WizardState::Telling) if typed.sent.is_none() => &[
                ("Enter", "it is done"),
                ("F9", "a step back"),
                ("F8", "stops"),
                ("Esc", "leaves it for later"),
            ],
            Some(WizardState::Stopped { .. }) if typed.sent.is_none() => &[
                ("Enter", "tries the step again"),
                ("F9", "a step back"),
                ("F8", "stops"),
                ("Esc", "leaves it for later"),
            ],
            _ => &[("F8", "stops"), ("Esc", "leaves it to go on")],
        };
        foot.extend(self.foot(hints));
        let parts = Parts {
            middle,
            foot,
            ..Parts::default()
        };
        (parts, seen)
    }

    fn state(&self, wizard: &Wizard, typed: &Typed) -> Vec<Line<'static>> {
        if typed.sent.is_some() {
            return self.marked("Sent; the portal has not answered yet.", Tone::Working);
        }
        match &wizard.state {
            WizardState::Working => {
                let since = phrase::span(self.app.now.since(wizard.since));
                let text = format!("The portal is asked, for {since} now.");
                self.marked(&text, Tone::Working)
            }
            WizardState::Asking { asks } => {
                let mut lines = self.problems(wizard, asks);
                lines.extend(self.asks(asks, typed));
                lines
            }
            WizardState::Telling => {
                let mut lines = self.problems(wizard, &[]);
                let text =
                    "Do this step elsewhere, as in a browser, and come back when it is done.";
                lines.extend(self.marked(text, Tone::Wanted));
                lines
            }
            WizardState::Stopped { cause } => {
                let mut lines = self.problems(wizard, &[]);
                let text = format!("It cannot go on: {}.", cause.detail);
                lines.extend(self.shortened(&text, Tone::Bad));
                let advice = cause.advice();
                lines.extend(paragraph(&advice, self.columns, Tone::Quiet, self.theme));
                lines
            }
            WizardState::Done { is_registered, .. } => self.done(*is_registered),
        }
    }

    /// Why the step is asked for again, and what a wrong password costs where one is asked.
    fn problems(&self, wizard: &Wizard, asks: &[Ask]) -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        if let Some(problem) = &wizard.problem {
            lines.extend(self.shortened(problem, Tone::Bad));
        }
        let asks_password = asks.iter().any(|ask| ask.kind == AskKind::Password);
        if let Some(caution) = wizard.caution.as_ref().filter(|_| asks_password) {
            lines.extend(self.shortened(caution, Tone::Wanted));
        }
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines
    }

    fn asks(&self, asks: &[Ask], typed: &Typed) -> Vec<Line<'static>> {
        let labels = asks.iter().map(|ask| width(&readable(&ask.label)));
        let label = labels.max().unwrap_or(0).min(self.columns / 2);
        let next = asks.iter().position(|ask| !ask.is_answered);
        let mut lines = Vec::new();
        for (at, ask) in asks.iter().enumerate() {
            let name = fit(&ask.label, label);
            if Some(at) == next {
                lines.extend(self.question(ask, &name, typed));
            } else {
                let mark = if ask.is_answered { "✔ typed" } else { "·" };
                lines.push(Line::styled(format!("{name}  {mark}"), self.theme.label()));
            }
        }
        lines
    }

    fn question(&self, ask: &Ask, name: &str, typed: &Typed) -> Vec<Line<'static>> {
        let theme = self.theme;
        let mut lines = Vec::new();
        match ask.kind {
            AskKind::Text => lines.push(input(name, &typed.text, self.columns, theme)),
            AskKind::Password => {
                let dots = "•".repeat(typed.secret);
                lines.push(input(name, &dots, self.columns, theme));
                lines.push(Line::styled(
                    cut("(capitals count: see that Caps Lock is off)", self.columns),
                    theme.label(),
                ));
            }
            AskKind::Pin => {
                let card = self.app.card_in_visit(&self.dialog.card, self.dialog.visit);
                if let Some((_, card)) = card {
                    lines.extend(self.tries(card, typed));
                }
                if let Some(word) = &typed.insists {
                    lines.push(input("really?", word, self.columns, theme));
                } else {
                    let dots = "•".repeat(typed.secret);
                    let mut line = input(name, &dots, self.columns, theme);
                    line.push_span(Span::styled("  (6 to 8 digits)", theme.label()));
                    lines.push(line);
                }
            }
        }
        lines
    }

    fn tries(&self, card: &Card, typed: &Typed) -> Vec<Line<'static>> {
        let mut tries = vec![Span::styled("tries  ", self.theme.label())];
        tries.extend(pin_spans(&card.pin, self.theme));
        let mut lines = vec![Line::from(tries)];
        if typed.insists.is_some() {
            lines.extend(self.marked(LAST_TRY, Tone::Wanted));
        } else if warns(card) {
            let text = "This may be the last try. If you are not sure of the PIN, stop here.";
            lines.extend(self.marked(text, Tone::Wanted));
        }
        lines
    }

    fn done(&self, is_registered: bool) -> Vec<Line<'static>> {
        let text = phrase::wizard_done(&title(self.app, self.dialog), is_registered);
        let tone = if is_registered {
            Tone::Good
        } else {
            Tone::Wanted
        };
        self.marked(&text, tone)
    }

    fn shown(&self, shown: &Shown) -> Parts {
        let mut head = shown
            .is_registered
            .map(|is_registered| self.done(is_registered))
            .unwrap_or_default();
        let moment = phrase::moment(shown.confirmation.at, &self.app.zone);
        let name = title(self.app, self.dialog);
        let text = format!("{name} showed at {moment}:");
        head.extend(paragraph(&text, self.columns, Tone::Quiet, self.theme));
        head.push(Line::default());
        let middle = confirmation::lines(&shown.confirmation)
            .iter()
            .flat_map(|line| {
                if line.is_empty() {
                    vec![Line::default()]
                } else {
                    let line = self.app.discreet(line);
                    paragraph(&line, self.columns, Tone::Quiet, self.theme)
                }
            })
            .collect();
        let foot = match &shown.file {
            Some(file) => {
                let mut foot = vec![
                    Line::default(),
                    input("save to", file, self.columns, self.theme),
                    Line::styled(
                        cut(
                            "(a name that ends in .html: the page as it came)",
                            self.columns,
                        ),
                        self.theme.label(),
                    ),
                ];
                foot.extend(self.foot(&[("Enter", "saves it"), ("Esc", "goes back")]));
                foot
            }
            None => self.foot(&[
                ("s", "saves it"),
                ("p", "prints it"),
                ("x", "DoD ID"),
                ("Esc", "closes this"),
            ]),
        };
        Parts { head, middle, foot }
    }
}

fn step_line(number: usize, mark: &str, title: &str, columns: u16) -> Line<'static> {
    let room = columns.saturating_sub(6);
    Line::raw(format!("{mark} {number:>2}  {}", cut(title, room)))
}
