//! What happened, as it is shown: the service writes down users and cards by
//! number, so that its log names nobody; whoever may see the names reads them.

use cac_common::identity::{CardId, readable};
use cac_common::snapshot::{HistoryEntry, HistoryKind, Snapshot};

use crate::users;

/// The entry's sentence with names in place of numbers, where they are known.
pub fn told(entry: &HistoryEntry, snapshot: Option<&Snapshot>) -> String {
    match entry.kind {
        HistoryKind::Clear => cleared(&entry.text, snapshot),
        HistoryKind::Registration => accepted(&entry.text),
        HistoryKind::Service
        | HistoryKind::Reader
        | HistoryKind::Card
        | HistoryKind::Pin
        | HistoryKind::Configuration => None,
    }
    .unwrap_or_else(|| entry.text.clone())
}

/// `User 1000 cleared card 4f1e…`
fn cleared(text: &str, snapshot: Option<&Snapshot>) -> Option<String> {
    let (uid, what) = text.strip_prefix("User ")?.split_once(" cleared ")?;
    let user = users::told(uid.parse().ok()?);
    // A name is written as it is, and `user` with a capital at the head of a sentence.
    let user = match user.strip_prefix("user ") {
        Some(number) => format!("User {number}"),
        None => user,
    };
    let what = if let Some(id) = what.strip_prefix("card ") {
        card(id, snapshot)
    } else if let Some(name) = what.strip_prefix("registrations at ") {
        let mut portals = snapshot.iter().flat_map(|it| &it.portals);
        let title = portals.find(|it| it.name == name).map(|it| &it.title[..]);
        format!("registrations at {}", readable(title.unwrap_or(name)))
    } else {
        what.to_owned()
    };
    Some(format!("{user} cleared {what}"))
}

/// `Travel: user 1000 accepted the notice`
fn accepted(text: &str) -> Option<String> {
    let (portal, rest) = text.rsplit_once(": user ")?;
    let (uid, what) = rest.split_once(' ')?;
    let user = users::told(uid.parse().ok()?);
    Some(format!("{portal}: {user} {what}"))
}

/// Nothing of a cleared card is kept; it has a name again where it is still in
/// a reader, or was put in since.
fn card(id: &str, snapshot: Option<&Snapshot>) -> String {
    let name = snapshot.and_then(|snapshot| holder_of(snapshot, &CardId(id.to_owned())));
    match name {
        Some(name) => format!("what was kept of the card of {}", readable(&name)),
        None => format!("what was kept of a card (ID {})", readable(id)),
    }
}

/// The name of a card's holder, if it is shown to us.
pub fn holder_of(snapshot: &Snapshot, card: &CardId) -> Option<String> {
    let in_reader = snapshot
        .readers
        .iter()
        .filter_map(|reader| reader.card.as_ref())
        .find(|one| one.id.as_ref() == Some(card))
        .and_then(|one| one.holder.as_ref())
        .map(|holder| holder.name.to_string());
    in_reader.or_else(|| {
        let known = snapshot.known.iter().find(|known| known.card == *card)?;
        Some(known.name.clone())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    const JANE: &str = "4f1e7a52-9a0b-4c57-8d52-0a3c5f6e7d81";
    const ROE: &str = "a8c3d9e0-1111-4222-8333-444455556666";

    fn shown(kind: HistoryKind, text: &str) -> String {
        let entry = HistoryEntry {
            kind,
            text: text.into(),
            ..invented::desk().happened.remove(0)
        };
        told(&entry, Some(&invented::desk()))
    }

    #[test]
    fn who_cleared_what_is_told_by_name() {
        for (text, told) in [
            (
                format!("User 0 cleared card {JANE}"),
                "root cleared what was kept of the card of DOE, JANE Q",
            ),
            (
                format!("User 0 cleared card {ROE}"),
                "root cleared what was kept of the card of ROE, RICHARD",
            ),
            (
                "User 4294967295 cleared card gone".into(),
                "User 4294967295 cleared what was kept of a card (ID gone)",
            ),
            (
                "User 0 cleared registrations at ako".into(),
                "root cleared registrations at AKO",
            ),
            (
                "User 0 cleared everything".into(),
                "root cleared everything",
            ),
            (
                "User x cleared everything".into(),
                "User x cleared everything",
            ),
        ] {
            assert_eq!(shown(HistoryKind::Clear, &text), told);
        }
    }

    #[test]
    fn who_accepted_a_notice_is_told_by_name_and_other_sentences_stay() {
        for (text, told) in [
            (
                "Travel: user 0 accepted the notice",
                "Travel: root accepted the notice",
            ),
            ("Travel: signing in", "Travel: signing in"),
            ("User 0 cleared everything", "User 0 cleared everything"),
        ] {
            assert_eq!(shown(HistoryKind::Registration, text), told);
        }
    }
}
