mod connections;
mod seats;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream as Socket;
use std::path::{Path, PathBuf};

use cac_common::activity::Purpose;
use cac_common::certificate::Slot;
use cac_common::client::{Client, ClientError};
use cac_common::interface::ExportedCertificate;
use cac_common::reader::{ReaderStatus, ServiceStatus};
use cac_common::snapshot::{Snapshot, Visit};
use cac_common::time::UtcSeconds;
use rustix::net::{
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg, sockopt::set_socket_linger,
};
use rustix::process::Uid;
use tempfile::TempDir;
use x509_cert::der::pem;

use super::*;
use crate::activity::Watched;
use crate::card::transport::{Protocol, Report, SeenReader, Transport, TransportError};
use crate::event::Now;
use crate::metrics::Observer;
use crate::state::tests::fixtures::{facts, reader_name};
use crate::state::{DaemonFacts, State};

/// More than anything here takes, and less than a socket lingers.
const LIMIT: Duration = Duration::from_secs(10);

const LINGERS: Duration = Duration::from_mins(10);

/// Of administrators; Debian has it, and a user of that name in it.
const GROUP: &str = "daemon";

/// A user who is in no group.
const STRANGER: u32 = 4_000_000;

/// A server on a runtime like the daemon's.
struct Serving {
    runtime: Option<tokio::runtime::Runtime>,
    folder: TempDir,
    // Kept, as the supervisor keeps its ends.
    published: watch::Sender<Arc<Published>>,
    activity: Activity,
    _access: watch::Sender<Access>,
    requests: mpsc::Receiver<Request>,
}

impl Serving {
    fn begin() -> Self {
        Self::begin_after(|_| ()).0
    }

    /// What is passed and closed before anyone reads is closed by the reader.
    fn begin_after<T>(pass: impl FnOnce(&Path) -> T) -> (Self, T) {
        Self::begin_with(&state(), pass)
    }

