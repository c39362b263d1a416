//! One line of what goes between readers and cards: never a byte of it.

use cac_common::activity::Apdu;
use cac_common::identity::readable;
use ratatui::text::{Line, Span};

use super::readers::short_name;
use super::text::{cut, width};
use crate::app::{ActivityLine, App};
use crate::phrase::Tone;
use crate::theme::Theme;

/// Nothing while nobody has asked for it.
pub(super) fn line(app: &App, columns: u16, theme: Theme) -> Option<Line<'static>> {
    let activity = app.activity.as_ref()?;
    let counts = counts(activity);
    let room = columns.saturating_sub(width(&counts) + 10);
    let (tone, told) = match (&activity.trouble, &activity.last) {
        (Some(trouble), _) => (Tone::Bad, trouble.what.clone()),
        (None, Some(apdu)) => (Tone::Quiet, told(app, apdu)),
        (None, None) => (
            Tone::Quiet,
            "nothing has gone to a card since this line was opened".to_owned(),
        ),
    };
    let told = cut(&told, room);
    let gap = usize::from(room.saturating_sub(width(&told)));
    Some(Line::from(vec![
        Span::styled(" APDU ", theme.strong()),
        Span::styled(told, theme.tone(tone)),
        Span::raw(" ".repeat(gap + 3)),
        Span::styled(counts, theme.label()),
    ]))
}

/// `SCR3310 [CCID]: read 3: GET DATA 12 → 256 bytes 9000 21 ms`.
fn told(app: &App, apdu: &Apdu) -> String {
    let snapshot = app.snapshot.as_ref();
    let mut readers = snapshot.into_iter().flat_map(|it| &it.readers);
    let reader = readers.find(|reader| reader.name == apdu.reader);
    let reader = reader.map_or_else(|| apdu.reader.0.clone(), |it| short_name(app, it));
    let sent = apdu
        .sent
        .map_or_else(String::new, |sent| format!("{sent} → "));
    let status = apdu.status.as_deref().unwrap_or("no answer");
    format!(
        "{}: {} {}: {} {sent}{} bytes {} {} ms",
        readable(&reader),
        apdu.purpose.label(),
        apdu.number,
        readable(&apdu.instruction),
        apdu.received,
        readable(status),
        apdu.milliseconds,
    )
}

fn counts(activity: &ActivityLine) -> String {
    if activity.missed == 0 {
        format!("{} so far", activity.count)
    } else {
        format!("{} so far, {} missed", activity.count, activity.missed)
    }
}
