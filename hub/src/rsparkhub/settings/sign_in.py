"""What the installation says to ways to sign in, by their names."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator

from rsparkhub.domain.quantity import Duration


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


class _OutsideAccounts(_Block):
    """Which accounts of another system are people here, and in which groups they are."""

    make_people: bool = Field(
        default=False,
        description="Whether whoever signs in for the first time is added, where nobody here has the name.",
    )
    match_added: bool = Field(
        default=False,
        description="Whether whoever signs in for the first time is the person of that name whom an administrator has added and "
        "who was never here: no administrator, without a password. Anybody else's name is taken, whatever is set here.",
    )
    groups: Mapping[str, str] = Field(
        default={}, description="Groups of the hub by what the other system calls them; a group that isn't here has its own name."
    )
    make_groups: bool = Field(
        default=False, description="Whether groups that are not there are made; else people are put only into those that are."
    )


class OidcProviderSettings(_OutsideAccounts):
    """Sign-in at an OpenID Connect provider."""

    title: str = Field(min_length=1, max_length=60, description="What the button of the sign-in page calls it.")
    issuer: str = Field(
        max_length=500,
        description="The provider's issuer, letter by letter as it calls itself; over https, but for this machine's.",
    )
    client_id: str = Field(min_length=1, max_length=500, description="What the provider calls this hub.")
    client_secret: SecretStr | None = Field(
        default=None, description="The hub's password at the provider; none for a public client, which PKCE protects alone."
    )
    scopes: tuple[str, ...] = Field(default=("openid", "profile", "email"), description="What is asked for; openid among it.")
    name_claim: str = Field(
        default="preferred_username", min_length=1, max_length=100, description="The claim that has the name of a person here."
    )
    name_domain: str | None = Field(
        default=None,
        max_length=200,
        description="Where that claim is an e-mail address: whoever's is of this domain is let in, and the name stands before @.",
    )
    groups_claim: str | None = Field(
        default=None, max_length=100, description="The claim that has a person's groups; none are taken over where it is not set."
    )
    time_limit: Duration = Field(
        default=timedelta(seconds=10),
        gt=timedelta(),
        le=timedelta(minutes=1),
        description="How long all that is asked of the provider for one sign-in may take.",
    )
    sign_out: bool = Field(default=True, description="Whether signing out here leads to the provider, to sign out there too.")

    @field_validator("issuer")
    @classmethod
    def _check_issuer(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("an issuer is an address: https://NAME/…")
        if parts.scheme == "http" and not _is_this_machine(parts.hostname):
            raise ValueError("an issuer's address begins with https://; http is for one on this machine alone")
        return value

    @field_validator("scopes")
    @classmethod
    def _check_scopes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in value:
            raise ValueError("openid must be among them")
        return value


ProviderName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


class SignInSettings(_Block):
    """What the installation says to ways to sign in, by their names."""

    pam: PamSettings = Field(default=PamSettings(), description="Sign-in with the accounts of this machine.")
    oidc: Mapping[ProviderName, OidcProviderSettings] = Field(
        default={}, description="OpenID Connect providers, each under a name of its own, which stands in its addresses."
    )


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