    fn begin_with<T>(state: &State, pass: impl FnOnce(&Path) -> T) -> (Self, T) {
        let folder = tempfile::tempdir().unwrap();
        let open_to_all = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open_to_all).unwrap();
        let (published, snapshots) = watch::channel(Arc::new(published(state)));
        let (access_sender, access) = watch::channel(Access::new(GROUP));
        let (requests, request_inbox) = mpsc::channel(1);
        let activity = Activity::default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let server = Server {
            snapshots,
            requests,
            store: watch::channel(Err("there is none".into())).1,
            access,
            activity: activity.clone(),
            metrics: Observer::new().metrics(),
            rooms: Arc::default(),
            audit: Audit::default(),
        };
        let listener = {
            let _entered = runtime.enter();
            bind(&folder.path().join("socket")).unwrap()
        };
        let passed = pass(&folder.path().join("socket"));
        runtime.spawn(server.serve(listener));
        let serving = Self {
            folder,
            published,
            activity,
            _access: access_sender,
            requests: request_inbox,
            runtime: Some(runtime),
        };
        (serving, passed)
    }

    fn publish(&self, state: &State) {
        self.published.send_replace(Arc::new(published(state)));
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// What root is answered, from a runtime of its own.
    fn for_root<T>(
        &self,
        ask: impl AsyncFnOnce(Client) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let path = self.socket();
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(async {
                tokio::time::timeout(LIMIT, async { ask(Client::connect(&path).await?).await })
                    .await
                    .map_err(|_| ClientError::Silent)?
            })
    }

    fn snapshot_for_root(&self) -> Result<Snapshot, ClientError> {
        self.for_root(async |mut client| client.snapshot().await)
    }

    fn certificates_for_root(
        &self,
        reader: usize,
    ) -> Result<Vec<ExportedCertificate>, ClientError> {
        let reader = reader_name(reader);
        self.for_root(async |mut client| client.certificates(&GetCertificates { reader }).await)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[test]
fn who_listens_hears_what_is_told_from_then_on() {
    let serving = Serving::begin();
    let reader = reader_name(0);
    let tell = || {
        let mut card = Mute;
        let mut watched = Watched {
            card: &mut card,
            activity: &serving.activity,
            reader: &reader,
            purpose: Purpose::Rest,
            number: 0,
        };
        let _ = watched.transmit(&[0x00, 0xA4, 0x04, 0x00]);
    };

    tell();
    let told = serving.for_root(async |client| {
        let mut activity = client.activity().await?;
        tell();
        activity.next().await
    });

    let told = told.unwrap();
    assert_eq!(told.missed, 0);
    let lines: Vec<_> = (told.apdus.iter())
        .map(|line| (line.number, &line.instruction[..], line.purpose))
        .collect();
    assert_eq!(lines, [(1, "SELECT", Purpose::Rest)]);
}

#[test]
fn a_stranger_hears_nothing_of_cards() {
    let serving = Serving::begin();
    let mut stranger = connect_as_stranger(&serving.socket());
    for (call, refused) in [
        (
            "{\"method\":\"org.cacd1.MonitorActivity\",\"more\":true}\0",
            "PermissionDenied",
        ),
        (
            "{\"method\":\"org.cacd1.MonitorActivity\"}\0",
            "ExpectedMore",
        ),
    ] {
        stranger.write_all(call.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while answer.last() != Some(&0) {
            let mut byte = [0];
            stranger.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.contains(refused), "{answer}");
    }
}

/// A card that never answers.
struct Mute;

impl Transport for Mute {
    fn protocol(&self) -> Protocol {
        Protocol::T1
    }

    fn atr(&self) -> &[u8] {
        &[]
    }

    fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, TransportError> {
        Err(TransportError::Unresponsive)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
}

#[test]
fn a_stranger_who_passes_a_pipe_is_refused_like_any_other() {
    let serving = Serving::begin();
    let mut connection = connect_as_stranger(&serving.socket());
    let (pipe, mut into) = io::pipe().unwrap();
    into.write_all(b"123456").unwrap();

    let call = br#"{"method":"org.cacd1.SubmitPin","parameters":{"card":"a","visit":1}}"#;
    pass(&connection, &[call, &b"\0"[..]].concat(), &pipe);

    let reply = next(&mut connection);
    assert_eq!(reply.error.as_deref(), Some("org.cacd1.NotAtTheSeat"));
}

#[test]
fn what_is_no_pipe_is_no_pin() {
    let call = br#"{"method":"org.cacd1.SubmitPin","parameters":{"card":"a","visit":1}}"#;
    let (_serving, (mut connection, _other_end)) = Serving::begin_after(|socket| {
        let connection = Socket::connect(socket).unwrap();
        pass_lingering(connection, &[call, &b"\0"[..]].concat())
    });

    connection.set_read_timeout(Some(LIMIT)).unwrap();
    let reply = next(&mut connection);
    assert_eq!(reply.error.as_deref(), Some("org.cacd1.NoPin"));
}

#[test]
fn what_a_stranger_called_comes_back_short_and_clean() {
    let serving = Serving::begin();
    let mut connection = connect_as_stranger(&serving.socket());
    let name = format!("org.cacd1.\\u001b[2J{}", "x".repeat(50_000));

    connection
        .write_all(format!("{{\"method\":\"{name}\"}}\0").as_bytes())
        .unwrap();

    let reply = next(&mut connection);
    let refusal = Refusal::from_reply(&reply.error.unwrap(), &reply.parameters).unwrap();
    let Refusal::MethodNotFound { method } = refusal else {
        panic!("{refusal}");
    };
    assert!(method.starts_with("org.cacd1."));
    assert!(method.chars().count() <= 256 && !method.chars().any(char::is_control));
}

#[test]
fn certificates_are_given_whole_as_soon_as_the_card_is_read_to_its_end() {
    let serving = Serving::begin();
    serving.publish(&desk());

    let certificates = serving.certificates_for_root(0).unwrap();

    let facts = facts(0, 0);
    assert_eq!(certificates.len(), 1);
    assert_eq!(certificates[0].slot, Slot::Authentication);
    assert_eq!(certificates[0].sha256, facts.certificates[0].summary.sha256);
    let (label, der) = pem::decode_vec(certificates[0].pem.as_bytes()).unwrap();
    assert_eq!(
        (label, der),
        ("CERTIFICATE", facts.certificates[0].der.clone())
    );
}

#[test]
fn where_no_certificates_can_be_given_it_is_said_why() {
    let serving = Serving::begin();
    serving.publish(&desk());

    for (reader, why) in [
        (1, Refusal::NotRead),
        (2, Refusal::NoCard),
        (3, Refusal::NotRead),
        (4, Refusal::NoSuchReader),
    ] {
        let error = serving.certificates_for_root(reader).unwrap_err();

        assert!(
            matches!(&error, ClientError::Refused(refusal) if *refusal == why),
            "reader {reader}: {error}"
        );
    }
}

#[test]
fn a_stranger_is_given_no_certificate() {
    let serving = Serving::begin();
    serving.publish(&desk());
    let mut connection = connect_as_stranger(&serving.socket());

    for reader in 0..5 {
        let call = format!(
            r#"{{"method":"org.cacd1.GetCertificates","parameters":{{"reader":"{}"}}}}"#,
            reader_name(reader)
        );
        connection.write_all(call.as_bytes()).unwrap();
        connection.write_all(b"\0").unwrap();

        let reply = next(&mut connection);
        assert_eq!(reply.error.as_deref(), Some("org.cacd1.NotAtTheSeat"));
        assert_eq!(reply.parameters, json!({}));
    }
}

fn connect_as_stranger(socket: &Path) -> Socket {
    connect_as(STRANGER, socket)
}

fn connect_as(uid: u32, socket: &Path) -> Socket {
    let connection = std::thread::scope(|scope| {
        let connecting = scope.spawn(|| {
            let user = Uid::from_raw(uid);
            rustix::thread::set_thread_res_uid(user, user, user)
                .expect("root runs this: a stranger is another user");
            Socket::connect(socket).unwrap()
        });
        connecting.join().unwrap()
    });
    connection.set_read_timeout(Some(LIMIT)).unwrap();
    connection
}

/// The socket that is passed lingers for as long as the other end is there.
fn pass_lingering(connection: Socket, message: &[u8]) -> (Socket, (TcpListener, TcpStream)) {
    let (lingering, other_end) = lingering();
    pass(&connection, message, &lingering);
    (connection, other_end)
}

fn next(connection: &mut Socket) -> Reply {
    let mut bytes = Vec::new();
    while bytes.last() != Some(&0) {
        let mut byte = [0];
        connection.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
    bytes.pop();
    serde_json::from_slice(&bytes).unwrap()
}

/// A socket with bytes that nobody reads, and the end that does not read them.
fn lingering() -> (TcpStream, (TcpListener, TcpStream)) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (other_end, _) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    let full = loop {
        if let Err(error) = stream.write(&[0; 8192]) {
            break error;
        }
    };
    assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
    set_socket_linger(&stream, Some(LINGERS)).unwrap();
    (stream, (listener, other_end))
}

fn pass(connection: &Socket, message: &[u8], descriptor: &impl AsFd) {
    let descriptors = [descriptor.as_fd()];
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
    let sent = sendmsg(
        connection.as_fd(),
        &[io::IoSlice::new(message)],
        &mut control,
        SendFlags::empty(),
    )
    .unwrap();
    assert_eq!(sent, message.len());
}

/// Readers with a card that is read, one that is being read, none, and one
/// that does not answer.
fn desk() -> State {
    let mut state = state();
    let statuses = [
        ReaderStatus::Card,
        ReaderStatus::Card,
        ReaderStatus::Empty,
        ReaderStatus::NoAnswer,
    ];
    let seen = |(reader, status)| SeenReader {
        name: reader_name(reader),
        status,
        changes: 1,
    };
    let report = Report {
        service: ServiceStatus::Running,
        readers: statuses.into_iter().enumerate().map(seen).collect(),
    };
    state.step(Event::Readers(report), now());
    let read = Event::CardRead {
        visit: Visit(1),
        result: Box::new(Ok(facts(0, 0))),
    };
    state.step(read, now());
    state
}

fn state() -> State {
    let facts = DaemonFacts {
        version: "0".into(),
        host: "host".into(),
        started_at: UtcSeconds(0),
    };
    State::new(facts, cac_common::config::Config::default())
}

fn published(state: &State) -> Published {
    Published::of(state, now())
}

fn now() -> Now {
    crate::supervisor::Clock::new().now()
}
