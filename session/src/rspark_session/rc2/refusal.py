"""What can't be served, in a sentence for the person who asked."""


class Refusal(Exception):
    """A request can't be served. The message is a sentence."""


class Busy(Refusal):
    """The kernel computes, and can't answer now."""


class Unfit(Refusal):
    """What is there, or was sent, is of a form that can't be worked with."""


class Outdated(Refusal):
    """What a request stands on has changed meanwhile."""
