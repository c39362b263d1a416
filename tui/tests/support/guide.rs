//! What the guide says of each status beyond what the programs say themselves.

use cac_common::cause::Kind;
use cac_common::registration::RegistrationStatus;
use cacctl::keys::Command;

pub(crate) struct Page {
    /// For the list of all: a sentence without its end.
    pub(crate) brief: &'static str,
    pub(crate) means: &'static str,
    /// One step after the other.
    pub(crate) then: &'static [&'static str],
    pub(crate) alone: &'static str,
    pub(crate) keys: &'static [Command],
    /// Names of subcommands.
    pub(crate) commands: &'static [&'static str],
}

/// Statuses that a cause can lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leads {
    Waiting,
    Unsupported,
    Rejected,
    Forbidden,
    Unrecognised,
    CardFailed,
    PinBlocked,
    /// None does.
    Nowhere,
}

impl Leads {
    pub(crate) fn of(status: &RegistrationStatus) -> Self {
        use RegistrationStatus as Status;

        match status {
            Status::Waiting { .. } => Self::Waiting,
            Status::Unsupported { .. } => Self::Unsupported,
            Status::Rejected { .. } => Self::Rejected,
            Status::Forbidden { .. } => Self::Forbidden,
            Status::Unrecognised { .. } => Self::Unrecognised,
            Status::CardFailed { .. } => Self::CardFailed,
            Status::PinBlocked => Self::PinBlocked,
            Status::NotSeen
            | Status::NeedsPin { .. }
            | Status::SigningIn
            | Status::Registered { .. }
            | Status::RegisteredNotSaved { .. }
            | Status::OutOfDate { .. }
            | Status::NeedsConsent { .. }
            | Status::NeedsWizard
            | Status::NotEligible
            | Status::NeedsSponsor
            | Status::NotFound
            | Status::LockedOut { .. } => Self::Nowhere,
        }
    }
}

/// The statuses that a sign-in has with this cause; none where only the
/// wizard has it.
pub(crate) fn leads_to(kind: Kind) -> &'static [Leads] {
    match kind {
        Kind::NameUnknown
        | Kind::ConnectionRefused
        | Kind::NoRoute
        | Kind::NoAnswer
        | Kind::ConnectionClosed
        | Kind::ProxyRefuses
        | Kind::PortalBusy
        | Kind::PortalError
        | Kind::PortalFails => &[Leads::Waiting],
        Kind::ServerNotTrusted
        | Kind::ServerExpired
        | Kind::ServerMisnamed
        | Kind::ServerRevoked
        | Kind::TlsTrouble
        | Kind::AsksLateRenegotiation
        | Kind::AsksLatePostHandshake
        | Kind::WantsPassword
        | Kind::RedirectsAway
        | Kind::RedirectsEndlessly
        | Kind::NoticeNotAcceptable
        | Kind::NoCommonSignature => &[Leads::Unsupported],
        Kind::NeverAsks => &[Leads::Unsupported, Leads::Forbidden],
        Kind::WrongUse => &[Leads::Unsupported, Leads::Rejected],
        Kind::CertificateExpired
        | Kind::CertificateNotYetValid
        | Kind::CertificateRevoked
        | Kind::RevocationNotKnown
        | Kind::IssuerUnknown
        | Kind::IssuerNotAccepted
        | Kind::NoCertificate
        | Kind::NoRight
        | Kind::SignatureNotVerified
        | Kind::NotSaid
        | Kind::SaidByPortal => &[Leads::Rejected],
        Kind::NotKnown | Kind::Forbidden => &[Leads::Forbidden],
        Kind::UnknownPage | Kind::LogInForm => &[Leads::Unrecognised],
        Kind::PinBlocked => &[Leads::PinBlocked],
        Kind::CardFailed | Kind::FailedHere => &[Leads::CardFailed],
        Kind::OtherPage | Kind::NoticeFirst | Kind::Other => &[],
    }
}

/// What is true of all that a portal has settled.
const AT_REST: &str = "Nothing: cacd does not try again by itself, whether the card stays in or comes back. It starts over when you ask for it, when the card has another certificate, or when the portal's profile is changed.";

