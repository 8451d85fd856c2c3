"""RSparkHubSpawner: a JupyterHub whose servers are sessions of an RSparkHub.

It knows JupyterHub and the hub's client, and nothing else of the hub. In `jupyterhub_config.py`:

    import rsparkhub_spawner
    c.JupyterHub.spawner_class = "rsparkhub"
    c.JupyterHub.extra_handlers = rsparkhub_spawner.HANDLERS
"""

from rsparkhub_spawner.opening import HANDLERS
from rsparkhub_spawner.spawner import RSparkHubSpawner

__all__ = ["HANDLERS", "RSparkHubSpawner"]
