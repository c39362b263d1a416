//! A server as a process, in a folder of its own.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::ServerError;
use crate::wait;

/// How long a server may take to begin or to end.
const LIMIT: Duration = Duration::from_secs(30);

/// Other programs take a free port now and then, between our look and the server's.
const ATTEMPTS: usize = 10;

/// Below the ports that Linux gives to outgoing connections by itself.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// What every server says of a port that is taken.
const PORT_TAKEN: &str = "Address already in use";

/// The server writes it when it listens.
const PID_FILE: &str = "server.pid";

/// When standard input ends, because the test wants it or because the test is
/// gone, so does the server.
const SCRIPT: &str = r#"
exec 3<&0 </dev/null
{ cat <&3 >/dev/null; kill -TERM $$; } &
exec 3<&-
exec "$0" "$@"
"#;

/// Which server, and how it is told where its things are.
pub(super) struct Program {
    pub(super) name: &'static str,
    pub(super) package: &'static str,
    pub(super) places: &'static [&'static str],
    /// What follows the program; the folder is the working directory.
    pub(super) arguments: fn(&Path) -> Vec<String>,
}

/// A server that runs until this is dropped, however the test went.
pub struct Running {
    name: &'static str,
    port: u16,
    child: Child,
    /// Closing it ends the server.
    lifeline: Option<ChildStdin>,
    folder: TempDir,
}