#[expect(
    clippy::too_many_lines,
    reason = "a table, which the compiler holds against the statuses there are"
)]
pub(crate) fn page_of(status: &RegistrationStatus) -> Page {
    use RegistrationStatus as Status;

    match status {
        Status::NotSeen => Page {
            brief: "no card of yours has been here",
            means: "cacd knows the portal, and has not seen a card of yours. Nothing was sent anywhere.",
            then: &[
                "Put your card in, chip first, and leave it there.",
                "If nothing changes within a few seconds, try it the right way up, with the chip clean and pushed in all the way, and then another reader.",
                "Still nothing: open the checklist. It says whether the service, the reader or the card is at fault.",
            ],
            alone: "A card is read as soon as it is put in. That needs no PIN.",
            keys: &[Command::Checklist],
            commands: &["status"],
        },
        Status::NeedsPin { .. } => Page {
            brief: "all is ready, type your PIN",
            means: "The card is read and the portal is known. To sign in, the card has to be unlocked with your PIN. Nothing was sent to the portal yet.",
            then: &[
                "Look how many tries are left; it stands beside the card. With one left and any doubt, stop: a card that is blocked has to go to an ID card office (RAPIDS).",
                "Type the PIN: six to eight digits. One PIN serves every portal that waits for it.",
                "Leave the card in until it says registered.",
            ],
            alone: "It waits. With the agent running you are asked in a window when the card is put in, when your session begins or is unlocked, and when the machine wakes. The PIN goes to this card alone, once, and is forgotten afterwards.",
            keys: &[Command::Register],
            commands: &["register", "agent"],
        },
        Status::SigningIn => Page {
            brief: "the card signs, or the portal answers",
            means: "Your PIN was taken. The card is proving who you are, the portal is answering, or its answer is being written down.",
            then: &["Leave the card in. It takes a few seconds; a slow portal takes longer."],
            alone: "Everything. It ends as registered, or says what is in the way.",
            keys: &[],
            commands: &["watch"],
        },
        Status::Registered { .. } => Page {
            brief: "done",
            means: "The portal said that it knows you by this certificate, and that is written down. You can take the card out.",
            then: &[
                "Nothing. When it was last checked stands beside it.",
                "If it says that it was not checked for a while: it is checked with the next PIN you type.",
            ],
            alone: "It stays registered, also without the card and after a restart. With a new card or a new certificate it becomes out of date.",
            keys: &[Command::Outlook, Command::History],
            commands: &["status", "history"],
        },
        Status::RegisteredNotSaved { .. } => Page {
            brief: "the portal said yes, this machine could not note it",
            means: "You are registered. Only this machine could not write it down: most often its disk is full or cannot be written to.",
            then: &[
                "You need not type the PIN again. Leave the service running.",
                "Tell your administrator: df and journalctl -u cacd say more.",
            ],
            alone: "Writing is tried again every 30 seconds.",
            keys: &[Command::Problems],
            commands: &["status"],
        },
        Status::OutOfDate { .. } => Page {
            brief: "you have a new card or certificate",
            means: "The portal knows you by an earlier card or certificate. This one has to be registered once.",
            then: &["Type your PIN, as you did for the old card."],
            alone: "It waits for your PIN. What was registered before is not undone.",
            keys: &[Command::Register],
            commands: &["register"],
        },
        Status::NeedsConsent { .. } => Page {
            brief: "the portal shows a notice to accept",
            means: "Before it lets anybody in, the portal shows a text, often about monitoring. A person has to read and accept it; cacd never does that for you.",
            then: &[
                "Open the details of the portal with Enter and read the notice.",
                "Accept it with y, or leave it: then nothing is sent.",
            ],
            alone: "Once you have accepted, it goes on, and asks for the PIN if it is no longer held. The same text is not shown to you again; a new one is.",
            keys: &[Command::Open, Command::Yes],
            commands: &["register"],
        },
        Status::NeedsWizard => Page {
            brief: "register once by hand, with your password",
            means: "The portal knows you, and no account is tied to this card. It wants your user name and password once.",
            then: &[
                "Have your user name and password for this portal at hand.",
                "Start the wizard. It goes through the portal's steps and asks for each thing in turn.",
                "Forgotten the password? The portal's help desk stands in its details.",
            ],
            alone: "Nothing until you start the wizard. One that was left in the middle goes on where it was while the card stays in.",
            keys: &[Command::Wizard],
            commands: &["wizard"],
        },
        Status::NotEligible => Page {
            brief: "people of your category cannot register by themselves",
            means: "The portal's rules do not let your category in by itself. Your card is not at fault, and another try changes nothing.",
            then: &[
                "See which way is open to you: it may be a sponsor, a guest account or the help desk.",
                "If your category is wrong, your record is: it is mended where your card was issued.",
            ],
            alone: AT_REST,
            keys: &[Command::Eligibility],
            commands: &["eligibility"],
        },
        Status::NeedsSponsor => Page {
            brief: "somebody has to vouch for you",
            means: "The portal lets your category in only through a sponsor: a government representative with an account of their own.",
            then: &[
                "See who may sponsor you, and save the letter that tells them what to do.",
                "Once they have done it, register again.",
            ],
            alone: AT_REST,
            keys: &[Command::Eligibility, Command::Register],
            commands: &["eligibility", "register"],
        },
        Status::NotFound => Page {
            brief: "the portal does not know you at all",
            means: "The list that the portal looks people up in does not have you. Registering cannot work until it does; your card is not at fault.",
            then: &[
                "Call the portal's help desk; it stands in the details. Have your DoD ID ready: x shows it.",
                "When they have added you, register again.",
            ],
            alone: AT_REST,
            keys: &[Command::Open, Command::ShowDodId, Command::Register],
            commands: &["portal show", "register"],
        },
        Status::Forbidden { .. } => Page {
            brief: "the portal refuses access",
            means: "The portal got the request and said no (403, or 401). A fresh session was tried already.",
            then: &[
                "Read which cause the screen names, and look it up below.",
                "Wait 15 minutes and register again, once.",
                "Still refused: register by hand with the wizard, or call the help desk.",
            ],
            alone: AT_REST,
            keys: &[Command::Register, Command::Wizard],
            commands: &["register", "wizard"],
        },
        Status::Rejected { .. } => Page {
            brief: "your certificate was refused",
            means: "The portal, or the check before it, does not accept the certificate that signs you in.",
            then: &[
                "Read which cause the screen names, and look it up below: one is mended by an ID card office, another by the portal's help desk.",
                "Look at the certificate: its dates, its issuer, and whether it was revoked.",
            ],
            alone: AT_REST,
            keys: &[Command::Open, Command::Outlook, Command::Register],
            commands: &["card show", "register"],
        },
        Status::Waiting { .. } => Page {
            brief: "the portal cannot be reached now",
            means: "The network, a proxy or the portal is in the way. Your card and your account are not at fault, and nothing is lost.",
            then: &[
                "Check the network and the VPN: can a browser open the portal?",
                "If so, or if it lasts, ask the portal's help desk.",
                "Leave the card in. Typing the PIN again tries at once.",
            ],
            alone: "It is tried again: as a rule after half a minute, then after twice as long each time, up to half an hour, or when the portal says. If the PIN is no longer held by then, you are asked for it.",
            keys: &[Command::Register, Command::Checklist],
            commands: &["register", "portal test"],
        },
        Status::PinBlocked => Page {
            brief: "the card takes no PIN any more",
            means: "Too many wrong PINs were typed, here or elsewhere. The card has locked itself; your account is not touched.",
            then: &[
                "Make an appointment at an ID card office (RAPIDS).",
                "Bring the card and another photo ID. They reset the PIN on the spot.",
                "Put the card in again and type the new PIN.",
            ],
            alone: "Nothing: cacd sends no PIN to a blocked card.",
            keys: &[],
            commands: &["pin status", "card show"],
        },
        Status::LockedOut { .. } => Page {
            brief: "the portal has locked the account for a time",
            means: "Too many attempts, most often wrong passwords. The lock is the portal's; your card is not at fault.",
            then: &[
                "Wait until the time that the screen names, if it does. Trying before can make it longer.",
                "Then register again, or call the help desk to have it unlocked.",
            ],
            alone: "Nothing is sent while the lock lasts, not even when you ask for it, where the portal's profile says how long that is. Afterwards ask again.",
            keys: &[Command::Register],
            commands: &["register", "portal show"],
        },
        Status::Unsupported { .. } => Page {
            brief: "cacd cannot sign in at this portal",
            means: "The portal wants something that cacd cannot or must not do, or it is not the one that its profile describes. Your card is most likely fine.",
            then: &[
                "Read which cause the screen names, and look it up below.",
                "If it concerns the portal's own certificate, do not go there with a browser either before it is cleared.",
                "Else sign in with a browser, and show your administrator what a test says.",
            ],
            alone: AT_REST,
            keys: &[Command::TestPortal, Command::Register],
            commands: &["portal test", "register"],
        },
        Status::Unrecognised { .. } => Page {
            brief: "the portal answered with an unknown page",
            means: "The portal answered, and its profile does not say what that page means. You may be registered or not: it cannot be told.",
            then: &[
                "Sign in with a browser and look what it says.",
                "Let your administrator test the portal: it shows every hop and which rule did not match, so that the profile can be mended.",
            ],
            alone: AT_REST,
            keys: &[Command::TestPortal, Command::Register],
            commands: &["portal test", "register"],
        },
        Status::CardFailed { .. } => Page {
            brief: "the card did not do its part",
            means: "The card, its reader or this machine failed while signing in. Nothing is wrong with your account.",
            then: &[
                "Take the card out, wipe the chip, put it in again and push it in all the way.",
                "Type the PIN once more.",
                "If it fails again, try another reader; after that let an ID card office look at the card.",
            ],
            alone: "When the card is put in anew, it starts over and asks for the PIN.",
            keys: &[Command::Register, Command::Checklist],
            commands: &["register", "card show"],
        },
    }
}
