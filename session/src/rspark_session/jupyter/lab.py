"""JupyterLab's pages without JupyterLab's server part.

That part brings an extension manager that asks PyPI, news, a check for updates and a build that needs Node: nothing a
session wants, and half a second of every start. jupyterlab_server serves the same pages.
"""

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from jupyter_core.paths import jupyter_config_dir
from jupyter_server import version_info
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from jupyterlab_server import LabServerApp
from jupyterlab_server.config import get_static_page_config

from rspark_session.jupyter import lab_handlers

_SHARE = Path(sys.prefix) / "share" / "jupyter" / "lab"
#: Built from `web/lab`: by it JupyterLab knows the hub.
_OWN_EXTENSIONS = Path(__file__).parent / "labextensions"


class Lab(LabServerApp):
    """JupyterLab at `/lab`."""

    name = "lab"
    app_name = "JupyterLab"
    default_url = "/lab"
    load_other_extensions = False

    def __init__(self, **options: Any) -> None:
        own = Path(jupyter_config_dir()) / "lab"  # where a person's own JupyterLab has them, too
        super().__init__(
            app_version=version("jupyterlab"),
            static_dir=str(_SHARE / "static"),
            templates_dir=str(_SHARE / "static"),
            schemas_dir=str(_SHARE / "schemas"),
            themes_dir=str(_SHARE / "themes"),
            app_settings_dir=str(Path(__file__).parent / "lab_settings"),
            user_settings_dir=str(own / "user-settings"),
            workspaces_dir=str(own / "workspaces"),
            extra_labextensions_path=[str(_OWN_EXTENSIONS)],
            cache_files=True,
            **options,
        )

    def initialize_settings(self) -> None:
        """Report a kernel's state also to its information requests: a page that comes back shows `Unknown` without."""
        super().initialize_settings()
        page = cast(ServerApp, self.serverapp).web_app.settings["page_config_data"]
        page["untracked_message_types"] = [
            kind for kind in page["untracked_message_types"] if not kind.startswith("kernel_info_")
        ]

    def initialize_handlers(self) -> None:
        server = cast(ServerApp, self.serverapp)
        contents = cast(AsyncLargeFileManager, server.contents_manager)
        page = server.web_app.settings.setdefault("page_config_data", {})
        page.update(get_static_page_config(logger=self.log))
        page.update(
            {
                "buildAvailable": False,
                "buildCheck": False,
                "devMode": False,
                "exposeAppInBrowser": False,
                "quitButton": False,
                "token": "",  # the agent adds it; a page needs none
                "rsparkSparkPages": os.environ.get("RSPARK_SPARK_PAGES", ""),
                "allow_hidden_files": contents.allow_hidden,
                "delete_to_trash": contents.delete_to_trash,
                "notebookVersion": json.dumps(version_info),  # the pages expect a string that holds JSON
            }
        )
        super().initialize_handlers()
        self.handlers[:] = [(path, lab_handlers.REPLACED.get(handler, handler), *more) for path, handler, *more in self.handlers]
        self.handlers.append(lab_handlers.EXPORT)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": __name__, "app": Lab}]
