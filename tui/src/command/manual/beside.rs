//! What a manual page says that clap does not know: variables, files, other pages.

/// A name, and what it is.
pub(super) type Named = (&'static str, &'static str);

/// Where the codes are not those of all others.
pub(super) fn exit_status(page: &str) -> Option<&'static str> {
    (page == "cacctl-login").then_some(
        "It always ends with 0, so that no login fails because of it; what came of it stands in the system's log",
    )
}

pub(super) fn environment(page: &str) -> Vec<Named> {
    if page == "cacctl-login" {
        return vec![
            ("PAM_USER", "Who has logged in, as pam_exec(8) sets it"),
            ("PAM_TYPE", "On what occasion, as pam_exec(8) sets it"),
        ];
    }
    let mut all: Vec<Named> = vec![
        (
            "CACD_SOCKET",
            "The daemon's socket, unless --socket names it",
        ),
        (
            "NO_COLOR",
            "If it is set, nothing is coloured; neither is it where TERM is dumb, or where standard output is no terminal",
        ),
        (
            "LC_ALL, LC_CTYPE, LANG",
            "Where they name a character set that is not UTF-8, the dashboard draws with ASCII only",
        ),
        ("TZ", "The time zone in which moments are told"),
        (
            "XDG_RUNTIME_DIR",
            "Where a user's own daemon has its socket",
        ),
    ];
    if asks_for_pin(page) {
        all.push((
            "PINENTRY",
            "The pinentry to start, unless --pinentry names it",
        ));
    }
    all
}

fn asks_for_pin(page: &str) -> bool {
    matches!(
        page,
        "cacctl-register"
            | "cacctl-agent"
            | "cacctl-card-show"
            | "cacctl-pin-change"
            | "cacctl-portal-test"
    )
}

pub(super) fn files(page: &str) -> Vec<Named> {
    let mut all: Vec<Named> = vec![
        ("/run/cacd/socket", "The socket of the system's daemon"),
        (
            "$XDG_RUNTIME_DIR/cacd/socket",
            "That of a daemon that a user runs for themselves, which is asked first if it is there",
        ),
    ];
    match page {
        "cacctl" => all.extend([
            (
                "/usr/share/doc/cacd/json.md, /usr/share/doc/cacd/schema/",
                "What --json prints: what it means, what may change, and its JSON Schemas",
            ),
            (
                "/etc/cacd/cacd.toml, /etc/cacd/portals.d/",
                "The daemon's configuration and the profiles of portals; cacd(8) explains them",
            ),
        ]),
        "cacctl-trust" | "cacctl-trust-list" | "cacctl-trust-show" | "cacctl-trust-import" => {
            all.extend([
                (
                    "/etc/cacd/trust/, /etc/cacd/trust/anchors/",
                    "The authorities, and those of them that are trusted; for a user's own daemon in ~/.config/cacd/trust",
                ),
                ("/usr/share/doc/cacd/trust.md", "Where the DoD's are, and their digests"),
            ]);
        }
        "cacctl-agent" => all.push((
            "/usr/lib/systemd/user/cacctl-agent.service",
            "The unit that runs it in the background of a session",
        )),
        "cacctl-login" => all.extend([
            ("/etc/pam.d/", "Where PAM is told to run it"),
            ("/usr/share/doc/cacd/login.md", "How, step by step"),
        ]),
        "cacctl-completions" => all.extend([
            (
                "/usr/share/bash-completion/completions/cacctl",
                "Where a package puts those of bash",
            ),
            ("/usr/share/zsh/vendor-completions/_cacctl", "Those of zsh"),
            (
                "/usr/share/fish/vendor_completions.d/cacctl.fish",
                "Those of fish",
            ),
        ]),
        "cacctl-portal" | "cacctl-portal-list" | "cacctl-portal-show" | "cacctl-portal-test" => {
            all.push(("/etc/cacd/portals.d/*.toml", "The profiles of portals"));
        }
        _ => {}
    }
    if let Some(schema) = schema(page) {
        all.push((schema, "The JSON Schema of what --json prints"));
    }
    all
}

fn schema(page: &str) -> Option<&'static str> {
    Some(match page {
        "cacctl-status" => "/usr/share/doc/cacd/schema/status.json",
        "cacctl-watch" => "/usr/share/doc/cacd/schema/watch.json",
        "cacctl-register" => "/usr/share/doc/cacd/schema/register.json",
        "cacctl-history" => "/usr/share/doc/cacd/schema/history.json",
        "cacctl-clear" => "/usr/share/doc/cacd/schema/clear.json",
        "cacctl-backup" => "/usr/share/doc/cacd/schema/backup.json",
        "cacctl-portal-list" => "/usr/share/doc/cacd/schema/portal-list.json",
        "cacctl-portal-show" => "/usr/share/doc/cacd/schema/portal-show.json",
        "cacctl-portal-test" => "/usr/share/doc/cacd/schema/portal-test.json",
        "cacctl-pin-status" | "cacctl-pin-change" => "/usr/share/doc/cacd/schema/pin-status.json",
        "cacctl-card-show" => "/usr/share/doc/cacd/schema/card-show.json",
        "cacctl-trust-list" => "/usr/share/doc/cacd/schema/trust-list.json",
        "cacctl-trust-show" => "/usr/share/doc/cacd/schema/trust-show.json",
        "cacctl-trust-import" => "/usr/share/doc/cacd/schema/trust-import.json",
        "cacctl-eligibility" => "/usr/share/doc/cacd/schema/eligibility.json",
        "cacctl-wizard" => "/usr/share/doc/cacd/schema/wizard.json",
        _ => return None,
    })
}

pub(super) fn see_also(page: &str) -> &'static [&'static str] {
    match page {
        "cacctl-status" => &["cacctl-watch(1)", "jq(1)"],
        "cacctl-watch" => &["cacctl-status(1)", "cacctl-history(1)"],
        "cacctl-register" => &["cacctl-wizard(1)", "cacctl-eligibility(1)", "pinentry(1)"],
        "cacctl-wizard" => &["cacctl-register(1)", "lp(1)"],
        "cacctl-agent" => &["pinentry(1)", "systemd-ask-password(1)"],
        "cacctl-login" => &["pam_exec(8)", "pam_pkcs11(8)"],
        "cacctl-card-export" => &["openssl-x509(1)"],
        "cacctl-card-show" => &["pinentry(1)"],
        "cacctl-pin-status" => &["cacctl-pin-change(1)"],
        "cacctl-pin-change" => &["cacctl-pin-status(1)", "pinentry(1)"],
        "cacctl-portal-test" => &["cacctl-register(1)"],
        "cacctl-trust" | "cacctl-trust-list" | "cacctl-trust-show" | "cacctl-trust-import" => {
            &["cacctl-card-show(1)", "openssl-x509(1)", "cacd(8)"]
        }
        "cacctl-eligibility" => &["cacctl-portal-show(1)"],
        "cacctl-history" => &["cacctl-clear(1)", "journalctl(1)"],
        "cacctl-clear" => &["cacctl-history(1)", "cacctl-backup(1)"],
        "cacctl-backup" => &["cacctl-clear(1)", "tar(1)", "cacd(8)"],
        "cacctl-completions" => &["bash(1)", "fish(1)", "zsh(1)"],
        "cacctl-man" => &["man(1)"],
        _ => &[],
    }
}
