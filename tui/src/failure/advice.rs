//! What a person can do about a failure.

use cac_common::snapshot::Hidden;

use super::daemon::{self, advice_for};
use super::{Failure, ID_CARD_OFFICE, LOG_IN_THERE, PUT_IT_IN_AGAIN};
use crate::patience::Awaited;
use crate::phrase;
use crate::view::NO_ANSWER;

impl Failure {
    #[expect(
        clippy::too_many_lines,
        reason = "a table, which the compiler holds against the failures there are"
    )]
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Client(error) => Some(advice_for(error)),
            Self::Setup(fault) => fault.advice(),
            Self::NoTerminal => Some("Try: cacctl status"),
            Self::PlaceElsewhere => {
                Some("Put it behind the subcommand: cacctl register --card ID.")
            }
            Self::PlainElsewhere => {
                Some("What subcommands print is plain: run it without --plain.")
            }
            Self::Settings(_) => {
                Some("Mend the file, or move it away: without it everything is as usual.")
            }
            Self::Theme(_) => Some("cacctl --theme list says what each is for."),
            Self::NoCard | Self::ReaderEmpty { .. } => {
                Some("Put your card in, chip first, and try again.")
            }
            Self::NoService(service) => phrase::service(*service),
            Self::NoReader => Some("Plug one in, put your card into it, and try again."),
            Self::NoSuchReader { .. } => {
                Some("A part of its name is enough, where no other has it.")
            }
            Self::SeveralReaders { .. } => Some("Say which one with --reader NAME."),
            Self::NoAnswer { .. } => Some(NO_ANSWER),
            Self::NoSuchCertificate(_) => Some("cacctl card show lists those that it holds."),
            Self::FileExists { .. } => Some(
                "Nothing was written. Name another place, or write over it with --force, which card export and wizard have.",
            ),
            Self::CardHidden {
                why: Some(Hidden::PutInBefore),
                ..
            } => Some(PUT_IT_IN_AGAIN),
            Self::CardHidden { .. } => Some(LOG_IN_THERE),
            Self::OtherCard { .. } => {
                Some("Put it in, or name one that is; cacctl status says whose each is.")
            }
            Self::SeveralCards { .. } => Some("Say which one with --card ID."),
            Self::CardUnreadable { .. } => {
                Some("Take the card out, wipe the chip, and put it in again.")
            }
            Self::CardHeld { .. } => {
                Some("Close that program, or wait: the card is read once it is let go.")
            }
            Self::CardGone => Some("Put it in again and start over; the PIN was not kept."),
            Self::NoSuchCheck { .. } => Some("cacctl check --json names each."),
            Self::NoSuchPortal { .. } => Some(
                "cacctl portal list says more of them, and what is wrong with a profile that is not among them.",
            ),
            Self::BackupOutput => {
                Some("Name a file, or pass it on: cacctl backup - | age -r KEY > FILE.")
            }
            Self::BackupCutShort => Some("Try again; journalctl -u cacd says more."),
            Self::NoPortal => Some("cacctl portal list says which are known; name one of them."),
            Self::SeveralPortals { .. } => Some("Name the one that is meant."),
            Self::NoneNeedsWizard { .. } => {
                Some("To do it all the same, name the portal: cacctl wizard PORTAL.")
            }
            Self::NobodyToAsk => Some(
                "Run it in a terminal, or press w in the dashboard; --confirmation asks nothing.",
            ),
            Self::OtherWizard { .. } => {
                Some("Go on with that one, or stop it there: cacctl wizard, without a portal.")
            }
            Self::WizardEnded => Some("What was typed is wiped. cacctl wizard begins anew."),
            Self::NoConfirmation => Some(
                "One is kept once all steps of cacctl wizard are done, if the portal shows one. With --card ID a card is meant that is in no reader.",
            ),
            Self::NoLp(_) | Self::NotPrinted { .. } => Some(
                "It is kept: cacctl wizard --confirmation --save FILE writes it to a file, to be printed elsewhere.",
            ),
            Self::NotClear => Some("Without --letter it says what is missing."),
            Self::NoSponsorNeeded => Some("Without --letter it says which way is open."),
            Self::NotReadable { .. } => {
                Some("Nothing was changed. Is it there, and may you read it?")
            }
            Self::NotABundle { .. } => Some(
                "A bundle (.p7b), PEM, DER, and ZIP archives of such can be read. Nothing was changed.",
            ),
            Self::OtherDigest { .. } => Some(
                "Nothing was changed. Fetch it again, from its publisher and not from a mirror, and compare once more; docs/trust.md says where.",
            ),
            Self::RootsNotCompared => Some(
                "Run it at a terminal, where it shows them and asks, or name the SHA-256 of the file, or of each of its roots: --digest.",
            ),
            Self::RootsNotConfirmed => {
                Some("docs/trust.md says where the right digests are, and how to compare them.")
            }
            Self::NotImported { .. } => {
                Some("Give it another name (--name), or move that one away.")
            }
            Self::WouldReplace { .. } => Some(
                "Nothing was changed. Add --replace to put this one in its place, or give it another name (--name).",
            ),
            Self::NotYourFolder { .. } => Some(
                "Run it with sudo for the system's service; for a daemon of your own start that first, or name its folder (--folder).",
            ),
            Self::PinBlocked => Some(ID_CARD_OFFICE),
            Self::LastTry { .. } => Some(
                "A wrong PIN now may block the card. If you are sure of it, add --even-the-last-try.",
            ),
            Self::NoPin => Some(
                "Type it at a terminal, or have it asked for elsewhere: --pin-from pinentry or --pin-from ask-password.",
            ),
            Self::NoPrompter { .. } | Self::PrompterFailed { .. } => Some(
                "Is it installed, and can it show anything here? --pinentry names another one, --pin-from another way.",
            ),
            Self::NoUserAgents => Some(
                "That takes systemd 257 or later. Run it as root, or have pinentry ask: --pin-from pinentry.",
            ),
            Self::NoLockedMemory(_) => Some("Raise the limit with ulimit -l and try again."),
            Self::NoticeNotAccepted => Some(
                "The portal lets nobody in who has not. Nothing else was sent; try again when you have read it.",
            ),
            Self::Endless => Some("Run it without --timeout."),
            Self::TookTooLong { awaited, .. } => match awaited {
                Awaited::Daemon => Some(daemon::START_IT),
                Awaited::Card => {
                    Some("cacd goes on with it: cacctl status says where things stand.")
                }
                Awaited::PinChange => Some(daemon::WHICH_PIN_LATER),
                Awaited::Pin | Awaited::Answer => {
                    Some("Try again; a larger --timeout gives more time, none all there is.")
                }
                Awaited::State(_) => {
                    Some("cacctl status says where things stand, journalctl -u cacd why.")
                }
                Awaited::Printer => Some("lpstat -t says how the printer is."),
                Awaited::Changes => None,
            },
            Self::NotConfirmed => Some("Add --yes to do it without being asked."),
            Self::NoNews { .. } => {
                Some("cacctl status says where things stand, journalctl -u cacd why.")
            }
            Self::Terminal(_) => Some("cacctl status needs no terminal, and neither does --json."),
            Self::Runtime(_) => {
                Some("The machine may be out of memory, or of files to open (ulimit -n).")
            }
            Self::File { .. } => {
                Some("Nothing is lost: name a place that you may write to, and that has room.")
            }
            Self::NoCertificate => Some(
                "cacctl card show says what kind of card it is, and what is wrong with it; an ID card office (RAPIDS) issues another.",
            ),
            Self::NotPem(_) => Some(daemon::VERSIONS),
            Self::NotAPin(_) | Self::NewPinsDiffer => Some("No try was spent: try again."),
            Self::PinChangeUnheard(_) => Some(daemon::WHICH_PIN),
            Self::PinChangeLeft => Some(daemon::WHICH_PIN_LATER),
            Self::PinCancelled => Some("No try was spent: run it again whenever you like."),
            Self::PinTooLate { .. } => Some("Try again; a larger --pin-timeout gives more time."),
            Self::PinNotGiven { .. } => {
                Some("Try again, or have it asked for at the terminal: --pin-from terminal.")
            }
            Self::PinUnreadable(_) => Some("Type it at a terminal: --pin-from terminal."),
            Self::NoSuchDay(_) => Some("Name a day of these centuries, such as 2026-01-31."),
            // They say it themselves, or nothing is to be done.
            Self::Output(_) | Self::NeedsPerson { .. } | Self::Interrupted => None,
        }
    }
}
