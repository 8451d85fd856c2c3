"""Handouts on the wire: what a link brings into a session."""

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from rspark_contract.handout import (
    BRANCH_PATTERN,
    MOST_BRANCH,
    MOST_PATH,
    MOST_SOURCE,
    PATH_PATTERN,
    SOURCE_PATTERN,
    HandoutState,
)
from rsparkhub.wire.text import Answer, Ask, Option, OptionName


def _matches(pattern: str, otherwise: str) -> Callable[[str], str]:
    """Return what takes a text of a pattern; another is told in words, where a pattern would be told as itself."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(otherwise)
        return text

    return check


# Lengths are checked first, so that what a check takes has a bound.
Source = Annotated[
    str,
    Field(min_length=1, max_length=MOST_SOURCE, json_schema_extra={"pattern": f"^{SOURCE_PATTERN}$"}),
    AfterValidator(
        _matches(
            SOURCE_PATTERN,
            "give the address of a public Git repository as https://github.com/our-course/labs, "
            "without a name and password, ? or #, or the name of a template",
        )
    ),
]
Branch = Annotated[
    str,
    Field(min_length=1, max_length=MOST_BRANCH, json_schema_extra={"pattern": f"^{BRANCH_PATTERN}$"}),
    AfterValidator(
        _matches(BRANCH_PATTERN, "give the name of a branch as week-2; only letters from a to z, digits, . @ / _ + and -")
    ),
]
RelativePath = Annotated[
    str,
    Field(min_length=1, max_length=MOST_PATH, json_schema_extra={"pattern": f"^{PATH_PATTERN}$"}),
    AfterValidator(
        _matches(
            PATH_PATTERN, "give a path inside of it as week1/lab1.Rmd, without / at its ends; no part of it begins with a dot"
        )
    ),
]
#: The page of a file or folder, as a browser's address bar has it at GitHub and GitLab, and at Gitea and Forgejo.
_PAGE = re.compile(
    r"(?P<repository>https?://[^/]+(?:/[^/]+){2,}?)(?:/-)?/(?P<kind>tree|blob|raw|src/branch)/(?P<branch>[^/]+)(?:/(?P<path>.+))?"
)


class NewHandout(Ask):
    """What is to be brought into a session, and opened."""

    source: Source = Field(
        description="The https or http address of a Git repository, without a name and password, query or #; or the name of a "
        "template of the session's image.",
        examples=["https://github.com/our-course/labs"],
    )
    branch: Branch | None = Field(default=None, description="The branch; the repository's default one without it.")
    folder: RelativePath | None = Field(default=None, description="The folder of the source that is brought; all without it.")
    document: RelativePath | None = Field(default=None, description="What is opened, as a path in what is brought.")


class HandoutView(Answer):
    """How far a handout is."""

    id: str = Field(description="The same for the same handout.", examples=["5b1d0a63c0f4d6e2"])
    state: HandoutState
    step: str = Field(description="What is done now.", examples=["Bringing 12 of 30 files"])
    reason: str | None = Field(description="Why it failed, in a sentence.")
    notes: list[str] = Field(description="What the person should know of what was brought, a sentence each.")
    url: str = Field(description="Where the document is opened.", examples=["/s/kq4wz7m2xb/lab/tree/labs/lab1.Rmd"])


class NewLink(NewHandout):
    """What a link is to start, bring and open."""

    environment: str = Field(min_length=1, max_length=40, description="Its name in the catalog.", examples=["rspark"])
    options: dict[OptionName, Option] = Field(
        default_factory=dict,
        max_length=32,
        description="Values of the environment's options, for a session that is made anew.",
        json_schema_extra={"additionalProperties": False},
    )

    @field_validator("source")
    @classmethod
    def _is_no_page(cls, source: str) -> str:
        """Refuse the address of a page in a repository: no student could bring anything from there."""
        page = _PAGE.fullmatch(source.rstrip("/"))
        if page is None:
            return source
        what = "document" if page["kind"] != "tree" and "." in (page["path"] or "") else "folder"
        path = f", and {page['path']} as the {what}" if page["path"] else ""
        raise ValueError(f"this is the address of a page. Give {page['repository']} here, {page['branch']} as the branch{path}")


class LinkView(Answer):
    """A link that starts work."""

    url: str = Field(examples=["https://hub.example/hub/start?environment=rspark&from=https://github.com/our/labs"])
