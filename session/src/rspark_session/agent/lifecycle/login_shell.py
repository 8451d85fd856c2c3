"""The PATH of login shells: /etc/profile sets it anew, and `bash -l` and the shells of tmux find no program of the session.

No variable has a login shell read a file of ours. So a home that has no file for them gets one, which is the person's to change.
"""

import os
import sys
from pathlib import Path

from rspark_session.files import write_whole

#: The variable that says the session's PATH once more, which /etc/profile leaves as it is.
VARIABLE = "RSPARK_PATH"
#: Of these a login shell reads the first that there is.
_READ = (".bash_profile", ".bash_login", ".profile")
_PROFILE = f"""\
# What a login shell reads (`bash -l`, tmux), made where there was none.
# /etc/profile sets PATH anew: here the session's programs come back.
case ":$PATH:" in
  *":${{{VARIABLE}:-$PATH}}:"*) ;;
  *) PATH="${VARIABLE}:$PATH" ;;
esac
case "$-${{BASH_VERSION:+b}}" in
  *i*b) [ -r ~/.bashrc ] && . ~/.bashrc ;;
esac
"""


def write(home: Path) -> None:
    """Write the file where a login shell would read none. A full home goes without."""
    if any(os.path.lexists(home / name) for name in _READ):
        return
    try:
        write_whole(home / _READ[-1], _PROFILE, mode=0o644, durable=False)
    except OSError as problem:
        print(f"Login shells find no programs of the session: {problem}", file=sys.stderr)
