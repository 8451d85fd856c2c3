"""What is said of a session in words, in the language of who reads it. Pure."""

from collections.abc import Callable

from rsparkhub.wire.session import SessionView


def session_in_words(view: SessionView, say: Callable[[str], str]) -> SessionView:
    """Return a view with each of its sentences as `say` says it."""
    refused = view.sleep_refused
    return view.model_copy(
        update={
            "reason": _said(view.reason, say),
            "services": [part.model_copy(update={"reason": _said(part.reason, say)}) for part in view.services],
            "warnings": [warning.model_copy(update={"text": say(warning.text)}) for warning in view.warnings],
            "sleep_refused": refused and refused.model_copy(update={"reason": say(refused.reason)}),
        }
    )


def _said(text: str | None, say: Callable[[str], str]) -> str | None:
    return None if text is None else say(text)
