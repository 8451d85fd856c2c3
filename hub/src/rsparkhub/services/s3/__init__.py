"""Object storage: one S3 server for all, on which each person and each group has a bucket."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from rspark_contract.reading import JsonObject
from rspark_contract.specs import ComponentSpec, FirstStart, SecretFile
from rsparkhub.domain.environment import Resources, Scope, ServiceOptions
from rsparkhub.domain.errors import Unavailable
from rsparkhub.domain.requirements import Requirements
from rsparkhub.services.base import Account, Credential, Instance, Service, SessionConfig

REGION = "us-east-1"
SAMPLES = "samples"

_ENDPOINT = "{run}/s3.json"
_SERVER = ComponentSpec(
    name="s3",
    title="Object storage",
    command=("{python}", "-m", "rspark_session.services.s3", "--data", "{data}", "--endpoint", _ENDPOINT, "--host", "{host}"),
    ready={"file": _ENDPOINT},
    stop_timeout=20.0,
    first_start=FirstStart(
        path="{data}/storage", reason="At its first start the object storage unpacks the sample tables, which takes longer."
    ),
)
#: An id that is the end of a bucket's name as it is: also the host of a URI has no other letters.
_PLAIN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class S3(Service[ServiceOptions]):
    name = "s3"
    title = "Object storage"
    mark = "S3"
    description = "Object storage, as Amazon S3 has it."
    scopes: ClassVar[Mapping[Scope, str]] = {"shared": "one server, a bucket for each person and each group"}
    ports: ClassVar[Mapping[str, int]] = {"s3": 9000}
    private_ports: ClassVar[Mapping[str, int]] = {"admin": 9001}
    requires = Requirements(r=("curl", "xml2"))
    issues_credentials = True

    def instances(self) -> tuple[Instance, ...]:
        return (Instance(id="s3", components=(_SERVER,), volume=self.settings.volume),)

    async def ensure_account(self, endpoint: JsonObject, account: Account) -> None:
        from rsparkhub.services.s3.administrator import Administrator  # noqa: PLC0415  the hub, which makes none, needs no client

        groups = [bucket_of_group(group) for group in account.groups]
        await Administrator(endpoint).put_person(account.user, bucket=bucket_of(account.user), groups=groups)

    async def close_account(self, endpoint: JsonObject, *, user: str) -> None:
        from rsparkhub.services.s3.administrator import Administrator  # noqa: PLC0415

        await Administrator(endpoint).close_person(user)

    async def remove_account(self, endpoint: JsonObject, *, user: str, archive: Path | None) -> None:
        from rsparkhub.services.s3.administrator import Administrator  # noqa: PLC0415

        administrator = Administrator(endpoint)
        await administrator.close_person(user)
        if archive is not None:
            await administrator.archive_person(user, archive / "s3.tar")
        await administrator.remove_person(user)

    async def remove_group(self, endpoint: JsonObject, *, group: str, archive: Path | None) -> None:
        from rsparkhub.services.s3.administrator import Administrator  # noqa: PLC0415

        administrator, bucket = Administrator(endpoint), bucket_of_group(group)
        if archive is not None:
            await administrator.archive_bucket(bucket, archive / "s3.tar")
        await administrator.remove_bucket(bucket)

    async def issue(self, endpoint: JsonObject, account: Account) -> JsonObject:
        from rsparkhub.services.s3.administrator import Administrator  # noqa: PLC0415

        credential = _credential(account)
        await Administrator(endpoint).put_key(key_of(credential), person=account.user, secret=credential.secret)
        return {"key": key_of(credential)}

    async def revoke(self, endpoint: JsonObject, account: Account) -> None:
        from rsparkhub.services.s3.administrator import Administrator  # noqa: PLC0415

        await Administrator(endpoint).remove_key(key_of(_credential(account)))

    async def backup(self, endpoint: JsonObject, folder: Path) -> None:
        from rsparkhub.services.s3.administrator import Administrator  # noqa: PLC0415

        await Administrator(endpoint).archive(folder / "buckets.tar")

    async def restore(self, endpoint: JsonObject, folder: Path) -> None:
        from rsparkhub.services.s3.administrator import Administrator  # noqa: PLC0415

        await Administrator(endpoint).restore(folder / "buckets.tar")

    def session_config(
        self,
        options: ServiceOptions,
        *,
        resources: Resources,
        endpoint: JsonObject | None = None,
        account: Account | None = None,
    ) -> SessionConfig:
        """Return what every client of S3 reads (boto3, the AWS command line, Arrow), and where a person's bucket is."""
        if endpoint is None or account is None:
            raise ValueError("a session uses object storage as a server for all, with a key for it")
        credential = _credential(account)
        url = f"http://{endpoint['host']}:{endpoint['port']}"
        keys = f"[default]\naws_access_key_id = {key_of(credential)}\naws_secret_access_key = {credential.secret}\n"
        client = f"[default]\nregion = {REGION}\nendpoint_url = {url}\ns3 =\n    addressing_style = path\n"
        return SessionConfig(
            environ={
                "AWS_ENDPOINT_URL": url,
                "AWS_REGION": REGION,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_SHARED_CREDENTIALS_FILE": "{run}/aws/credentials",
                "AWS_CONFIG_FILE": "{run}/aws/config",
                "RSPARK_S3_BUCKET": bucket_of(account.user),
                "RSPARK_S3_GROUP_BUCKETS": " ".join(bucket_of_group(group) for group in account.groups),
            },
            files=(SecretFile(path="aws/credentials", content=keys), SecretFile(path="aws/config", content=client)),
            config={"url": url, "region": REGION, "key": key_of(credential), "secret": credential.secret},
        )


def bucket_of(user: str) -> str:
    """Return the name of a person's bucket."""
    return _bucket("user", user)


def bucket_of_group(group: str) -> str:
    """Return the name of a group's bucket."""
    return _bucket("group", group)


def _bucket(whose: str, name: str) -> str:
    """Return `user-ada`; of a name with letters that a bucket's can't have, one with a digest that no plain name has."""
    if _PLAIN.fullmatch(name):
        return f"{whose}-{name}"
    digest = hashlib.sha256(name.encode()).hexdigest()[:10]
    plain = re.sub(r"[^a-z0-9]+", "-", name).strip("-")
    return f"{whose}-{plain}--{digest}"


def key_of(credential: Credential) -> str:
    """Return the access key of one generation of a session."""
    return f"rspark-{credential.session}-{credential.generation}"


def _credential(account: Account) -> Credential:
    if account.credential is None:
        raise Unavailable("The object storage has no key for this session.")
    return account.credential


SERVICE = S3
