/* Holds one thread of a process where it is, by its number; the others go on.
 * Says "held", and ends with the thread. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
    int status;
    pid_t thread = argc == 2 ? atoi(argv[1]) : 0;

    if (thread <= 0 || ptrace(PTRACE_SEIZE, thread, NULL, NULL) != 0 ||
        ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) != 0 ||
        waitpid(thread, &status, __WALL) != thread || !WIFSTOPPED(status)) {
        perror("hold");
        return 1;
    }
    puts("held");
    fflush(stdout);
    while (waitpid(thread, &status, __WALL) == thread && WIFSTOPPED(status))
        ;
    return 0;
}
