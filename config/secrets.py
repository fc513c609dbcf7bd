"""The secrets that the data folder keeps for this installation."""

import contextlib
import json
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet

FILE_NAME = "secrets.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """`secret_key` signs sessions; `encryption_key` (Fernet) encrypts the projects' JWT secrets."""

    secret_key: str
    encryption_key: str


def secrets_in(data_dir: Path) -> Secrets:
    """Return the secrets kept in the data folder, made (mode 0600) where there are none."""
    path = data_dir / FILE_NAME
    if not path.exists():
        _write_once(path)
    return _read(path)


def _read(path: Path) -> Secrets:
    kept = json.loads(path.read_text())
    return Secrets(secret_key=kept["secret_key"], encryption_key=kept["encryption_key"])


def _write_once(path: Path) -> None:
    """Write the file whole under another name and link it: of two starters one wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = {
        "secret_key": secrets.token_urlsafe(50),
        "encryption_key": Fernet.generate_key().decode(),
    }
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".secrets-")  # mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(made, file)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
