"""What can't be served, in a sentence for the person who asked."""


class Refusal(Exception):
    """A request can't be served. The message is a sentence."""


class Busy(Refusal):
    """The kernel computes, and can't answer now."""
