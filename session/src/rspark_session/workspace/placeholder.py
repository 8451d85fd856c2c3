"""What stands in the place of a part that could not be kept: a list that held an open file has the rest again, and this."""


class NotKept:
    """Stands for an object that was here before the sleep; `what` says what it was, `why` why it is not here."""

    def __init__(self, what: str, why: str) -> None:
        self.what = what
        self.why = why

    def __repr__(self) -> str:
        return f"<not kept: {self.what}. {self.why}>"

    def __reduce__(self) -> tuple[type["NotKept"], tuple[str, str]]:
        return NotKept, (self.what, self.why)
