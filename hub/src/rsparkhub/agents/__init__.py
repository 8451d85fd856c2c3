"""The one client of the agents: what a session's agent reports, how it is asked to end, and its logs."""

from rsparkhub.agents.client import AgentClient, StatusAnswer

__all__ = ["AgentClient", "StatusAnswer"]
