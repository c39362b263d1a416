//! Logins to the machine, by a PAM stack of their own (Debian packages
//! pamtester and libpam-wrapper).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;

use super::{Lab, commands, programs};
use crate::clock;
use crate::pcscd::SOCKET_VARIABLE;

/// The service that is logged in to.
const SERVICE: &str = "by-card";

/// Whether standard input is what lies in a file; some versions of pam_exec add a NUL.
const COMPARE: &str = "#!/bin/sh\ntr -d '\\000' | cmp -s - \"$1\"\n";

/// The card has to sign; who issued it is not asked.
const PKCS11: &str = "
pam_pkcs11 {
  nullok = false;
  use_pkcs11_module = opensc;
  pkcs11_module opensc {
    module = OPENSC;
    slot_num = 0;
    support_threads = false;
    cert_policy = signature;
  }
  use_mappers = cn;
  mapper cn {
    module = internal;
    mapfile = file://HOLDERS;
  }
}
";

/// A stack like those of docs/login.md: the card, else a password, and cacctl
/// where it stands in one of them.
#[derive(Debug, Clone)]
pub struct Stack {
    pub card: CardModule,
    /// What is taken instead.
    pub password: &'static str,
    /// In which branches cacctl runs.
    pub runs_after: Branch,
    /// Its arguments after `login --pam`.
    pub arguments: &'static str,
}

/// Who lets people in by card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardModule {
    /// pam_exec, which asks, leaves what was typed to the modules after it, as
    /// card modules do, and lets those in who know this.
    Word(&'static str),
    /// The real one, through OpenSC, for the holder with this common name.
    Pkcs11(&'static str),
}

/// After whom cacctl runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branch {
    Card,
    Either,
    Neither,
}

/// A folder with the one service.
pub struct Pam {
    folder: TempDir,
    pcscd: PathBuf,
}

/// How a login went.
#[derive(Debug)]
pub struct LoggedIn {
    pub has_succeeded: bool,
    pub took: Duration,
    /// All that the person was shown.
    pub said: String,
}

impl Pam {
    pub fn new(lab: &Lab, user: &str, stack: &Stack) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("cacd-pam-").tempdir()?;
        let compare = folder.path().join("compare");
        fs::write(&compare, COMPARE)?;
        fs::set_permissions(&compare, fs::Permissions::from_mode(0o755))?;
        let by = |word: &str, name: &str| -> anyhow::Result<String> {
            let file = folder.path().join(name);
            fs::write(&file, word)?;
            let compare = format!("{} {}", compare.display(), file.display());
            Ok(format!("pam_exec.so expose_authtok quiet {compare}"))
        };
        let card = match stack.card {
            CardModule::Word(word) => by(word, "pin")?,
            CardModule::Pkcs11(name) => {
                let holders = folder.path().join("holders");
                fs::write(&holders, format!("{name} -> {user}\n"))?;
                let text = PKCS11
                    .replace("OPENSC", &opensc_module()?.display().to_string())
                    .replace("HOLDERS", &holders.display().to_string());
                let file = folder.path().join("pam_pkcs11.conf");
                fs::write(&file, text)?;
                format!("pam_pkcs11.so config_file={}", file.display())
            }
        };
        let password = by(stack.password, "password")?;
        let cacctl = format!(
            "auth optional pam_exec.so expose_authtok quiet seteuid {} --socket {} login --pam {}",
            programs::built()?.path("cacctl").display(),
            lab.socket().display(),
            stack.arguments,
        );
        let (after_password, cacctl) = match stack.runs_after {
            Branch::Card => (2, cacctl.as_str()),
            Branch::Either => (1, cacctl.as_str()),
            Branch::Neither => (1, "auth optional pam_permit.so"),
        };
        let service = format!(
            "auth [success=2 default=ignore] {card}\n\
             auth [success={after_password} default=ignore] {password}\n\
             auth requisite pam_deny.so\n\
             {cacctl}\n\
             auth required pam_permit.so\n"
        );
        let services = folder.path().join("services");
        fs::create_dir(&services)?;
        fs::write(services.join(SERVICE), service)?;
        Ok(Self {
            folder,
            pcscd: lab.pcscd.socket(),
        })
    }

    /// Types these lines, one for each prompt.
    pub fn log_in(&self, user: &str, typed: &[&str]) -> anyhow::Result<LoggedIn> {
        let mut command = Command::new("pamtester");
        command
            .args([SERVICE, user, "authenticate"])
            .env("LD_PRELOAD", "libpam_wrapper.so")
            .env(SOCKET_VARIABLE, &self.pcscd)
            .env("PAM_WRAPPER", "1")
            .env(
                "PAM_WRAPPER_SERVICE_DIR",
                self.folder.path().join("services"),
            );
        let lines: String = typed.iter().flat_map(|line| [line, "\n"]).collect();
        let begin = clock::instant();
        let output = commands::run(command, lines.as_bytes())?;
        Ok(LoggedIn {
            has_succeeded: output.status.success(),
            took: begin.elapsed(),
            said: String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        })
    }
}

/// OpenSC's PKCS #11 module, in the folder of this architecture.
pub fn opensc_module() -> anyhow::Result<PathBuf> {
    let folders = fs::read_dir("/usr/lib")?.flatten();
    let found = folders
        .map(|folder| folder.path().join("opensc-pkcs11.so"))
        .find(|module| module.exists());
    found.context("opensc-pkcs11 is installed")
}
