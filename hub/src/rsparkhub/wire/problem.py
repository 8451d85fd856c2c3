"""What the hub says when something is wrong: RFC 9457 problem details."""

from pydantic import ConfigDict, Field

from rsparkhub.wire.text import Answer


class FieldProblem(Answer):
    where: str = Field(description="The field, as in `body.name`.", examples=["body.name"])
    message: str


class Problem(Answer):
    """One problem; `detail` is a sentence for a person, `code` a name for a program."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)  # what there is not, is not sent

    type: str = Field(default="about:blank", description="Always `about:blank`: `code` tells problems apart.")
    title: str = Field(description="The name of the HTTP status.", examples=["Not Found"])
    status: int = Field(ge=400, le=599, examples=[404])
    detail: str = Field(description="What is wrong, and what to do.")
    code: str = Field(examples=["not-found"])
    id: str | None = Field(default=None, description="For an error of the hub itself: the name it has in the hub's log.")
    running: list[str] | None = Field(default=None, description="Of `busy`: what computes.", examples=[["A terminal runs psql"]])
    errors: list[FieldProblem] | None = Field(default=None, description="For input that is not right: each field.")
