"""What of other packages was left out."""

from rsparkhub.installed.extensions import backends, interfaces, services
from rsparkhub.installed.sign_in import ways_to_sign_in


def problems() -> tuple[str, ...]:
    """Return a sentence for each thing that was left out."""
    return (*services().problems, *interfaces().problems, *backends().problems, *ways_to_sign_in().problems)
