"""What the demo's supervisor tells its API process, as a file in the data folder."""

from pathlib import Path
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

NAME = "demo-runtime.json"


class Runtime(BaseModel):
    """Nothing secret: the publishable key is in every page."""

    model_config = ConfigDict(frozen=True)

    company_id: UUID
    publishable_key: str
    port: int

    @classmethod
    def read(cls, data_dir: Path) -> Self:
        return cls.model_validate_json((data_dir / NAME).read_bytes())

    def write(self, data_dir: Path) -> None:
        replace_file(data_dir / NAME, self.model_dump_json())


def replace_file(path: Path, content: str) -> None:
    """Write a file that is there whole or not at all, readable by its owner alone."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(content)
    fresh.replace(path)
