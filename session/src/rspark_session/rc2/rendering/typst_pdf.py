"""`python -m rspark_session.rc2.rendering.typst_pdf TEXT PDF [DOCUMENT]`: sets what pandoc wrote for Typst as PDF."""

import sys
from pathlib import Path

import typst

from rspark_session.rc2.refusal import Refusal
from rspark_session.rc2.rendering import made_file
from rspark_session.rc2.rendering.typst_place import place


def main() -> int:
    """Set a text; return 1 after saying why it can't be."""
    text, pdf, *document = map(Path, sys.argv[1:])
    return 0 if set_text(text, pdf, document[0] if document else None) else 1


def set_text(text: Path, pdf: Path, document: Path | None) -> bool:
    """Set a text as PDF, or say why it can't be and return that it was not."""
    try:
        content = typst.compile(text, root=Path("/"), format="pdf")
        made_file.write(pdf, content)
    except typst.TypstError as problem:
        sys.stderr.write(_sentence(problem, text, document))
        return False
    except Refusal as problem:
        sys.stderr.write(f"\n{problem}\n")
        return False
    return True


def _sentence(problem: typst.TypstError, text: Path, document: Path | None) -> str:
    line = place(problem.diagnostic, text.read_text(), document.read_text(errors="replace")) if document else None
    where = "" if document is None else f"{document.name}: " + ("" if line is None else f"line {line}: ")
    said = [f"\n{where}Typst can't set this document: {problem.message}."]
    said += [f"Hint: {hint}." for hint in problem.hints]
    said += ["", problem.diagnostic] if line is None else []
    return "\n".join(said) + "\n"


if __name__ == "__main__":
    sys.exit(main())
