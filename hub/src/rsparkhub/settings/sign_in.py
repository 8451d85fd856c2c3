"""What the installation says to ways to sign in, by their names."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator, model_validator

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


AttributeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.;-]{0,99}$")]


class LdapSettings(_OutsideAccounts):
    """Sign-in with the name and the password that an LDAP directory knows."""

    title: str = Field(min_length=1, max_length=60, description="What the sign-in page calls it.")
    url: str = Field(
        max_length=300,
        description="The directory: `ldaps://HOST`, or `ldap://HOST` with `start_tls`; `:PORT` where it isn't 636 or 389.",
    )
    start_tls: bool = Field(
        default=False, description="Whether the connection to an `ldap://` becomes encrypted before anything else."
    )
    unencrypted: bool = Field(
        default=False,
        description="Whether passwords may go to another machine without encryption; to a directory on this one they always may.",
    )
    ca_file: Path | None = Field(
        default=None,
        description="A PEM file of the authorities that may have signed the directory's certificate; the system's by default.",
    )
    bind_dn: str | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="The hub's own account, which finds people; where there is none the directory must let anybody search.",
    )
    bind_password: SecretStr | None = Field(default=None, description="The password of the hub's own account.")
    base: str | None = Field(
        default=None, min_length=1, max_length=1000, description="Below which entry people are searched, at any depth."
    )
    dn_template: str | None = Field(
        default=None,
        max_length=1000,
        description="In place of `base`, where nobody may search: how a person's entry is called, with `{name}` for the name.",
    )
    filter: str = Field(
        default="(objectClass=*)", max_length=4000, description="Which entries may sign in, as a filter of LDAP (RFC 4515)."
    )
    name_attribute: AttributeName = Field(
        default="uid", description="The attribute that has the name of a person; `sAMAccountName` in Active Directory."
    )
    id_attribute: AttributeName = Field(
        default="entryUUID",
        description="The attribute by which a person is known for ever, and which nobody gets again: `objectGUID` in Active "
        "Directory, `ipaUniqueID` in FreeIPA, `nsUniqueId` in 389 Directory Server.",
    )
    full_name_attribute: AttributeName = Field(default="cn", description="The attribute that has a person's full name.")
    email_attribute: AttributeName = Field(default="mail", description="The attribute that has a person's e-mail address.")
    groups_attribute: AttributeName | None = Field(
        default=None, description="The attribute of a person that lists the entries of their groups, such as `memberOf`."
    )
    groups_base: str | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="Below which entry groups are searched, where they list their members; no groups are taken over where "
        "neither is set.",
    )
    groups_filter: str = Field(
        default="(|(member={dn})(uniqueMember={dn})(memberUid={name}))",
        max_length=4000,
        description="Which of these have a person as member, by the entry `{dn}` or the name `{name}`.",
    )
    groups_name_attribute: AttributeName = Field(default="cn", description="The attribute that has the name of a group.")
    time_limit: Duration = Field(
        default=timedelta(seconds=10),
        gt=timedelta(),
        le=timedelta(minutes=1),
        description="How long all that is asked of the directory for one sign-in may take.",
    )

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def is_ldaps(self) -> bool:
        return urlsplit(self.url).scheme == "ldaps"

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or (636 if self.is_ldaps else 389)

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"ldap", "ldaps"} or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("a directory's address is ldaps://HOST or ldap://HOST, and nothing after it")
        if parts.username is not None or parts.port == 0:  # `port` raises ValueError where it is no number
            raise ValueError("write ldaps://HOST:PORT, and the hub's account as bind_dn and bind_password")
        return value

    @field_validator("base", "bind_dn", "groups_base")
    @classmethod
    def _check_entry(cls, value: str | None) -> str | None:
        if value is not None:
            _check_dn(value)
        return value

    @field_validator("dn_template")
    @classmethod
    def _check_template(cls, value: str | None) -> str | None:
        if value is not None:
            if value.count("{name}") != 1:
                raise ValueError("{name} must stand in it once, as in uid={name},ou=people,dc=uni,dc=example")
            _check_dn(value.replace("{name}", "ada"))
        return value

    @field_validator("filter")
    @classmethod
    def _check_filter(cls, value: str) -> str:
        _check_filter(value)
        return value

    @field_validator("groups_filter")
    @classmethod
    def _check_groups_filter(cls, value: str) -> str:
        if "{dn}" not in value and "{name}" not in value:
            raise ValueError("{dn} or {name} must stand in it, or everybody were in every group")
        _check_filter(value.replace("{dn}", "uid=ada").replace("{name}", "ada"))
        return value

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        if self.is_ldaps and self.start_tls:
            raise ValueError("start_tls is for ldap://; an ldaps:// connection is encrypted from its beginning")
        if not (self.is_ldaps or self.start_tls or self.unencrypted or _is_this_machine(self.host)):
            raise ValueError(
                "passwords would go over the network without encryption; write ldaps://, or set start_tls, "
                "or say that you want it by `unencrypted: true`"
            )
        if (self.base is None) == (self.dn_template is None):
            raise ValueError("set either base, below which people are searched, or dn_template")
        password = "" if self.bind_password is None else self.bind_password.get_secret_value()
        if (self.bind_dn is None) != (password == ""):  # a name with an empty password is nobody's in LDAP
            raise ValueError("bind_dn and bind_password belong together, and neither is empty")
        if self.dn_template is not None and self.bind_dn is not None:
            raise ValueError("bind_dn is for base; with dn_template everybody reads their own entry")
        return self


def _check_dn(value: str) -> None:
    from ldap3.core.exceptions import LDAPInvalidDnError  # noqa: PLC0415  # only where there is a directory
    from ldap3.utils.dn import parse_dn  # noqa: PLC0415

    try:
        parse_dn(value)
    except (LDAPInvalidDnError, ValueError, IndexError):
        raise ValueError(f"{value!r} is no name of an entry; write it as in ou=people,dc=uni,dc=example") from None


def _check_filter(value: str) -> None:
    from ldap3.core.exceptions import LDAPExceptionError  # noqa: PLC0415  # only where there is a directory
    from ldap3.operation.search import parse_filter  # noqa: PLC0415

    try:
        parse_filter(value, None, auto_escape=True, auto_encode=True, validator=None, check_names=False)
    except (LDAPExceptionError, ValueError, IndexError, AttributeError):
        raise ValueError(f"{value!r} is no filter of LDAP; write it as in (objectClass=person)") from None


SiteName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


class SignInSettings(_Block):
    """What the installation says to ways to sign in, by their names."""

    pam: PamSettings = Field(default=PamSettings(), description="Sign-in with the accounts of this machine.")
    oidc: Mapping[SiteName, OidcProviderSettings] = Field(
        default={}, description="OpenID Connect providers, each under a name of its own, which stands in its addresses."
    )
    ldap: Mapping[SiteName, LdapSettings] = Field(
        default={}, description="LDAP directories, each under a name of its own, by which it is known for ever."
    )


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
