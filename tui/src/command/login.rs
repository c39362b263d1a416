//! `cacctl login --pam`: takes the PIN that somebody has just logged in to the
//! machine with, by card, and hands it to the daemon.
//!
//! `pam_exec` runs it (`expose_authtok`) after the card module has succeeded.
//! A login neither waits for it nor fails because of it: it ends within its
//! limit, always well, and what came of it is a line for the system's log.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use cac_common::client::{Client, ClientError};
use cac_common::error_chain::Chain;
use cac_common::identity::readable;
use cac_common::interface;

use super::ask_pin::Typed;
use crate::cli::Login;
use crate::failure::{Exit, Failure};

/// All of it takes no longer; starting and ending the program comes on top,
/// and together they stay within 100 ms.
const LIMIT: Duration = Duration::from_millis(70);

/// Where the system's log takes datagrams (syslog(3)).
const LOG: &str = "/dev/log";

/// Facility authpriv, severity info (RFC 5424 §6.2.1).
const PRIORITY: u8 = 10 * 8 + 6;

/// Why nothing was handed over.
#[derive(Debug, thiserror::Error)]
enum Kept {
    #[error("without --card-auth what was typed may be a password, which no card is to see")]
    NotByCard,
    #[error("pam_exec runs it as \"{0}\", not as \"auth\"")]
    NotAuth(String),
    #[error("pam_exec names no user")]
    Nobody,
    #[error(
        "nothing is on standard input: pam_exec needs expose_authtok, and a card module that leaves the PIN to it"
    )]
    NoToken,
    #[error("what was typed is no PIN")]
    NotAPin,
    #[error(transparent)]
    Ours(#[from] Failure),
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Never fails.
pub async fn run(socket: &Path, wanted: &Login) -> Exit {
    let user = std::env::var("PAM_USER").ok().filter(|it| !it.is_empty());
    let hand_over = hand_over(socket, wanted, user.as_deref());
    let handed_over = tokio::time::timeout(LIMIT, hand_over).await;
    let who = user.as_deref().map_or_else(|| "nobody".into(), readable);
    let text = match handed_over {
        Ok(Ok(())) => format!("the PIN of {who}'s login is used to register the card"),
        Ok(Err(why)) => format!("the PIN of {who}'s login is not used: {}", Chain(&why)),
        Err(_) => format!("no answer in time, whether the PIN of {who}'s login is used"),
    };
    // Where nobody listens, nobody wants to know. Standard error is the user's.
    let _ = log(Path::new(LOG), &text);
    Exit::Fine
}

async fn hand_over(socket: &Path, wanted: &Login, user: Option<&str>) -> Result<(), Kept> {
    if !wanted.card_auth {
        return Err(Kept::NotByCard);
    }
    // A new password comes the same way.
    let occasion = std::env::var("PAM_TYPE").unwrap_or_default();
    if occasion != "auth" {
        return Err(Kept::NotAuth(readable(&occasion)));
    }
    let user = user.ok_or(Kept::Nobody)?.to_owned();
    let (digits, length) = token().await?.check().map_err(|_| Kept::NotAPin)?;
    let mut client = Client::connect(socket).await?;
    let request = interface::Login { user };
    Ok(client.login(request, digits, length).await?)
}

/// What pam_exec writes (pam_exec(8), `expose_authtok`): the token, as some
/// versions have it ended by NUL.
async fn token() -> Result<Typed, Kept> {
    let input = io::stdin().as_fd().try_clone_to_owned();
    let input = input.map_err(Failure::PinUnreadable)?;
    let mut typed = Typed::new()?;
    let read = tokio::task::spawn_blocking(move || fill(&input, &mut typed).map(|()| typed));
    let read = read.await.map_err(io::Error::from).flatten();
    // So long is no PIN, whatever follows.
    let typed = read.map_err(|_| Kept::NotAPin)?;
    if typed.bytes().is_empty() {
        return Err(Kept::NoToken);
    }
    Ok(typed)
}

/// Reads up to the end or the NUL, and fails where neither comes in time.
fn fill(input: &OwnedFd, typed: &mut Typed) -> io::Result<()> {
    loop {
        let mut byte = zeroize::Zeroizing::new([0]);
        match rustix::io::read(input, &mut byte[..]) {
            Ok(0) => return Ok(()),
            Ok(_) if byte[0] == 0 => return Ok(()),
            Ok(_) => typed
                .push(byte[0])
                .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn log(socket: &Path, text: &str) -> io::Result<()> {
    let log = UnixDatagram::unbound()?;
    // A log that is full is not waited for.
    log.set_nonblocking(true)?;
    let line = format!("<{PRIORITY}>cacctl[{}]: {text}", std::process::id());
    log.send_to(line.as_bytes(), socket)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_token_ends_with_its_nul_or_with_all_there_is() {
        for (bytes, token) in [
            (&b"24681357\0"[..], Some(&b"24681357"[..])),
            (b"24681357\0more", Some(b"24681357")),
            (b"\0", Some(b"")),
            (b"24681357", Some(b"24681357")),
            (b"24681357\n", Some(b"24681357\n")),
            (b"", Some(b"")),
            (&[b'1'; 4000], None),
        ] {
            let (input, mut output) = io::pipe().unwrap();
            output.write_all(bytes).unwrap();
            drop(output);
            let mut typed = Typed::new().unwrap();

            let filled = fill(&input.into(), &mut typed);

            assert_eq!(filled.is_ok().then(|| typed.bytes()), token, "{bytes:?}");
        }
    }

    #[test]
    fn the_log_is_told_in_its_own_form() {
        let folder = std::env::temp_dir().join(format!("cacctl-log-{}", std::process::id()));
        let _ = std::fs::remove_file(&folder);
        let log_socket = UnixDatagram::bind(&folder).unwrap();
        let mut told = [0; 100];

        log(&folder, "the PIN is not used").unwrap();

        let length = log_socket.recv(&mut told).unwrap();
        let told = String::from_utf8_lossy(&told[..length]);
        assert!(told.starts_with("<86>cacctl["), "{told}");
        assert!(told.ends_with("]: the PIN is not used"), "{told}");
        std::fs::remove_file(&folder).unwrap();
    }

    #[test]
    fn a_log_that_is_not_there_is_not_waited_for() {
        assert!(log(Path::new("/absent/log"), "text").is_err());
    }
}
