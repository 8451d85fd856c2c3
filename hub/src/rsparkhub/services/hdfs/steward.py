"""The client of the steward of HDFS (`rspark_session.services.hdfs.steward`): no Kerberos."""

from collections.abc import Sequence
from pathlib import Path

from rspark_contract import reading
from rspark_contract.reading import JsonObject, Unreadable
from rsparkhub.domain.errors import Unavailable
from rsparkhub.services.base import Credential
from rsparkhub.services.steward import StewardClient


class Steward:
    """Requests to the steward that an endpoint of the service names. Each raises `Unavailable` when it can't be done."""

    def __init__(self, endpoint: JsonObject) -> None:
        self._client = StewardClient(endpoint, "HDFS")

    async def ensure_home(self, user: str, *, groups: Sequence[str]) -> None:
        """Make a person's home and the folders of their groups, or mend what is there."""
        await self._client.ask("PUT", f"/accounts/{user}", {"groups": list(groups)})

    async def set_quota(self, user: str, quota: int) -> None:
        """Limit what a person's home takes to so many bytes."""
        await self._client.ask("PUT", f"/accounts/{user}/quota", {"quota": quota})

    async def close_account(self, user: str) -> None:
        """Cancel all tokens of a person."""
        await self._client.ask("POST", f"/accounts/{user}/close")

    async def archive_home(self, user: str, file: Path) -> None:
        """Write a person's home as a tar file, whole or not at all; nothing where there is no home."""
        await self._client.download(f"/accounts/{user}/archive", file)

    async def archive_group(self, group: str, file: Path) -> None:
        """Write a group's folder as a tar file, whole or not at all; nothing where there is none."""
        await self._client.download(f"/groups/{group}/archive", file)

    async def remove_group(self, group: str) -> None:
        """Delete a group's folder."""
        await self._client.ask("DELETE", f"/groups/{group}")

    async def back_up(self, file: Path) -> None:
        """Write what all people have as a tar file, whole or not at all."""
        await self._client.download("/backup", file)

    async def restore(self, file: Path) -> None:
        """Make the file system hold what a tar file has; raise `InvalidInput` when it is no backup."""
        await self._client.upload(file, "/backup")

    async def remove_home(self, user: str) -> None:
        """Delete a person's home."""
        await self._client.ask("DELETE", f"/accounts/{user}")

    async def open(self, credential: Credential, user: str) -> str:
        """Return the token of a generation, which is the same however often it is asked for."""
        answer = await self._client.ask("PUT", _path(credential), {"user": user})
        try:
            return answer.required("token", reading.text(4096))
        except Unreadable as problem:
            raise Unavailable(self._client.unreadable) from problem

    async def renew(self, credential: Credential) -> None:
        """Renew the token of a generation."""
        await self._client.ask("POST", f"{_path(credential)}/renew")

    async def revoke(self, credential: Credential) -> None:
        """Cancel the token of a generation, if it has one."""
        await self._client.ask("DELETE", _path(credential))


def _path(credential: Credential) -> str:
    return f"/credentials/{credential.session}/{credential.generation}"
