//! The caller's side of the socket.

use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use tokio::net::UnixStream;
use zeroize::Zeroize as _;

use crate::interface::{
    AcceptNotice, ActivityReply, AnswerWizard, BackupReply, Call, CertificatesReply, Clear,
    ClearReply, ConfirmationReply, ExportedCertificate, GetCertificates, GetConfirmation,
    GetHistory, GetPortal, HistoryReply, LONGEST_REPLY, Login, Lost, MoveWizard, PortalDetails,
    PortalReply, Printed, PrintedReply, Refusal, Register, Reply, SnapshotReply, StartWizard,
    SubmitPin, TestPortal, TestReply, method,
};
use crate::locked::Locked;
use crate::snapshot::{HistoryEntry, Snapshot};
use crate::wire::{Connection, WireError};
use crate::wizard::Confirmation;

/// A reply that has not come after this long never will.
const PATIENCE: Duration = Duration::from_secs(30);

/// The same, where a card has to answer first, which others may hold.
const CARD_PATIENCE: Duration = Duration::from_secs(90);

/// The same, where a portal has to answer too.
const SIGN_IN_PATIENCE: Duration = Duration::from_mins(4);

/// The same, where a whole database is copied and handed over.
const BACKUP_PATIENCE: Duration = Duration::from_mins(15);

/// A conversation with the daemon.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
}

/// The snapshots of one daemon, one after the other.
#[derive(Debug)]
pub struct Monitor {
    connection: Connection,
}

/// What goes between readers and cards, as it comes.
#[derive(Debug)]
pub struct Activity {
    connection: Connection,
}

/// A PIN in a pipe. What nobody has taken when this is dropped is taken back and wiped.
struct Offered {
    pipe: PipeReader,
    /// Empty meanwhile.
    digits: Locked,
}

