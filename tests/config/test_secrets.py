import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from config.secrets import FILE_NAME, secrets_in
from tests.threads import at_once

STARTERS = 8


@pytest.mark.once
class TestSecrets:
    def test_are_made_once_and_kept(self, tmp_path: Path) -> None:
        made = secrets_in(tmp_path / "var")

        assert secrets_in(tmp_path / "var") == made

    def test_are_others_in_another_folder(self, tmp_path: Path) -> None:
        one, other = secrets_in(tmp_path / "one"), secrets_in(tmp_path / "other")

        assert one.secret_key != other.secret_key
        assert one.encryption_key != other.encryption_key

    def test_are_readable_by_their_owner_alone(self, tmp_path: Path) -> None:
        secrets_in(tmp_path / "var")

        assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "var" / FILE_NAME).stat().st_mode) == 0o600

    def test_encrypt_and_decrypt(self, tmp_path: Path) -> None:
        key = Fernet(secrets_in(tmp_path).encryption_key)

        assert key.decrypt(key.encrypt(b"a JWT secret")) == b"a JWT secret"

    def test_are_the_same_for_all_that_start_at_once(self, tmp_path: Path) -> None:
        made = at_once([lambda: secrets_in(tmp_path / "var")] * STARTERS)

        assert made == [made[0]] * STARTERS
        assert [path.name for path in (tmp_path / "var").iterdir()] == [FILE_NAME]
