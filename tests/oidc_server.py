"""Providers of OpenID Connect for tests: a real one, and one that answers whatever a test wants, which no real one would."""

import asyncio
import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from html import unescape
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.installation import free_port

_HERE = Path(__file__).parent
_NODE = _HERE.parent / ".build/bin/node"
Claims = dict[str, Any]


class RealProvider:
    """npm's oidc-provider, with one client `hub`, whose password is `secret`."""

    def __init__(self, people: Mapping[str, Claims], *, hub: str, site: str) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        client = {
            "client_id": "hub",
            "client_secret": "secret",
            "redirect_uris": [f"{hub}/hub/sign-in/oidc/{site}/callback"],
            "post_logout_redirect_uris": [f"{hub}/hub/"],
        }
        self._asked = json.dumps({"port": self.port, "clients": [client], "people": people})
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        command = [str(_NODE) if _NODE.exists() else "node", str(_HERE / "oidc_provider.mjs")]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(self._asked)
        self._process.stdin.close()
        for line in self._process.stdout:
            if line == "listening\n":
                return self
        raise RuntimeError(f"oidc-provider does not start: {self._process.stderr.read() if self._process.stderr else ''}")

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in filter(None, (self._process.stdout, self._process.stderr)):
                stream.close()


_FORM = re.compile(r'<form[^>]* action="([^"]+)"')
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


def sign_in_at(provider: httpx.Client, url: str, person: str) -> str:
    """Go through a real provider's pages as a browser does; return the address at which it sends the browser back to the hub."""
    home = urlsplit(url).netloc
    answer = provider.get(url)
    for _ in range(12):
        if answer.is_redirect:
            url = urljoin(str(answer.request.url), answer.headers["location"])
            if urlsplit(url).netloc != home:
                return url
            answer = provider.get(url)
            continue
        form = _FORM.search(answer.text)
        assert form, answer.text
        fields = {name: unescape(value) for name, value in _HIDDEN.findall(answer.text)}
        if 'name="login"' in answer.text:
            fields |= {"login": person, "password": "any"}
        answer = provider.post(urljoin(str(answer.request.url), unescape(form[1])), data=fields)
    raise AssertionError("the provider's pages have no end")


def _claims_of(request: Mapping[str, str], issuer: str) -> Claims:
    now = int(time.time())
    return {
        "iss": issuer, "aud": request["client_id"], "nonce": request["nonce"], "iat": now, "exp": now + 300,
        "sub": "1", "preferred_username": "wicked",
    }  # fmt: skip


class OddProvider:
    """A stand-in for a provider that is broken, slow or evil: `token` makes the ID token, of the claims of a good one.

    It signs in whoever asks, and sends the browser back at once. `answer` is put into the address besides.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.wait = 0.0  # seconds before each answer
        self.reset()
        self._codes: dict[str, dict[str, str]] = {}
        routes = [
            Route("/.well-known/openid-configuration", self._discovery),
            Route("/auth", self._auth),
            Route("/token", self._token, methods=["POST"]),
            Route("/keys", self._keys),
        ]
        config = uvicorn.Config(Starlette(routes=routes), host="127.0.0.1", port=self.port, log_level="error")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def reset(self) -> None:
        """Be a good provider again."""
        self.wait = 0.0
        self.claims: Claims = {}
        self.token: Callable[[Claims], str] = self.sign
        self.answer: dict[str, str] = {}

    def sign(self, claims: Claims) -> str:
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + 30
        while not self._server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.reset()
        self._server.should_exit = True
        self._thread.join(30)

    async def _dawdle(self) -> None:
        """Wait until `wait` has passed, or a test resets it."""
        until = time.monotonic() + self.wait
        while self.wait and time.monotonic() < until:
            await asyncio.sleep(0.05)

    async def _discovery(self, request: Request) -> Response:
        await self._dawdle()
        paths = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "keys"}
        return JSONResponse({"issuer": self.issuer, **{name: f"{self.issuer}/{path}" for name, path in paths.items()}})

    async def _auth(self, request: Request) -> Response:
        asked = dict(request.query_params)
        code = f"code{len(self._codes)}"
        self._codes[code] = asked
        answer = {"code": code, "state": asked["state"], **self.answer}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", status_code=303)

    async def _token(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        await self._dawdle()
        asked = self._codes.get(form["code"][0])
        if asked is None:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        claims = {**_claims_of(asked, self.issuer), **self.claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        return JSONResponse({"id_token": self.token(claims), "token_type": "Bearer"})

    async def _keys(self, request: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})
