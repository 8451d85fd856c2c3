"""What the installation says to ways to sign in, by their names."""

from pydantic import BaseModel, ConfigDict, Field


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PamSettings(_Block):
    """Sign-in with the accounts of this machine."""

    enabled: bool = Field(default=False, description="Whether people sign in with their account and password of this machine.")
    service: str = Field(
        default="rsparkhub",
        pattern=r"^[a-z][a-z0-9_-]{0,31}$",
        description="PAM's service: the file of this name in /etc/pam.d, or `other` where there is none.",
    )
    title: str = Field(
        default="Account of this machine", min_length=1, max_length=60, description="What the sign-in page calls it."
    )
    make_people: bool = Field(
        default=False, description="Whether whoever signs in for the first time is added; else an administrator adds people."
    )
    lowest_uid: int = Field(
        default=1000, ge=1, description="Accounts below are the system's, root among them, and nobody signs in with one."
    )
    groups: tuple[str, ...] = Field(
        default=(), description="Unix groups of which somebody must be in one to sign in; everybody may where it is empty."
    )


class SignInSettings(_Block):
    """What the installation says to ways to sign in, by their names."""

    pam: PamSettings = Field(default=PamSettings(), description="Sign-in with the accounts of this machine.")
