#ifndef RSPARK_PROFILING_H
#define RSPARK_PROFILING_H

#include <Rinternals.h>

SEXP profiling_on(void);

#endif
