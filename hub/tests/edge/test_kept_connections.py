"""Connections that are kept: a request must never be sent on one that the hub is about to close."""

import json

from fastapi import FastAPI

from rsparkhub.api.bounded_http import HttpBounds
from rsparkhub.api.server import Server
from rsparkhub.edge.configuration import UPSTREAM_IDLE_SECONDS, configuration
from rsparkhub.settings import Settings


def test_the_edge_gives_a_connection_up_long_before_the_hub_does(settings: Settings) -> None:
    configured = json.dumps(configuration(settings, listen="127.0.0.1:0"))
    assert configured.count('"idle_timeout": "5s"') == configured.count('"reverse_proxy"') > 0
    # After an answer; and on one that the edge opened, and then did not need.
    assert Server(FastAPI()).config.timeout_keep_alive >= 2 * UPSTREAM_IDLE_SECONDS
    assert HttpBounds().head_seconds >= 2 * UPSTREAM_IDLE_SECONDS
