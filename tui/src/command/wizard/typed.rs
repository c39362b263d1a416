//! What was typed in answer to the wizard, or instead of one.

use cac_common::interface::AnswerWizard;
use cac_common::locked::{CAPACITY, Locked};
use cac_common::wizard::AskKind;

use crate::command::ask_pin::is_a_pin;
use crate::command::ends;
use crate::failure::Failure;

/// What came first while something was waited for.
pub(super) enum Heard {
    Line(Locked, usize),
    /// The wizard is not where it was.
    Changed,
    /// Ctrl-C, or the end of the input.
    Interrupt,
}

/// What a person wants besides answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    GoOn,
    Back,
    Stop,
    Leave,
}

pub(super) fn heard(end: ends::End) -> Result<Heard, Failure> {
    match end {
        ends::End::Interrupt => Ok(Heard::Interrupt),
        ends::End::Other => Err(Failure::Interrupted),
    }
}

pub(super) fn chosen(line: &[u8]) -> Option<Choice> {
    match line.trim_ascii() {
        b"" => Some(Choice::GoOn),
        b"b" | b"B" => Some(Choice::Back),
        b"s" | b"S" => Some(Choice::Stop),
        b"l" | b"L" => Some(Choice::Leave),
        _ => None,
    }
}

pub(super) type Answer = (AnswerWizard, Option<(Locked, usize)>);

/// The answer to send, or why the line is none.
pub(super) fn answer(
    kind: AskKind,
    request: AnswerWizard,
    line: Locked,
    length: usize,
) -> Result<Answer, &'static str> {
    let typed = &line.bytes()[..length];
    match kind {
        _ if typed.is_empty() => Err(
            "Nothing was typed, and nothing sent. Type it and press Enter; Ctrl-C: go back, stop, or leave it for later.",
        ),
        AskKind::Text => {
            let text = str::from_utf8(typed).map_err(|_| "That is no text (UTF-8).")?;
            let value = Some(text.trim().to_owned());
            Ok((AnswerWizard { value, ..request }, None))
        }
        AskKind::Password if length == CAPACITY => {
            Err("A password has at most 255 bytes; nothing was sent.")
        }
        AskKind::Pin if !is_a_pin(typed) => {
            Err("A PIN is six to eight digits; the card has not been asked.")
        }
        AskKind::Password | AskKind::Pin => Ok((request, Some((line, length)))),
    }
}

#[cfg(test)]
mod tests {
    use cac_common::identity::CardId;
    use cac_common::snapshot::Visit;

    use super::*;

    fn answered(kind: AskKind, typed: &[u8]) -> Result<Answer, &'static str> {
        let mut line = Locked::new().unwrap();
        line.bytes_mut()[..typed.len()].copy_from_slice(typed);
        let request = AnswerWizard {
            card: CardId("4f1e".into()),
            visit: Visit(4),
            turn: 3,
            ask: 1,
            value: None,
            even_the_last_try: false,
        };
        answer(kind, request, line, typed.len())
    }

    #[test]
    fn a_name_is_a_value_and_a_secret_is_none() {
        let (name, none) = answered(AskKind::Text, b" jane.q.doe ").unwrap();
        let (password, secret) = answered(AskKind::Password, b" hunter 2 ").unwrap();
        let (pin, digits) = answered(AskKind::Pin, b"123456").unwrap();

        assert_eq!(name.value.as_deref(), Some("jane.q.doe"));
        assert!(none.is_none());
        assert_eq!((password.value, pin.value), (None, None));
        let (secret, length) = secret.unwrap();
        assert_eq!(&secret.bytes()[..length], b" hunter 2 ");
        assert_eq!(digits.unwrap().1, 6);
    }

    #[test]
    fn what_is_no_answer_is_not_sent() {
        for (kind, typed) in [
            (AskKind::Text, &b""[..]),
            (AskKind::Text, b"\xff"),
            (AskKind::Password, b""),
            (AskKind::Password, &[b'a'; CAPACITY]),
            (AskKind::Pin, b""),
            (AskKind::Pin, b"12345"),
            (AskKind::Pin, b"12345a"),
        ] {
            assert!(answered(kind, typed).is_err(), "{kind:?} {typed:?}");
        }
    }

    #[test]
    fn a_letter_chooses_and_anything_else_asks_again() {
        assert_eq!(chosen(b""), Some(Choice::GoOn));
        assert_eq!(chosen(b" b "), Some(Choice::Back));
        assert_eq!(chosen(b"S"), Some(Choice::Stop));
        assert_eq!(chosen(b"l"), Some(Choice::Leave));
        assert_eq!(chosen(b"stop it"), None);
    }
}
