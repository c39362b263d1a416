//! Why setup cannot be done, or undone.

use std::io;
use std::path::PathBuf;

use cac_common::bundle::archive::ArchiveFault;

use crate::browsers::database::DatabaseFault;
use crate::browsers::tool::ToolFault;
use crate::failure::Exit;

#[derive(Debug, thiserror::Error)]
pub enum SetupFault {
    #[error("there is no home folder: HOME is not set")]
    NoHome,
    #[error("the home folder {} belongs to another user", home.display())]
    OtherHome { home: PathBuf },
    #[error("only root changes what is for all users")]
    NotRoot,
    #[error("{} belongs to another user, or others may write there", path.display())]
    Foreign { path: PathBuf },
    #[error("another cacctl setup is at work")]
    Busy,
    #[error("{} cannot be {doing}", path.display())]
    File {
        path: PathBuf,
        doing: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("line {number} of the record {} is broken", path.display())]
    Record { path: PathBuf, number: usize },
    #[error("the path {} is no text, and cannot be recorded", path.display())]
    Path { path: PathBuf },
    #[error("{} has changed since the plan was made", path.display())]
    ChangedMeanwhile { path: PathBuf },
    #[error("{browser} runs")]
    Running { browser: &'static str },
    #[error("the database in {} is open, or was left in the middle", path.display())]
    Unfinished { path: PathBuf },
    #[error("its database in {} is of a kind that browsers gave up years ago", path.display())]
    OldDatabase { path: PathBuf },
    #[error("its database in {} is not there yet", path.display())]
    NeverStarted { path: PathBuf },
    #[error("its database in {} cannot be looked into", path.display())]
    Database {
        path: PathBuf,
        source: DatabaseFault,
    },
    #[error("the database in {} has a password, without which nothing in it can be trusted", path.display())]
    Locked { path: PathBuf },
    #[error("several certificates in {} have the name {nickname:?}, and are trusted differently", path.display())]
    SameName { path: PathBuf, nickname: String },
    #[error("certutil and modutil are not installed")]
    NoTools,
    #[error(transparent)]
    Tool(#[from] ToolFault),
    #[error("{what}, and it is not so afterwards")]
    NoEffect { what: String },
    #[error("{} is no file of authorities: {fault}", path.display())]
    Roots { path: PathBuf, fault: ArchiveFault },
    #[error("no certificate in {} is that of a root", path.display())]
    NoRoot { path: PathBuf },
    #[error("{} has the digest {is}, not {wanted}", path.display())]
    Digest {
        path: PathBuf,
        is: String,
        wanted: String,
    },
    #[error("none of the steps that --only names takes authorities")]
    RootsUnused,
    #[error("nobody is there to compare the digest, and none is given")]
    NoDigest,
    #[error("{count} of what was to be done is not done")]
    NotDone { count: usize },
    #[error("{count} of what was done is not undone")]
    NotUndone { count: usize },
}

impl SetupFault {
    pub(super) fn file(
        path: &std::path::Path,
        doing: &'static str,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            path,
            doing,
            source,
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Roots { .. } | Self::NoRoot { .. } | Self::RootsUnused | Self::NoDigest => {
                Exit::Usage
            }
            Self::Running { .. }
            | Self::Unfinished { .. }
            | Self::OldDatabase { .. }
            | Self::NeverStarted { .. }
            | Self::Locked { .. }
            | Self::SameName { .. } => Exit::NeedsPerson,
            Self::OtherHome { .. } | Self::NotRoot | Self::Foreign { .. } | Self::Digest { .. } => {
                Exit::Refused
            }
            Self::NoHome
            | Self::Busy
            | Self::File { .. }
            | Self::Record { .. }
            | Self::Path { .. }
            | Self::ChangedMeanwhile { .. }
            | Self::Database { .. }
            | Self::NoTools
            | Self::Tool(_)
            | Self::NoEffect { .. }
            | Self::NotDone { .. }
            | Self::NotUndone { .. } => Exit::Failed,
        }
    }

    /// What a person can do about it.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::NoHome => Some("Log in as yourself, or set HOME."),
            Self::OtherHome { .. } => Some(
                "Run it as that user, without sudo; or with --system for what is for all users.",
            ),
            Self::NotRoot => {
                Some("Run it with sudo; without --system it sets up your own account.")
            }
            Self::Foreign { .. } => {
                Some("Nothing was changed there. Look who wrote it, and give it back to its owner.")
            }
            Self::Busy => Some("Wait until it has ended, and try again."),
            Self::Record { .. } => Some(
                "It says what can be undone: move it away only if nothing is to be undone any more.",
            ),
            Self::ChangedMeanwhile { .. } => Some("Run it again: the plan is made anew."),
            Self::Running { .. } => Some("Close it, all of its windows, and run it again."),
            Self::Unfinished { .. } | Self::NeverStarted { .. } => {
                Some("Start the browser once and close it again; then run this again.")
            }
            Self::OldDatabase { .. } => Some("Start it once with a version of today."),
            Self::Locked { .. } => Some(
                "Take the primary password away in the browser's settings, run this again, and set it anew. Or import the roots there: its settings, Certificates, Authorities, Import.",
            ),
            Self::SameName { .. } => Some(
                "Trust the right one in the browser's settings, or delete the others there; then run this again.",
            ),
            Self::NoTools => Some(NSS_TOOLS),
            Self::Tool(ToolFault::Missing { program })
                if program == "certutil" || program == "modutil" =>
            {
                Some(NSS_TOOLS)
            }
            Self::Digest { .. } => {
                Some("Do not use this file: fetch it anew, and the digest from another place.")
            }
            Self::NoDigest => {
                Some("Give the digest that its publisher names, with --digest SHA256.")
            }
            Self::RootsUnused => Some(
                "Those that do are authorities, and with --system firefox-policy and system-store.",
            ),
            Self::NoRoot { .. } => {
                Some("Take the bundle that holds the roots; cacctl does not fetch it for you.")
            }
            Self::NotDone { .. } => Some(
                "What was done stays; cacctl setup --undo takes it back. Run it again when the causes are mended.",
            ),
            Self::NotUndone { .. } => Some(
                "The rest is as it was. Look at what is named; --force puts back what was there before, over what is there now.",
            ),
            Self::File { .. }
            | Self::Path { .. }
            | Self::Database { .. }
            | Self::Tool(_)
            | Self::NoEffect { .. }
            | Self::Roots { .. } => None,
        }
    }
}

/// Where `certutil` and `modutil` come from.
pub(crate) const NSS_TOOLS: &str = "They come with the package libnss3-tools (Debian, Ubuntu), nss-tools (Fedora, RHEL), mozilla-nss-tools (SUSE) or nss (Arch).";
