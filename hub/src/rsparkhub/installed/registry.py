"""What an installation has of one kind (services, interfaces, backends), by name: our own modules, and what other packages bring.

A package from outside brings one by an entry point of the kind's group, whose name is that of what it brings:

    [project.entry-points."rsparkhub.services"]
    hdfs = "my_package.hub:Hdfs"

What can't be loaded is left out and told in `Registry.problems`; it keeps nothing else from running.
"""

import inspect
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, Protocol, TypeVar


class Named(Protocol):
    """What a registry holds."""

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


class Registry(Mapping[str, T], Generic[T]):
    """What there is of one kind, by name and in the order of names; `problems` has a sentence for each thing left out."""

    def __init__(self, found: Iterable[T], problems: Iterable[str] = ()) -> None:
        self._found = {each.name: each for each in sorted(found, key=lambda each: each.name)}
        self.problems = tuple(problems)

    def __getitem__(self, name: str) -> T:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[T]):
    """Where things of one kind are found.

    Parameters
    ----------
    word
        What one is called in a sentence: `service`.
    base
        The class that each one is a subclass of; it is made without arguments.
    group
        The group of entry points.
    package
        The package of our own; each of its modules but those in `besides` brings one.
    attribute
        What a module of our own calls its class.
    submodule
        Where a module of our own that is a folder has it; the folder itself by default.
    reserved
        Names that none may have.
    """

    word: str
    base: type[Any]
    group: str
    package: str
    attribute: str
    submodule: str = ""
    besides: frozenset[str] = frozenset({"base"})
    reserved: frozenset[str] = frozenset()

    def load(self, outside: Callable[[str], Iterable[EntryPoint]] = lambda group: entry_points(group=group)) -> Registry[T]:
        """Return all there are; `outside` gives the entry points of a group."""
        own = [self._own(name) for name in self._own_names()]
        found, problems = {each.name: each for each in own}, []
        points = sorted(outside(self.group), key=lambda point: (point.name, point.value))
        times = Counter(point.name for point in points)
        for point in points:
            whose = f"The {self.word} {point.name} of the package {point.dist.name if point.dist else point.value}"
            if point.name in found or point.name in self.reserved or times[point.name] > 1:
                problems.append(f"{whose} was left out: its name is taken. Remove the package, or one of the packages.")
                continue
            try:
                found[point.name] = self._made(point.load(), point.name)
            except Exception as error:
                problems.append(f"{whose} can't be loaded ({type(error).__name__}: {error}). Mend the package, or remove it.")
        return Registry(found.values(), problems)

    def _own_names(self) -> list[str]:
        folders = import_module(self.package).__path__
        return [
            module.name
            for module in pkgutil.iter_modules(folders)
            if module.name not in self.besides and (module.ispkg or not self.submodule)
        ]

    def _own(self, name: str) -> T:
        module = import_module(".".join(filter(None, (self.package, name, self.submodule))))
        return self._made(getattr(module, self.attribute), name)

    def _made(self, found: object, name: str) -> T:
        if not (inspect.isclass(found) and issubclass(found, self.base)):
            raise TypeError(f"{found!r} is no subclass of {self.base.__module__}.{self.base.__qualname__}")
        made: T = found()  # type: ignore[assignment]  # a subclass of the base, which is a T
        if made.name != name:
            raise ValueError(f"it calls itself {made.name!r}")
        return made
