"""The interface `web`: any command that serves HTTP on a port, with websockets or without.

In the command `{port}` stands for its port, and `{base}` for the path under which it is served; the environment variables `PORT`
and `BASE_PATH` hold the same. It is ready when it accepts connections, and, with the option `health`, when that path answers
below 500. Its traffic through the agent is a person's activity, and it is busy while it, or what it started, uses the processor.
"""

from collections.abc import Mapping

from rspark_session.interfaces.base import Context, Endpoint, Host, Interface, InterfaceUnavailable, LaunchedProcess
from rspark_session.processes.ports import free_port

_HOST = "127.0.0.1"


class Web(Interface):
    """A web server of any kind."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._port = context.spec.port or free_port(_HOST)
        self._process: LaunchedProcess | None = None

    def start(self) -> LaunchedProcess:
        """Run the command; raise `OSError` when that can't be done."""
        context = self.context
        environ = {**context.environ, "PORT": str(self._port), "BASE_PATH": context.base_path}
        self._process = context.launch([*map(self._filled, context.spec.command)], environ=environ, folder=context.home)
        return self._process

    @property
    def endpoint(self) -> Endpoint:
        """Its port."""
        return Endpoint(port=self._port)

    async def until_ready(self, host: Host) -> None:
        """Wait until the session's own processes listen on the port, and the health path answers.

        Raises
        ------
        InterfaceUnavailable
            When another program has the port: its pages must not be taken for the session's.
        """
        await host.until_healthy({"tcp": f"{_HOST}:{self._port}"})
        if not host.has_port(self._port):
            title = self.context.spec.title
            raise InterfaceUnavailable(f"{title} needs port {self._port}, which another program has.")
        health = self.context.spec.config.get("health")
        if isinstance(health, str):
            path = self._filled(health)
            await host.until_healthy({"http": f"http://{_HOST}:{self._port}/{path.removeprefix('/')}"})

    @property
    def titles(self) -> Mapping[int, str]:
        """Its own title stands for the command and all that it starts."""
        return {self._process.pid: self.context.spec.title} if self._process else {}

    def _filled(self, text: str) -> str:
        return text.replace("{port}", str(self._port)).replace("{base}", self.context.base_path)


INTERFACE = Web
