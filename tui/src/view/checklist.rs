//! What has to be so that a card signs in, line by line; and one line in full.

use cac_common::identity::readable;
use cac_common::time::UtcSeconds;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::pane;
use super::parts::{Parts, Seen, columns, keys};
use super::text::{cut, field, fit, width, wrap_at_most};
use crate::app::{App, ChecklistScreen};
use crate::check::{self, Finding, Fix, Verdict};
use crate::phrase::Tone;
use crate::print;
use crate::theme::Theme;

/// Columns of the verdict and of what should be so.
const VERDICT: u16 = 8;
const WHAT: u16 = 30;

/// Rows beneath the list for what was found under the cursor, always as many,
/// so that the list stays where it is.
const BENEATH: usize = 3;

/// Turns once a second while something is being found out.
const SPINNER: [&str; 4] = ["|", "/", "-", "\\"];

pub(super) fn draw(frame: &mut Frame<'_>, app: &App, list: &ChecklistScreen, theme: Theme) {
    let sheet = Sheet {
        app,
        columns: columns(frame.area()),
        theme,
    };
    let (parts, seen) = sheet.parts(list);
    parts.draw(frame, "Checklist", seen, theme);
}

pub(super) fn scroll_room(app: &App, list: &ChecklistScreen, whole: Rect) -> u16 {
    let theme = Theme::MONOCHROME;
    let sheet = Sheet {
        app,
        columns: columns(whole),
        theme,
    };
    sheet.parts(list).0.hidden(whole)
}

struct Sheet<'a> {
    app: &'a App,
    columns: u16,
    theme: Theme,
}

impl Sheet<'_> {
    fn parts(&self, list: &ChecklistScreen) -> (Parts, Seen) {
        let findings = self.app.findings(list);
        let cursor = list.row(&findings);
        match (findings.get(cursor), list.opened) {
            (Some(finding), Some(scroll)) => (self.opened(finding), Seen::From(scroll)),
            (finding, _) => (self.list(&findings, cursor, finding), Seen::Row(cursor)),
        }
    }

    fn list(&self, findings: &[Finding], cursor: usize, chosen: Option<&Finding>) -> Parts {
        let (tone, summary) = check::summary(findings);
        let summary = self.app.discreet(&summary);
        let mut head = self.with_mark((Theme::mark(tone), tone), &summary);
        head.push(Line::default());
        let rows = findings.iter().enumerate().map(|(at, finding)| {
            let line = self.row(finding);
            if at == cursor {
                pane::under_cursor(line, self.theme)
            } else {
                line
            }
        });
        let mut foot = vec![Line::default()];
        foot.extend(self.beneath(chosen));
        foot.resize(BENEATH + 1, Line::default());
        let ticks = ("Space", "ticks it off");
        let hints = [
            ("Enter", "what was checked"),
            ("r", "anew"),
            ("Esc", "closes this"),
        ];
        let mut hints = hints.to_vec();
        if chosen.is_some_and(|it| it.check.is_stated()) {
            hints.insert(1, ticks);
        }
        foot.extend(keys(&hints, self.columns, self.theme));
        Parts {
            head,
            middle: rows.collect(),
            foot,
        }
    }

    fn row(&self, finding: &Finding) -> Line<'static> {
        let style = self.theme.tone(finding.verdict().tone());
        let verdict = fit(finding.verdict().title(), VERDICT);
        // Where there is little room, what it is about matters more than why.
        let what = fit(
            finding.title(),
            WHAT.min(self.columns.saturating_sub(VERDICT + 3)),
        );
        let room = self.columns.saturating_sub(VERDICT + 5 + width(&what));
        let cause = fit(&self.app.discreet(finding.cause()), room);
        Line::from(vec![
            Span::styled(
                format!("{} {verdict} ", mark(finding.verdict(), self.app.now)),
                style,
            ),
            Span::raw(format!("{what}  ")),
            Span::styled(cause, self.theme.label()),
        ])
    }

    /// What was found of the line under the cursor, and what to do, cut off
    /// where it is too long.
    fn beneath(&self, finding: Option<&Finding>) -> Vec<Line<'static>> {
        let Some(finding) = finding else {
            return Vec::new();
        };
        let found = self
            .app
            .discreet(&crate::phrase::capitalised(finding.cause()));
        let advice = finding.advice().unwrap_or_default();
        let end = if found.ends_with('.') { "" } else { "." };
        let text = format!("{found}{end} {advice}");
        wrap_at_most(&text, self.columns, BENEATH)
            .into_iter()
            .map(Line::raw)
            .collect()
    }

    fn opened(&self, finding: &Finding) -> Parts {
        let columns = self.columns;
        let text = readable(&format!(
            "{}: {}",
            finding.title(),
            finding.verdict().title()
        ));
        let mut head = self.with_mark(
            (
                mark(finding.verdict(), self.app.now),
                finding.verdict().tone(),
            ),
            &text,
        );
        head.push(Line::default());
        let tone = finding.verdict().tone();
        let mut middle = Vec::new();
        let mut add = |name: &str, value: &str, tone: Tone| {
            let styles = (self.theme.label(), self.theme.tone(tone));
            middle.extend(field(name, &readable(value), columns, styles));
        };
        let (found, meant) = match finding.verdict() {
            Verdict::Failed | Verdict::Warning => ("cause", "should be"),
            Verdict::Fine | Verdict::NotApplicable | Verdict::Unknown | Verdict::Running => {
                ("found", "checked")
            }
        };
        add(found, &self.app.discreet(finding.cause()), tone);
        if let Some(advice) = finding.advice() {
            add("what to do", &self.app.discreet(advice), Tone::Quiet);
        }
        if !finding.check.is_stated() {
            add(meant, finding.check.meaning, Tone::Quiet);
        }
        add("check", &finding.key(), Tone::Quiet);
        add("read more", &print::check::page(finding.check), Tone::Quiet);
        if let Some(command) = finding.fix().map(Fix::command) {
            middle.push(Line::default());
            middle.push(Line::styled("In a shell:", self.theme.label()));
            // On a line of its own, and whole, to be copied.
            let room = columns.saturating_sub(2);
            let command = cut(&command, room);
            middle.push(Line::styled(format!("  {command}"), self.theme.strong()));
        }
        let mut foot = vec![Line::default()];
        foot.extend(keys(&[("Esc", "back to the list")], columns, self.theme));
        Parts { head, middle, foot }
    }

    /// In two lines at most.
    fn with_mark(&self, (mark, tone): (&str, Tone), text: &str) -> Vec<Line<'static>> {
        let style = self.theme.tone(tone);
        let lines = wrap_at_most(text, self.columns.saturating_sub(2), 2);
        let lines = lines.into_iter().enumerate().map(|(at, line)| {
            let mark = if at == 0 { mark } else { " " };
            Line::styled(format!("{mark} {line}"), style)
        });
        lines.collect()
    }
}

fn mark(verdict: Verdict, now: UtcSeconds) -> &'static str {
    match verdict {
        Verdict::Fine | Verdict::Warning | Verdict::Failed | Verdict::NotApplicable => {
            Theme::mark(verdict.tone())
        }
        Verdict::Unknown => "?",
        Verdict::Running => {
            let at = usize::try_from(now.0.rem_euclid(4)).unwrap_or(0);
            SPINNER[at % SPINNER.len()]
        }
    }
}
