/* Whether R profiles: R itself tells nobody, and Rprof() silently ends a profile that runs. */

#include <string.h>
#include <sys/time.h>

#define R_NO_REMAP
#include <R.h>
#include <Rinternals.h>
#include <R_ext/Visibility.h>

#include "profiling.h"

/* Return whether the timer by which R samples its calls is set. */
SEXP attribute_hidden profiling_on(void)
{
    struct itimerval timer;
    memset(&timer, 0, sizeof timer);
    int known = getitimer(ITIMER_PROF, &timer) == 0;
    return Rf_ScalarLogical(known && (timer.it_interval.tv_sec != 0 || timer.it_interval.tv_usec != 0));
}
