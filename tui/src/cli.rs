//! What can be typed after `cacctl`.

mod backup;
mod bounds;
mod card;
mod check;
mod examples;
mod history;
mod notify;
mod pin;
mod portal;
mod setup;
mod status;
mod trust;
mod wizard;

use std::path::PathBuf;

use cac_common::eligibility::Category;
use clap::{Args, Parser, Subcommand, ValueHint};

pub use self::backup::Backup;
pub use self::bounds::Bounds;
pub use self::card::{Card, CardExport, CardShow, ForPin, Slots};
pub use self::check::Check;
pub use self::history::{History, Moment};
pub use self::notify::Notify;
pub use self::pin::{Pin, PinChange, PinStatus};
pub use self::portal::{Portal, PortalList, PortalShow, PortalTest};
pub use self::setup::Setup;
pub use self::status::{Status, WaitFor};
pub use self::trust::{Digest, FileName, Trust, TrustFolder, TrustImport, TrustList, TrustShow};
pub use self::wizard::{Keep, Wizard};
use crate::completion;
use crate::failure::Exit;

fn after_help() -> String {
    let codes = Exit::ALL.map(|exit| format!("  {}  {}", exit as u8, exit.meaning()));
    format!("{}\n\nExit codes:\n{}", examples::CACCTL, codes.join("\n"))
}

/// Shows what cacd knows of your Common Access Card and registers it with portals.
///
/// Without a subcommand the dashboard opens.
#[derive(Debug, Parser)]
#[command(name = "cacctl", version, after_help = after_help())]
pub struct Cli {
    #[command(flatten)]
    pub options: Options,

    #[command(flatten)]
    pub bounds: Bounds,

