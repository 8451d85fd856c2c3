/* What is written to R's standard output and errors past R's console: by programs that system() starts, as R CMD INSTALL is by
   install.packages(), by forked processes, by Python inside R, by C libraries.

   While a person's code runs, both lead into one pipe, so that lines stay in their order. A thread reads it: a program is never held up
   by R, which waits for it. R takes what was read whenever it prints something of its own. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "descriptors.h"

#define MOST ((size_t) 16 << 20) /* bytes that are held; what a program writes without end is left out from there */
#define AT_ONCE ((size_t) 1 << 20) /* bytes: no less than a pipe holds, so that nothing written before is left in it */

static const char LEFT_OUT[] = "\n[More was written than is shown.]\n";

static struct {
    pid_t process; /* whose thread reads; a forked process has none */
    int read, write, log[2];
    int depth; /* of runs inside of each other */
} pipe_of = {0, -1, -1, {-1, -1}, 0};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *held = NULL;
static size_t held_length = 0, held_room = 0;
static int full = 0;
static char *taken = NULL;

/* Pass on what C libraries have printed and stdio still holds. The stream is looked up: packages may not print to it themselves. */
static void flush_stdio(void)
{
    FILE **output = dlsym(RTLD_DEFAULT, "stdout");
    if (output != NULL) fflush(*output);
}

/* A zero ends R's strings, and is no text. */
static void hold(const char *bytes, size_t length)
{
    if (full) return;
    if (held_length + length > held_room) {
        size_t room = 2 * (held_length + length);
        char *more = room > 2 * MOST ? NULL : realloc(held, room);
        if (more == NULL) {
            full = 1;
            return;
        }
        held = more;
        held_room = room;
    }
    for (size_t each = 0; each < length; each++) {
        if (bytes[each] != '\0') held[held_length++] = bytes[each];
    }
}

/* Read what is in the pipe. Who writes without end does not keep R from going on. */
static void read_pipe(void)
{
    char piece[16384];
    for (size_t all = 0; all < AT_ONCE;) {
        ssize_t length = read(pipe_of.read, piece, sizeof piece);
        if (length <= 0) return;
        hold(piece, (size_t) length);
        all += (size_t) length;
    }
}

static void *read_on(void *nothing)
{
    struct pollfd readable = {pipe_of.read, POLLIN, 0};
    for (;;) {
        if (poll(&readable, 1, -1) < 0 && errno != EINTR) return NULL;
        pthread_mutex_lock(&lock);
        read_pipe();
        pthread_mutex_unlock(&lock);
    }
}

/* Start the thread, which gets no signals: these are R's. */
static int start_reading(void)
{
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread, NULL, read_on, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed) pthread_detach(thread);
    return !failed;
}

/* Open the pipe, once in a process. */
static int open_pipe(void)
{
    if (pipe_of.process == getpid()) return pipe_of.read >= 0;
    pipe_of.process = getpid();
    pipe_of.depth = 0;
    pthread_mutex_init(&lock, NULL);
    held_length = 0;
    full = 0;
    int ends[2];
    pipe_of.read = pipe_of.write = -1;
    if (pipe2(ends, O_CLOEXEC) < 0) return 0;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    pipe_of.read = ends[0];
    pipe_of.write = ends[1];
    if (start_reading()) return 1;
    close(ends[0]);
    close(ends[1]);
    pipe_of.read = pipe_of.write = -1;
    return 0;
}

/* From here on standard output and errors lead into the pipe, until they are given back as often. Where that can't be, they stay. */
void descriptors_take(void)
{
    if (!open_pipe() || pipe_of.depth++ > 0) return;
    flush_stdio();
    for (int each = 0; each < 2; each++) {
        pipe_of.log[each] = fcntl(each + 1, F_DUPFD_CLOEXEC, 3);
        if (pipe_of.log[each] >= 0) dup2(pipe_of.write, each + 1);
    }
}

void descriptors_give_back(void)
{
    if (pipe_of.process != getpid() || pipe_of.read < 0 || --pipe_of.depth > 0) return;
    flush_stdio();
    for (int each = 0; each < 2; each++) {
        if (pipe_of.log[each] < 0) continue;
        dup2(pipe_of.log[each], each + 1);
        close(pipe_of.log[each]);
        pipe_of.log[each] = -1;
    }
}

/* What is started meanwhile writes into the log as long as it runs. */
void descriptors_lead_to_log(int log)
{
    if (pipe_of.process != getpid() || pipe_of.depth < 1) return;
    flush_stdio();
    for (int each = 0; each < 2; each++) {
        if (pipe_of.log[each] >= 0) dup2(log ? pipe_of.log[each] : pipe_of.write, each + 1);
    }
}

/* Take what was written until now; the bytes stay until this is called again. */
size_t descriptors_read(const char **bytes)
{
    if (pipe_of.process != getpid() || pipe_of.read < 0) return 0;
    flush_stdio();
    pthread_mutex_lock(&lock);
    read_pipe();
    int more = full;
    full = 0;
    if (more) hold(LEFT_OUT, sizeof LEFT_OUT - 1);
    size_t length = held_length;
    if (length > 0) {
        free(taken);
        taken = held;
        *bytes = taken;
        held = NULL;
        held_length = held_room = 0;
    }
    pthread_mutex_unlock(&lock);
    return length;
}

/* Where R's own text goes that is no person's: the log. */
int descriptors_log(int errors)
{
    int log = pipe_of.process == getpid() ? pipe_of.log[errors != 0] : -1;
    return log >= 0 ? log : errors ? STDERR_FILENO : STDOUT_FILENO;
}
