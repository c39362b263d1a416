//! Each hardening directive of the unit holds: a program in the service's place
//! tries what it forbids. The same program, by whoever could do it then, does it
//! without the directive, and is refused with it and no other: so a refusal is
//! the directive's, and not that of ordinary rights.

use std::collections::BTreeSet;

use cac_tests::harness::LIMIT;
use cac_tests::system::{Probed, SERVICE, STRANGER, System, directives};
use cac_tests::wait;

use By::{Nobody, Root, Service};

/// What it goes well for, where the directive is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The user of the service, and all others.
    Service,
    /// Root alone: the service lacks the right as well.
    Root,
    /// The container itself refuses it, to root too.
    Nobody,
}

/// The directive, what tries it, who could, and what they meet with the
/// directive alone.
const PROBES: &[(&str, &str, By, &str)] = &[
    ("User", "root", Root, "EPERM"),
    ("UMask", "file-for-others", Service, "EPERM"),
    ("LimitCORE", "core-file", Service, "EPERM"),
    ("LimitMEMLOCK", "lock-more-memory", Service, "ENOMEM"),
    ("ProtectSystem", "write-usr", Service, "EROFS"),
    ("ProtectSystem", "write-etc", Service, "EROFS"),
    ("ProtectSystem", "write-var", Service, "EROFS"),
    ("ProtectHome", "read-home", Service, "EACCES"),
    ("ProtectHome", "read-root-home", Service, "EACCES"),
    ("PrivateTmp", "read-tmp", Service, "ENOENT"),
    ("PrivateTmp", "read-var-tmp", Service, "ENOENT"),
    ("PrivateMounts", "shared-mounts", Service, "EPERM"),
    ("PrivateDevices", "open-device", Service, "ENOENT"),
    ("PrivateDevices", "device-node", Root, "EPERM"),
    ("DevicePolicy", "open-device-elsewhere", Service, "EPERM"),
    ("ProtectProc", "read-process", Service, "ENOENT"),
    ("ProcSubset", "read-meminfo", Service, "ENOENT"),
    ("NoExecPaths", "execute", Service, "EACCES"),
    ("NoExecPaths", "execute-in-state", Service, "EACCES"),
    ("NoExecPaths", "execute-in-tmp", Service, "EACCES"),
    ("NoExecPaths", "execute-in-var-tmp", Service, "EACCES"),
    ("NoExecPaths", "execute-in-run", Service, "EACCES"),
    ("NoExecPaths", "execute-in-shm", Service, "EACCES"),
    ("CapabilityBoundingSet", "capabilities", Service, "EPERM"),
    ("CapabilityBoundingSet", "chroot", Root, "EPERM"),
    ("NoNewPrivileges", "new-privileges", Service, "EPERM"),
    ("RestrictSUIDSGID", "set-user-id-bit", Service, "EPERM"),
    ("KeyringMode", "shared-keys", Service, "ENOKEY"),
    ("PrivateIPC", "shared-ipc", Service, "EPERM"),
    ("PrivateIPC", "queue-of-others", Service, "ENOENT"),
    ("ProtectClock", "clock", Service, "EPERM"),
    ("ProtectControlGroups", "write-cgroup", Service, "EROFS"),
    ("ProtectHostname", "hostname", Root, "EPERM"),
    ("ProtectKernelLogs", "read-kmsg", Service, "EACCES"),
    ("ProtectKernelLogs", "kernel-log", Nobody, "EPERM"),
    ("ProtectKernelModules", "read-modules", Service, "EACCES"),
    ("ProtectKernelModules", "kernel-module", Nobody, "EPERM"),
    ("ProtectKernelTunables", "write-tunable", Service, "EROFS"),
    ("ProtectKernelTunables", "write-sys", Nobody, "EROFS"),
    ("LockPersonality", "personality", Service, "EPERM"),
    (
        "MemoryDenyWriteExecute",
        "map-writable-code",
        Service,
        "EACCES",
    ),
    (
        "MemoryDenyWriteExecute",
        "make-code-of-data",
        Service,
        "EACCES",
    ),
    ("RestrictNamespaces", "namespace-user", Service, "EPERM"),
    ("RestrictNamespaces", "namespace-mount", Root, "EPERM"),
    ("RestrictRealtime", "realtime", Root, "EPERM"),
    (
        "SystemCallArchitectures",
        "other-architecture",
        Service,
        "SIGSYS",
    ),
    // @system-service is without these, or they are taken away again.
    ("SystemCallFilter", "ptrace", Service, "EPERM"),
    ("SystemCallFilter", "userfaultfd", Service, "EPERM"),
    ("SystemCallFilter", "set-capabilities", Service, "EPERM"),
    ("SystemCallFilter", "priority", Service, "EPERM"),
    ("SystemCallFilter", "set-user", Service, "EPERM"),
    ("SystemCallFilter", "change-owner", Service, "EPERM"),
    ("SystemCallFilter", "key", Service, "EPERM"),
    ("SystemCallFilter", "aio", Service, "EPERM"),
    ("SystemCallFilter", "mount", Root, "EPERM"),
    ("SystemCallFilter", "reboot", Nobody, "EPERM"),
    ("SystemCallFilter", "bpf", Nobody, "EPERM"),
    ("SystemCallFilter", "perf", Nobody, "EPERM"),
    ("SystemCallFilter", "swap", Nobody, "EPERM"),
    (
        "RestrictAddressFamilies",
        "socket-netlink",
        Service,
        "EAFNOSUPPORT",
    ),
    (
        "RestrictAddressFamilies",
        "socket-packet",
        Root,
        "EAFNOSUPPORT",
    ),
    (
        "RestrictAddressFamilies",
        "socket-vsock",
        Nobody,
        "EAFNOSUPPORT",
    ),
];

