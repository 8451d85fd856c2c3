// Command rsparkhub-edge is Caddy with what the edge of RSparkHub needs and no more, and with a handler of our own that asks
// the hub who may open a session. It is built as xcaddy builds one: a main package that imports the modules it wants.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	_ "github.com/caddyserver/caddy/v2/modules/logging"

	_ "rsparkhub/edge/internal/forwardauth"
	_ "rsparkhub/edge/internal/knownhosts"
)

func main() { caddycmd.Main() }
