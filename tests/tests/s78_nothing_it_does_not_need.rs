//! Each hardening directive of the unit holds: a program in the service's place
//! tries what it forbids.

use std::collections::BTreeSet;

use cac_tests::system::System;

/// What is meant to hold, what tries it, and how a container's root fares,
/// for whom what is refused here goes well: so a refusal means something. Some
/// the container itself refuses to everyone.
const PROBES: &[(&str, &str, Root)] = &[
    ("ProtectSystem=strict", "write-usr", Root::Does),
    ("ProtectSystem=strict", "write-etc", Root::Does),
    ("ProtectSystem=strict", "write-var", Root::Does),
    ("ProtectHome=yes", "read-home", Root::Does),
    ("ProtectHome=yes", "read-root-home", Root::Does),
    ("PrivateTmp=yes", "read-tmp", Root::Does),
    ("ProtectProc=invisible", "read-process", Root::Does),
    ("ProcSubset=pid", "read-meminfo", Root::Does),
    ("ProtectKernelTunables=yes", "write-tunable", Root::Whatever),
    ("ProtectKernelTunables=yes", "write-sys", Root::Whatever),
    ("ProtectControlGroups=yes", "write-cgroup", Root::Whatever),
    ("ProtectKernelLogs=yes", "read-kmsg", Root::Whatever),
    ("ProtectKernelLogs=yes", "kernel-log", Root::Whatever),
    ("PrivateDevices=yes", "open-device", Root::Whatever),
    ("PrivateDevices=yes", "device-node", Root::Whatever),
    ("NoExecPaths=/", "execute", Root::Does),
    ("NoExecPaths=/", "execute-in-state", Root::Does),
    ("NoExecPaths=/", "execute-in-tmp", Root::Does),
    ("NoExecPaths=/", "execute-in-var-tmp", Root::Does),
    ("NoExecPaths=/", "execute-in-run", Root::Does),
    ("NoExecPaths=/", "execute-in-shm", Root::Whatever),
    ("RestrictAddressFamilies=", "socket-netlink", Root::Does),
    ("RestrictAddressFamilies=", "socket-packet", Root::Does),
    ("RestrictAddressFamilies=", "socket-vsock", Root::Whatever),
    ("SystemCallFilter=@system-service", "ptrace", Root::Does),
    ("SystemCallFilter=@system-service", "bpf", Root::Whatever),
    (
        "SystemCallFilter=@system-service",
        "userfaultfd",
        Root::Whatever,
    ),
    ("SystemCallFilter=@system-service", "perf", Root::Whatever),
    ("SystemCallFilter=@system-service", "reboot", Root::Whatever),
    ("SystemCallFilter=@system-service", "swap", Root::Whatever),
    ("SystemCallFilter=@system-service", "mount", Root::Does),
    ("SystemCallFilter=~@privileged", "chroot", Root::Does),
    ("SystemCallFilter=~@resources", "priority", Root::Does),
    ("SystemCallFilter=~@setuid", "setuid", Root::Does),
    ("SystemCallFilter=~@keyring", "key", Root::Whatever),
    ("RestrictNamespaces=yes", "namespace-user", Root::Whatever),
    ("RestrictNamespaces=yes", "namespace-mount", Root::Does),
    ("RestrictRealtime=yes", "realtime", Root::Whatever),
    ("RestrictSUIDSGID=yes", "set-user-id-bit", Root::Does),
    ("LockPersonality=yes", "personality", Root::Does),
    (
        "MemoryDenyWriteExecute=yes",
        "map-writable-code",
        Root::Does,
    ),
    (
        "MemoryDenyWriteExecute=yes",
        "make-code-of-data",
        Root::Does,
    ),
    ("ProtectHostname=yes", "hostname", Root::Does),
    ("ProtectClock=yes", "clock", Root::Whatever),
    ("ProtectKernelModules=yes", "kernel-module", Root::Whatever),
    ("CapabilityBoundingSet=", "capabilities", Root::Does),
    ("NoNewPrivileges=yes", "new-privileges", Root::Does),
    ("LimitCORE=0", "core-file", Root::Whatever),
];

/// What it does need.
const NEEDED: [&str; 2] = ["socket-unix", "socket-inet"];

#[derive(Debug, PartialEq, Eq)]
enum Root {
    Does,
    Whatever,
}

/// Errors that are no refusal: what was tried is not there, or not as it should be.
const NO_REFUSALS: [&str; 3] = ["done", "EINVAL", "EFAULT"];

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s78_each_directive_of_the_unit_refuses_what_it_is_there_for() -> anyhow::Result<()> {
    let system = System::boot()?;
    system.install()?;

    let service = system.probe_service()?;
    let root = system.probe_root()?;

    let mut wrong = Vec::new();
    for (directive, probe, roots) in PROBES {
        let met = service.get(*probe).map_or("nothing", String::as_str);
        println!("{directive:36} {probe:20} {met}");
        // A place that is not there cannot be looked into either.
        if NO_REFUSALS.contains(&met) || met == "nothing" {
            wrong.push(format!("{directive}: {probe} met {met}"));
        }
        let met = root.get(*probe).map_or("nothing", String::as_str);
        if *roots == Root::Does && met != "done" {
            wrong.push(format!("{directive}: {probe} of root met {met}"));
        }
    }
    for probe in NEEDED {
        if service.get(probe).is_none_or(|met| met != "done") {
            wrong.push(format!("{probe} is refused"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let tried: BTreeSet<&str> = PROBES
        .iter()
        .map(|(_, probe, _)| *probe)
        .chain(NEEDED)
        .collect();
    let made: BTreeSet<&str> = service.keys().map(String::as_str).collect();
    assert_eq!(tried, made, "every probe is held against something");
    Ok(())
}
