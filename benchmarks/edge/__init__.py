"""The edge beside a Caddy with a fixed route and beside configurable-http-proxy."""
