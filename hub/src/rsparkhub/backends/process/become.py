"""How a process of root's becomes a person's: limits, what it sees of the machine, and then the account, for good.

A session must reach its Python, its packages and its home, and those may lie where only root can look: a checkout in /root is
the usual one. Such a folder is covered, for this process and what it starts, by an empty one that shows what is needed and
nothing else. So the folder stays as closed as it was, for everybody.

Standard library only and nothing of ours, since the shim, which is not installed anywhere, reads this file too.
"""
# pathlib would cost each session a megabyte.
# ruff: noqa: PTH100, PTH103, PTH116, PTH118, PTH120, PTH123

import ctypes
import os
import stat

_CLONE_NEWNS = 0x20000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_SLAVE = 1, 2, 4, 32, 4096, 16384, 1 << 19
_PR_SET_NO_NEW_PRIVS = 38


def become(uid: int, gid: int, *, groups: "list[str]", visible: "list[str]") -> None:
    """Join the control groups whose `cgroup.procs` are given, cover what is closed, and become the account.

    Nothing that runs afterwards gets rights back: set-user-id programs have no effect (no_new_privs).

    Raises
    ------
    OSError
        When the kernel refuses any of it; then this process must end.
    """
    for path in groups:
        with open(path, "w", encoding="ascii") as file:
            file.write("0")
    _show(visible, uid, gid)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def closed(path: str, uid: int, gid: int) -> "str | None":
    """Return the first folder on the way to `path` that the account may not pass; None when it reaches it.

    Access control lists are not read: a folder that only they open counts as closed.
    """
    folder = "/"
    for name in os.path.dirname(os.path.abspath(path)).split("/")[1:]:
        folder = os.path.join(folder, name)
        try:
            found = os.stat(folder)
        except FileNotFoundError:
            return None  # then there is nothing to reach
        if not may_pass(found, uid, gid):
            return folder
    return None


def may_pass(found: os.stat_result, uid: int, gid: int) -> bool:
    """Return whether the mode lets the account search the folder, or run the program, that was found."""
    bit = stat.S_IXUSR if found.st_uid == uid else stat.S_IXGRP if found.st_gid == gid else stat.S_IXOTH
    return bool(found.st_mode & bit)


def _show(visible: "list[str]", uid: int, gid: int) -> None:
    """Cover each closed folder on the way to what must be visible by one that holds this alone."""
    covers: dict[str, list[str]] = {}
    for path in visible:
        folder = closed(path, uid, gid)
        if folder is not None and not any(path == other or path.startswith(f"{other}/") for other in covers.get(folder, ())):
            covers.setdefault(folder, []).append(os.path.abspath(path))
    if not covers:
        return
    _call("unshare", _CLONE_NEWNS)
    _mount(None, "/", None, _MS_REC | _MS_SLAVE, None)
    mask = os.umask(0o066)  # folders on the way may be passed, and not looked into
    for folder, paths in covers.items():
        _cover(folder, paths)
    os.umask(mask)


def _cover(folder: str, paths: "list[str]") -> None:
    opened = [(path, os.open(path, os.O_PATH | os.O_CLOEXEC)) for path in paths]
    _mount("tmpfs", folder, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0711,size=1m")
    for path, handle in opened:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            os.makedirs(path, 0o711, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(path), 0o711, exist_ok=True)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        _mount(f"/proc/self/fd/{handle}", path, None, _MS_BIND | _MS_REC, None)
        os.close(handle)
    _mount(None, folder, None, _MS_REMOUNT | _MS_RDONLY | _MS_NOSUID | _MS_NODEV, "mode=0711,size=1m")


def _mount(source: "str | None", target: str, kind: "str | None", flags: int, data: "str | None") -> None:
    words = [None if word is None else word.encode("utf-8", "surrogateescape") for word in (source, target, kind, data)]
    _call("mount", words[0], words[1], words[2], ctypes.c_ulong(flags), words[3])


def _call(name: str, *arguments: object) -> None:
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
