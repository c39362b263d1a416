//! What can be typed after `cacctl card`.

use std::path::PathBuf;
use std::str::FromStr;

use cac_common::certificate::Slot;
use clap::{Args, Subcommand, ValueHint};

use super::{PinPrompt, examples};
use crate::completion;

#[derive(Debug, Subcommand)]
pub enum Card {
    /// Say all that is known of a card: its holder, its PIN, what is wrong with it, each certificate.
    #[command(after_help = examples::CARD_SHOW)]
    Show(CardShow),
    /// Write the certificates of a card to files, as PEM. They name the holder, and hold no secret.
    #[command(after_help = examples::CARD_EXPORT)]
    Export(CardExport),
}

#[derive(Debug, Args)]
pub struct CardShow {
    /// The reader it is in, if several hold a card: its name, or a part that no other has.
    #[arg(long, value_name = "NAME", add = completion::readers())]
    pub reader: Option<String>,

    /// Print the card as one JSON object, as it is in the state; no number is masked there.
    #[arg(long)]
    pub json: bool,

    /// Print DoD IDs in full.
    #[arg(long)]
    pub reveal: bool,

    #[command(flatten)]
    pub for_pin: ForPin,
}

/// What a card shows for its PIN.
#[derive(Debug, Args)]
pub struct ForPin {
    /// Say too what is printed on the card; it shows that for its PIN alone, which is asked for.
    #[arg(long)]
    pub printed: bool,

    /// With --printed: send the PIN even if it may be the last try before the card is blocked.
    #[arg(long, requires = "printed")]
    pub even_the_last_try: bool,

    #[command(flatten)]
    pub prompt: PinPrompt,
}

#[derive(Debug, Args)]
pub struct CardExport {
    /// The reader it is in, if several hold a card: its name, or a part that no other has.
    #[arg(long, value_name = "NAME", add = completion::readers())]
    pub reader: Option<String>,

    /// Which certificate: 9A, 9C, 9D, 9E, 82 to 95 (retired keys), 0100 to 010F (CAC applets), or all.
    #[arg(
        long,
        value_name = "SLOT",
        default_value = "all",
        add = completion::slots()
    )]
    pub slot: Slots,

    /// The folder to write files like 9A-authentication.pem into, made if it is not there; "-" is standard output.
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".",
        value_hint = ValueHint::DirPath
    )]
    pub out: PathBuf,

    /// Write over files that are there.
    #[arg(long)]
    pub force: bool,
}

/// Which of the places on a card are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slots {
    All,
    One(Slot),
}

/// The text means no place on a card.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a place is 9A, 9C, 9D, 9E, 82 to 95, 0100 to 010F, or all")]
pub struct NotSlots;

impl FromStr for Slots {
    type Err = NotSlots;

    fn from_str(text: &str) -> Result<Self, NotSlots> {
        if text.eq_ignore_ascii_case("all") {
            return Ok(Self::All);
        }
        Slot::all()
            .find(|slot| {
                let told = slot.to_string();
                let number = told.split(' ').next();
                number.is_some_and(|number| number.eq_ignore_ascii_case(text))
            })
            .map(Self::One)
            .ok_or(NotSlots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_by_its_number() {
        for slot in Slot::all() {
            let number = slot.to_string().split(' ').next().unwrap().to_lowercase();

            assert_eq!(number.parse(), Ok(Slots::One(slot)));
        }
        assert_eq!("ALL".parse(), Ok(Slots::All));
        for text in ["", "9B", "9", "+9A", "96", "81", "0110", "authentication"] {
            assert_eq!(text.parse::<Slots>(), Err(NotSlots), "{text}");
        }
    }
}
