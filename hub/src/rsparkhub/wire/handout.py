"""Handouts on the wire: what a link brings into a session."""

from typing import Annotated

from pydantic import Field

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

Source = Annotated[str, Field(min_length=1, max_length=MOST_SOURCE, pattern=f"^{SOURCE_PATTERN}$")]
Branch = Annotated[str, Field(min_length=1, max_length=MOST_BRANCH, pattern=f"^{BRANCH_PATTERN}$")]
RelativePath = Annotated[str, Field(min_length=1, max_length=MOST_PATH, pattern=f"^{PATH_PATTERN}$")]


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


class LinkView(Answer):
    """A link that starts work."""

    url: str = Field(examples=["https://hub.example/hub/start?environment=rspark&from=https://github.com/our/labs"])
