//! A Debian 13 that is broken by commands, one way after another: `cacctl check`
//! names the true cause first, and a machine that was mended is fine again.
#![expect(
    clippy::disallowed_methods,
    reason = "how long it takes is what is looked at"
)]

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use cac_tests::harness::{LIMIT, john};
use cac_tests::system::{ADMINISTRATOR, STRANGER, System};
use cac_tests::virtual_card::{CardModel, samples};
use cac_tests::wait::wait_until;
use serde_json::Value;

/// On any machine it ends within this.
const MOST: Duration = Duration::from_secs(10);

/// A way to break a machine.
struct Broken {
    name: &'static str,
    /// For a shell, as root.
    breaks: &'static str,
    /// The check whose line is the first that failed, and part of its cause.
    check: &'static str,
    says: &'static str,
    mends: &'static str,
}

/// Ends once the check that failed is no longer among those that do.
const BROKEN: [Broken; 20] = [
    Broken {
        name: "the service is stopped",
        breaks: "systemctl stop cacd.socket cacd.service",
        check: "unit",
        says: "cacd.service is inactive",
        mends: "systemctl start cacd.service",
    },
    Broken {
        name: "the service is masked",
        breaks: "systemctl stop cacd.socket cacd.service; systemctl mask --runtime cacd.service",
        check: "unit",
        says: "cacd.service is masked",
        mends: "systemctl unmask --runtime cacd.service; systemctl start cacd.service",
    },
    Broken {
        name: "the service cannot start",
        breaks: "systemctl stop cacd.socket cacd.service; mkdir -p /run/systemd/system/cacd.service.d; \
                 printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\nRestart=no\\n' \
                 >/run/systemd/system/cacd.service.d/broken.conf; systemctl daemon-reload; \
                 systemctl start cacd.service || true",
        check: "unit",
        says: "it has failed",
        mends: "rm -r /run/systemd/system/cacd.service.d; systemctl daemon-reload; \
                systemctl reset-failed cacd.service; systemctl start cacd.service",
    },
    Broken {
        name: "the service hangs",
        breaks: "systemctl kill --signal=STOP cacd.service",
        check: "service",
        says: "",
        mends: "systemctl kill --signal=CONT cacd.service",
    },
    Broken {
        name: "its socket is not for the user",
        breaks: "chmod 0600 /run/cacd/socket",
        check: "service",
        says: "Permission denied",
        mends: "chmod 0666 /run/cacd/socket",
    },
    Broken {
        name: "pcscd is stopped, and its socket with it",
        breaks: "systemctl stop pcscd.socket pcscd.service",
        check: "pcscd-socket",
        says: "/run/pcscd/pcscd.comm",
        mends: "systemctl start pcscd.socket",
    },
    Broken {
        name: "pcscd hangs",
        breaks: "systemctl kill --signal=STOP pcscd.service",
        check: "pcscd-access",
        says: "says nothing",
        mends: "systemctl kill --signal=CONT pcscd.service",
    },
    Broken {
        name: "polkit knows nothing of the service",
        breaks: "mv /usr/share/polkit-1/rules.d/50-cacd.rules /root/; systemctl restart polkit; \
                 systemctl restart pcscd cacd",
        check: "pcscd",
        says: "refuses cacd",
        mends: "mv /root/50-cacd.rules /usr/share/polkit-1/rules.d/; systemctl restart polkit; \
                systemctl restart pcscd cacd",
    },
    Broken {
        name: "pcscd has no driver for readers",
        breaks: "mv /etc/reader.conf.d /root/; systemctl restart pcscd",
        check: "reader",
        says: "no reader is plugged in",
        mends: "mv /root/reader.conf.d /etc/; systemctl restart pcscd",
    },
    Broken {
        name: "who comes from elsewhere is in no group",
        breaks: "gpasswd --delete bob cacd-admin",
        check: "permission",
        says: "readers only",
        mends: "gpasswd --add bob cacd-admin",
    },
    Broken {
        name: "OpenSC's module is not there",
        breaks: "mkdir /root/opensc; for f in /usr/lib/*/opensc-pkcs11.so /usr/lib/*/pkcs11/opensc-pkcs11.so; \
                 do mv $f /root/opensc/$(echo $f | tr / _); done",
        check: "pkcs11-module",
        says: "none of the folders",
        mends: "cd /root/opensc; for f in *; do mv $f $(echo $f | sed 's,_usr_lib_x86_64-linux-gnu_pkcs11_,/usr/lib/x86_64-linux-gnu/pkcs11/,; s,_usr_lib_x86_64-linux-gnu_,/usr/lib/x86_64-linux-gnu/,'); done; rmdir /root/opensc",
    },
    Broken {
        name: "OpenSC's module is damaged",
        breaks: "cd /usr/lib/x86_64-linux-gnu; cp -a opensc-pkcs11.so /root/; rm opensc-pkcs11.so; \
                 head -c 1000 /root/opensc-pkcs11.so >opensc-pkcs11.so",
        check: "pkcs11-card",
        says: "cannot be loaded",
        mends: "cp -a /root/opensc-pkcs11.so /usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
    },
    Broken {
        name: "cacd.toml has a mistake",
        breaks: "cp -p /etc/cacd/cacd.toml /root/cacd.toml 2>/dev/null; echo 'pin = 5' >>/etc/cacd/cacd.toml; \
                 systemctl reload cacd || true",
        check: "configuration",
        says: "cacd.toml",
        mends: "rm /etc/cacd/cacd.toml; mv /root/cacd.toml /etc/cacd/cacd.toml 2>/dev/null; systemctl reload cacd",
    },
    Broken {
        name: "a profile has a mistake",
        breaks: "cp -p /etc/cacd/portals.d/reference.toml /root/; \
                 sed -i 's/^start = .*/start = 5/' /etc/cacd/portals.d/reference.toml; systemctl reload cacd || true",
        check: "configuration",
        says: "reference.toml",
        mends: "mv /root/reference.toml /etc/cacd/portals.d/; systemctl reload cacd",
    },
    Broken {
        name: "no portal is described",
        breaks: "mv /etc/cacd/portals.d/reference.toml /root/; systemctl reload cacd",
        check: "portals",
        says: "none",
        mends: "mv /root/reference.toml /etc/cacd/portals.d/; systemctl reload cacd",
    },
    Broken {
        name: "the portal's profile is switched off",
        breaks: "cp -p /etc/cacd/portals.d/reference.toml /root/; \
                 sed -i 's/^enabled = true/enabled = false/' /etc/cacd/portals.d/reference.toml; systemctl reload cacd",
        check: "portals",
        says: "none that is described is enabled",
        mends: "mv /root/reference.toml /etc/cacd/portals.d/; systemctl reload cacd",
    },
    Broken {
        name: "nothing listens where the portal should be",
        breaks: "cp -p /etc/cacd/portals.d/reference.toml /root/; \
                 sed -i 's,https://localhost:[0-9]*,https://localhost:1,' /etc/cacd/portals.d/reference.toml; \
                 systemctl reload cacd",
        check: "portal-reached",
        says: "nothing listens at localhost:1",
        mends: "mv /root/reference.toml /etc/cacd/portals.d/; systemctl reload cacd",
    },
    Broken {
        name: "the portal's name is not known",
        breaks: "cp -p /etc/cacd/portals.d/reference.toml /root/; \
                 sed -i 's,https://localhost:,https://portal.invalid:,' /etc/cacd/portals.d/reference.toml; \
                 systemctl reload cacd",
        check: "portal-reached",
        says: "is not known",
        mends: "mv /root/reference.toml /etc/cacd/portals.d/; systemctl reload cacd",
    },
    Broken {
        name: "the portal's certificate is another's",
        breaks: "cd /etc/cacd/portals.d; cp -p reference-ca.pem /root/; \
                 openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=other \
                 -keyout /dev/null -out reference-ca.pem 2>/dev/null; chmod 0644 reference-ca.pem; systemctl reload cacd",
        check: "portal-reached",
        says: "is not trusted",
        mends: "mv /root/reference-ca.pem /etc/cacd/portals.d/; systemctl reload cacd",
    },
    Broken {
        name: "GnuPG keeps the card",
        breaks: "systemctl stop cacd.socket cacd.service; mkdir -p -m 0700 /root/.gnupg; \
                 echo disable-ccid >/root/.gnupg/scdaemon.conf; export GNUPGHOME=/root/.gnupg; \
                 until gpg-connect-agent 'scd serialno undefined' /bye | grep -q SERIALNO; do :; done; \
                 systemctl start cacd.service",
        check: "card-held",
        says: "scdaemon (process ",
        mends: "GNUPGHOME=/root/.gnupg gpgconf --kill all",
    },
];

