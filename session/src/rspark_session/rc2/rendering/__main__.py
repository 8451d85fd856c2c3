"""`python -m rspark_session.rc2.rendering run NOTEBOOK FOLDER...`, or `pages NOTEBOOK FORM`: what a notebook's job is."""

import sys

from rspark_session.jupyter import deferred_imports


def main() -> int:
    """Load what runs or renders a notebook, and return how it ended."""
    deferred_imports.install()
    kind, *words = sys.argv[1:]
    if kind == "run":
        from rspark_session.rc2.rendering import notebook_run  # noqa: PLC0415  (after what is deferred)

        return notebook_run.main(*words)
    from rspark_session.rc2.rendering import notebook_pages  # noqa: PLC0415  (after what is deferred)

    return notebook_pages.main(*words)


if __name__ == "__main__":
    sys.exit(main())
