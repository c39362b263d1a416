//! Asks a question on the terminal that wants a yes.

use std::io::{self, BufRead as _, Read as _, Write as _};

use crate::failure::Failure;
use crate::patience::{self, Awaited};

/// No answer to a question is longer.
const LONGEST_ANSWER: u64 = 64;

/// Whether the answer is yes; anything else is not.
pub(super) async fn ask(question: String) -> Result<bool, Failure> {
    let asked = tokio::task::spawn_blocking(move || read(&question));
    let answer = patience::of(Awaited::Answer, asked).await;
    answer.map_err(|error| Failure::Terminal(error.into()))?
}

/// Keeps its thread until there is an answer.
fn read(question: &str) -> Result<bool, Failure> {
    let mut screen = io::stderr().lock();
    screen
        .write_all(question.as_bytes())
        .and_then(|()| screen.flush())
        .map_err(Failure::Terminal)?;
    let mut answer = String::new();
    io::stdin()
        .lock()
        .take(LONGEST_ANSWER)
        .read_line(&mut answer)
        .map_err(Failure::Terminal)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
