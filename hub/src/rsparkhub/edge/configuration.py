"""From the settings to Caddy's configuration. Pure.

JSON, which is what Caddy itself reads, and not a Caddyfile: the order in which things happen is the order in which they
are written here, and nothing is added that we did not ask for.

A request for a host name that is none of this installation's is answered with 421 (`settings/known_hosts.py`).

What a request to a session goes through:

1. Headers that only the edge may write are dropped, whoever sent them.
2. The hub is asked by a handler of our own (`edge/internal/forwardauth`), which repeats the hub's answers for as long as the
   hub allows. The answer goes into variables of the request, never into headers, so that what a client sends can't be taken
   for it. The hub's cookies and `Authorization` end here.
3. The request goes to the upstream that the hub named, with the session's secret.

Nothing is buffered: bodies go through as they come, and server-sent events and websockets at once. When a client goes away,
its request is ended at the upstream too. The head of a request has ten seconds. A body may stay twenty seconds behind a
kilobyte a second: so an upload of gigabytes has its time, and one that comes byte by byte comes to an end.
"""

from typing import Any

from rsparkhub.domain.edge_contract import CALLS_AT_ITS_HOST, ENTER, FORWARD_AUTH_SOCKET, OWN_COOKIES
from rsparkhub.domain.session import MADE_ID
from rsparkhub.edge.pages import message_routes
from rsparkhub.settings import Settings, known_hosts

Routes = list[dict[str, Any]]
Handler = dict[str, Any]

#: How long an upstream's connection is kept for the next request. It must be less than the upstream keeps it: a request that is
#: sent as the other side closes is lost, and Caddy may send only a GET again.
UPSTREAM_IDLE_SECONDS = 5
_ONLY_OURS = ["X-Rspark-*", "X-Forwarded-*", "X-Real-Ip", "Forwarded"]
#: A browser sends a cookie without a name as its value alone, so a session may set none that looks like ours either.
_SETS_OWN_COOKIE = rf"^\s*=?\s*(?:{'|'.join(OWN_COOKIES)})(?:-[0-9]+)?\s*=.*$"
_STAGE = "rspark_stage"
_SILENT: Handler = {"handler": "vars", "log_skip": True}