/// What the service meets instead, since another directive comes before it.
const BEFORE_IT: [(&str, &str); 3] = [
    // Of /proc there is nothing but processes.
    ("write-tunable", "ENOENT"),
    ("read-kmsg", "ENOENT"),
    // No key can be asked for.
    ("shared-keys", "EPERM"),
];

/// What a directive leaves, and the service does need.
const NEEDED: [(&str, &str); 6] = [
    ("RestrictAddressFamilies", "socket-unix"),
    ("RestrictAddressFamilies", "socket-inet"),
    ("RestrictAddressFamilies", "socket-inet6"),
    ("LimitMEMLOCK", "lock-memory"),
    // Else every peer would look like nobody.
    ("PrivateUsers", "every-user"),
    // It goes with the service: below.
    ("RemoveIPC", "leave-in-shm"),
];

/// How many tasks there may be, where the container can count them.
const TASKS: (&str, &str) = ("TasksMax", "more-tasks");

/// Without a probe, and why.
const WITHOUT: [(&str, &str); 17] = [
    (
        "Type",
        "forbids nothing: how it says that it is ready (s75)",
    ),
    ("ExecStart", "what runs"),
    (
        "ExecPaths",
        "what runs, with its libraries: the probes themselves do",
    ),
    ("Restart", "forbids nothing (s72)"),
    ("RestartSec", "forbids nothing (s72)"),
    ("WatchdogSec", "forbids nothing (s72)"),
    ("TimeoutStopSec", "forbids nothing (s75)"),
    ("LimitNOFILE", "gives more than there would be"),
    ("Environment", "of the memory that threads keep"),
    ("RuntimeDirectory", "the probes write there"),
    (
        "RuntimeDirectoryMode",
        "every user reaches the socket in it (s76)",
    ),
    (
        "RuntimeDirectoryPreserve",
        "the socket outlives the service (s75)",
    ),
    ("StateDirectory", "the probes write there"),
    ("StateDirectoryMode", "strangers do not see into it: below"),
    ("ConfigurationDirectory", "the service reads there"),
    (
        "AmbientCapabilities",
        "gives none, and the bounding set has none to give",
    ),
    (
        "SystemCallErrorNumber",
        "what the filter refuses meets it, and is not killed",
    ),
];

