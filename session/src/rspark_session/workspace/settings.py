"""Single settings of modules, Python's own and others: a row for each, read where the module was imported, and set again."""

import importlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Setting(NamedTuple):
    """How one setting is read of its module, and set: what is `None` is not saved."""

    name: str
    module: str
    read: Callable[[Any], Any]
    write: Callable[[Any, Any], Any]


def _attribute(module: str, name: str) -> Setting:
    """A setting that is a variable of the module."""
    return Setting(f"{module}.{name}", module, lambda m: getattr(m, name, None), lambda m, value: setattr(m, name, value))


def _own_arguments(module: Any) -> list[str] | None:
    """Return `sys.argv` where it is no longer what the kernel was started with."""
    return None if module.argv[1:] == module.orig_argv[len(module.orig_argv) - len(module.argv) + 1 :] else list(module.argv)


def _types(module: Any) -> tuple[list[dict[str, str]], list[dict[str, str]]] | None:
    """Return what was added to the types of files: to all, and to those that are no standard."""
    if not module.inited:
        return None
    plain = module.MimeTypes([file for file in module.knownfiles if Path(file).is_file()])
    changed = []
    for now, before in ((module._db.types_map, plain.types_map), (module._db.encodings_map, plain.encodings_map)):
        pairs = zip(now, before, strict=True) if isinstance(now, tuple) else [(now, before)]
        changed.append([{name: kind for name, kind in mine.items() if own.get(name) != kind} for mine, own in pairs])
    return (changed[0], changed[1]) if any(map(any, changed)) else None


def _set_types(module: Any, saved: tuple[list[dict[str, str]], list[dict[str, str]]]) -> None:
    (loose, strict), (encodings,) = saved
    for kinds, is_strict in ((loose, False), (strict, True)):
        for ending, kind in kinds.items():
            module.add_type(kind, ending, strict=is_strict)
    module.encodings_map.update(encodings)


