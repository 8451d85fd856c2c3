#ifndef RSPARK_FILES_H
#define RSPARK_FILES_H

#include <Rinternals.h>

SEXP files_regular(SEXP paths);

#endif
