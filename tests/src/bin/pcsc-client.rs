//! Another program that uses a smart card, and does with it as it is told.
//!
//! One command a line on standard input, one answer a line on standard output:
//! `ok`, or the error of PC/SC. Ends with its standard input.

use std::ffi::CString;
use std::io::{self, BufRead as _, Write as _};

use anyhow::{Context as _, bail};
use clap::Parser;
use pcsc::{Card, Context, Disposition, Protocols, Scope, ShareMode};

/// Another program that uses the card in a reader.
///
/// Commands: `shared` and `exclusive` open the card, `reset` resets it, `close`
/// closes it and leaves it as it is.
#[derive(Parser)]
struct Arguments {
    /// Name of the reader, as PC/SC has it.
    reader: CString,
}

fn main() -> anyhow::Result<()> {
    let Arguments { reader } = Arguments::parse();
    let context = Context::establish(Scope::System)?;
    let mut program = Program {
        context,
        reader,
        card: None,
    };
    for line in io::stdin().lock().lines() {
        let answer = match program.obey(&line?) {
            Ok(()) => "ok".to_owned(),
            Err(error) => format!("{error:#}"),
        };
        let mut out = io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

struct Program {
    context: Context,
    reader: CString,
    card: Option<Card>,
}

impl Program {
    fn obey(&mut self, line: &str) -> anyhow::Result<()> {
        match line {
            "shared" => self.open(ShareMode::Shared)?,
            "exclusive" => self.open(ShareMode::Exclusive)?,
            "reset" => self.opened()?.reconnect(
                ShareMode::Shared,
                Protocols::ANY,
                Disposition::ResetCard,
            )?,
            "close" => self.close()?,
            _ => bail!("there is no such command"),
        }
        Ok(())
    }

    fn open(&mut self, mode: ShareMode) -> anyhow::Result<()> {
        self.close()?;
        self.card = Some(self.context.connect(&self.reader, mode, Protocols::ANY)?);
        Ok(())
    }

    fn close(&mut self) -> anyhow::Result<()> {
        match self.card.take() {
            // What is left of it when it fails is gone with the card.
            Some(card) => Ok(card
                .disconnect(Disposition::LeaveCard)
                .map_err(|(_, error)| error)?),
            None => Ok(()),
        }
    }

    fn opened(&mut self) -> anyhow::Result<&mut Card> {
        self.card.as_mut().context("no card is open")
    }
}
