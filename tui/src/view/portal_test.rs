//! A sign-in that is tried: what it will do, how long it takes, and how it went.

use cac_common::identity::readable;
use cac_common::snapshot::{Card, Reader};
use cac_common::time::UtcSeconds;
use cac_common::trace::Hop;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::card::pin_spans;

use super::parts::{Parts, Seen, Sheet, input, keys, said, shortened};
use super::text::{cut, field, wrap};
use crate::app::{App, Link, PortalTestDialog, TestStep, Told};
use crate::failure::Trouble;
use crate::phrase::{self, Tone};
use crate::print;
use crate::theme::Theme;

const OFFER: &str = "Signs in once with this card, as registering does, and shows every request, \
     what the portal answered, and which rule of its profile that fits.";
const KEEPS_NOTHING: &str = "cacd writes nothing down, whatever comes of it. The portal may: many \
     tie a card to its account when it signs in.";
const ONE_TRY: &str = "The PIN is asked for next, and sent to the card once: if it is wrong, that \
     is one try less.";

/// From here on a portal is slow, in seconds.
const SLOW: u64 = 15;

pub(super) fn draw(frame: &mut Frame<'_>, app: &App, dialog: &PortalTestDialog, theme: Theme) {
    let sheet = sheet(app, dialog, frame.area(), theme);
    let title = cut(&format!("Portal test: {}", sheet.title()), sheet.columns);
    let (parts, seen) = sheet.parts();
    parts.draw(frame, &title, seen, theme);
}

pub(super) fn scroll_room(app: &App, dialog: &PortalTestDialog, whole: Rect) -> u16 {
    sheet(app, dialog, whole, Theme::MONOCHROME)
        .parts()
        .0
        .hidden(whole)
}

fn sheet<'a>(
    app: &'a App,
    dialog: &'a PortalTestDialog,
    whole: Rect,
    theme: Theme,
) -> Sheet<'a, PortalTestDialog> {
    Sheet::new(app, dialog, dialog.said.as_ref(), whole, theme)
}

