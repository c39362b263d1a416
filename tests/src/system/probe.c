/* Tries what a service has no need of, and writes of each into the file "probed"
   in STATE_DIRECTORY how it went: its name, and "done" or the name of the error.
   What it tries that with was laid for it (probe.rs).

   It changes the machine that it runs on, so it runs in the container of the
   tests and nowhere else. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* As probe.rs has them. */
#define OUTSIDE "/usr/share/probe/outside"
#define QUEUE 0x63616364

/* LimitMEMLOCK= and TasksMax= of the unit. */
#define LOCKED (1 << 20)
#define TASKS 256

static FILE *out;

static void say(const char *name, long result) {
    fprintf(out, "%s %s\n", name, result < 0 ? strerrorname_np(errno) : "done");
    fflush(out);
}

/* What is no error of the kernel's: something is not as it would have to be. */
static long is(int so) {
    errno = EPERM;
    return so ? 0 : -1;
}

static long opens(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC, 0644);
    if (fd >= 0) close(fd);
    return fd;
}

/* In a child, whose change of itself is nobody else's. */
static void apart(const char *name, long (*try)(void)) {
    fflush(out);
    pid_t child = fork();
    if (child == 0) {
        say(name, try());
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
        fprintf(out, "%s SIG%s\n", name, sigabbrev_np(WTERMSIG(status)));
        fflush(out);
    }
}

static long runs(const char *path) {
    pid_t child = fork();
    if (child == 0) {
        dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
        execl(path, path, "--version", (char *)NULL);
        _exit(errno);
    }
    int status = 0;
    waitpid(child, &status, 0);
    errno = WEXITSTATUS(status);
    return errno == 0 ? 0 : -1;
}

static long executes(void) { return runs("/bin/true"); }

static long executes_in(const char *folder) {
    char path[256], buffer[65536];
    snprintf(path, sizeof path, "%s/own-of-%d", folder, getuid());
    int from = open("/proc/self/exe", O_RDONLY), to = open(path, O_WRONLY | O_CREAT, 0755);
    for (ssize_t n; (n = read(from, buffer, sizeof buffer)) > 0;)
        if (write(to, buffer, n) != n) break;
    close(from);
    close(to);
    return runs(path);
}

static long executes_in_state(void) { return executes_in(getenv("STATE_DIRECTORY")); }
static long executes_in_tmp(void) { return executes_in("/tmp"); }
static long executes_in_var_tmp(void) { return executes_in("/var/tmp"); }
static long executes_in_run(void) { return executes_in(getenv("RUNTIME_DIRECTORY")); }
static long executes_in_shm(void) { return executes_in("/dev/shm"); }

static long socket_of(int family, int kind) {
    int fd = socket(family, kind | SOCK_CLOEXEC, 0);
    if (fd >= 0) close(fd);
    return fd;
}

static long traces(void) { return ptrace(PTRACE_TRACEME, 0, NULL, NULL); }
static long unshares_user(void) { return unshare(CLONE_NEWUSER); }
static long unshares_mount(void) { return unshare(CLONE_NEWNS); }
static long mounts(void) {
    return mount("none", "/mnt", "tmpfs", 0, NULL) < 0 ? -1 : umount("/mnt");
}
static long sets_user(void) { return setuid(getuid()); }
static long changes_owner(void) {
    char path[256];
    snprintf(path, sizeof path, "%s/owned", getenv("STATE_DIRECTORY"));
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    return chown(path, -1, getgid());
}
static long renames_host(void) {
    char name[128];
    return gethostname(name, sizeof name) < 0 ? -1 : sethostname(name, strlen(name));
}
static long is_realtime(void) {
    struct sched_param param = {.sched_priority = 1};
    return sched_setscheduler(0, SCHED_RR, &param);
}

/* Changes nothing, and so takes no right. */
static long asks_how_the_clock_is_set(void) {
    struct timex none = {0};
    return adjtimex(&none);
}
static long changes_personality(void) { return personality(ADDR_NO_RANDOMIZE); }
static long maps_writable_code(void) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? -1 : 0;
}
static long makes_code_of_data(void) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}
static long sets_user_id(void) {
    char path[256];
    snprintf(path, sizeof path, "%s/suid", getenv("STATE_DIRECTORY"));
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    return chmod(path, 04755);
}
static long makes_device(void) {
    return mknod("/tmp/device", S_IFCHR | 0600, 0x0103) < 0 ? -1 : unlink("/tmp/device");
}
static long raises_priority(void) { return setpriority(PRIO_PROCESS, 0, 5); }
static long may_dump_core(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_CORE, &limit) < 0 ? -1 : is(limit.rlim_max != 0);
}
static long changes_root(void) { return chroot("/"); }

