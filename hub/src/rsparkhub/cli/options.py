"""Options that several commands take, and the settings that follow from them."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path | None, typer.Option(help="The data folder; $RSPARKHUB_DATA by default.", show_default=False)]