impl Sheet<'_, PortalTestDialog> {
    fn title(&self) -> String {
        let portal = self.app.portal(&self.dialog.portal);
        readable(portal.map_or(&self.dialog.portal, |portal| &portal.title))
    }

    fn parts(&self) -> (Parts, Seen) {
        match &self.dialog.step {
            TestStep::Offering => (self.offering(), Seen::Row(0)),
            TestStep::Waiting { since } => {
                let parts = Parts {
                    middle: self.waiting(*since),
                    foot: self.foot(&[("Esc", "leaves it to itself")]),
                    ..Parts::default()
                };
                (parts, Seen::Row(0))
            }
            TestStep::Told(told) => (self.told(told), Seen::From(told.scroll)),
            TestStep::Failed(trouble) => (self.failed(trouble), Seen::Row(0)),
        }
    }

    fn fact(&self, name: &str, value: &str) -> Line<'static> {
        let room = self.columns.saturating_sub(9);
        Line::from(vec![
            Span::styled(format!("{name:<9}"), self.theme.label()),
            Span::raw(cut(value, room)),
        ])
    }

    fn offering(&self) -> Parts {
        let mut head = Vec::new();
        let mut middle = self.quiet(OFFER);
        middle.extend(self.quiet(KEEPS_NOTHING));
        middle.push(Line::default());
        middle.extend(self.quiet(ONE_TRY));
        if let Some(portal) = self.app.portal(&self.dialog.portal) {
            head.push(self.fact("at", &portal.origin));
        }
        match self.card() {
            Some((reader, card)) => {
                let holder = card.holder.as_ref();
                let holder =
                    holder.map_or_else(|| "not known".into(), |holder| holder.name.to_string());
                head.push(self.fact("holder", &holder));
                let kind = readable(&card.kind);
                head.push(self.fact("card", &format!("{kind} in {}", reader.name)));
                let mut tries = vec![Span::styled(format!("{:<9}", "tries"), self.theme.label())];
                tries.extend(pin_spans(&card.pin, self.theme));
                head.push(Line::from(tries));
            }
            None => head.extend(self.marked(
                "The card was taken out, and nothing was sent. Close this with Esc.",
                Tone::Bad,
            )),
        }
        head.push(Line::default());
        if self.app.link != Link::Connected {
            middle.extend(self.marked("cacd is away; nothing can be tried now.", Tone::Bad));
        }
        Parts {
            head,
            middle,
            foot: self.foot(&[("y", "goes on to the PIN"), ("Esc", "closes this")]),
        }
    }

    fn card(&self) -> Option<(&Reader, &Card)> {
        let dialog = self.dialog;
        self.app.card_in_visit(&dialog.card, dialog.visit)
    }

    fn waiting(&self, since: UtcSeconds) -> Vec<Line<'static>> {
        let passed = self.app.now.since(since);
        let text = format!(
            "Waiting for card and portal since {} ({}).",
            phrase::clock(since, &self.app.zone),
            phrase::span(passed)
        );
        let mut lines = self.marked(&text, Tone::Working);
        if self.app.link != Link::Connected {
            let text = "cacd went away. What came of the sign-in is lost, and the PIN with it; \
                 whether the portal saw it is not known.";
            lines.extend(self.marked(text, Tone::Bad));
        } else if self.card().is_none() {
            let text = "The card was taken out. What had been sent by then is told in a moment.";
            lines.extend(self.marked(text, Tone::Wanted));
        } else if passed.as_secs() >= SLOW {
            let text = "The portal takes its time. cacd gives up by itself after a few minutes, \
                 and tells why.";
            lines.extend(self.marked(text, Tone::Quiet));
        }
        lines
    }

    fn told(&self, told: &Told) -> Parts {
        let app = self.app;
        let mut told_of = print::portal::outcome(&told.reply, told.at, &app.zone).into_iter();
        let tone = phrase::tone(&told.reply.outcome);
        let head = told_of.next().map(|status| {
            shortened(
                &phrase::capitalised(&status),
                self.columns,
                tone,
                self.theme,
            )
        });
        let mut middle: Vec<Line<'_>> = told_of.flat_map(|text| self.quiet(&text)).collect();
        middle.extend(self.quiet("Nothing was written down. To register: Esc, then r."));
        middle.push(Line::default());
        for (number, hop) in (1..).zip(&told.reply.trace.hops) {
            middle.extend(self.hop(number, hop));
        }
        middle.push(Line::default());
        for (text, tone) in rules(told) {
            middle.extend(self.marked(&text, tone));
        }
        let foot = match &told.file {
            Some(file) => {
                let mut foot = vec![
                    Line::default(),
                    input("save as", file, self.columns, self.theme),
                ];
                let hints = [("Enter", "saves it"), ("Esc", "goes back")];
                foot.extend(said(self.dialog.said.as_ref(), self.columns, self.theme));
                foot.extend(keys(&hints, self.columns, self.theme));
                foot
            }
            None => self.foot(&[
                ("s", "saves this"),
                ("Enter", "tries once more"),
                ("Esc", "closes this"),
            ]),
        };
        let mut head = head.unwrap_or_default();
        head.push(Line::default());
        Parts { head, middle, foot }
    }

    fn hop(&self, number: u32, hop: &Hop) -> Vec<Line<'static>> {
        let failed = hop.failure.is_some() || hop.status.is_none();
        let tone = if failed { Tone::Bad } else { Tone::Quiet };
        let room = self.columns.saturating_sub(5);
        let request = wrap(&print::portal::request(hop), room).into_iter();
        let mut lines: Vec<Line<'_>> = request
            .enumerate()
            .map(|(at, line)| {
                let number = if at == 0 {
                    format!("{number:>3}  ")
                } else {
                    " ".repeat(5)
                };
                Line::from(vec![
                    Span::styled(number, self.theme.label()),
                    Span::styled(line, self.theme.strong()),
                ])
            })
            .collect();
        for told in print::portal::told_of(hop) {
            let told = wrap(&told, room).into_iter();
            lines.extend(
                told.map(|line| Line::styled(format!("     {line}"), self.theme.tone(tone))),
            );
        }
        lines
    }

    fn failed(&self, trouble: &Trouble) -> Parts {
        let advice = trouble.advice.unwrap_or_default();
        let mut middle = self.marked(&format!("{}.", trouble.what), Tone::Bad);
        middle.extend(self.quiet(advice));
        if let Some((_, card)) = self.card() {
            middle.push(Line::default());
            let styles = (self.theme.label(), self.theme.tone(Tone::Quiet));
            let tries = phrase::pin(&card.pin);
            middle.extend(field("PIN", &tries, self.columns, styles));
        }
        Parts {
            middle,
            foot: self.foot(&[("Enter", "tries once more"), ("Esc", "closes this")]),
            ..Parts::default()
        }
    }
}

/// The one that matches stands out.
fn rules(told: &Told) -> Vec<(String, Tone)> {
    let tried = told.reply.trace.rules.iter();
    let tones = tried.map(|rule| match rule.misses {
        None => phrase::tone(&told.reply.outcome),
        Some(_) => Tone::Quiet,
    });
    // One more line says that none matches, or that none was asked.
    let tones = tones.chain([Tone::Wanted]);
    print::portal::rules(&told.reply)
        .into_iter()
        .map(|(head, why)| format!("{head}{why}"))
        .zip(tones)
        .collect()
}
