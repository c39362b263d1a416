//! The ways in which a machine is broken, each by commands, and mended again.

use cac_tests::system::{ADMINISTRATOR, STRANGER};

/// A way to break a machine.
pub(crate) struct Broken {
    pub(crate) name: &'static str,
    /// For a shell, as root.
    pub(crate) breaks: &'static str,
    /// The check whose line is the first that failed, and part of its cause.
    pub(crate) check: &'static str,
    pub(crate) says: &'static str,
    pub(crate) mends: &'static str,
    /// Who looks, and what before cacctl, on the same line.
    pub(crate) user: &'static str,
    pub(crate) with: &'static [&'static str],
    /// Of the line: the first that failed, or one of those that warn.
    pub(crate) verdict: &'static str,
    /// What may fail beside a line that only warns.
    pub(crate) fails_too: &'static [&'static str],
}

const FAILS: Broken = Broken {
    name: "",
    breaks: "",
    check: "",
    says: "",
    mends: "",
    user: ADMINISTRATOR,
    with: &[],
    verdict: "failed",
    fails_too: &[],
};

const WARNS: Broken = Broken {
    verdict: "warning",
    ..FAILS
};

/// Ends once the check that failed is no longer among those that do.
pub(crate) const BROKEN: [Broken; 26] = [
    Broken {
        name: "the service is stopped",
        breaks: "systemctl stop cacd.socket cacd.service",
        check: "unit",
        says: "cacd.service is inactive",
        mends: "systemctl start cacd.service",
        ..FAILS
    },
    Broken {
        name: "the service is masked",
        breaks: "systemctl stop cacd.socket cacd.service; systemctl mask --runtime cacd.service",
        check: "unit",
        says: "cacd.service is masked",
        mends: "systemctl unmask --runtime cacd.service; systemctl start cacd.service",
        ..FAILS
    },
    Broken {
        name: "the service cannot start",
        breaks: "systemctl stop cacd.socket cacd.service; mkdir -p /run/systemd/system/cacd.service.d; \
                 printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\nRestart=no\\n' \
                 >/run/systemd/system/cacd.service.d/broken.conf; systemctl daemon-reload; \
                 systemctl start cacd.service || true; systemctl stop cacd.socket",
        check: "unit",
        says: "it has failed",
        mends: "rm -r /run/systemd/system/cacd.service.d; systemctl daemon-reload; \
                systemctl reset-failed cacd.service; systemctl start cacd.service",
        ..FAILS
    },
    Broken {
        name: "the service hangs",
        breaks: "systemctl kill --signal=STOP cacd.service",
        check: "service",
        says: "has not answered in time",
        mends: "systemctl kill --signal=CONT cacd.service",
        ..FAILS
    },
    Broken {
        name: "its socket is not for the user",
        breaks: "chmod 0600 /run/cacd/socket",
        check: "service",
        says: "Permission denied",
        mends: "chmod 0666 /run/cacd/socket",
        ..FAILS
    },
    Broken {
        name: "pcscd is stopped, and its socket with it",
        breaks: "systemctl stop pcscd.socket pcscd.service",
        check: "pcscd-socket",
        says: "/run/pcscd/pcscd.comm",
        mends: "systemctl start pcscd.socket",
        ..FAILS
    },
    Broken {
        name: "pcscd hangs",
        breaks: "systemctl kill --signal=STOP pcscd.service",
        check: "pcscd-access",
        says: "says nothing",
        mends: "systemctl kill --signal=CONT pcscd.service",
        ..FAILS
    },
    Broken {
        name: "polkit knows nothing of the service",
        breaks: "mv /usr/share/polkit-1/rules.d/50-cacd.rules /root/; systemctl restart polkit; \
                 systemctl restart pcscd cacd",
        check: "pcscd",
        says: "refuses cacd",
        mends: "mv /root/50-cacd.rules /usr/share/polkit-1/rules.d/; systemctl restart polkit; \
                systemctl restart pcscd cacd",
        ..FAILS
    },
    Broken {
        name: "pcscd has no driver for readers",
        breaks: "mv /etc/reader.conf.d /root/; systemctl restart pcscd; \
                 until cacctl status --json | grep -q '\"service\": *\"running\"'; do :; done",
        check: "reader",
        says: "no reader is plugged in",
        mends: "mv /root/reader.conf.d /etc/; systemctl restart pcscd",
        ..FAILS
    },
    Broken {
        name: "who comes from elsewhere is in no group",
        breaks: "gpasswd --delete bob cacd-admin",
        user: STRANGER,
        check: "permission",
        says: "readers only",
        mends: "gpasswd --add bob cacd-admin",
        ..FAILS
    },
    Broken {
        name: "OpenSC's module is not there",
        breaks: "mkdir /root/opensc; for f in /usr/lib/*/opensc-pkcs11.so /usr/lib/*/pkcs11/opensc-pkcs11.so; \
                 do mv $f /root/opensc/$(echo $f | tr / _); done",
        check: "pkcs11-module",
        says: "none of the folders",
        mends: "cd /root/opensc; for f in *; do mv $f $(echo $f | sed 's,_usr_lib_x86_64-linux-gnu_pkcs11_,/usr/lib/x86_64-linux-gnu/pkcs11/,; s,_usr_lib_x86_64-linux-gnu_,/usr/lib/x86_64-linux-gnu/,'); done; rmdir /root/opensc",
        ..FAILS
    },
    Broken {
        name: "OpenSC's module is damaged",
        breaks: "cd /usr/lib/x86_64-linux-gnu; cp -a opensc-pkcs11.so /root/; rm opensc-pkcs11.so; \
                 head -c 1000 /root/opensc-pkcs11.so >opensc-pkcs11.so",
        check: "pkcs11-card",
        says: "cannot be loaded",
        mends: "cp -a /root/opensc-pkcs11.so /usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
        ..FAILS
    },
    Broken {
        name: "cacd.toml has a mistake",
        breaks: "cp -p /etc/cacd/cacd.toml /root/cacd.toml 2>/dev/null; echo 'pin = 5' >>/etc/cacd/cacd.toml; \
                 systemctl reload cacd || true",
        check: "configuration",
        says: "cacd.toml",
        mends: "rm /etc/cacd/cacd.toml; mv /root/cacd.toml /etc/cacd/cacd.toml 2>/dev/null; systemctl reload cacd",
        ..FAILS
    },
    Broken {
        name: "a profile has a mistake",
        breaks: "cp -p /etc/cacd/portals.d/reference.toml /root/; \
                 sed -i 's/^start = .*/start = 5/' /etc/cacd/portals.d/reference.toml; systemctl reload cacd || true",
        check: "configuration",
        says: "reference.toml",
        mends: "mv /root/reference.toml /etc/cacd/portals.d/; systemctl reload cacd",
        ..FAILS
    },
    Broken {
        name: "no portal is described",
        breaks: "mv /etc/cacd/portals.d/reference.toml /root/; systemctl reload cacd",
        check: "portals",
        says: "none",
        mends: "mv /root/reference.toml /etc/cacd/portals.d/; systemctl reload cacd",
        ..FAILS
    },
    Broken {
        name: "the portal's profile is switched off",
        breaks: "cp -p /etc/cacd/portals.d/reference.toml /root/; \
                 sed -i 's/^enabled = true/enabled = false/' /etc/cacd/portals.d/reference.toml; systemctl reload cacd",
        check: "portals",
        says: "none that is described is enabled",
        mends: "mv /root/reference.toml /etc/cacd/portals.d/; systemctl reload cacd",
        ..FAILS
    },
    Broken {
        name: "nothing listens where the portal should be",
        breaks: "cp -p /etc/cacd/portals.d/reference.toml /root/; \
                 sed -i 's,https://localhost:[0-9]*,https://localhost:1,' /etc/cacd/portals.d/reference.toml; \
                 systemctl reload cacd",
        check: "portal-reached",
        says: "nothing listens at localhost:1",
        mends: "mv /root/reference.toml /etc/cacd/portals.d/; systemctl reload cacd",
        ..FAILS
    },
    Broken {
        name: "the portal's name is not known",
        breaks: "cp -p /etc/cacd/portals.d/reference.toml /root/; \
                 sed -i 's,https://localhost:,https://portal.invalid:,' /etc/cacd/portals.d/reference.toml; \
                 systemctl reload cacd",
        check: "portal-reached",
        says: "is not known",
        mends: "mv /root/reference.toml /etc/cacd/portals.d/; systemctl reload cacd",
        ..FAILS
    },
    Broken {
        name: "the portal's certificate is another's",
        breaks: "cd /etc/cacd/portals.d; cp -p reference-ca.pem /root/; \
                 openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=other \
                 -keyout /dev/null -out reference-ca.pem 2>/dev/null; chmod 0644 reference-ca.pem; systemctl reload cacd",
        check: "portal-reached",
        says: "is not trusted",
        mends: "mv /root/reference-ca.pem /etc/cacd/portals.d/; systemctl reload cacd",
        ..FAILS
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
        ..FAILS
    },
    Broken {
        name: "/proc hides whose processes there are",
        breaks: "mount -o remount,hidepid=2 /proc",
        check: "hidepid",
        says: "/proc is mounted with hidepid=",
        mends: "mount -o remount,hidepid=0 /proc",
        ..WARNS
    },
    Broken {
        name: "the clock is off by years",
        breaks: "true",
        with: &["faketime", "2020-01-01 12:00:00"],
        check: "clock",
        says: "2020-01-01 12:00, which is long ago",
        mends: "true",
        ..FAILS
    },
    Broken {
        name: "whoever comes from elsewhere is in no session",
        breaks: "true",
        user: STRANGER,
        check: "pcscd-access",
        says: "it turns you away, as polkit has it do",
        mends: "true",
        ..WARNS
    },
    Broken {
        name: "a browser does not load the module",
        breaks: "su alice -c 'mkdir -p ~/.mozilla/firefox/a; \
                 printf \"[Profile0]\\nName=a\\nIsRelative=1\\nPath=a\\n\" >~/.mozilla/firefox/profiles.ini; \
                 certutil -N --empty-password -d sql:$HOME/.mozilla/firefox/a'",
        check: "browser-module",
        says: "OpenSC's module is not in its list",
        mends: "su alice -c 'rm -r ~/.mozilla'",
        ..WARNS
    },
    Broken {
        name: "a browser does not trust the authorities",
        breaks: "cp /root/root.pem /etc/cacd/trust/anchors/; \
                 su alice -c 'mkdir -p ~/.mozilla/firefox/a; \
                 printf \"[Profile0]\\nName=a\\nIsRelative=1\\nPath=a\\n\" >~/.mozilla/firefox/profiles.ini; \
                 certutil -N --empty-password -d sql:$HOME/.mozilla/firefox/a; \
                 modutil -force -dbdir sql:$HOME/.mozilla/firefox/a -add CAC -libfile opensc-pkcs11.so'",
        check: "browser-roots",
        says: "it does not trust ",
        mends: "rm /etc/cacd/trust/anchors/root.pem; su alice -c 'rm -r ~/.mozilla'",
        ..WARNS
    },
    Broken {
        name: "every program that is asked hangs",
        breaks: "mkdir /opt/hanging; for f in systemctl timedatectl pkcs11-tool openssl certutil; do \
                 printf '#!/bin/sh\\nexec tail -f /dev/null\\n' >/opt/hanging/$f; chmod 755 /opt/hanging/$f; done",
        with: &["env", "PATH=/opt/hanging:/usr/bin:/bin"],
        check: "unit",
        says: "systemctl: it did not end within",
        mends: "rm -r /opt/hanging",
        verdict: "unknown",
        fails_too: &["pkcs11-card"],
        ..FAILS
    },
];
