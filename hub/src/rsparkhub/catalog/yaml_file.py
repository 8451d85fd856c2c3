"""Reads YAML that a stranger may have written: plain data, with the line of every value, and nothing that surprises.

Refused are files that are too large or too deep, anchors and aliases (a few lines of them expand to gigabytes), a key
that stands twice, tags, and values that JSON doesn't have.
"""

from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.constructor import ConstructorError

LARGEST = 64 * 1024  # bytes
_DEEPEST = 20

Path = tuple[str | int, ...]
_PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "map", "seq")}


class YamlProblem(ValueError):
    """A sentence about one place; `line` counts from 1."""

    def __init__(self, sentence: str, line: int | None = None) -> None:
        super().__init__(sentence)
        self.line = line


@dataclass
class Yaml:
    """The data of a file, and the line on which each key or item stands."""

    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)


def read_yaml(raw: bytes) -> Yaml:
    """Read one document.

    Raises
    ------
    YamlProblem
        With the first thing that is wrong.
    """
    if len(raw) > LARGEST:
        raise YamlProblem(f"the file is larger than {LARGEST // 1024} KiB; an environment fits in a few")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise YamlProblem("the file is not text in UTF-8", raw[: error.start].count(b"\n") + 1) from None
    try:
        _check_shape(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlProblem(f"this is not YAML: {error.problem}", mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:  # a character that YAML does not allow
        raise YamlProblem(f"this is not YAML: {str(error).splitlines()[0]}") from None
    if node is None:
        raise YamlProblem("the file is empty")
    result = Yaml()
    result.data = _Reader(result.lines).value(node, ())
    return result


def _check_shape(text: str) -> None:
    """Refuse what would be dear to compose, going through the events one by one."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = _line(event)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise YamlProblem("anchors and aliases (& and *) are not allowed; write the value out", line)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        if depth > _DEEPEST:
            raise YamlProblem(f"the values are nested more than {_DEEPEST} deep", line)
        if documents > 1:
            raise YamlProblem("the file holds a second document (after ---); write one environment a file", line)


class _Reader(yaml.constructor.SafeConstructor):
    """Turns nodes into data; what it keeps of PyYAML is how a number and a truth value are read."""

    def __init__(self, lines: dict[Path, int]) -> None:
        super().__init__()
        self._lines = lines

    def value(self, node: yaml.Node, path: Path) -> Any:
        line = _line(node)
        self._lines.setdefault(path, line)
        if node.tag not in _PLAIN:
            raise YamlProblem(_unusual(node), line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, number)) for number, item in enumerate(node.value)]
        try:
            return self.construct_object(node)
        except (ConstructorError, ValueError, OverflowError):
            raise YamlProblem(f"{_shown(node)} can't be read as a {node.tag.rpartition(':')[2]}", line) from None

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = _line(key_node)
            key = self.value(key_node, (*path, "")) if isinstance(key_node, yaml.ScalarNode) else None
            self._lines.pop((*path, ""), None)
            if not isinstance(key, str):
                raise YamlProblem(f"{_shown(key_node)} is not a name for a key; write it in quotes", line)
            if key in data:
                raise YamlProblem(f"the key {key} stands twice (first on line {self._lines[*path, key]})", line)
            self._lines[*path, key] = line
            data[key] = self.value(value_node, (*path, key))
        return data


def _line(place: yaml.Event | yaml.Node) -> int:
    return place.start_mark.line + 1 if place.start_mark else 1


def _unusual(node: yaml.Node) -> str:
    if node.tag == "tag:yaml.org,2002:timestamp":
        return f"{_shown(node)} is read as a date; write it in quotes"
    if node.tag == "tag:yaml.org,2002:merge":
        return "merging (<<) is not allowed; write the values out"
    return f"the tag {node.tag} is not allowed; write a plain value"


def _shown(node: yaml.Node) -> str:
    text = node.value if isinstance(node, yaml.ScalarNode) else "a list or a mapping"
    return text if len(text) <= 40 else f"{text[:37]}…"
