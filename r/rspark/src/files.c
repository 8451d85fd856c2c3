/* What R has no function for: the kind of a file. */

#include <R.h>
#include <Rinternals.h>
#include <sys/stat.h>

#include "files.h"

/* Return for each path whether a regular file is there: to open a pipe would wait for whoever writes into it. */
SEXP files_regular(SEXP paths)
{
    R_xlen_t count = XLENGTH(paths);
    SEXP regular = PROTECT(allocVector(LGLSXP, count));
    for (R_xlen_t i = 0; i < count; i++) {
        struct stat found;
        LOGICAL(regular)[i] = stat(translateChar(STRING_ELT(paths, i)), &found) == 0 && S_ISREG(found.st_mode);
    }
    UNPROTECT(1);
    return regular;
}