def _own_temporary(module: Any) -> str | None:
    """Return `tempfile.tempdir` where it is not what Python takes by itself."""
    usual = {os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP")} | {"/tmp", "/var/tmp", "/usr/tmp"}  # noqa: S108
    return None if module.tempdir is None or (module.tempdir in usual and module.tempdir != "/var/tmp") else module.tempdir  # noqa: S108


def _set_temporary(module: Any, saved: str) -> None:
    if Path(saved).is_dir():
        module.tempdir = saved


def _level_names(module: Any) -> dict[int, str]:
    return dict(module._levelToName)


def _set_level_names(module: Any, saved: dict[int, str]) -> None:
    for level, name in saved.items():
        if module.getLevelName(level) != name:
            module.addLevelName(level, name)


def _own_styles(module: Any) -> dict[str, dict[str, Any]] | None:
    base = (module if hasattr(module, "_base_library") else module.core)._base_library
    own = {name: style for name, style in module.library.items() if name not in base}
    return {name: {key: dict.__getitem__(style, key) for key in style} for name, style in own.items()} or None


def _set_styles(module: Any, saved: dict[str, dict[str, Any]]) -> None:
    kind = importlib.import_module("matplotlib").RcParams
    module.library.update({name: kind(style) for name, style in saved.items()})


def _set_texts(module: Any, saved: tuple[str, dict[str, str]]) -> None:
    domain, folders = saved
    module.textdomain(domain)
    for name, folder in folders.items():
        module.bindtextdomain(name, folder)


def _set_extensions(module: Any, saved: dict[tuple[str, str], int]) -> None:
    for (of, name), code in saved.items():
        module.add_extension(of, name, code)


def _of_loop(module: Any) -> tuple[bool, float]:
    loop = module.get_running_loop()
    return loop.get_debug(), loop.slow_callback_duration


def _set_loop(module: Any, saved: tuple[bool, float]) -> None:
    loop = module.get_running_loop()
    loop.set_debug(saved[0])
    loop.slow_callback_duration = saved[1]


SETTINGS = (
    _attribute("sys", "tracebacklimit"),
    _attribute("sys", "dont_write_bytecode"),
    _attribute("sys", "pycache_prefix"),
    Setting("sys.argv", "sys", _own_arguments, lambda m, value: setattr(m, "argv", value)),
    Setting("gc.set_debug", "gc", lambda m: m.get_debug(), lambda m, value: m.set_debug(value)),
    Setting("threading.stack_size", "threading", lambda m: m.stack_size(), lambda m, value: m.stack_size(value)),
    Setting(
        "faulthandler", "faulthandler", lambda m: m.is_enabled(),
        lambda m, value: None if m.is_enabled() == value else m.enable(sys.__stderr__) if value else m.disable(),
    ),
    Setting("logging.disable", "logging", lambda m: m.root.manager.disable, lambda m, value: m.disable(value)),
    Setting("logging.addLevelName", "logging", _level_names, _set_level_names),
    Setting(
        "logging.captureWarnings", "logging", lambda m: m._warnings_showwarning is not None or None,
        lambda m, value: m.captureWarnings(value),
    ),
    _attribute("logging", "raiseExceptions"),
    Setting("mimetypes.add_type", "mimetypes", _types, _set_types),
    Setting("tempfile.tempdir", "tempfile", _own_temporary, _set_temporary),
    Setting(
        "xml.etree.ElementTree.register_namespace", "xml.etree.ElementTree", lambda m: dict(m._namespace_map),
        lambda m, value: m._namespace_map.update(value),
    ),
    Setting(
        "encodings.aliases", "encodings.aliases", lambda m: dict(m.aliases), lambda m, value: m.aliases.update(value)
    ),
    Setting("reprlib.aRepr", "reprlib", lambda m: vars(m.aRepr).copy(), lambda m, value: vars(m.aRepr).update(value)),
    Setting(
        "multiprocessing.set_start_method", "multiprocessing", lambda m: m.get_start_method(allow_none=True),
        lambda m, value: m.set_start_method(value, force=True),
    ),
    Setting("gettext", "gettext", lambda m: (m._current_domain, dict(m._localedirs)), _set_texts),
    Setting("copyreg.add_extension", "copyreg", lambda m: dict(m._extension_registry) or None, _set_extensions),
    Setting("sys.setdlopenflags", "sys", lambda m: m.getdlopenflags(), lambda m, value: m.setdlopenflags(value)),
    Setting(
        "sys.set_coroutine_origin_tracking_depth", "sys", lambda m: m.get_coroutine_origin_tracking_depth(),
        lambda m, value: m.set_coroutine_origin_tracking_depth(value),
    ),
    Setting("asyncio's loop", "asyncio", _of_loop, _set_loop),
    Setting("matplotlib's styles", "matplotlib.style", _own_styles, _set_styles),
)  # fmt: skip


def read() -> dict[str, Any]:
    """Return the settings of modules that are there; what can't be read of a version of a library is left out."""
    found = {}
    for setting in SETTINGS:
        module = sys.modules.get(setting.module)
        if module is None:
            continue
        try:
            value = setting.read(module)
        except Exception:  # noqa: S112  (of another version)
            continue
        if value is not None:
            found[setting.name] = value
    return found


def write(saved: dict[str, Any]) -> list[str]:
    """Set them again, and return those that can't be."""
    problems = []
    for setting in SETTINGS:
        if setting.name not in saved:
            continue
        try:
            setting.write(importlib.import_module(setting.module), saved[setting.name])
        except Exception as problem:  # whatever a library of another version says
            problems.append(f"{setting.name} can't be set: {problem}.")
    return problems


#: The kernel has handlers of its own for these, or the system allows none.
_NO_SIGNALS = frozenset({signal.SIGINT, signal.SIGALRM, signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD})


def signals() -> dict[str, Any]:
    """Return which signals are ignored or left to the system, and which are blocked."""
    plain = {}
    for number in signal.valid_signals() - _NO_SIGNALS:
        handler = signal.getsignal(number)
        if handler in (signal.SIG_IGN, signal.SIG_DFL):
            plain[int(number)] = int(handler)
    return {"plain": plain, "blocked": [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())]}


def set_signals(saved: dict[str, Any]) -> list[str]:
    """Ignore them again, and block them."""
    for number, handler in saved["plain"].items():
        now = signal.getsignal(number)
        if now in (signal.SIG_IGN, signal.SIG_DFL) and now != handler:
            signal.signal(number, signal.Handlers(handler))
    signal.pthread_sigmask(signal.SIG_SETMASK, saved["blocked"])
    return []
