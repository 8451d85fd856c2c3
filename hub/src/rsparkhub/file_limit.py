"""How many files this process may have open: a connection, a stream and a log that is followed cost one each."""

import resource

_MOST = 65_536


def raise_file_limit() -> None:
    """Let this process have as many open files as the system allows it, up to 65,536.

    The usual limit of 1,024 is for programs that call select().
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST if hard == resource.RLIM_INFINITY else min(hard, _MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def open_files() -> int:
    """Return how many files this process may have open."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 2**20 if soft == resource.RLIM_INFINITY else soft
