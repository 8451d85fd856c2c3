/* When an interrupt reaches R.

   It may end what a person has written. Where it ended the kernel's own code, R would end, and all that is in memory with it. So
   R's interrupts are suspended but while such code runs, and the signal is blocked too: it would cut short what ZeroMQ does, and a
   message that is sent or received in that moment loses a part. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <time.h>

#define R_NO_REMAP
#include <R.h>
#include <Rinternals.h>
#include <R_ext/Visibility.h>

#include "interrupts.h"

static Rboolean *suspended;
static int *pending;

/* A call, and what is to be in force again after it. */
typedef struct {
    SEXP call, env;
    sigset_t blocked;
    Rboolean suspended;
} Stretch;

/* Find what R knows of interrupts; return whether all of it is there. */
int interrupts_find(void)
{
    suspended = dlsym(RTLD_DEFAULT, "R_interrupts_suspended");
    pending = dlsym(RTLD_DEFAULT, "R_interrupts_pending");
    return suspended != NULL && pending != NULL;
}

static sigset_t interrupt(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    return set;
}

/* All that R or a program has a handler for: not what ends R as it is, nor what is an error of its own. */
static sigset_t handled(void)
{
    const int others[] = {SIGTERM, SIGQUIT, SIGHUP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t set;
    sigfillset(&set);
    for (size_t each = 0; each < sizeof others / sizeof *others; each++) sigdelset(&set, others[each]);
    return set;
}

/* From here on no interrupt reaches R. */
SEXP attribute_hidden interrupts_hold(void)
{
    sigset_t set = interrupt();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    *suspended = TRUE;
    return R_NilValue;
}

/* Forget an interrupt that was held back: what it was for has ended. */
SEXP attribute_hidden interrupts_forget(void)
{
    sigset_t set = interrupt();
    struct timespec none = {0, 0};
    while (sigtimedwait(&set, NULL, &none) > 0) continue;
    *pending = 0;
    return R_NilValue;
}

static SEXP evaluate(void *data)
{
    Stretch *stretch = data;
    return Rf_eval(stretch->call, stretch->env);
}

static void restore(void *data, Rboolean jump)
{
    Stretch *stretch = data;
    *suspended = stretch->suspended;
    pthread_sigmask(SIG_SETMASK, &stretch->blocked, NULL);
}

static SEXP evaluate_with(SEXP call, SEXP env, int how, sigset_t set, Rboolean suspend)
{
    Stretch stretch = {.call = call, .env = env, .suspended = *suspended};
    pthread_sigmask(how, &set, &stretch.blocked);
    *suspended = suspend;
    return R_UnwindProtect(evaluate, &stretch, restore, &stretch, NULL);
}

/* Evaluate a call that an interrupt may end, also one that was held back until now. */
SEXP attribute_hidden interrupts_allow(SEXP call, SEXP env)
{
    return evaluate_with(call, env, SIG_UNBLOCK, interrupt(), FALSE);
}

/* Evaluate a call that no signal may cut short; what comes meanwhile is heard after it. */
SEXP attribute_hidden interrupts_shut_out(SEXP call, SEXP env)
{
    return evaluate_with(call, env, SIG_BLOCK, handled(), TRUE);
}