/// What `cacctl check --json` said.
struct Checked {
    failed: Vec<(String, String)>,
    all: Value,
}

impl Checked {
    /// As who sits there, or as who comes from elsewhere.
    fn on(system: &System, user: &str) -> anyhow::Result<Self> {
        let command = ["cacctl", "check", "--json"];
        let begun = Instant::now();
        let output = if user == ADMINISTRATOR {
            system.run_in_session(user, &command)?
        } else {
            system.run_as(user, &command)?
        };
        Self::read(&output.stdout, begun.elapsed())
            .with_context(|| format!("{}", String::from_utf8_lossy(&output.stderr)))
    }

    fn read(said: &[u8], took: Duration) -> anyhow::Result<Self> {
        ensure!(took < MOST, "it took {took:?}");
        let all: Value = serde_json::from_slice(said)?;
        let findings = all["findings"].as_array().context("they are a list")?;
        let text = |it: &Value, field: &str| it[field].as_str().unwrap_or_default().to_owned();
        let failed = findings.iter().filter(|it| it["verdict"] == "failed");
        Ok(Self {
            failed: failed
                .map(|it| (text(it, "check"), text(it, "cause")))
                .collect(),
            all,
        })
    }
}

/// It may take the service a moment to notice.
fn comes_to(
    system: &System,
    what: &str,
    user: &str,
    fits: impl Fn(&Checked) -> bool,
) -> anyhow::Result<()> {
    let mut last = None;
    let waited = wait_until(what, LIMIT, || {
        let checked = Checked::on(system, user);
        let (ends, said) = match checked {
            Ok(checked) => (fits(&checked), format!("{:#?}", checked.failed)),
            // Nothing is waited for that takes too long.
            Err(error) => (true, format!("{error:#}")),
        };
        let is_error = !said.starts_with('[');
        last = Some((is_error, said));
        ends
    });
    let (is_error, said) = last.context("it was looked at")?;
    println!("{what}: {said}");
    ensure!(!is_error, "{what}: {said}");
    waited.with_context(|| said)?;
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s95_each_of_twenty_broken_machines_is_told_by_its_true_cause() -> anyhow::Result<()> {
    let mut system = System::with_cacd()?;
    system.welcome(samples::john())?;
    let session = system.session(ADMINISTRATOR)?;
    system.loginctl(&["activate", &session.id])?;
    system.wait_for_session(&session, "Active", "yes")?;
    system.does(&["gpasswd", "--add", STRANGER, "cacd-admin"])?;
    let card = john(CardModel::T1)?;
    system.register(0, &card, samples::PIN)?;
    let nothing_failed = |checked: &Checked| checked.failed.is_empty();
    comes_to(
        &system,
        "a machine with everything right",
        ADMINISTRATOR,
        nothing_failed,
    )?;

    let mut wrong = Vec::new();
    for broken in BROKEN {
        let is_of_one = broken.check == "permission";
        let user = if is_of_one { STRANGER } else { ADMINISTRATOR };
        forget_starts(&system)?;
        let told = system.does(&["sh", "-c", broken.breaks]).and_then(|_| {
            comes_to(&system, broken.name, user, |checked| {
                let first = checked.failed.first();
                first.is_some_and(|(check, cause)| {
                    check == broken.check && cause.contains(broken.says)
                })
            })
        });
        if let Err(error) = told {
            wrong.push(format!("{}: {error:#}", broken.name));
        }
        forget_starts(&system)?;
        system.run(&["sh", "-c", broken.mends])?;
        if [broken.breaks, broken.mends]
            .iter()
            .any(|it| it.contains("pcscd"))
        {
            // The reader is another, and the card was in the one before.
            system.take_out(0);
            system.wait_for("the readers are back", |it| it.readers.len() == 2)?;
            system.insert(0, &card)?;
        }
        let mended = comes_to(&system, "mended", ADMINISTRATOR, nothing_failed);
        if let Err(error) = mended {
            wrong.push(format!("mending {}: {error:#}", broken.name));
        }
    }
    ensure!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

/// systemd starts nothing too often, and this is.
fn forget_starts(system: &System) -> anyhow::Result<()> {
    let units = [
        "pcscd.socket",
        "pcscd.service",
        "cacd.socket",
        "cacd.service",
        "polkit.service",
    ];
    system.run(&[&["systemctl", "reset-failed"], &units[..]].concat())?;
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s95_a_bare_machine_is_told_what_to_install() -> anyhow::Result<()> {
    let system = System::boot()?;
    system.does(&["sh", "-c", "cp /usr/src/built/*/cacctl /usr/bin/"])?;
    system.does(&["systemctl", "stop", "pcscd.socket", "pcscd.service"])?;
    let begun = Instant::now();
    let output = system.run_as(STRANGER, &["cacctl", "check", "--json"])?;
    let checked =
        Checked::read(&output.stdout, begun.elapsed()).with_context(|| format!("{output:?}"))?;

    let causes: Vec<&str> = checked.failed.iter().map(|(check, _)| &check[..]).collect();
    assert_eq!(causes.first(), Some(&"unit"), "{causes:?}");
    assert!(causes.contains(&"pcscd-socket"), "{causes:?}");
    assert_eq!(output.status.code(), Some(3), "{}", checked.all);
    Ok(())
}
