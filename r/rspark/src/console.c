/* R's kernel as a console of its own: what a person's code prints, and what it asks, goes through R's own console.

   These are the interfaces by which a program embeds R, as a graphical console does. Each is looked up when the kernel starts:
   where R has one no longer, console_find() says so, and the kernel does without a console. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define R_NO_REMAP
#include <R.h>
#include <Rinternals.h>
#include <R_ext/Rdynload.h>
#include <R_ext/Visibility.h>

#include "descriptors.h"
#include "files.h"
#include "interrupts.h"
#include "profiling.h"

#define LONG_ENOUGH 65536 /* bytes that are sent without more of them */
#define SEND_INTERVAL 0.1 /* seconds */

static struct {
    int (**read)(const char *, unsigned char *, int, int);
    void (**write)(const char *, int);
    void (**write_either)(const char *, int, int);
    void (**flush)(void);
    FILE **output, **errors;
    Rboolean *interactive, *no_echo, *interrupts_suspended;
    void **context;
    SEXP *source;
    uintptr_t *stack_limit;
    void (*jump_to_top)(void);
    void (*call_back)(SEXP, SEXP, Rboolean, Rboolean);
    int (*debugged)(SEXP);
    void (*set_debugged)(SEXP, int);
} r;

typedef struct {
    char *bytes;
    size_t length, room;
} Text;

/* One run of a person's code: `tell` is called with what it printed, `ask` with a prompt. */
typedef struct {
    SEXP call, env, handlers, tell, ask, raise, result;
    void *outer;
    pid_t process;
    int interactive, finish, finished;
} Run;

static Run *running = NULL;
static int speaking = 0; /* whether `tell` or `ask` runs: what these print is no one's */
static int awaited = 0;  /* whether the next text among the errors is that of an error */
static int stepping = 0; /* whether R's browser was told at the top level to step: kept between a person's expressions */
static int unstopped = 0; /* whether it is to step through no call any more */
static int raising = 0;  /* whether a person's expression is done, and limits are lifted that it has set */
static uintptr_t stack_limit; /* the usual one */
static Text overflow;     /* what R said of a recursion without end: told once the code was left */
static Text printed;      /* and not sent yet */
static int printed_errors;
static double sent;      /* when */
static Text typed;       /* and not read yet */
static size_t typed_read;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double) time.tv_sec + 1e-9 * (double) time.tv_nsec;
}

