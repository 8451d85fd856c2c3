"""Why an ensemble can't be started."""


class CannotStart(Exception):
    """Nothing of the ensemble can be started. The message is for the person: what is wrong, and what to do."""
