/* What R has no function for: the kind of a file. */

#include <sys/stat.h>

#define R_NO_REMAP
#include <R.h>
#include <Rinternals.h>
#include <R_ext/Visibility.h>

#include "files.h"

/* Return for each path whether a regular file is there: to open a pipe would wait for whoever writes into it. */
SEXP attribute_hidden files_regular(SEXP paths)
{
    R_xlen_t count = XLENGTH(paths);
    SEXP regular = PROTECT(Rf_allocVector(LGLSXP, count));
    for (R_xlen_t i = 0; i < count; i++) {
        struct stat found;
        LOGICAL(regular)[i] = stat(Rf_translateChar(STRING_ELT(paths, i)), &found) == 0 && S_ISREG(found.st_mode);
    }
    UNPROTECT(1);
    return regular;
}
