"""From the settings to Caddy's configuration. Pure.

JSON, which is what Caddy itself reads, and not a Caddyfile: the order in which things happen is the order in which they
are written here, and nothing is added that we did not ask for.

What a request to a session goes through:

1. Headers that only the edge may write are dropped, whoever sent them.
2. The hub is asked (`auth/question_server.py`). Its answer goes into variables of the request, never into headers, so that
   what a client sends can't be taken for it.
3. The request goes to the upstream that the hub named, with the session's secret, without the hub's cookies and
   `Authorization`.

A pass (`domain/door.py`) stands for the second step, for plain reading alone: GET or HEAD, no upgrade, no `Origin`, not from
another site's page, and a path without dots, percents and backslashes at places where two readers could see two paths.

Nothing is buffered: bodies go through as they come, and server-sent events and websockets at once. When a client goes away,
its request is ended at the upstream too.
"""

from pathlib import Path
from typing import Any

from rsparkhub.domain.door import COOKIE_NAMES, COOKIE_PAIR, ENTER, SECRET, SESSION_ID, TOKEN, UPSTREAM
from rsparkhub.edge.pages import saying
from rsparkhub.settings import Settings

Routes = list[dict[str, Any]]
Handler = dict[str, Any]

#: Segments that are empty, or don't begin with a dot, and have neither `%` nor `\`.
_PLAIN_PATH = rf"^/s/({SESSION_ID})(?:/(?:[^/.%?\\][^/%?\\]*)?)+(?:\?.*)?$"
_ONLY_OURS = ["X-Rspark-*", "X-Forwarded-*", "X-Real-Ip", "Forwarded"]
_OWN_COOKIES = rf"(?:^|;)\s*{COOKIE_NAMES}=[^;]*"
_SETS_OWN_COOKIE = rf"^\s*=?\s*{COOKIE_NAMES}\s*=.*$"  # a browser sends a cookie without a name as its value alone
_TOLD = ["Accept", "Authorization", "Cookie", "Origin", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site"]
_STAGE = "rspark_stage"
_SILENT: Handler = {"handler": "vars", "log_skip": True}


def configuration(settings: Settings, *, listen: str, passes: Path | None) -> dict[str, Any]:
    """Make Caddy's configuration; `listen` is an address in Caddy's words, `passes` the folder of passes."""
    server: dict[str, Any] = {
        "listen": [listen],
        "protocols": ["h1"],
        "automatic_https": {"disable": True},
        "max_header_bytes": 64 * 1024,
        "logs": {"default_logger_name": "access"},
        "routes": _routes(settings, passes),
        "errors": {"routes": _errors(settings)},
    }
    if settings.trusted_proxies:
        ranges = [str(network) for network in settings.trusted_proxies]
        # Strict: the last address that none of ours wrote is the client's; those before it are what it claims.
        server |= {"trusted_proxies": {"source": "static", "ranges": ranges}, "trusted_proxies_strict": 1}
    return {
        "admin": {"disabled": True, "config": {"persist": False}},
        "storage": {"module": "file_system", "root": str(settings.data.absolute() / "edge")},
        "logging": _logging(settings),
        "apps": {"http": {"grace_period": "3s", "servers": {"edge": server}}},
    }


def _routes(settings: Settings, passes: Path | None) -> Routes:
    routes: Routes = [*_scheme(settings)]
    if passes is not None:
        routes += _by_pass(settings, passes)
    routes.append({"match": [{"path": ["/s/*"]}], "handle": _by_question(settings), "terminal": True})
    if settings.session_domain is not None:
        routes.append(_on_a_sessions_host(settings, settings.session_domain))
    to_the_hub = _proxy(f"unix/{settings.socket_dir}/hub.sock", request=_forwarded(settings), response={"set": _HUB_HEADERS})
    to_the_hub["load_balancing"] = {"try_duration": "5s", "try_interval": "100ms"}  # a hub that starts again is waited for
    return [
        *routes,
        {"match": [{"path": ["/hub/*"]}], "handle": [_drop(), {"handler": "vars", _STAGE: "hub"}, to_the_hub], "terminal": True},
        _redirect(["/", "/hub"], "/hub/"),
        {"match": [{"path": ["/healthz"]}], "handle": [_SILENT, {"handler": "static_response", "body": "ok"}], "terminal": True},
        {"handle": [_subroute(_not_found("/hub/"))]},
    ]


_HUB_HEADERS = {
    "Cross-Origin-Opener-Policy": ["same-origin"],
    "Referrer-Policy": ["same-origin"],
    "X-Content-Type-Options": ["nosniff"],
    "X-Frame-Options": ["DENY"],
}
#: For what comes from a session under the hub's own name: it may be read, and must not act.
_SANDBOX = {
    "Content-Security-Policy": ["sandbox"],
    "Cross-Origin-Resource-Policy": ["same-origin"],
    "X-Content-Type-Options": ["nosniff"],
}


def _by_pass(settings: Settings, passes: Path) -> Routes:
    plain = {
        "method": ["GET", "HEAD"],
        "header": {"Upgrade": None, "Origin": None},
        "not": [{"header": {"Sec-Fetch-Site": ["cross-site", "same-site"]}}],
        "vars_regexp": {"{http.request.uri}": {"name": "session", "pattern": _PLAIN_PATH}},
    }
    shown = [
        ({"Cookie": {"name": "shown", "pattern": rf"(?:^|; ?)({COOKIE_PAIR})(?:;|$)"}}, ""),
        ({"Authorization": {"name": "shown", "pattern": rf"^(?i:bearer|token) +({TOKEN})$"}}, "bearer="),
    ]
    read = {"{http.matchers.file.relative}": {"name": "pass", "pattern": rf"^/[0-9]+/[^/]+/({UPSTREAM})~({SECRET})$"}}
    to_the_session = _to_the_session(settings, upstream="{http.regexp.pass.1}", secret="{http.regexp.pass.2}")  # noqa: S106
    pass_on = [{"match": [{"vars_regexp": read}], "handle": [_SILENT, _drop(), to_the_session]}]
    tries: Routes = []
    for header, prefix in shown:
        name = "{http.request.host}~" + prefix + "{http.regexp.shown.1}~{http.regexp.session.1}"
        has_pass = {"file": {"root": str(passes), "try_files": ["/{time.now.unix}/" + name + "/*"]}}
        found = [{"match": [has_pass], "handle": [_subroute(pass_on)]}]
        tries.append({"match": [{"header_regexp": header}], "handle": [_subroute(found)]})
    return [{"match": [plain], "handle": [_subroute(tries)]}]


def _by_question(settings: Settings) -> list[Handler]:
    allowed = {
        "handler": "vars",
        _STAGE: "session",
        "rspark_upstream": "{http.reverse_proxy.header.X-Rspark-Upstream}",
        "rspark_secret": "{http.reverse_proxy.header.X-Rspark-Secret}",
        "rspark_sandbox": "{http.reverse_proxy.header.X-Rspark-Sandbox}",
    }
    question = _question(settings)
    question["handle_response"] = [{"match": {"status_code": [204]}, "routes": [{"handle": [allowed]}]}]
    headers = {"handler": "headers", "response": {"deferred": True, "set": _SANDBOX}}
    sandbox = _subroute([{"match": [{"vars": {"rspark_sandbox": ["1"]}}], "handle": [headers]}])
    session = _to_the_session(settings, upstream="{http.vars.rspark_upstream}", secret="{http.vars.rspark_secret}")  # noqa: S106
    return [_drop(), {"handler": "vars", _STAGE: "question"}, question, sandbox, session]


def _question(settings: Settings) -> Handler:
    """Ask the hub; it gets the fields that it reads, each as one line, and no others."""
    told = {
        "Host": "{http.request.hostport}",
        "X-Forwarded-Method": "{http.request.method}",
        "X-Forwarded-Uri": "{http.request.uri}",
        **{name: "{http.request.header." + name + "}" for name in _TOLD},
        "X-Forwarded-Upgrade": "{http.request.header.Upgrade}",
    }
    question = _proxy(
        f"unix/{settings.socket_dir}/question.sock",
        request={"delete": ["*"], "set": {name: [value] for name, value in told.items()}},
    )
    question["rewrite"] = {"method": "GET", "uri": "/"}  # a GET leaves the body for the session
    question["load_balancing"] = {"try_duration": "3s", "try_interval": "100ms"}  # a hub that starts again is waited for
    return question


def _to_the_session(settings: Settings, *, upstream: str, secret: str) -> Handler:
    forwarded = _forwarded(settings)
    return _proxy(
        upstream,
        request={
            **forwarded,
            "set": {**forwarded.get("set", {}), "X-Rspark-Secret": [secret]},
            "delete": ["Authorization"],
            "replace": {"Cookie": [{"search_regexp": _OWN_COOKIES, "replace": ""}, {"search_regexp": r"^;\s*", "replace": ""}]},
        },
        # A session under the hub's own name must not sign its person in as another, out, or see the hub's pages.
        response={
            "delete": ["Service-Worker-Allowed", "Clear-Site-Data", "X-Rspark-*"],
            "replace": {"Set-Cookie": [{"search_regexp": _SETS_OWN_COOKIE, "replace": ""}]},
        },
    )


def _on_a_sessions_host(settings: Settings, domain: str) -> dict[str, Any]:
    """At ID.HOST there is the session and the way in, and nothing of the hub's."""
    label = "{http.request.host.labels." + str(len(domain.split("."))) + "}"
    own = domain != "localhost" and settings.public_url is not None
    hub = f"{settings.url}/hub/" if own else "http://localhost:{http.request.port}/hub/"
    enter = [_drop(), {"handler": "vars", _STAGE: "question"}, _question(settings)]
    routes = [
        {"match": [{"path": [ENTER]}], "handle": enter, "terminal": True},
        _redirect(["/"], f"/s/{label}/"),
        {"handle": [_subroute(_not_found(hub))]},
    ]
    return {"match": [{"host": [f"*.{domain}"]}], "handle": [_subroute(routes)], "terminal": True}


def _scheme(settings: Settings) -> Routes:
    """Say which scheme people use, where somebody else does TLS in front of the edge."""
    public = settings.public_url
    if public is None or public.scheme != "https":
        return []
    hosts = [str(public.host), f"*.{public.host}"]
    return [
        {"handle": [{"handler": "vars", "rspark_scheme": "http"}]},
        {"match": [{"host": hosts}], "handle": [{"handler": "vars", "rspark_scheme": "https"}]},
    ]


def _forwarded(settings: Settings) -> dict[str, Any]:
    headers = {"X-Forwarded-Proto": ["{http.vars.rspark_scheme}"]} if _scheme(settings) else {}
    if settings.trusted_proxies:
        headers["X-Forwarded-For"] = ["{http.vars.client_ip}"]
    return {"set": headers} if headers else {}


def _errors(settings: Settings) -> Routes:
    hub = saying(
        503,
        "The hub does not answer",
        "It may be starting. This page tries again by itself; your sessions are not touched.",
        code="unavailable",
        again_after=3,
    )
    session = saying(
        502,
        "The session does not answer",
        "It may have ended a moment ago. Look at its state among your sessions, and start it again from there.",
        code="unavailable",
        link="/hub/" if settings.session_domain is None else f"{settings.url}/hub/",
    )
    refused = saying(400, "The request could not be read", "It is not well-formed HTTP.", code="bad-request")
    return [
        {"match": [{"vars": {_STAGE: ["hub", "question"]}}], "handle": [_subroute(hub)], "terminal": True},
        {"match": [{"path": ["/s/*"]}], "handle": [_subroute(session)], "terminal": True},
        {"handle": [_subroute(refused)]},
    ]


def _logging(settings: Settings) -> dict[str, Any]:
    """What Caddy has to say goes to stderr, requests go to stdout; those that a pass answered are not among them.

    A proxy's own lines cost a twentieth of its time even when none is written, so they are for debugging.
    """
    level = {"warning": "WARN"}.get(settings.log_level, settings.log_level.upper())
    quiet = [] if settings.log_level == "debug" else ["http.handlers.reverse_proxy"]
    hidden = [{"type": "replace", "parameter": name, "value": "REDACTED"} for name in ("token", "ticket")]
    fields = {
        "request>headers": {"filter": "delete"},
        "resp_headers": {"filter": "delete"},
        "request>uri": {"filter": "query", "actions": hidden},
    }
    times = {"format": "json", "time_format": "iso8601"}
    return {
        "logs": {
            "default": {
                "level": level,
                "writer": {"output": "stderr"},
                "encoder": times,
                "exclude": ["http.log.access", *quiet],
            },
            "access": {
                "writer": {"output": "stdout"},
                "encoder": {"format": "filter", "wrap": times, "fields": fields},
                "include": ["http.log.access.access"],
            },
        }
    }


def _not_found(hub: str) -> Routes:
    return saying(
        404, "There is nothing at this address", "Sessions are opened from the page of the hub.", code="not-found", link=hub
    )


def _drop() -> Handler:
    """Drop the headers that only the edge may write."""
    return {"handler": "headers", "request": {"delete": _ONLY_OURS}}


def _proxy(dial: str, *, request: dict[str, Any] | None = None, response: dict[str, Any] | None = None) -> Handler:
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": dial}],
        "transport": {
            "protocol": "http",
            "compression": False,
            "dial_timeout": "3s",
            "keep_alive": {"idle_timeout": "30s", "max_idle_conns_per_host": 128},
        },
        "headers": {"request": request or {}, "response": response or {}},
    }


def _redirect(paths: list[str], to: str) -> dict[str, Any]:
    redirect = {"handler": "static_response", "status_code": 302, "headers": {"Location": [to], "Cache-Control": ["no-store"]}}
    return {"match": [{"path": paths}], "handle": [redirect], "terminal": True}


def _subroute(routes: Routes) -> Handler:
    return {"handler": "subroute", "routes": routes}
