"""Which names hold an object, however deep: what a frame refers to in another, pickle asks nobody about again."""

import gc
import sys
import time
from types import FrameType, ModuleType
from typing import Any

#: Each step looks at all objects that there are, and what leads to a library's own objects leads to very many. What is further
#: away than that is not found.
_LONGEST, _MOST = 2.0, 20_000  # seconds, objects
_CONTENT: Any = vars(ModuleType)["__dict__"].__get__


def holding(objs: list[Any], names: list[str], space: dict[str, Any]) -> list[str]:
    """Return those of the names that lead to one of the objects, without going through a namespace."""
    modules = [module for module in list(sys.modules.values()) if issubclass(type(module), ModuleType)]
    # Not by `vars()`: the class of a module may answer as it likes.
    ends = {id(space), *(id(_CONTENT(module)) for module in modules)}
    met: dict[int, Any] = {id(each): each for each in objs}
    new = list(met.values())
    began = time.monotonic()
    while new and len(met) < _MOST and time.monotonic() - began < _LONGEST:
        ends |= {id(objs), id(met), id(new)}
        found = gc.get_referrers(*new)
        new = [
            each for each in found if id(each) not in met and id(each) not in ends and type(each) not in (FrameType, ModuleType)
        ]
        met |= {id(each): each for each in new}
        ends |= {id(found)}
    return [name for name in names if id(space.get(name)) in met]
