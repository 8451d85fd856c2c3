"""Makes the TypeScript types of the hub's API and of Rc²'s protocol from their schemas, so that pages can't differ from them."""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rc2_protocol import schemas
from reference import api_schema

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"


def made() -> dict[Path, str]:
    """Return the text of each file of types.

    Raises
    ------
    subprocess.CalledProcessError
        When openapi-typescript refuses a schema, or the session's Python can't make its own.
    """
    # The JSON alone: what is sent where stands in web/hub/src/state/api.ts.
    api = asyncio.run(api_schema()) | {"paths": {}}
    protocol = {
        "openapi": "3.1.0",
        "info": {"title": "Rc²", "version": "1"},
        "paths": {},
        "components": {"schemas": schemas()},
    }
    head = "// Made from {} by `make types`. Change {}, not this file.\n"
    return {
        WEB / "hub/src/state/api-types.ts": head.format("the hub's OpenAPI schema", "the hub") + types_of(api),
        WEB / "rc2/src/protocol/types.ts": head.format("rspark_session.rc2.protocol", "that module")
        + types_of(protocol, "--default-non-nullable", "false"),
    }


def types_of(schema: Mapping[str, Any], *options: str) -> str:
    """Return the types of an OpenAPI document, as openapi-typescript writes them with these options."""
    with tempfile.TemporaryDirectory() as folder:
        document, types = Path(folder) / "openapi.json", Path(folder) / "types.ts"
        document.write_text(json.dumps(schema))
        command = [WEB / "node_modules/.bin/openapi-typescript", document, "--output", types]
        subprocess.run(
            [*command, "--root-types", "--root-types-no-schema-prefix", *options], check=True, stdout=subprocess.DEVNULL, cwd=WEB
        )
        return types.read_text()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip())
    parser.add_argument("--check", action="store_true", help="change nothing; fail when the types are not current")
    check = parser.parse_args().check
    stale = 0
    for file, text in made().items():
        if file.is_file() and file.read_text() == text:
            continue
        name = file.relative_to(ROOT)
        if check:
            print(f"Not current: {name}. `make types` makes it anew.", file=sys.stderr)
            stale = 1
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            print(f"{name} was made anew.")
    return stale


if __name__ == "__main__":
    sys.exit(main())
