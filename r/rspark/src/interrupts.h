#ifndef RSPARK_INTERRUPTS_H
#define RSPARK_INTERRUPTS_H

#include <Rinternals.h>

int interrupts_find(void);
SEXP interrupts_hold(void);
SEXP interrupts_forget(void);
SEXP interrupts_allow(SEXP call, SEXP env);
SEXP interrupts_shut_out(SEXP call, SEXP env);

#endif