/// Directives that are there for another.
const ALONG: [(&str, &str); 2] = [
    ("NoExecPaths", "ExecPaths"),
    ("SystemCallFilter", "SystemCallErrorNumber"),
];

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s78_each_directive_of_the_unit_refuses_what_it_is_there_for() -> anyhow::Result<()> {
    let system = System::boot()?;
    system.install()?;
    system.lay_probe()?;
    let mut wrong = Vec::new();

    let service = system.probe_service()?;
    for (directive, probe, _, alone) in PROBES {
        let met = met(&service, probe);
        println!("{directive:24} {probe:22} {met}");
        let instead = BEFORE_IT.iter().find(|(before, _)| before == probe);
        let expected = instead.map_or(*alone, |(_, error)| error);
        if met != expected {
            wrong.push(format!("{directive}: {probe} met {met}, not {expected}"));
        }
    }
    for (directive, probe) in NEEDED {
        let met = met(&service, probe);
        if met != "done" {
            wrong.push(format!("{directive}: {probe} met {met}"));
        }
    }
    let tried: BTreeSet<&str> = PROBES
        .iter()
        .map(|(_, probe, ..)| *probe)
        .chain(NEEDED.map(|(_, probe)| probe))
        .chain([TASKS.1])
        .collect();
    let made: BTreeSet<&str> = service.keys().map(String::as_str).collect();
    assert_eq!(tried, made, "every probe is held against something");

    wrong.extend(with_the_directive_alone(&system)?);
    wrong.extend(so_many_tasks(&system, met(&service, TASKS.1))?);
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s78_nothing_that_it_kept_is_left_in_shared_memory_or_seen_by_strangers() -> anyhow::Result<()> {
    let system = System::boot()?;
    system.install()?;
    system.lay_probe()?;
    let left = format!(
        "/dev/shm/left-by-{}",
        system.does(&["id", "--user", "cacd"])?
    );
    let is_left = || system.path(&left).exists();

    system.probe_service()?;
    wait::wait_until("nothing is left of the service", LIMIT, || !is_left())?;
    system.probe_as("cacd", &[])?;
    assert!(is_left(), "and it would be without the directive");
    system.probe_as("cacd", &alone(&directives()?, "RemoveIPC"))?;
    wait::wait_until("nothing is left by the directive alone", LIMIT, || {
        !is_left()
    })?;

    system.probe_service()?;
    let strangers = system.run_as(STRANGER, &["ls", "/var/lib/cacd"])?;
    assert!(!strangers.status.success(), "{strangers:?}");
    Ok(())
}

#[test]
fn s78_no_directive_is_without_a_probe_or_a_reason() -> anyhow::Result<()> {
    let unit = directives()?;

    let in_the_unit: BTreeSet<&str> = unit.iter().map(|(name, _)| name.as_str()).collect();
    let known: BTreeSet<&str> = PROBES
        .iter()
        .map(|(directive, ..)| *directive)
        .chain(NEEDED.map(|(directive, _)| directive))
        .chain(WITHOUT.map(|(directive, _)| directive))
        .chain([TASKS.0])
        .collect();
    assert_eq!(in_the_unit, known);
    Ok(())
}

/// What is wrong with services that have none of the directives, and one alone.
fn with_the_directive_alone(system: &System) -> anyhow::Result<Vec<String>> {
    let unit = directives()?;
    let mut wrong = Vec::new();
    for (by, user) in [(Service, "cacd"), (Root, "root")] {
        let of_theirs: Vec<_> = PROBES.iter().filter(|(_, _, who, _)| *who == by).collect();
        let without = system.probe_as(user, &[])?;
        for (directive, probe, ..) in &of_theirs {
            let met = met(&without, probe);
            if met != "done" {
                wrong.push(format!("without {directive}: {probe} of {user} met {met}"));
            }
        }
        let names: BTreeSet<&str> = of_theirs.iter().map(|(directive, ..)| *directive).collect();
        for name in names {
            let with = system.probe_as(user, &alone(&unit, name))?;
            for (_, probe, _, error) in of_theirs.iter().filter(|it| it.0 == name) {
                let met = met(&with, probe);
                if met != *error {
                    wrong.push(format!(
                        "{name} alone: {probe} of {user} met {met}, not {error}"
                    ));
                }
            }
        }
    }
    Ok(wrong)
}

/// A container that cannot count tasks has what systemd was told.
fn so_many_tasks(system: &System, met: &str) -> anyhow::Result<Option<String>> {
    let unit = directives()?;
    let most = unit.iter().find(|(name, _)| name == TASKS.0);
    let most = most.map(|(_, value)| value.as_str());
    assert_eq!(Some(system.property(SERVICE, TASKS.0)?.as_str()), most);
    let counted = system.does(&["cat", "/sys/fs/cgroup/cgroup.controllers"])?;
    let expected = if counted.split_whitespace().any(|name| name == "pids") {
        "EPERM"
    } else {
        "ENOENT"
    };
    Ok((met != expected).then(|| format!("{}: {} met {met}, not {expected}", TASKS.0, TASKS.1)))
}

/// A directive of the unit, and what is there for it, each as the unit has it.
fn alone(unit: &[(String, String)], directive: &str) -> Vec<String> {
    let along = ALONG.iter().find(|(name, _)| *name == directive);
    let along = along.map(|(_, along)| *along);
    let wanted = |name: &str| name == directive || Some(name) == along;
    unit.iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

fn met<'a>(probed: &'a Probed, probe: &str) -> &'a str {
    probed.get(probe).map_or("nothing", String::as_str)
}