def configuration(settings: Settings, *, listen: str, port: int | None = None) -> dict[str, Any]:
    """Return Caddy's configuration; `listen` is an address in Caddy's words, and `port` that of the socket, where it is known."""
    server: dict[str, Any] = {
        "listen": [listen],
        "protocols": ["h1"],
        "automatic_https": {"disable": True},
        "max_header_bytes": 64 * 1024,
        "read_header_timeout": "10s",
        "idle_timeout": "2m",
        "read_idle_timeout": "20s",
        "read_min_rate": 1024,
        "logs": {"default_logger_name": "access"},
        "routes": [*_first(settings, port), *_routes(settings)],
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


def _first(settings: Settings, port: int | None) -> Routes:
    """Answer those who ask whether the edge lives, by whatever name they do, and nobody else by a name that isn't ours."""
    known = known_hosts(settings, port=port)
    matcher = {
        "names": {name: sorted(ports) for name, ports in known.names.items()},
        "session_domains": {name: sorted(ports) for name, ports in known.session_domains.items()},
        "session_id": MADE_ID,
        "own_ports": sorted(known.own_ports),
    }
    unknown = message_routes(
        421,
        "This is no name of this hub",
        f"Open it at {settings.url}/hub/. If it is to be reached by this name too, an administrator adds it to the setting "
        "host_names.",
        code="misdirected-request",
    )
    health: dict[str, Any] = {"path": ["/healthz"]}
    if settings.session_domain is not None:  # where there is nothing but the session
        health["not"] = [{"host": [f"*.{settings.session_domain}"]}]
    return [
        {"match": [health], "handle": [_SILENT, {"handler": "static_response", "body": "ok"}], "terminal": True},
        {"match": [{"not": [{"rspark_known_host": matcher}]}], "handle": [_subroute(unknown)], "terminal": True},
    ]


def _routes(settings: Settings) -> Routes:
    to_a_session = [_drop(), _forward_auth(settings), _to_the_session(settings)]
    routes: Routes = [*_scheme(settings), {"match": [{"path": ["/s/*"]}], "handle": to_a_session, "terminal": True}]
    if settings.session_domain is not None:
        routes.append(_on_a_sessions_host(settings, settings.session_domain))
    return [
        *routes,
        {"match": [{"path": ["/hub/*"]}], "handle": _to_the_hub(settings), "terminal": True},
        _redirect(["/", "/hub"], "/hub/"),
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
    "Content-Security-Policy": "sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def _to_the_hub(settings: Settings) -> list[Handler]:
    hub = _proxy(f"unix/{settings.socket_dir}/hub.sock", request=_forwarded(settings), response={"set": _HUB_HEADERS})
    hub["load_balancing"] = {"try_duration": "5s", "try_interval": "100ms"}  # a hub that starts again is waited for
    return [_drop(), {"handler": "vars", _STAGE: "hub"}, hub]


def _forward_auth(settings: Settings) -> Handler:
    """Ask the hub, and go on only where it lets the request pass."""
    return {
        "handler": "rspark_forward_auth",
        "socket": str(settings.socket_dir / FORWARD_AUTH_SOCKET),
        "cookies": list(OWN_COOKIES),
        "sandbox": _SANDBOX,
    }


def _to_the_session(settings: Settings) -> Handler:
    forwarded = _forwarded(settings)
    return _proxy(
        "{http.vars.rspark_upstream}",
        # Set here and not by the handler before: what a client's `Connection` names is dropped in between.
        request={**forwarded, "set": {**forwarded.get("set", {}), "X-Rspark-Secret": ["{http.vars.rspark_secret}"]}},
        # A session under the hub's own name must not sign its person in as another, out, or see the hub's pages.
        response={
            "delete": ["Service-Worker-Allowed", "Clear-Site-Data", "X-Rspark-*"],
            "replace": {"Set-Cookie": [{"search_regexp": _SETS_OWN_COOKIE, "replace": ""}]},
        },
    )


def _on_a_sessions_host(settings: Settings, domain: str) -> dict[str, Any]:
    """At ID.HOST there is the session, the way in, and the calls that are about this one session; nothing else of the hub's."""
    own = domain != "localhost" and settings.public_url is not None
    hub = f"{settings.url}/hub/" if own else "http://localhost:{http.request.port}/hub/"
    routes: Routes = [
        {"match": [{"path": [ENTER, "/"]}], "handle": [_drop(), _forward_auth(settings)], "terminal": True},
        {"match": [{"path_regexp": {"pattern": f"^{CALLS_AT_ITS_HOST}$"}}], "handle": _to_the_hub(settings), "terminal": True},
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
    hub = message_routes(
        503,
        "The hub does not answer",
        "It may be starting. This page tries again by itself; your sessions are not touched.",
        code="unavailable",
        again_after=3,
    )
    session = message_routes(
        502,
        "The session does not answer",
        "It may have ended a moment ago. Look at its state among your sessions, and start it again from there.",
        code="unavailable",
        link="/hub/" if settings.session_domain is None else f"{settings.url}/hub/",
    )
    too_many = message_routes(
        429,
        "You have too many connections open",
        "Requests, downloads and websockets of yours to sessions go on, as many as there may be at a time. Close pages and "
        "programs that you don't need, and try again.",
        code="too-many-requests",
        again_after=10,
    )
    refused = message_routes(
        400, "The request could not be read", "It is not well-formed HTTP. Open the address again.", code="bad-request"
    )
    return [
        {"match": [{"vars": {_STAGE: ["hub", "question"]}}], "handle": [_subroute(hub)], "terminal": True},
        {"match": [{"vars": {_STAGE: ["too many"]}}], "handle": [_subroute(too_many)], "terminal": True},
        {"match": [{"path": ["/s/*"]}], "handle": [_subroute(session)], "terminal": True},
        {"handle": [_subroute(refused)]},
    ]


def _logging(settings: Settings) -> dict[str, Any]:
    """Caddy's own log goes to stderr, requests go to stdout, without those about which the hub was not asked.

    A proxy's own lines cost a twentieth of its time even when none is written, so they are for debugging.
    """
    level = {"warning": "WARN"}.get(settings.log_level, settings.log_level.upper())
    quiet = [] if settings.log_level == "debug" else ["http.handlers.reverse_proxy"]
    hidden = [{"type": "replace", "parameter": name, "value": "REDACTED"} for name in ("token", "ticket", "code", "state")]
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
                # What goes wrong with a request is said with the request, so here too nothing may be in it that lets somebody in.
                "encoder": {"format": "filter", "wrap": times, "fields": fields},
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
    return message_routes(
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
            "keep_alive": {"idle_timeout": f"{UPSTREAM_IDLE_SECONDS}s", "max_idle_conns_per_host": 128},
        },
        "headers": {"request": request or {}, "response": response or {}},
    }


def _redirect(paths: list[str], to: str) -> dict[str, Any]:
    redirect = {"handler": "static_response", "status_code": 302, "headers": {"Location": [to], "Cache-Control": ["no-store"]}}
    return {"match": [{"path": paths}], "handle": [redirect], "terminal": True}


def _subroute(routes: Routes) -> Handler:
    return {"handler": "subroute", "routes": routes}
