/* Tries what a service has no need of, and writes of each into the file "probed"
   in STATE_DIRECTORY how it went: its name, and "done" or the name of the error.

   It changes the machine that it runs on, so it runs in the container of the
   tests and nowhere else. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static FILE *out;

static void say(const char *name, long result) {
    fprintf(out, "%s %s\n", name, result < 0 ? strerrorname_np(errno) : "done");
    fflush(out);
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
        fprintf(out, "%s killed\n", name);
        fflush(out);
    }
}

static long runs(const char *path) {
    pid_t child = fork();
    if (child == 0) {
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
    snprintf(path, sizeof path, "%s/own", folder);
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
static long executes_in_run(void) { return executes_in("/run/cacd"); }
static long executes_in_shm(void) { return executes_in("/dev/shm"); }

static long socket_of(int family, int kind) {
    int fd = socket(family, kind | SOCK_CLOEXEC, 0);
    if (fd >= 0) close(fd);
    return fd;
}

static long traces(void) { return ptrace(PTRACE_TRACEME, 0, NULL, NULL); }
static long unshares_user(void) { return unshare(CLONE_NEWUSER); }
static long unshares_mount(void) { return unshare(CLONE_NEWNS); }
static long mounts(void) { return mount("none", "/tmp", "tmpfs", 0, NULL); }
static long becomes_root(void) { return setuid(getuid() == 0 ? 65534 : 0); }
static long renames_host(void) {
    char name[128];
    return gethostname(name, sizeof name) < 0 ? -1 : sethostname(name, strlen(name));
}
static long is_realtime(void) {
    struct sched_param param = {.sched_priority = 1};
    return sched_setscheduler(0, SCHED_RR, &param);
}
static long sets_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return clock_settime(CLOCK_REALTIME, &now);
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
static long makes_device(void) { return mknod("/tmp/device", S_IFCHR | 0600, 0x0103); }
static long raises_priority(void) { return setpriority(PRIO_PROCESS, 0, 5); }
static long dumps_core(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    errno = EPERM;
    return limit.rlim_max == 0 ? -1 : 0;
}
static long changes_root(void) { return chroot("/"); }

/* A number in /proc/self/status that is not 0, or one that is. */
static long has(const char *field, int wanted) {
    char line[256];
    FILE *status = fopen("/proc/self/status", "re");
    long found = -1;
    errno = EPERM;
    while (status && fgets(line, sizeof line, status)) {
        size_t length = strlen(field);
        if (strncmp(line, field, length) == 0 && line[length] == ':') {
            int is_set = strtoull(line + length + 1, NULL, 16) != 0;
            found = is_set == wanted ? 0 : -1;
        }
    }
    if (status) fclose(status);
    errno = EPERM;
    return found;
}

int main(int count, char **arguments) {
    /* It is its own copy, which ran. */
    if (count > 1 && strcmp(arguments[1], "--version") == 0) return 0;
    /* It changes the machine that it runs on: that has to be one made for it. */
    if (access("/usr/src/cacd", F_OK) != 0) {
        fputs("probe: only in the container of the tests\n", stderr);
        return 2;
    }
    char path[256];
    snprintf(path, sizeof path, "%s/probed", getenv("STATE_DIRECTORY"));
    out = fopen(path, "we");
    if (!out) return 1;

    say("write-usr", opens("/usr/bin/probe-was-here", O_WRONLY | O_CREAT));
    say("write-etc", opens("/etc/cacd/probe-was-here", O_WRONLY | O_CREAT));
    say("write-var", opens("/var/lib/probe-was-here", O_WRONLY | O_CREAT));
    say("read-home", opens("/home/alice/notes", O_RDONLY));
    say("read-tmp", opens("/tmp/of-everyone", O_RDONLY));
    say("read-root-home", opens("/root", O_RDONLY | O_DIRECTORY));
    say("read-process", opens("/proc/1/status", O_RDONLY));
    say("read-meminfo", opens("/proc/meminfo", O_RDONLY));
    say("write-tunable", opens("/proc/sys/kernel/core_pattern", O_WRONLY));
    say("write-sys", opens("/sys/kernel/uevent_seqnum", O_WRONLY));
    say("write-cgroup", opens("/sys/fs/cgroup/probe-was-here", O_WRONLY | O_CREAT));
    say("read-kmsg", opens("/dev/kmsg", O_RDONLY));
    say("open-device", opens("/dev/fuse", O_RDWR));
    apart("execute", executes);
    apart("execute-in-state", executes_in_state);
    apart("execute-in-tmp", executes_in_tmp);
    apart("execute-in-var-tmp", executes_in_var_tmp);
    apart("execute-in-run", executes_in_run);
    apart("execute-in-shm", executes_in_shm);
    say("socket-unix", socket_of(AF_UNIX, SOCK_STREAM));
    say("socket-inet", socket_of(AF_INET, SOCK_STREAM));
    say("socket-netlink", socket_of(AF_NETLINK, SOCK_RAW));
    say("socket-packet", socket_of(AF_PACKET, SOCK_RAW));
    say("socket-vsock", socket_of(AF_VSOCK, SOCK_STREAM));
    apart("ptrace", traces);
    apart("namespace-user", unshares_user);
    apart("namespace-mount", unshares_mount);
    apart("mount", mounts);
    apart("chroot", changes_root);
    apart("setuid", becomes_root);
    apart("hostname", renames_host);
    apart("realtime", is_realtime);
    apart("priority", raises_priority);
    apart("clock", sets_clock);
    apart("personality", changes_personality);
    apart("map-writable-code", maps_writable_code);
    apart("make-code-of-data", makes_code_of_data);
    apart("set-user-id-bit", sets_user_id);
    apart("device-node", makes_device);
    apart("core-file", dumps_core);
    say("kernel-log", syscall(SYS_syslog, 10, NULL, 0));
    say("kernel-module", syscall(SYS_delete_module, "no_such_module", 0));
    say("key", syscall(SYS_add_key, "user", "probe", "x", 1, -3));
    say("bpf", syscall(SYS_bpf, 0, NULL, 0));
    say("userfaultfd", syscall(SYS_userfaultfd, 0));
    say("perf", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
    say("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
    say("swap", syscall(SYS_swapon, "/no-such-file", 0));
    say("capabilities", has("CapBnd", 1));
    say("new-privileges", has("NoNewPrivs", 0));
    return 0;
}