/* What has no room any more is left out. */
static void add(Text *text, const char *bytes, size_t length)
{
    if (text->length + length > text->room) {
        size_t room = 2 * (text->length + length);
        char *more = realloc(text->bytes, room);
        if (more == NULL) return;
        text->bytes = more;
        text->room = room;
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
}

/* R's browser steps into what is called at the top level once it was told to there. Only a person's code is to be stepped through:
   give whether it is, and set whether it is from now on. */
static int set_stepping(int on)
{
    if (r.debugged == NULL || r.set_debugged == NULL) return 0;
    int was = r.debugged(R_GlobalEnv);
    if (was != on) r.set_debugged(R_GlobalEnv, on);
    return was;
}

/* Whether R is at a call that is there only to stop at the statement after it: at a breakpoint. */
static int at_breakpoint(void)
{
    if (r.source == NULL || *r.source == NULL || TYPEOF(*r.source) != INTSXP) return 0;
    return Rf_getAttrib(*r.source, Rf_install("rspark_breakpoint")) != R_NilValue;
}

static void read_depth(void *depth)
{
    SEXP call = PROTECT(Rf_lang2(Rf_install(".Internal"), PROTECT(Rf_lang1(Rf_install("Cstack_info")))));
    SEXP info = Rf_eval(call, R_BaseEnv);
    if (TYPEOF(info) == INTSXP && LENGTH(info) > 3) *(int *) depth = INTEGER(info)[3];
    UNPROTECT(2);
}

/* Whether R reports that its stack has no room left, or that more is nested than options(expressions = ): it has raised the limit to do
   so, which is how it is known. It calls no handlers then. */
static int overflown(void)
{
    if (r.stack_limit != NULL && *r.stack_limit > stack_limit) return 1;
    int depth = 0, before = speaking;
    speaking = 1;
    R_ToplevelExec(read_depth, &depth);
    speaking = before;
    int most = Rf_asInteger(Rf_GetOption1(Rf_install("expressions")));
    return most != NA_INTEGER && depth > most;
}

static void tell(void *nothing)
{
    SEXP text = PROTECT(Rf_ScalarString(Rf_mkCharLenCE(printed.bytes, (int) printed.length, CE_NATIVE)));
    SEXP call = PROTECT(Rf_lang3(running->tell, text, PROTECT(Rf_ScalarLogical(printed_errors))));
    Rf_eval(call, R_BaseEnv);
    UNPROTECT(3);
}

/* Send what was printed. An interrupt meanwhile waits until it has been. Where R has no room left to, as deep in a recursion without
   end, it is sent with the next text. */
static void send_printed(void)
{
    if (running == NULL || speaking || printed.length == 0 || getpid() != running->process) return;
    Rboolean suspended = *r.interrupts_suspended;
    *r.interrupts_suspended = TRUE;
    int steps = set_stepping(0);
    speaking = 1;
    if (R_ToplevelExec(tell, NULL)) printed.length = 0;
    speaking = 0;
    set_stepping(steps);
    *r.interrupts_suspended = suspended;
    sent = now();
}

/* What others than R have written comes before what R prints now. */
static void take_written(void)
{
    if (running == NULL || speaking) return;
    const char *bytes;
    size_t length = descriptors_read(&bytes);
    if (length == 0) return;
    if (printed_errors) send_printed();
    printed_errors = 0;
    add(&printed, bytes, length);
}

static void flush_console(void)
{
    take_written();
    send_printed();
}

static void write_console(const char *bytes, int length, int errors)
{
    if (running == NULL || speaking || getpid() != running->process) { /* a forked process has none of the kernel's sockets */
        int forked = running != NULL && getpid() != running->process;
        int place = forked ? (errors ? STDERR_FILENO : STDOUT_FILENO) : descriptors_log(errors);
        if (write(place, bytes, (size_t) length) < 0) return; /* there is no log */
        return;
    }
    if (at_breakpoint()) return; /* who steps to a breakpoint sees its statement alone */
    if (errors && !awaited && overflow.length == 0 && overflown()) {
        add(&overflow, bytes, (size_t) length);
        return;
    }
    take_written();
    int alone = errors && awaited;
    if (alone || printed_errors != errors) send_printed();
    printed_errors = errors;
    add(&printed, bytes, (size_t) length);
    if (alone) {
        awaited = 0;
        send_printed();
    } else if (printed.length > LONG_ENOUGH || (length > 0 && bytes[length - 1] == '\n' && now() - sent > SEND_INTERVAL)) {
        send_printed();
    }
}

typedef struct {
    const char *prompt;
    enum { LINE, END, LEAVE } answer;
} Question;

/* `ask` returns what was typed, NULL at the end of all input, and FALSE where the code is to be left. */
static void ask(void *data)
{
    Question *question = data;
    SEXP prompt = PROTECT(Rf_mkString(question->prompt));
    SEXP answer = PROTECT(Rf_eval(PROTECT(Rf_lang2(running->ask, prompt)), R_BaseEnv));
    if (TYPEOF(answer) == STRSXP && LENGTH(answer) == 1) {
        const char *line = Rf_translateChar(STRING_ELT(answer, 0));
        typed.length = typed_read = 0;
        add(&typed, line, strlen(line));
        add(&typed, "\n", 1);
        question->answer = LINE;
    } else if (TYPEOF(answer) == NILSXP) {
        question->answer = END;
    }
    UNPROTECT(3);
}

/* Give R the next line, or as much of it as it has room for: it reads on. */
static int read_console(const char *prompt, unsigned char *buffer, int room, int history)
{
    buffer[0] = '\0';
    if (running == NULL || speaking || !running->interactive || getpid() != running->process) return 0;
    if (at_breakpoint() && room > 2 && strncmp(prompt, "Browse[", 7) == 0) {
        strcpy((char *) buffer, "n\n");
        return 1;
    }
    if (typed_read == typed.length) {
        flush_console();
        awaited = 0;
        Question question = {prompt, LEAVE};
        int steps = set_stepping(0);
        speaking = 1;
        R_ToplevelExec(ask, &question);
        speaking = 0;
        set_stepping(steps && !unstopped);
        unstopped = 0;
        sent = 0; /* what comes first is seen at once */
        if (question.answer == LEAVE) r.jump_to_top();
        if (question.answer == END) return 0;
    }
    int length = 0;
    while (length < room - 1 && typed_read < typed.length) {
        char byte = typed.bytes[typed_read++];
        buffer[length++] = (unsigned char) byte;
        if (byte == '\n') break;
    }
    for (int back = 0; back < 3 && typed_read < typed.length && (typed.bytes[typed_read] & 0xC0) == 0x80; back++) {
        typed_read--; /* no character is cut in two */
        length--;
    }
    memset(buffer + length, 0, (size_t) (room - length)); /* R looks behind the first zero for more of what was typed before */
    return 1;
}

/* The console of whoever started R is given back in each case. */
typedef struct {
    int (*read)(const char *, unsigned char *, int, int);
    void (*write)(const char *, int);
    void (*write_either)(const char *, int, int);
    void (*flush)(void);
    FILE *output, *errors;
    Rboolean interactive, no_echo;
} Console;

static Console take_console(int interactive)
{
    Console theirs = {*r.read, *r.write, *r.write_either, *r.flush, *r.output, *r.errors, *r.interactive, *r.no_echo};
    *r.read = read_console;
    *r.write = NULL;
    *r.write_either = write_console;
    *r.flush = flush_console;
    *r.output = *r.errors = NULL;
    *r.interactive = interactive ? TRUE : FALSE;
    *r.no_echo = FALSE; /* else it has no prompts */
    return theirs;
}

static void give_back(Console theirs)
{
    *r.read = theirs.read;
    *r.write = theirs.write;
    *r.write_either = theirs.write_either;
    *r.flush = theirs.flush;
    *r.output = theirs.output;
    *r.errors = theirs.errors;
    *r.interactive = theirs.interactive;
    *r.no_echo = theirs.no_echo;
}

static void evaluate(void *data)
{
    Run *run = data;
    Rf_eval(run->handlers, R_BaseEnv); /* puts them onto the stack, which ends with this context */
    R_CheckUserInterrupt();            /* one that came since the code was taken */
    SET_VECTOR_ELT(run->result, 0, Rf_eval(run->call, run->env));
    run->finished = 1;
    /* With fewer nested expressions than the kernel's own nothing could be called any more, but for what handles that error. */
    raising = 1;
    Rf_eval(run->raise, R_BaseEnv);
}

/* R prints the warnings that it has collected before it jumps to its top level. */
static void print_warnings(void *nothing)
{
    r.jump_to_top();
}

/* Runs in a top-level context of R's own, which is made to be the outermost one: nothing of the kernel is seen by sys.calls(),
   traceback(), browser() and recover(), and parent.frame() is what it is at R's prompt. R's contexts begin with a pointer to the
   next one; where that is not so, the kernel's own calls are seen. The person's code runs in another such context inside, so that
   whatever it jumps to, this function goes on. */
static void run_outermost(void *data)
{
    Run *run = data;
    void **here = *r.context;
    int own = here != NULL && *here == run->outer;
    if (own) *here = NULL;
    R_ToplevelExec(evaluate, run);
    raising = 0;
    if (run->finish) R_ToplevelExec(print_warnings, NULL);
    if (own) *here = run->outer;
}

/* Run a call; return list(value), or NULL when it jumped to the top level. `steps` is whether R's browser may step through it, `held` is
   what only the contexts of R refer to that are out of its sight meanwhile, and `raise` a call that lifts limits by which
   the kernel could not go on. */
SEXP attribute_hidden console_run(SEXP call, SEXP env, SEXP handlers, SEXP tell_it, SEXP ask_it, SEXP interactive, SEXP finish,
                                  SEXP steps, SEXP held, SEXP raise)
{
    SEXP result = PROTECT(Rf_allocVector(VECSXP, 1));
    Run run = {call, env, handlers, tell_it, ask_it, raise, result, *r.context, getpid(), Rf_asLogical(interactive), Rf_asLogical(finish), 0};
    Run *before = running;
    running = &run;
    awaited = 0;
    sent = 0;
    typed.length = typed_read = 0;
    overflow.length = 0;
    if (r.stack_limit != NULL) stack_limit = *r.stack_limit;
    Console theirs = take_console(run.interactive);
    descriptors_take();
    if (Rf_asLogical(steps)) set_stepping(stepping);
    R_ToplevelExec(run_outermost, &run);
    int stepped = set_stepping(0);
    if (Rf_asLogical(steps)) stepping = stepped;
    flush_console();
    printed.length = 0;
    descriptors_give_back();
    give_back(theirs);
    running = before;
    UNPROTECT(1);
    return run.finished ? result : R_NilValue;
}

/* The next text among the errors is that of an error that was signalled, if it is one. */
SEXP attribute_hidden console_await_error(void)
{
    awaited = running != NULL;
    return R_NilValue;
}

/* What R said of a recursion without end that ended the last run; NULL when none did. */
SEXP attribute_hidden console_overflow(void)
{
    if (overflow.length == 0) return R_NilValue;
    return Rf_ScalarString(Rf_mkCharLenCE(overflow.bytes, (int) overflow.length, CE_NATIVE));
}

SEXP attribute_hidden console_is_raising(void)
{
    return Rf_ScalarLogical(raising);
}

/* Set what warnings() shows. R creates it with the first warning, which no code of R can in a base environment that is locked. */
SEXP attribute_hidden console_set_warnings(SEXP warnings)
{
    void (*set)(SEXP, SEXP);
    *(void **) &set = dlsym(RTLD_DEFAULT, "SET_SYMVALUE");
    if (set) set(Rf_install("last.warning"), warnings);
    return Rf_ScalarLogical(set != NULL);
}

SEXP attribute_hidden console_flush(void)
{
    flush_console();
    return R_NilValue;
}

SEXP attribute_hidden console_lead_to_log(SEXP log)
{
    descriptors_lead_to_log(Rf_asLogical(log));
    return R_NilValue;
}

/* R's browser stops at the next statement that is evaluated in an environment. */
SEXP attribute_hidden console_stop_at_next(SEXP env)
{
    if (r.set_debugged) r.set_debugged(env, 1);
    return R_NilValue;
}

/* R's browser stops in none of these environments any more, unless it is asked to again. */
SEXP attribute_hidden console_run_on(SEXP frames)
{
    for (R_xlen_t each = 0; each < XLENGTH(frames); each++) {
        if (r.set_debugged) r.set_debugged(VECTOR_ELT(frames, each), 0);
    }
    unstopped = 1;
    return R_NilValue;
}

/* Let what a person has registered by addTaskCallback() know. */
SEXP attribute_hidden console_call_back(SEXP expression, SEXP value, SEXP visible)
{
    if (r.call_back) r.call_back(expression, value, TRUE, Rf_asLogical(visible) ? TRUE : FALSE);
    return R_NilValue;
}

/* Find R's console; return whether all of it is there. */
SEXP attribute_hidden console_find(void)
{
    void *found[] = {
        r.read = dlsym(RTLD_DEFAULT, "ptr_R_ReadConsole"),
        r.write = dlsym(RTLD_DEFAULT, "ptr_R_WriteConsole"),
        r.write_either = dlsym(RTLD_DEFAULT, "ptr_R_WriteConsoleEx"),
        r.flush = dlsym(RTLD_DEFAULT, "ptr_R_FlushConsole"),
        r.output = dlsym(RTLD_DEFAULT, "R_Outputfile"),
        r.errors = dlsym(RTLD_DEFAULT, "R_Consolefile"),
        r.interactive = dlsym(RTLD_DEFAULT, "R_Interactive"),
        r.no_echo = dlsym(RTLD_DEFAULT, "R_NoEcho"),
        r.interrupts_suspended = dlsym(RTLD_DEFAULT, "R_interrupts_suspended"),
        r.context = dlsym(RTLD_DEFAULT, "R_GlobalContext"),
        *(void **) &r.jump_to_top = dlsym(RTLD_DEFAULT, "Rf_jump_to_toplevel"),
    };
    r.source = dlsym(RTLD_DEFAULT, "R_Srcref");
    r.stack_limit = dlsym(RTLD_DEFAULT, "R_CStackLimit");
    *(void **) &r.call_back = dlsym(RTLD_DEFAULT, "Rf_callToplevelHandlers");
    *(void **) &r.debugged = dlsym(RTLD_DEFAULT, "RDEBUG");
    *(void **) &r.set_debugged = dlsym(RTLD_DEFAULT, "SET_RDEBUG");
    int all = interrupts_find();
    for (size_t each = 0; each < sizeof found / sizeof *found; each++) all = all && found[each] != NULL;
    return Rf_ScalarLogical(all);
}

static const R_CallMethodDef calls[] = {
    {"console_find", (DL_FUNC) &console_find, 0},
    {"console_run", (DL_FUNC) &console_run, 10},
    {"console_await_error", (DL_FUNC) &console_await_error, 0},
    {"console_flush", (DL_FUNC) &console_flush, 0},
    {"console_lead_to_log", (DL_FUNC) &console_lead_to_log, 1},
    {"console_overflow", (DL_FUNC) &console_overflow, 0},
    {"console_is_raising", (DL_FUNC) &console_is_raising, 0},
    {"console_set_warnings", (DL_FUNC) &console_set_warnings, 1},
    {"console_stop_at_next", (DL_FUNC) &console_stop_at_next, 1},
    {"console_run_on", (DL_FUNC) &console_run_on, 1},
    {"console_call_back", (DL_FUNC) &console_call_back, 3},
    {"interrupts_hold", (DL_FUNC) &interrupts_hold, 0},
    {"interrupts_forget", (DL_FUNC) &interrupts_forget, 0},
    {"interrupts_allow", (DL_FUNC) &interrupts_allow, 2},
    {"interrupts_shut_out", (DL_FUNC) &interrupts_shut_out, 2},
    {"files_regular", (DL_FUNC) &files_regular, 1},
    {"profiling_on", (DL_FUNC) &profiling_on, 0},
    {NULL, NULL, 0}
};

void attribute_visible R_init_rspark(DllInfo *info)
{
    R_registerRoutines(info, NULL, calls, NULL, NULL);
    R_useDynamicSymbols(info, FALSE);
    R_forceSymbols(info, TRUE);
}