/// Why the daemon did not answer as asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("cannot connect to {}", path.display())]
    Unreachable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("connection to the daemon was lost")]
    Lost(#[source] WireError),
    #[error("daemon closed the connection")]
    Closed,
    #[error("daemon has not answered in time")]
    Silent,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("daemon answered with an error we do not know: {0}")]
    UnknownError(String),
    #[error("daemon's answer cannot be read; is it of another version?")]
    Unreadable(#[source] serde_json::Error),
    #[error("pipe for the PIN cannot be made")]
    Pipe(#[source] io::Error),
}

impl Client {
    pub async fn connect(socket: &Path) -> Result<Self, ClientError> {
        let stream =
            UnixStream::connect(socket)
                .await
                .map_err(|source| ClientError::Unreachable {
                    path: socket.to_owned(),
                    source,
                })?;
        Ok(Self {
            connection: Connection::new(stream, LONGEST_REPLY),
        })
    }

    pub async fn snapshot(&mut self) -> Result<Snapshot, ClientError> {
        let reply: SnapshotReply = self.call(method::GET_SNAPSHOT, &Nothing {}).await?;
        Ok(reply.snapshot)
    }

    /// Follows the state from now on.
    pub async fn monitor(mut self) -> Result<Monitor, ClientError> {
        let call = Call {
            method: method::MONITOR.into(),
            parameters: Value::Null,
            more: true,
            oneway: false,
        };
        send(&mut self.connection, &call).await?;
        Ok(Monitor {
            connection: self.connection,
        })
    }

    /// Listens from now on to what goes between readers and cards.
    pub async fn activity(mut self) -> Result<Activity, ClientError> {
        let call = Call {
            method: method::MONITOR_ACTIVITY.into(),
            parameters: Value::Null,
            more: true,
            oneway: false,
        };
        send(&mut self.connection, &call).await?;
        // Empty; whatever comes after it is told.
        let _: ActivityReply = self.answer(PATIENCE).await?;
        Ok(Activity {
            connection: self.connection,
        })
    }

    /// Hands over the first `length` bytes of `digits` through a pipe. The
    /// caller's copy is wiped when this returns.
    pub async fn submit_pin(
        &mut self,
        request: SubmitPin,
        digits: Locked,
        length: usize,
    ) -> Result<(), ClientError> {
        let _offered = self
            .send_secret(method::SUBMIT_PIN, request, digits, length)
            .await?;
        let _: Nothing = self.answer(PATIENCE).await?;
        Ok(())
    }

    /// Hands over the PIN that somebody has logged in with in the same way.
    /// Given up before the answer is there, it is taken back if nobody has it yet.
    pub async fn login(
        &mut self,
        request: Login,
        digits: Locked,
        length: usize,
    ) -> Result<(), ClientError> {
        let _offered = self
            .send_secret(method::LOGIN, request, digits, length)
            .await?;
        let _: Nothing = self.answer(PATIENCE).await?;
        Ok(())
    }

    /// Hands over a PIN in the same way, and waits for what the card shows
    /// for it; `None` if nothing is printed on it.
    pub async fn read_printed(
        &mut self,
        request: SubmitPin,
        digits: Locked,
        length: usize,
    ) -> Result<Option<Printed>, ClientError> {
        let _offered = self
            .send_secret(method::READ_PRINTED, request, digits, length)
            .await?;
        let reply: PrintedReply = self.answer(CARD_PATIENCE).await?;
        Ok(reply.printed)
    }

    /// Hands over a PIN and the one that is to replace it, through one pipe, and
    /// waits for what the card says.
    pub async fn change_pin(
        &mut self,
        request: SubmitPin,
        (mut pair, length): (Locked, usize),
        (new, new_length): (Locked, usize),
    ) -> Result<(), ClientError> {
        let whole = length + 1 + new_length;
        pair.bytes_mut()[length] = b'\n';
        pair.bytes_mut()[length + 1..whole].copy_from_slice(&new.bytes()[..new_length]);
        drop(new);
        let _offered = self
            .send_secret(method::CHANGE_PIN, request, pair, whole)
            .await?;
        let _: Nothing = self.answer(CARD_PATIENCE).await?;
        Ok(())
    }

    pub async fn accept_notice(&mut self, request: &AcceptNotice) -> Result<(), ClientError> {
        let _: Nothing = self.call(method::ACCEPT_NOTICE, request).await?;
        Ok(())
    }

    /// A profile, as it is in force.
    pub async fn portal(&mut self, name: &str) -> Result<PortalDetails, ClientError> {
        let request = GetPortal {
            name: name.to_owned(),
        };
        let reply: PortalReply = self.call(method::GET_PORTAL, &request).await?;
        Ok(reply.portal)
    }

    /// Hands over a PIN in the same way, and waits for how the sign-in went.
    pub async fn test_portal(
        &mut self,
        request: TestPortal,
        digits: Locked,
        length: usize,
    ) -> Result<TestReply, ClientError> {
        let _offered = self
            .send_secret(method::TEST_PORTAL, request, digits, length)
            .await?;
        self.answer(SIGN_IN_PATIENCE).await
    }

    async fn send_secret(
        &mut self,
        method: &str,
        request: impl Serialize,
        mut digits: Locked,
        length: usize,
    ) -> Result<Offered, ClientError> {
        let (pipe, mut write_end) = io::pipe().map_err(ClientError::Pipe)?;
        // Far less than a pipe holds, so this does not block.
        write_end
            .write_all(&digits.bytes()[..length])
            .map_err(ClientError::Pipe)?;
        drop(write_end);
        digits.bytes_mut().zeroize();
        let offered = Offered { pipe, digits };
        let call = Call {
            method: method.into(),
            parameters: serde_json::to_value(request).map_err(ClientError::Unreadable)?,
            more: false,
            oneway: false,
        };
        let bytes = serde_json::to_vec(&call).map_err(ClientError::Unreadable)?;
        self.connection
            .send(&bytes, &[offered.pipe.as_fd()])
            .await
            .map_err(ClientError::Lost)?;
        Ok(offered)
    }

    pub async fn start_wizard(&mut self, request: &StartWizard) -> Result<(), ClientError> {
        let _: Nothing = self.call(method::START_WIZARD, request).await?;
        Ok(())
    }

    /// With the first `length` bytes of a secret, which go through a pipe as a PIN does.
    pub async fn answer_wizard(
        &mut self,
        request: AnswerWizard,
        secret: Option<(Locked, usize)>,
    ) -> Result<(), ClientError> {
        let _: Nothing = match secret {
            None => self.call(method::ANSWER_WIZARD, &request).await?,
            Some((bytes, length)) => {
                let _offered = self
                    .send_secret(method::ANSWER_WIZARD, request, bytes, length)
                    .await?;
                self.answer(PATIENCE).await?
            }
        };
        Ok(())
    }

    pub async fn move_wizard(&mut self, request: &MoveWizard) -> Result<(), ClientError> {
        let _: Nothing = self.call(method::MOVE_WIZARD, request).await?;
        Ok(())
    }

    pub async fn confirmation(
        &mut self,
        request: &GetConfirmation,
    ) -> Result<Option<Confirmation>, ClientError> {
        let reply: ConfirmationReply = self.call(method::GET_CONFIRMATION, request).await?;
        Ok(reply.confirmation)
    }

    pub async fn register(&mut self, request: &Register) -> Result<(), ClientError> {
        let _: Nothing = self.call(method::REGISTER, request).await?;
        Ok(())
    }

    /// Newest first.
    pub async fn history(
        &mut self,
        request: &GetHistory,
    ) -> Result<Vec<HistoryEntry>, ClientError> {
        let reply: HistoryReply = self.call(method::GET_HISTORY, request).await?;
        Ok(reply.entries)
    }

    /// The same, with where to go on.
    pub async fn search_history(
        &mut self,
        request: &GetHistory,
    ) -> Result<HistoryReply, ClientError> {
        self.call(method::GET_HISTORY, request).await
    }

    pub async fn clear(&mut self, request: &Clear) -> Result<Lost, ClientError> {
        let reply: ClearReply = self.call(method::CLEAR, request).await?;
        Ok(reply.lost)
    }

    /// Has a copy of everything that is kept written into a pipe; somebody has
    /// to read from it meanwhile. Tells how many bytes went into it.
    pub async fn backup(&mut self, pipe: PipeWriter) -> Result<BackupReply, ClientError> {
        let call = Call {
            method: method::BACKUP.into(),
            parameters: Value::Null,
            more: false,
            oneway: false,
        };
        let bytes = serde_json::to_vec(&call).map_err(ClientError::Unreadable)?;
        self.connection
            .send(&bytes, &[pipe.as_fd()])
            .await
            .map_err(ClientError::Lost)?;
        // Only the daemon writes into it.
        drop(pipe);
        self.answer(BACKUP_PATIENCE).await
    }

    /// By their place.
    pub async fn certificates(
        &mut self,
        request: &GetCertificates,
    ) -> Result<Vec<ExportedCertificate>, ClientError> {
        let reply: CertificatesReply = self.call(method::GET_CERTIFICATES, request).await?;
        Ok(reply.certificates)
    }

    async fn call<R: DeserializeOwned>(
        &mut self,
        method: &str,
        parameters: &impl Serialize,
    ) -> Result<R, ClientError> {
        let call = Call {
            method: method.into(),
            parameters: serde_json::to_value(parameters).map_err(ClientError::Unreadable)?,
            more: false,
            oneway: false,
        };
        send(&mut self.connection, &call).await?;
        self.answer(PATIENCE).await
    }

    async fn answer<R: DeserializeOwned>(&mut self, patience: Duration) -> Result<R, ClientError> {
        tokio::time::timeout(patience, receive(&mut self.connection))
            .await
            .map_err(|_| ClientError::Silent)?
    }
}

impl Monitor {
    /// Waits for the next snapshot, for as long as it takes.
    pub async fn next(&mut self) -> Result<Snapshot, ClientError> {
        let reply: SnapshotReply = receive(&mut self.connection).await?;
        Ok(reply.snapshot)
    }
}

impl Activity {
    /// Waits for the next lines, for as long as it takes.
    pub async fn next(&mut self) -> Result<ActivityReply, ClientError> {
        receive(&mut self.connection).await
    }
}

impl Drop for Offered {
    fn drop(&mut self) {
        // Nobody writes into it any more, so this does not wait.
        let _ = self.pipe.read(self.digits.bytes_mut());
    }
}

/// What a call or an answer without parameters carries.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Nothing {}

/// A reply, if it is no error.
#[derive(serde::Deserialize)]
struct Answer<R> {
    error: Option<IgnoredAny>,
    parameters: R,
}

async fn send(connection: &mut Connection, call: &Call) -> Result<(), ClientError> {
    let bytes = serde_json::to_vec(call).map_err(ClientError::Unreadable)?;
    connection
        .send(&bytes, &[])
        .await
        .map_err(ClientError::Lost)
}

async fn receive<R: DeserializeOwned>(connection: &mut Connection) -> Result<R, ClientError> {
    let message = connection
        .receive()
        .await
        .map_err(ClientError::Lost)?
        .ok_or(ClientError::Closed)?;
    // Straight from the bytes: a picture is large, and a tree of it much larger.
    if let Ok(Answer {
        error: None,
        parameters,
    }) = serde_json::from_slice(&message.bytes)
    {
        return Ok(parameters);
    }
    let reply: Reply = serde_json::from_slice(&message.bytes).map_err(ClientError::Unreadable)?;
    match reply.error {
        Some(name) => match Refusal::from_reply(&name, &reply.parameters) {
            Some(refusal) => Err(refusal.into()),
            None => Err(ClientError::UnknownError(name)),
        },
        None => serde_json::from_value(reply.parameters).map_err(ClientError::Unreadable),
    }
}
