//! Whether a person may register at a portal, and how; and what is asked to find out.

use cac_common::eligibility::{Answer, Question, Sponsor, Sure, Verdict, Way};
use cac_common::identity::readable;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::pane;

use super::parts::{Parts, Seen, Sheet, input, marked, paragraph};
use super::text::{cut, field, fit};
use crate::app::{App, EligibilityDialog, EligibilityStep, OpenEligibility};
use crate::phrase::Tone;
use crate::print;
use crate::theme::Theme;

pub(super) fn draw(frame: &mut Frame<'_>, app: &App, dialog: &EligibilityDialog, theme: Theme) {
    let sheet = sheet(app, dialog, frame.area(), theme);
    let (parts, seen) = sheet.parts();
    parts.draw(frame, "Eligibility", seen, theme);
}

pub(super) fn scroll_room(app: &App, dialog: &EligibilityDialog, whole: Rect) -> u16 {
    sheet(app, dialog, whole, Theme::MONOCHROME)
        .parts()
        .0
        .hidden(whole)
}

fn sheet<'a>(
    app: &'a App,
    dialog: &'a EligibilityDialog,
    whole: Rect,
    theme: Theme,
) -> Sheet<'a, EligibilityDialog> {
    Sheet::new(app, dialog, dialog.said.as_ref(), whole, theme)
}

