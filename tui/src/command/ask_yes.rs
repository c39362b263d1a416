//! Asks a question on the terminal that wants a yes.

use super::terminal::{Echo, Terminal};
use crate::failure::Failure;
use crate::patience::{self, Awaited};

/// Whether the answer is yes; anything else is not. Dropping the future ends
/// the question.
pub(super) async fn ask(question: &str) -> Result<bool, Failure> {
    let terminal = Terminal::open().map_err(Failure::Terminal)?;
    let answer = patience::of(Awaited::Answer, terminal.line(question, Echo::Shown)).await;
    let answer = answer.map_err(Failure::Terminal)?;
    Ok(answer.is_some_and(|(line, length)| is_yes(&line.bytes()[..length])))
}

fn is_yes(answer: &[u8]) -> bool {
    let answer = answer.trim_ascii();
    answer.eq_ignore_ascii_case(b"y") || answer.eq_ignore_ascii_case(b"yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        for (answer, means_yes) in [
            (&b"y"[..], true),
            (b" Yes\r", true),
            (b"", false),
            (b"yess", false),
            (b"n", false),
        ] {
            assert_eq!(is_yes(answer), means_yes, "{answer:?}");
        }
    }
}
