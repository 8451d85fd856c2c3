"""What keeps a service from running, as one sentence that says what to do."""


class ServiceProblem(Exception):
    """A service can't start or go on. The message is for the person who keeps the machine."""
