"""Objects whose own way into a pickle and back loses them, and how they are made again instead.

An exception whose class takes other arguments than it passes on, an object that answers for what it hasn't got yet
(`__getattr__`), one that takes arguments when it is made (`__new__`), a function with a cache, a lock, a weak reference, what
ctypes makes, a stream of the kernel. Saved files name the functions here.
"""

import collections
import contextvars
import copyreg
import functools
import operator
import random
import sys
import threading
import types
import typing
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from rspark_session.workspace import functions

_PROTOCOL = 3
_KEPT_OF_EXCEPTIONS = ("__cause__", "__context__", "__suppress_context__")
_IN_C = (types.MethodDescriptorType, types.WrapperDescriptorType, types.BuiltinMethodType)
_INSTALLED = ("/site-packages/", "/dist-packages/")

_NAMED_TUPLE = collections.namedtuple("_NAMED_TUPLE", ())  # what all of them have is looked up in it

Reduced = tuple[Any, ...]


def reduce(obj: Any) -> Reduced | None:
    """Return how pickle makes an object again, or None."""
    type_ = type(obj)
    if way := _BY_TYPE.get(type_):
        return way(obj)
    if isinstance(obj, BaseException):
        return _exception(obj)
    if isinstance(obj, type):
        return _type_of_ctypes(obj) if type(obj).__module__ == "_ctypes" else None
    return _instance(obj) if _is_odd(type_) else None


def _cached(function: Any) -> Reduced:
    state = {name: value for name, value in vars(function).items() if name != "__wrapped__"}
    return make_cached, (function.__wrapped__, function.cache_parameters(), state)


def make_cached(function: Callable[..., Any], parameters: dict[str, Any], state: dict[str, Any]) -> Any:
    """Make a function with a cache, which is empty."""
    made = functools.lru_cache(**parameters)(function)
    vars(made).update(state)
    return made


def _context_variable(variable: contextvars.ContextVar[Any]) -> Reduced:
    default: tuple[Any, ...] = ()
    with suppress(LookupError):
        default = (contextvars.Context().run(variable.get),)
    value = (variable.get(),) if variable in contextvars.copy_context() else None
    return make_context_variable, (variable.name, *default), value, None, None, set_context_variable


def make_context_variable(name: str, *default: Any) -> contextvars.ContextVar[Any]:
    """Make a variable of a context, with its default where it has one."""
    return contextvars.ContextVar(name, default=default[0]) if default else contextvars.ContextVar(name)


def set_context_variable(variable: contextvars.ContextVar[Any], value: tuple[Any]) -> None:
    """Give it the value that it had in the cells."""
    variable.set(value[0])


def _new_type(made: Any) -> Reduced:
    return make_new_type, (made.__name__, made.__module__, made.__supertype__)


def make_new_type(name: str, module: str, base: Any) -> Any:
    """Make a `typing.NewType`."""
    made = typing.NewType(name, base)  # type: ignore[misc]
    made.__module__ = module
    return made


def _exception(problem: BaseException) -> Reduced | None:
    type_ = type(problem)
    if not isinstance(type_.__reduce__, _IN_C) or type_.__reduce_ex__ is not object.__reduce_ex__:
        return None
    if isinstance(getattr(type_, "__getstate__", None), types.FunctionType) or isinstance(type_.__setstate__, types.FunctionType):
        return None
    answer: Any = problem.__reduce__()
    arguments, *state = answer[1:]
    if not isinstance(arguments, tuple):
        return None
    kept = {name: getattr(problem, name) for name in _KEPT_OF_EXCEPTIONS}
    return make_exception, (type_, arguments), (state[0] if state else {}, kept), None, None, set_exception


def make_exception(type_: type[BaseException], arguments: tuple[Any, ...]) -> BaseException:
    """Make an exception with what its class has passed on; that class may take other arguments itself."""
    builtin: Any = next(base for base in type_.__mro__ if base.__module__ == "builtins")
    try:
        made = type_.__new__(type_, *arguments)
    except TypeError:
        made = builtin.__new__(type_, *arguments)
    builtin.__init__(made, *arguments)
    return made


def set_exception(problem: BaseException, state: tuple[dict[str, Any] | None, dict[str, Any]]) -> None:
    """Set an exception's own attributes, and what it came from."""
    problem.__dict__.update(state[0] or {})
    for name, value in state[1].items():
        setattr(problem, name, value)


def _is_odd(type_: type) -> bool:
    """Return whether a class of the person takes arguments when it is made, or answers for what its objects haven't got yet."""
    if type_ not in _odd:
        _odd[type_] = _is_found_odd(type_)
    return _odd[type_]


def _is_found_odd(type_: Any) -> bool:
    if not is_persons(type_.__module__) or type_.__reduce_ex__ is not object.__reduce_ex__:
        return False
    if type_.__reduce__ is not object.__reduce__ or hasattr(type_, "__setstate__"):
        return False
    names = ["__getattr__", "__getattribute__"]
    names += [] if _says_arguments(type_) else ["__new__"]
    names += ["__setattr__"] if copyreg._slotnames(type_) else []  # type: ignore[attr-defined]
    return any(_is_function(type_, name) for name in names)