/* Down to none, which is everyone's right. */
static long sets_capabilities(void) {
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
    return syscall(SYS_capset, &head, none);
}

static long reads_asynchronously(void) {
    aio_context_t context = 0;
    return syscall(SYS_io_setup, 1, &context);
}

static long locks(size_t length) {
    void *pages = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? -1 : mlock(pages, length);
}
static long locks_what_pins_need(void) { return locks(LOCKED / 2); }
static long locks_more(void) { return locks(LOCKED + 4096); }

/* getpid() by its number in another architecture's table. */
static long calls_as_another_architecture(void) {
#ifdef __x86_64__
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
    errno = ENOSYS;
    return result == getpid() ? 0 : -1;
#else
#error "which other architecture does this machine run programs of?"
#endif
}

/* Which others can open, if nothing forbids it. */
static long makes_a_file_for_others(void) {
    char path[256];
    struct stat made = {0};
    snprintf(path, sizeof path, "%s/for-others", getenv("STATE_DIRECTORY"));
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 || fstat(fd, &made) < 0) return -1;
    close(fd);
    return is((made.st_mode & 0077) != 0);
}

static long makes_a_folder_in(const char *folder) {
    char path[256];
    snprintf(path, sizeof path, "%s/of-%d", folder, getuid());
    return mkdir(path, 0755) < 0 ? -1 : rmdir(path);
}

/* A line of a file, from its name on; NULL if it has none. */
static const char *line_of(const char *file, const char *name) {
    static char line[256];
    FILE *from = fopen(file, "re");
    const char *found = NULL;
    size_t length = strlen(name);
    while (from && !found && fgets(line, sizeof line, from))
        if (strncmp(line, name, length) == 0 && line[length] == ':') found = line;
    if (from) fclose(from);
    return found;
}

/* A number in /proc/self/status that is not 0, or one that is. */
static long has(const char *field, int wanted) {
    const char *line = line_of("/proc/self/status", field);
    return is(line && (strtoull(line + strlen(field) + 1, NULL, 16) != 0) == wanted);
}

/* Whether one of our namespaces is that of the machine. */
static long shares(const char *kind) {
    char path[64], own[256] = {0};
    snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
    const char *outside = line_of(OUTSIDE, kind);
    if (!outside || readlink(path, own, sizeof own - 1) < 0) return -1;
    return is(strncmp(own, outside, strlen(own)) == 0);
}

/* By what its control group says: the limit is one of many tasks. */
static long may_begin_more_tasks(void) {
    char group[256] = {0}, path[512];
    long most = 0;
    FILE *groups = fopen("/proc/self/cgroup", "re");
    /* The line of the one hierarchy: "0::/path". */
    while (groups && fgets(path, 256, groups))
        if (sscanf(path, "0::%255s", group) == 1) break;
    if (groups) fclose(groups);
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/pids.max", group);
    FILE *limit = fopen(path, "re");
    if (!limit) return -1;
    int read = fscanf(limit, "%ld", &most);
    fclose(limit);
    return is(read != 1 || most > TASKS);
}

/* For whoever comes after us. */
static long leaves_in_shm(void) {
    char path[64];
    snprintf(path, sizeof path, "/dev/shm/left-by-%d", getuid());
    return opens(path, O_WRONLY | O_CREAT);
}

static long sees_every_user(void) {
    unsigned inside = 1, outside = 1, count = 0;
    FILE *map = fopen("/proc/self/uid_map", "re");
    int read = map ? fscanf(map, "%u %u %u", &inside, &outside, &count) : 0;
    if (map) fclose(map);
    return is(read == 3 && inside == 0 && outside == 0 && count == 4294967295);
}

static long adds_key(int keyring) {
    return syscall(SYS_add_key, "user", "probe", "x", 1, keyring);
}

/* Whether the session's keyring leads to that of the user, which others of the
   same user read and write. */
static long shares_keys(void) {
    if (adds_key(KEY_SPEC_USER_KEYRING) < 0) return -1;
    return syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "probe", 0);
}