impl Sheet<'_, EligibilityDialog> {
    fn parts(&self) -> (Parts, Seen) {
        match &self.dialog.step {
            EligibilityStep::Choosing { cursor } => {
                let portals = self.app.snapshot.iter().flat_map(|it| &it.portals);
                let titles: Vec<String> = portals.map(|portal| readable(&portal.title)).collect();
                let parts = Parts {
                    head: self.quiet("At which portal?"),
                    middle: self.list(&titles, *cursor),
                    foot: self.foot(&[("Enter", "chooses it"), ("Esc", "closes this")]),
                };
                (parts, Seen::Row(*cursor))
            }
            EligibilityStep::Loading { portal } => {
                let text = format!("Asking cacd for the rules of {portal}.");
                let parts = Parts {
                    middle: marked(&text, self.columns, Tone::Working, self.theme),
                    foot: self.foot(&[("Esc", "closes this")]),
                    ..Parts::default()
                };
                (parts, Seen::Row(0))
            }
            EligibilityStep::Open(open) => match open.verdict() {
                Verdict::Ask(question) => (self.asking(open, &question), Seen::Row(open.cursor)),
                verdict @ (Verdict::Open(_) | Verdict::Nothing) => {
                    (self.told(open, &verdict), Seen::From(open.scroll))
                }
            },
        }
    }

    fn list(&self, titles: &[String], cursor: usize) -> Vec<Line<'static>> {
        let room = self.columns.saturating_sub(2);
        let lines = titles.iter().enumerate().map(|(at, title)| {
            let is_cursor = at == cursor;
            let pointer = if is_cursor { "▶" } else { " " };
            let line = Line::from(format!("{pointer} {}", fit(title, room)));
            if is_cursor {
                pane::under_cursor(line, self.theme)
            } else {
                line
            }
        });
        lines.collect()
    }

    fn asking(&self, open: &OpenEligibility, question: &Question<'_>) -> Parts {
        let mut head = self.known(open);
        head.push(Line::default());
        let (text, hints): (&str, &[(&str, &str)]) = match question {
            Question::Category(_) => (
                "Which of these are you?",
                &[("Enter", "answers"), ("Esc", "goes back")],
            ),
            Question::Component(_) => (
                "Which of these do you belong to?",
                &[("Enter", "answers"), ("Esc", "goes back")],
            ),
            Question::YesOrNo(text) => (*text, &[("y", "yes"), ("n", "no"), ("Esc", "goes back")]),
        };
        head.extend(marked(text, self.columns, Tone::Wanted, self.theme));
        Parts {
            head,
            middle: self.list(&open.choices(), open.cursor),
            foot: self.foot(hints),
        }
    }

    fn told(&self, open: &OpenEligibility, verdict: &Verdict<'_>) -> Parts {
        let mut middle = Vec::new();
        let mut is_by_oneself = false;
        let mut has_letter = false;
        match verdict {
            Verdict::Open(route) => {
                is_by_oneself = route.way == Way::Self_;
                let sentence = route.way.sentence();
                let tone = tone(route.way);
                middle.extend(marked(sentence, self.columns, tone, self.theme));
                middle.extend(self.quiet(&route.text));
                if let Some(sponsor) = &route.sponsor {
                    has_letter = true;
                    middle.push(Line::default());
                    middle.extend(self.terms(sponsor));
                }
            }
            Verdict::Ask(_) | Verdict::Nothing => {
                let text = print::eligibility::nothing(&open.profile);
                middle.extend(marked(text, self.columns, Tone::Wanted, self.theme));
            }
        }
        let desk = open.profile.help_desk.as_ref().filter(|_| !is_by_oneself);
        if let Some(desk) = desk {
            middle.push(Line::default());
            middle.extend(self.quiet(&print::portal::desk(desk)));
        }
        let mut head = self.known(open);
        head.push(Line::default());
        Parts {
            head,
            middle,
            foot: self.under(open, has_letter),
        }
    }

    fn under(&self, open: &OpenEligibility, has_letter: bool) -> Vec<Line<'static>> {
        if let Some(file) = &open.file {
            let mut foot = vec![
                Line::default(),
                input("save to", file, self.columns, self.theme),
            ];
            foot.extend(self.foot(&[("Enter", "saves it"), ("Esc", "goes back")]));
            return foot;
        }
        let mut hints = Vec::new();
        if has_letter {
            hints.push(("s", "saves a letter to the sponsor"));
        }
        hints.push(if open.answers.len() > 1 {
            ("Esc", "takes the last answer back")
        } else {
            ("Esc", "closes this")
        });
        self.foot(&hints)
    }

    fn field(&self, name: &str, value: &str, tone: Tone) -> Vec<Line<'static>> {
        let styles = (self.theme.label(), self.theme.tone(tone));
        field(name, &readable(value), self.columns, styles)
    }

    fn terms(&self, sponsor: &Sponsor) -> Vec<Line<'static>> {
        let terms = print::eligibility::terms(sponsor);
        terms
            .into_iter()
            .flat_map(|(what, text)| {
                let mut lines = vec![Line::styled(cut(what, self.columns), self.theme.label())];
                let room = self.columns.saturating_sub(2);
                for line in paragraph(text, room, Tone::Quiet, self.theme) {
                    lines.push(Line::raw(format!("  {line}")));
                }
                lines
            })
            .collect()
    }

    /// Where, who, and what is known of them.
    fn known(&self, open: &OpenEligibility) -> Vec<Line<'static>> {
        let mut lines = self.field("portal", &open.profile.title, Tone::Quiet);
        let holder = match &self.dialog.holder {
            Some(holder) => holder.name.to_string(),
            None => "no card is there; what it would tell is asked".into(),
        };
        lines.extend(self.field("holder", &holder, Tone::Quiet));
        let said = open.said();
        let category = open.standing.category.as_ref();
        let category = category.map(|it| by_card(it.value.title(), it.sure, &it.source));
        let answer = said.category.as_ref().map(|answer| match answer {
            Answer::Is(category) => category.title().to_owned(),
            Answer::NoneOfThese => "none of those offered".into(),
        });
        lines.extend(self.told_and_said("category", category, answer));
        let component = open.standing.component.as_ref();
        let component = component.map(|it| by_card(&it.value, it.sure, &it.source));
        let answer = said.component.as_ref().map(|answer| match answer {
            Answer::Is(component) => component.clone(),
            Answer::NoneOfThese => "none of those offered".into(),
        });
        lines.extend(self.told_and_said("component", component, answer));
        for (question, yes) in &said.said {
            let text = format!("{}: {question}", if *yes { "yes" } else { "no" });
            lines.extend(self.field("you say", &cut(&text, self.columns), Tone::Quiet));
        }
        lines
    }

    fn told_and_said(
        &self,
        name: &str,
        told: Option<String>,
        said: Option<String>,
    ) -> Vec<Line<'static>> {
        let said = said.map(|said| format!("{said} (you say)"));
        let value = match (told, said) {
            (None, None) => "not told by the card".to_owned(),
            (Some(one), None) | (None, Some(one)) => one,
            (Some(told), Some(said)) => format!("{told}; {said}"),
        };
        self.field(name, &value, Tone::Quiet)
    }
}

fn by_card(value: &str, sure: Sure, source: &str) -> String {
    let sure = match sure {
        Sure::Good => "sure",
        Sure::Hint => "a hint only",
    };
    format!("{value} (by the {source}: {sure})")
}

fn tone(way: Way) -> Tone {
    match way {
        Way::Self_ => Tone::Good,
        Way::Sponsor | Way::Guest | Way::OtherCredential | Way::HelpDesk => Tone::Wanted,
        Way::NotAuthorised | Way::NotYet => Tone::Bad,
    }
}