def is_simple(type_: Any) -> bool:
    """Return whether an object of a class of the person is its attributes and nothing else, made as `object` makes it."""
    return (
        type_.__dictoffset__ != 0
        and all(base is object or is_persons(base.__module__) for base in type_.__mro__)
        and type_.__reduce_ex__ is object.__reduce_ex__
        and type_.__reduce__ is object.__reduce__
        and getattr(type_, "__getstate__", None) is getattr(object, "__getstate__", None)
        and type_.__getattribute__ is object.__getattribute__
        and not any(hasattr(type_, name) for name in ("__getnewargs__", "__getnewargs_ex__"))
        and not any("__dict__" in vars(base) and isinstance(vars(base)["__dict__"], property) for base in type_.__mro__)
        and not copyreg._slotnames(type_)  # type: ignore[attr-defined]
    )


def is_named_tuple(type_: Any) -> bool:
    """Return whether a class is what `namedtuple` makes, and its objects are made of its members alone."""
    arguments = getattr(type_, "__getnewargs__", None)
    return (
        type_.__base__ is tuple
        and type_.__dictoffset__ == 0
        and getattr(arguments, "__code__", None) is vars(_NAMED_TUPLE)["__getnewargs__"].__code__
        and type_.__reduce_ex__ is object.__reduce_ex__
        and type_.__reduce__ is object.__reduce__
        and getattr(type_, "__getstate__", None) is getattr(object, "__getstate__", None)
        and type_.__iter__ is tuple.__iter__
    )


def _says_arguments(type_: Any) -> bool:
    """Return whether a class says which arguments its own `__new__` takes; a named tuple says so, a subclass may not."""
    for base in type_.__mro__:
        own = vars(base)
        if any(isinstance(own.get(name), types.FunctionType) for name in ("__getnewargs__", "__getnewargs_ex__")):
            return True
        if "__new__" in own:
            return False
    return False


def _is_function(type_: type, name: str) -> bool:
    return isinstance(getattr(type_, name, None), types.FunctionType)


def is_persons(module: str) -> bool:
    """Return whether a module is the person's: what cells made, or a file of theirs."""
    if module == "__main__":
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None or module.partition(".")[0] in sys.stdlib_module_names or module.startswith("rspark_session"):
        return False
    return not any(place in file for place in _INSTALLED)


def _instance(obj: Any) -> Reduced | None:
    answer = object.__reduce_ex__(obj, _PROTOCOL)
    if not isinstance(answer, tuple) or answer[0] is not copyreg.__newobj__:  # type: ignore[attr-defined]
        return None
    _, arguments, state, *items = (*answer, None, None, None)[:5]
    return make_instance, arguments, state, *items, set_instance


def make_instance(type_: type, *arguments: Any) -> Any:
    """Make an object as its class does, or where that takes other arguments, as Python's class below it does."""
    try:
        return type_.__new__(type_, *arguments)
    except TypeError:
        makes = (
            base for base in type_.__mro__ if "__new__" in vars(base) and not isinstance(vars(base)["__new__"], staticmethod)
        )
        builtin: Any = next(makes)
        if builtin is tuple and hasattr(type_, "_fields"):  # a named tuple's own `__new__` takes its members one by one
            return tuple.__new__(type_, arguments)
        return builtin.__new__(type_, *arguments)


def set_instance(obj: Any, state: Any) -> None:
    """Set an object's state without asking the object, which is not yet complete."""
    attributes, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    if attributes:
        object.__getattribute__(obj, "__dict__").update(attributes)
    for name, value in (slots or {}).items():
        object.__setattr__(obj, name, value)


def _type_of_ctypes(type_: Any) -> Reduced | None:
    """An array's class has its own module for `__main__`; one of a structure holds fields that are made from its list."""
    if hasattr(type_, "_length_") and hasattr(type_, "_type_") and isinstance(type_._length_, int):
        return operator.mul, (type_._type_, type_._length_)
    if type_.__module__ != "__main__" or "_fields_" not in vars(type_):
        return None
    fields = {name for name, *_ in type_._fields_}
    content = {name: value for name, value in vars(type_).items() if name not in fields and not _is_of_class(name)}
    return make_structure, (type_.__name__, type_.__bases__, content)


def _is_of_class(name: str) -> bool:
    return name in ("__dict__", "__weakref__")


def make_structure(name: str, bases: tuple[type, ...], content: dict[str, Any]) -> type:
    """Make a structure or union of ctypes."""
    return type(bases[0])(name, bases, content)


_odd: dict[type, bool] = {}


def stream_of(obj: Any) -> Reduced | None:
    """Return how pickle finds a stream of the kernel again, else None."""
    return next(((stream, (name,)) for name, own in streams.items() if own is obj), None)


#: What the kernel writes to, while nothing that is printed is seen (`snapshot`).
streams: dict[str, Any] = {}


def stream(name: str) -> Any:
    """Return the stream of this kernel."""
    return streams.get(name) or getattr(sys, name)


_BY_TYPE: dict[type, Callable[[Any], Reduced | None]] = {
    type(threading.Lock()): lambda _: (threading.Lock, ()),
    type(threading.RLock()): lambda _: (threading.RLock, ()),
    types.CellType: functions.reduce_cell,
    weakref.ReferenceType: lambda reference: None if reference() is None else (weakref.ref, (reference(),)),
    weakref.WeakValueDictionary: lambda values: (weakref.WeakValueDictionary, (dict(values),)),
    weakref.WeakKeyDictionary: lambda values: (weakref.WeakKeyDictionary, (dict(values),)),
    functools._lru_cache_wrapper: _cached,
    typing.NewType: _new_type,
    contextvars.ContextVar: _context_variable,
    random.SystemRandom: lambda _: (random.SystemRandom, ()),
}