    #[command(flatten)]
    pub place: Place,

    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Where the dashboard opens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Place {
    /// Open the dashboard with this card chosen.
    #[arg(long, value_name = "ID")]
    pub card: Option<String>,

    /// Open the dashboard with what is known of the card at this portal.
    #[arg(long, value_name = "NAME")]
    pub portal: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub struct Options {
    /// The daemon's socket; the variable CACD_SOCKET names it too.
    #[arg(long, global = true, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub socket: Option<PathBuf>,

    /// Draw with ASCII only.
    #[arg(long, global = true)]
    pub ascii: bool,

    /// Draw without colours; so does the variable NO_COLOR.
    #[arg(long, global = true)]
    pub no_color: bool,

    /// In place of the dashboard, a sentence for each change, and letters to type: for screen readers.
    #[arg(long, conflicts_with_all = ["card", "portal"])]
    pub plain: bool,

    /// The dashboard's theme; the variable CACCTL_THEME names it too. "list" lists them.
    ///
    /// A theme of your own is a file NAME.toml in the folder cacctl/themes of
    /// $XDG_CONFIG_HOME (~/.config, where that is not set).
    #[arg(long, global = true, value_name = "NAME|list", add = completion::themes())]
    pub theme: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say what is in the readers, and where each card stands at each portal.
    #[command(after_help = examples::STATUS)]
    Status(Status),
    /// Say what changes, one line each, until interrupted.
    #[command(after_help = examples::WATCH)]
    Watch(Watch),
    /// Register a card: asks for its PIN if one is needed.
    #[command(after_help = examples::REGISTER)]
    Register(Register),
    /// Register a card by hand at a portal, step by step: asks for user name, password and PIN as the portal wants them.
    ///
    /// For when signing in with the card alone does not register it. Needs a
    /// terminal. One that was left in the middle goes on where it was.
    #[command(after_help = wizard::EXAMPLES)]
    Wizard(Wizard),
    /// Ask for the PIN of a card that is put in, and tell on the desktop what happens to it, as long as no dashboard is open; until ended.
    ///
    /// It runs in the background of your session: systemctl --user enable --now
    /// cacctl-agent. Each time a card is put in it asks once, and never for the
    /// last try. The service shows it cards if you may see them (group
    /// cacd-admin).
    ///
    /// Notifications tell whose card it is, that a PIN is needed where nobody
    /// is asked for it, where the card is registered, what needs you, and what
    /// ends soon; each once. One that has come true is taken back. Open opens
    /// the dashboard there, in a terminal. What is told, and when not, is set
    /// here or in ~/.config/cacctl.toml.
    #[command(after_help = format!("{}\n\n{}", examples::AGENT, notify::SETTINGS))]
    Agent(Agent),
    /// Hand the PIN that somebody has just logged in to this machine with to the service.
    ///
    /// For pam_exec alone, with expose_authtok, where the card module has
    /// succeeded: /usr/share/doc/cacd/login.md says how. It ends within 100
    /// ms and always with 0, so that no login waits for it or fails because of
    /// it; what came of it stands in the system's log. The service takes the
    /// PIN from root alone, for the one card in a reader that cacd.toml ties to
    /// PAM_USER ([[user]]).
    #[command(after_help = examples::LOGIN)]
    Login(Login),
    /// Show the card in a reader, or write its certificates out.
    #[command(subcommand, after_help = examples::CARD)]
    Card(Card),
    /// Say how the PIN of a card stands, or change it.
    #[command(subcommand, after_help = examples::PIN)]
    Pin(Pin),
    /// List the portals, show how one is described, or try signing in there by hand.
    #[command(subcommand, after_help = examples::PORTAL)]
    Portal(Portal),
    /// Say what is in the way of signing in with a card, with the cause and how to mend it.
    ///
    /// It looks at the service, the readers, the card, the portals and this
    /// machine, and changes nothing. Each line says whether something is as it
    /// should be. They stand in the order in which one thing needs another: the
    /// first that failed is the cause, and what only follows from it is not
    /// judged. It ends within 10 s: with 1 where something failed (3 where the
    /// service cannot be reached), with 4 where something wants a look.
    #[command(after_help = check::EXAMPLES)]
    Check(Check),
    /// Say whom cacd trusts to have issued a card, and put the authorities of a bundle in place.
    #[command(subcommand, after_help = examples::TRUST)]
    Trust(Trust),
    /// Say whether you may register at a portal, and how: by yourself, with a sponsor, or not.
    #[command(after_help = examples::ELIGIBILITY)]
    Eligibility(Eligibility),
    /// Show what happened, newest first.
    #[command(after_help = examples::HISTORY)]
    History(History),
    /// Forget what was kept; shows first what would be lost.
    ///
    /// A card in a reader whose PIN is kept (pin.keep in cacd.toml) is signed in
    /// again at once, and that is written down: take it out first if nothing is
    /// to stay.
    #[command(after_help = examples::CLEAR)]
    Clear(Clear),
    /// Write a copy of everything that is kept into a file, while the service goes on.
    ///
    /// For administrators. The copy is a tar archive of the database (cacd.db)
    /// and of the key beside it (cacd.key), by which people in the database are
    /// recognised when they come back. It is looked through before it counts as
    /// made, is readable for you alone, and takes the place of no other file.
    /// Whoever has it has what the database has: names, certificates,
    /// registrations and history. cacctl clear does not reach it.
    ///
    /// To restore it, with the service stopped and the files that are there
    /// moved away, the log files cacd.db-wal and cacd.db-shm among them: tar -x
    /// -C /var/lib/cacd -f FILE, and chown cacd:cacd of both files. Then start
    /// the service. A database of an earlier version is brought up to date; one
    /// of a later version is refused, and left as it is. Without its key
    /// everyone in it counts as new, and has to register once more.
    #[command(after_help = backup::EXAMPLES)]
    Backup(Backup),
    /// Make the card available to browsers and other programs: shows a plan, asks, does it, and looks again.
    ///
    /// It adds OpenSC's module to p11-kit and to every browser profile in your
    /// home folder, takes out modules that are in its way, lets GnuPG share
    /// the card, and adds the authorities that you supply. With --system it
    /// does what is for all users, and touches no home folder. What it cannot
    /// do it says, with what to do about it. Run twice it changes nothing.
    ///
    /// Everything is recorded before it is changed, with the files as they
    /// were, in ~/.local/state/cacd/setup (/var/lib/cacd-setup with --system).
    /// --undo puts them back, also after an interruption; a file that somebody
    /// has changed since is left, and named. Neither the service nor a card is
    /// needed.
    #[command(after_help = setup::EXAMPLES)]
    Setup(Setup),
    /// Write the completions of a shell to standard output.
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder.
    #[command(after_help = examples::MAN)]
    Man {
        /// The folder, made if it is not there.
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
}

#[derive(Debug, Args)]
pub struct Watch {
    /// Print the whole state after each change, one JSON object a line.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Register {
    /// The card, if several are in readers.
    #[arg(long, value_name = "ID", add = completion::cards())]
    pub card: Option<String>,

    /// Only this portal.
    #[arg(long, value_name = "NAME", add = completion::enabled_portals())]
    pub portal: Option<String>,

    /// Send the PIN even if it may be the last try before the card is blocked.
    #[arg(long)]
    pub even_the_last_try: bool,

    #[command(flatten)]
    pub prompt: PinPrompt,

    /// Print the card as JSON when all is at rest, instead of each change.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Agent {
    #[command(flatten)]
    pub prompt: PinPrompt,

    #[command(flatten)]
    pub notify: Notify,
}

#[derive(Debug, Args)]
pub struct Login {
    #[command(flatten)]
    pub by: LoginBy,

    /// The user was let in by card: only then what was typed is its PIN. Without it nothing is handed over.
    #[arg(long)]
    pub card_auth: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct LoginBy {
    /// Take it from standard input, and the user from PAM_USER, as pam_exec gives them.
    #[arg(long)]
    pub pam: bool,
}

/// Where a PIN is asked for.
#[derive(Debug, Clone, Args)]
pub struct PinPrompt {
    /// Where the PIN is asked for. Without it: at the terminal, or taken from standard input where that is none; the agent asks through pinentry.
    #[arg(long, value_name = "WHERE", value_enum)]
    pub pin_from: Option<PinFrom>,

    /// The pinentry to start.
    #[arg(
        long,
        value_name = "PROGRAM",
        env = "PINENTRY",
        default_value = "pinentry"
    )]
    pub pinentry: PathBuf,

    /// How long pinentry or an agent may ask, in seconds.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 120,
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    pub pin_timeout: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PinFrom {
    /// The terminal that cacctl runs in.
    Terminal,
    /// A window, or what else the pinentry that is installed shows.
    Pinentry,
    /// The agents that answer for systemd-ask-password.
    AskPassword,
}

#[derive(Debug, Args)]
pub struct Eligibility {
    /// The portal, if several are enabled; one that is not can be asked about too.
    #[arg(value_name = "PORTAL", add = completion::portals())]
    pub portal: Option<String>,

    /// The card, if several are in readers.
    #[arg(long, value_name = "ID", add = completion::cards())]
    pub card: Option<String>,

    /// What you are, where the card does not tell for certain: uniformed, active-duty, national-guard, reserve, civilian, contractor, affiliate, foreign-affiliate, beneficiary, retiree, veteran, family or other-credential.
    #[arg(long, value_name = "CATEGORY", add = completion::categories())]
    pub category: Option<Category>,

    /// Where you belong, where the card does not tell: Army, Navy ...
    #[arg(long, value_name = "NAME")]
    pub component: Option<String>,

    /// Answers a question of the portal; once for each, in the order they are asked.
    #[arg(long, value_name = "yes|no")]
    pub answer: Vec<YesOrNo>,

    /// Write a letter that tells your sponsor what to do; "-" is standard output.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub letter: Option<PathBuf>,

    /// Print one JSON object; nothing is asked.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum YesOrNo {
    Yes,
    No,
}

#[derive(Debug, Args)]
pub struct Clear {
    #[command(flatten)]
    pub scope: Scope,

    /// With --history: only what is older than the start of this day (YYYY-MM-DD).
    #[arg(long, value_name = "DATE", requires = "history")]
    pub before: Option<jiff::civil::Date>,

    /// Only say what would be lost.
    #[arg(long)]
    pub dry_run: bool,

    /// Do not ask.
    #[arg(long)]
    pub yes: bool,

    /// Print what was lost, or would be, as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of which one is given, as clap takes them"
)]
pub struct Scope {
    /// Every card, registration and history entry.
    #[arg(long)]
    pub all: bool,

    /// One card, the registrations made with it and the history that names it.
    #[arg(long, value_name = "ID", add = completion::every_card())]
    pub card: Option<String>,

    /// Every registration at one portal, and the history that names it.
    #[arg(long, value_name = "NAME", add = completion::portals())]
    pub portal: Option<String>,

    /// The history.
    #[arg(long)]
    pub history: bool,

    /// Sessions with portals, which are there while somebody registers by hand.
    /// Sign-ins leave none: no cookie and no TLS ticket outlives them.
    #[arg(long)]
    pub sessions: bool,

    /// Copies in the service's folder: corrupt databases that were kept aside,
    /// and backups that were put there. --all takes them too.
    #[arg(long)]
    pub copies: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;

        Cli::command().debug_assert();
    }
}
