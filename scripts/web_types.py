"""Makes the TypeScript types of the API from its OpenAPI schema, so that the pages can't take it for something else."""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from reference import api_schema

WEB = Path(__file__).resolve().parent.parent / "web"
TYPES = WEB / "hub/src/state/api-types.ts"
HEAD = "// Made from the hub's OpenAPI schema by `make types`. Change the hub, not this file.\n"


def api_types() -> str:
    """Return the types, as openapi-typescript writes them.

    Raises
    ------
    subprocess.CalledProcessError
        When openapi-typescript refuses the schema.
    """
    with tempfile.TemporaryDirectory() as folder:
        schema, types = Path(folder) / "openapi.json", Path(folder) / "types.ts"
        # The JSON alone: what is sent where stands in web/hub/src/state/api.ts.
        schema.write_text(json.dumps(asyncio.run(api_schema()) | {"paths": {}}))
        command = [WEB / "node_modules/.bin/openapi-typescript", schema, "--output", types]
        subprocess.run(
            [*command, "--root-types", "--root-types-no-schema-prefix"], check=True, stdout=subprocess.DEVNULL, cwd=WEB
        )
        return HEAD + types.read_text()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip())
    parser.add_argument("--check", action="store_true", help="change nothing; fail when the types are not current")
    check = parser.parse_args().check
    text = api_types()
    if TYPES.is_file() and TYPES.read_text() == text:
        return 0
    name = TYPES.relative_to(WEB.parent)
    if check:
        print(f"Not current: {name}. `make types` makes it anew.", file=sys.stderr)
        return 1
    TYPES.write_text(text)
    print(f"{name} was made anew.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
