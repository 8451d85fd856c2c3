"""The log of each part of an ensemble, out of the one stream of its container: lines that begin with `<part> | `."""

import re

_LINE = re.compile(r"([a-z][a-z0-9_-]{0,63}) \| (.*)")


def split(text: str, *, most: int) -> dict[str, str]:
    """Give the last `most` bytes of each part's lines; a line that names no part is the agent's own."""
    lines: dict[str, list[str]] = {}
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        part, said = (found[1], found[2]) if found else ("agent", line)
        lines.setdefault(part, []).append(said)
    return {part: ("\n".join(said) + "\n").encode()[-most:].decode("utf-8", "ignore") for part, said in lines.items()}
