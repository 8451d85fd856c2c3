"""One pool of connections to the API server, with the credentials that the library kr8s finds and reads anew."""

import asyncio
import ssl
import urllib.request
import warnings
from contextlib import AbstractAsyncContextManager
from typing import Any, Self

import aiohttp
import httpx
import kr8s.asyncio
from kr8s import ServerError
from yarl import URL

from rsparkhub.backends.kubernetes.objects.names import FIELD_MANAGER
from rsparkhub.domain.errors import Unavailable
from rsparkhub.settings.kubernetes import KubernetesSettings

# The library warns of every version that is newer than itself.
warnings.filterwarnings("ignore", message="Kubernetes version", module="kr8s")


class Connection:
    """Connections to one API server, and the credentials for it."""

    def __init__(self, auth: Any, tls: ssl.SSLContext | bool) -> None:  # kr8s doesn't export the type
        self._auth = auth
        self._tls = tls
        self._renewing = asyncio.Lock()
        self._proxy = auth.proxy or _proxy_of(str(auth.server))
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=64, keepalive_timeout=60),
            headers={"User-Agent": FIELD_MANAGER, "Accept-Encoding": "identity"},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    @classmethod
    async def open(cls, settings: KubernetesSettings) -> Self:
        """Find the credentials, and see that the API server answers.

        Raises
        ------
        Unavailable
            There are none, or it doesn't.
        """
        file = settings.kubeconfig
        try:
            api = await kr8s.asyncio.api(kubeconfig=str(file) if file else None, context=settings.context)
            return cls(api.auth, await _tls_of(api.auth))
        except (httpx.HTTPError, OSError, ValueError, ServerError, kr8s.APITimeoutError) as error:
            raise Unavailable(f"There is no way to a Kubernetes API server: {error}") from error

    def request(
        self, method: str, url: str, data: bytes | None, headers: dict[str, str], patience: aiohttp.ClientTimeout
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Return the request, which is sent where the context is entered."""
        if self._auth.token:
            headers["Authorization"] = self._authorization
        return self.session.request(
            method,
            URL(f"{self._auth.server.rstrip('/')}{url}", encoded=True),
            data=data,
            headers=headers,
            ssl=self._tls,
            server_hostname=self._auth.tls_server_name,
            proxy=self._proxy,
            allow_redirects=False,
            timeout=patience,
        )

    @property
    def _authorization(self) -> str:
        return f"Bearer {self._auth.token.strip()}"

    async def renew(self, refused: str | None) -> None:
        """Read the credentials anew, unless somebody has while this waited; `refused` is the header that was refused."""
        async with self._renewing:
            if self._auth.token and refused is not None and refused != self._authorization:
                return
            try:
                await self._auth.reauthenticate()
                self._tls = await _tls_of(self._auth)
            except (OSError, ValueError, KeyError) as error:
                raise Unavailable(f"The credentials for the API server can't be read: {error}") from error


async def _tls_of(auth: Any) -> ssl.SSLContext | bool:
    """Return how the API server's certificate is checked, and ours shown: made once, since it takes milliseconds."""
    tls: ssl.SSLContext | bool = await auth.ssl_context()
    return tls


def _proxy_of(server: str) -> str | None:
    """Return the proxy that the environment names for an address."""
    url = URL(server)
    if urllib.request.proxy_bypass(url.host or ""):
        return None
    return urllib.request.getproxies().get(url.scheme)
