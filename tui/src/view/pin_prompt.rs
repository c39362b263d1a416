//! Asks for the PIN of one card. Of the digits only their number is known here.

use ratatui::Frame;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::card::{pin_spans, warns};
use super::pane;
use super::text::{cut, wrap};
use crate::app::{App, PinPrompt, PinStep, PinUse};
use crate::phrase::Tone;
use crate::theme::Theme;
use cac_common::identity::readable;
use cac_common::snapshot::{Card, Reader};

const COLUMNS: u16 = 64;

pub(super) fn draw(frame: &mut Frame<'_>, app: &App, prompt: &PinPrompt, theme: Theme) {
    let Some((reader, card)) = app.card_in_visit(&prompt.card, prompt.visit) else {
        return;
    };
    let room = COLUMNS.min(frame.area().width).saturating_sub(4);
    let mut lines = facts(app, (reader, card), &prompt.to, room, theme);
    lines.push(Line::default());
    match &prompt.step {
        PinStep::Typing => {
            if warns(card) {
                lines.extend(warning(
                    "This may be the last try. If you are not sure of the PIN, stop here.",
                    room,
                    theme,
                ));
                lines.push(Line::default());
            }
            lines.push(typed(prompt.digits, theme));
        }
        PinStep::Insisting { typed } => {
            lines.extend(warning(
                "This may be the last try. If the PIN is wrong, the card is blocked, and only an \
                 ID card office can unblock it. To spend the try, type yes and press Enter.",
                room,
                theme,
            ));
            lines.push(Line::default());
            lines.push(Line::from(vec![
                Span::styled("really?  ", theme.label()),
                Span::styled(format!("{typed}_"), theme.strong()),
            ]));
        }
    }
    let problem = prompt.problem.unwrap_or_default();
    lines.push(Line::styled(cut(problem, room), theme.tone(Tone::Bad)));
    lines.push(keys(&prompt.step, theme));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let within = pane::dialog(frame, "PIN", (COLUMNS, height + 2), theme);
    // Where not all of it fits, the end is what is needed to go on.
    let hidden = height.saturating_sub(within.height);
    frame.render_widget(Paragraph::new(lines).scroll((hidden, 0)), within);
}

fn facts(
    app: &App,
    (reader, card): (&Reader, &Card),
    to: &PinUse,
    room: u16,
    theme: Theme,
) -> Vec<Line<'static>> {
    let value = room.saturating_sub(9);
    let fact = |name: &str, text: &str| {
        Line::from(vec![
            Span::styled(format!("{name:<9}"), theme.label()),
            Span::raw(cut(text, value)),
        ])
    };
    let holder = match &card.holder {
        Some(holder) => holder.name.to_string(),
        None => "not known".into(),
    };
    let mut tries = vec![Span::styled(format!("{:<9}", "tries"), theme.label())];
    tries.extend(pin_spans(&card.pin, theme));
    vec![
        Line::from(vec![
            Span::styled(format!("{:<9}", "holder"), theme.label()),
            Span::styled(cut(&holder, value), theme.strong()),
        ]),
        fact(
            "card",
            &format!("{} in {}", readable(&card.kind), reader.name),
        ),
        fact("to", &purpose(app, card, to)),
        Line::from(tries),
    ]
}

fn purpose(app: &App, card: &Card, to: &PinUse) -> String {
    let title = |name: &str| {
        let portal = app.portal(name);
        portal.map_or_else(|| name.to_owned(), |portal| portal.title.clone())
    };
    match to {
        PinUse::Test { portal } => format!("try to sign in at {}", title(portal)),
        PinUse::Register => {
            let waiting = card
                .registrations
                .iter()
                .filter(|registration| registration.status.has_use_for_pin());
            let portals: Vec<String> = waiting.map(|one| title(&one.portal)).collect();
            format!("sign in at {}", portals.join(", "))
        }
    }
}

fn warning(text: &str, room: u16, theme: Theme) -> Vec<Line<'static>> {
    wrap(text, room)
        .into_iter()
        .map(|line| Line::styled(line, theme.tone(Tone::Wanted)))
        .collect()
}

fn typed(digits: usize, theme: Theme) -> Line<'static> {
    Line::from(vec![
        Span::styled(format!("{:<9}", "PIN"), theme.label()),
        Span::styled("•".repeat(digits), theme.strong()),
        Span::styled("_", theme.strong()),
        Span::styled("  (6 to 8 digits)", theme.label()),
    ])
}

fn keys(step: &PinStep, theme: Theme) -> Line<'static> {
    let (send, back) = match step {
        PinStep::Typing => (" sends it to the card   ", " gives up"),
        PinStep::Insisting { .. } => (" after yes spends the try   ", " goes back"),
    };
    Line::from(vec![
        Span::styled("Enter", theme.key()),
        Span::styled(send, theme.label()),
        Span::styled("Esc", theme.key()),
        Span::styled(back, theme.label()),
    ])
}
