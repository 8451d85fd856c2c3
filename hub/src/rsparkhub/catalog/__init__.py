"""The catalog: environments, read from folders of YAML files and checked."""

from rsparkhub.catalog.catalog import Catalog
from rsparkhub.catalog.environment_file import read_environment
from rsparkhub.catalog.schema import Schema

__all__ = ["Catalog", "Schema", "read_environment"]