int main(int count, char **arguments) {
    /* It is its own copy, which ran. */
    if (count > 1 && strcmp(arguments[1], "--version") == 0) return 0;
    if (count > 1 && strcmp(arguments[1], "--make-queue") == 0)
        return msgget(QUEUE, IPC_CREAT | 0666) < 0;
    /* It changes the machine that it runs on: that has to be one made for it. */
    if (access("/usr/src/cacd", F_OK) != 0) {
        fputs("probe: only in the container of the tests\n", stderr);
        return 2;
    }
    char path[256];
    snprintf(path, sizeof path, "%s/probed", getenv("STATE_DIRECTORY"));
    out = fopen(path, "we");
    if (!out) return 1;

    say("write-usr", makes_a_folder_in("/usr/share/probe/open"));
    say("write-etc", makes_a_folder_in("/etc/probe-open"));
    say("write-var", makes_a_folder_in("/var/lib/probe-open"));
    say("read-home", opens("/home/alice/notes", O_RDONLY));
    say("read-root-home", opens("/root", O_RDONLY | O_DIRECTORY));
    say("read-tmp", opens("/tmp/of-everyone", O_RDONLY));
    say("read-var-tmp", opens("/var/tmp/of-everyone", O_RDONLY));
    say("read-process", opens("/proc/1/status", O_RDONLY));
    say("read-meminfo", opens("/proc/meminfo", O_RDONLY));
    say("write-tunable", opens("/proc/sys/kernel/ns_last_pid", O_WRONLY));
    say("write-sys", opens("/sys/kernel/rcu_expedited", O_WRONLY));
    say("write-cgroup", makes_a_folder_in("/sys/fs/cgroup/probe-open"));
    say("read-kmsg", opens("/proc/kmsg", O_RDONLY | O_NONBLOCK));
    say("read-modules", opens("/usr/lib/modules", O_RDONLY | O_DIRECTORY));
    say("open-device", opens("/dev/probe-null", O_RDWR));
    say("open-device-elsewhere", opens("/usr/share/probe/device", O_RDWR));
    apart("execute", executes);
    apart("execute-in-state", executes_in_state);
    apart("execute-in-tmp", executes_in_tmp);
    apart("execute-in-var-tmp", executes_in_var_tmp);
    apart("execute-in-run", executes_in_run);
    apart("execute-in-shm", executes_in_shm);
    say("socket-unix", socket_of(AF_UNIX, SOCK_STREAM));
    say("socket-inet", socket_of(AF_INET, SOCK_STREAM));
    say("socket-inet6", socket_of(AF_INET6, SOCK_STREAM));
    say("socket-netlink", socket_of(AF_NETLINK, SOCK_RAW));
    say("socket-packet", socket_of(AF_PACKET, SOCK_RAW));
    say("socket-vsock", socket_of(AF_VSOCK, SOCK_STREAM));
    apart("ptrace", traces);
    apart("namespace-user", unshares_user);
    apart("namespace-mount", unshares_mount);
    apart("mount", mounts);
    apart("chroot", changes_root);
    apart("set-user", sets_user);
    apart("change-owner", changes_owner);
    apart("set-capabilities", sets_capabilities);
    apart("aio", reads_asynchronously);
    apart("hostname", renames_host);
    apart("realtime", is_realtime);
    apart("priority", raises_priority);
    apart("clock", asks_how_the_clock_is_set);
    apart("personality", changes_personality);
    apart("other-architecture", calls_as_another_architecture);
    apart("map-writable-code", maps_writable_code);
    apart("make-code-of-data", makes_code_of_data);
    apart("lock-memory", locks_what_pins_need);
    apart("lock-more-memory", locks_more);
    apart("set-user-id-bit", sets_user_id);
    apart("file-for-others", makes_a_file_for_others);
    apart("device-node", makes_device);
    apart("core-file", may_dump_core);
    say("shared-keys", shares_keys());
    say("key", adds_key(KEY_SPEC_SESSION_KEYRING));
    say("shared-mounts", shares("mnt"));
    say("shared-ipc", shares("ipc"));
    say("queue-of-others", msgget(QUEUE, 0));
    say("leave-in-shm", leaves_in_shm());
    say("more-tasks", may_begin_more_tasks());
    say("every-user", sees_every_user());
    say("root", is(getuid() == 0));
    say("kernel-log", syscall(SYS_syslog, 10, NULL, 0));
    say("kernel-module", syscall(SYS_delete_module, "no_such_module", 0));
    say("bpf", syscall(SYS_bpf, 0, NULL, 0));
    say("userfaultfd", syscall(SYS_userfaultfd, 1 /* UFFD_USER_MODE_ONLY */));
    say("perf", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
    say("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
    say("swap", syscall(SYS_swapon, "/no-such-file", 0));
    say("capabilities", has("CapBnd", 1));
    say("new-privileges", has("NoNewPrivs", 0));
    return 0;
}