impl Running {
    /// Starts the server with what `configuration` makes of the folder and the
    /// port, and returns when it listens.
    pub(super) fn start(
        program: &Program,
        files: &[(&'static str, &str)],
        configuration: impl Fn(&Path, u16) -> String,
    ) -> Result<Self, ServerError> {
        for _ in 0..ATTEMPTS {
            let port = free_port().ok_or(ServerError::NoPort {
                program: program.name,
            })?;
            match Self::start_at(port, program, files, &configuration) {
                Err(ServerError::Ended { log, .. }) if log.contains(PORT_TAKEN) => {}
                outcome => return outcome,
            }
        }
        Err(ServerError::NoPort {
            program: program.name,
        })
    }

    fn start_at(
        port: u16,
        program: &Program,
        files: &[(&'static str, &str)],
        configuration: impl Fn(&Path, u16) -> String,
    ) -> Result<Self, ServerError> {
        let path = program
            .places
            .iter()
            .map(PathBuf::from)
            .find(|path| path.exists())
            .ok_or(ServerError::Missing {
                program: program.name,
                package: program.package,
            })?;
        let folder = furnish(program.name, files, |folder| configuration(folder, port))?;
        let mut running = Self::spawn(program, &path, folder, port)?;
        running.wait_until_ready()?;
        Ok(running)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// By a name that resolves to more than where the server listens, as names do.
    pub fn origin(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// What the server has written of errors so far.
    pub fn log(&self) -> String {
        ["stderr.log", "error.log"]
            .iter()
            .filter_map(|name| fs::read(self.folder.path().join(name)).ok())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .collect()
    }

    fn spawn(
        program: &Program,
        path: &Path,
        folder: TempDir,
        port: u16,
    ) -> Result<Self, ServerError> {
        let log = File::create(folder.path().join("stderr.log")).map_err(failed("make a log"))?;
        let both = log.try_clone().map_err(failed("make a log"))?;
        let mut child = Command::new("sh")
            .args(["-c", SCRIPT])
            .arg(path)
            .args((program.arguments)(folder.path()))
            .current_dir(folder.path())
            // What a terminal sends to our group when it is closed would end
            // the one that watches standard input, and not the server.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(both)
            .stderr(log)
            .spawn()
            .map_err(failed("start a server"))?;
        let lifeline = child.stdin.take();
        Ok(Self {
            name: program.name,
            port,
            child,
            lifeline,
            folder,
        })
    }

    /// Its pid file is there when it has the port; to connect might mean to
    /// meet whoever has it instead.
    fn wait_until_ready(&mut self) -> Result<(), ServerError> {
        let pid_file = self.folder.path().join(PID_FILE);
        let mut has_ended = false;
        let waited = wait::wait_until("the server listens", LIMIT, || {
            has_ended = !matches!(self.child.try_wait(), Ok(None));
            has_ended || fs::metadata(&pid_file).is_ok_and(|file| file.len() > 0)
        });
        let (program, log) = (self.name, self.log());
        match waited {
            Ok(()) if has_ended => Err(ServerError::Ended { program, log }),
            Ok(()) => Ok(()),
            Err(source) => Err(ServerError::Hangs {
                program,
                source,
                log,
            }),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let ended = wait::wait_until("the server has ended", LIMIT, || {
            !matches!(self.child.try_wait(), Ok(None))
        });
        if ended.is_err() {
            // There is nobody left to tell.
            self.child.kill().ok();
            self.child.wait().ok();
        }
        if std::thread::panicking() {
            eprintln!("{} said:\n{}", self.name, self.log());
        }
    }
}

/// The folder may be passed through: started as root, servers serve as somebody else.
fn furnish(
    name: &str,
    files: &[(&'static str, &str)],
    configuration: impl Fn(&Path) -> String,
) -> Result<TempDir, ServerError> {
    let folder = tempfile::Builder::new()
        .prefix(&format!("{name}-"))
        .tempdir()
        .map_err(failed("make a folder"))?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))
        .map_err(failed("open a folder to others"))?;
    let text = configuration(folder.path());
    for (name, text) in files
        .iter()
        .copied()
        .chain([("server.conf", text.as_str())])
    {
        let path = folder.path().join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed("make a folder"))?;
        }
        fs::write(&path, text).map_err(|source| ServerError::Write { path, source })?;
    }
    Ok(folder)
}

fn free_port() -> Option<u16> {
    (0..1000)
        .map(|_| rand::random_range(PORTS))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
}

fn failed(doing: &'static str) -> impl FnOnce(io::Error) -> ServerError {
    move |source| ServerError::Io { doing, source }
}

#[cfg(test)]
mod tests {
    use std::ops::Deref;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::portal::authority::Authority;
    use crate::servers::{Apache, Nginx, apache, nginx};

    #[test]
    fn a_port_that_is_taken_is_told_apart_from_a_server_that_fails() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let listening = |folder: &Path, port: u16| {
            format!(
                "ServerRoot {0}\nPidFile server.pid\nErrorLog error.log\n\
                 LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so\n\
                 ServerName localhost\nListen 127.0.0.1:{port}\n",
                folder.display()
            )
        };
        let events = |_: &Path, port: u16| {
            format!(
                "daemon off; pid server.pid; events {{}}\n\
                 http {{ access_log off; server {{ listen 127.0.0.1:{port}; }} }}\n"
            )
        };

        for outcome in [
            Running::start_at(port, &apache::APACHE, &[], listening),
            Running::start_at(port, &nginx::NGINX, &[], events),
        ] {
            let Err(ServerError::Ended { log, .. }) = outcome else {
                panic!("it should have ended");
            };
            assert!(log.contains(PORT_TAKEN), "{log}");
        }
        let broken = Running::start(&nginx::NGINX, &[], |_, _| "no directive".into());
        assert!(matches!(broken, Err(ServerError::Ended { .. })));
    }

    #[test]
    fn a_server_ends_with_its_owner_also_when_that_panics() {
        let identity = Authority::new().unwrap().server().unwrap();
        let anchor = identity.anchor.clone();
        let nginx = nginx::Setup::new(identity.clone(), anchor.clone(), "return 200;");
        let apache = apache::Setup::new(identity, anchor, "", "");

        ends_with_its_owner(|| Nginx::start(&nginx).unwrap());
        ends_with_its_owner(|| Apache::start(&apache).unwrap());
    }

    fn ends_with_its_owner<S: Deref<Target = Running>>(start: impl Fn() -> S) {
        let mut pid = None;

        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let server = start();
            pid = Some(server.child.id());
            panic!("on purpose");
        }));

        assert!(panicked.is_err());
        let process = PathBuf::from(format!("/proc/{}", pid.unwrap()));
        assert!(!process.exists());
    }
}
