from __future__ import annotations

import base64
import threading
from pathlib import Path

import pytest

from core.errors import Misconfigured, NotFound
from core.settings import settings
from core.signing import KEY_FILE, KEY_VARIABLE, PublicKey, keyring, known_keys, load_or_create

SEED = base64.b64encode(bytes(range(32))).decode()
FENCE = "-----{} PRIVATE KEY-----"


def pem(base64_der: str) -> str:
    return "\n".join([FENCE.format("BEGIN"), base64_der, FENCE.format("END")])


SEED_PEM = pem("MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f")
X25519_PEM = pem("MC4CAQAwBQYDK2VuBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f")


def test_the_first_start_makes_a_key_and_the_next_ones_use_it(tmp_path: Path) -> None:
    first = load_or_create(tmp_path / "keys", "")
    again = load_or_create(tmp_path / "keys", "")
    assert first.key_id == again.key_id
    assert again.public.verifies(first.sign(b"head"), b"head")


def test_only_the_owner_can_read_the_private_key(tmp_path: Path) -> None:
    load_or_create(tmp_path / "keys", "")
    assert (tmp_path / "keys" / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o077 == 0


def test_a_key_that_others_can_read_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    load_or_create(tmp_path, "")
    (tmp_path / KEY_FILE).chmod(0o640)
    with pytest.raises(Misconfigured) as error:
        load_or_create(tmp_path, "")
    assert error.value.fix == f"Run `chmod 600 {tmp_path / KEY_FILE}`."


def test_processes_that_start_at_once_get_one_key(tmp_path: Path) -> None:
    made: list[str] = []
    gate = threading.Barrier(8)

    def start() -> None:
        gate.wait()
        made.append(load_or_create(tmp_path, "").key_id)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(made)) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([KEY_FILE, f"{made[0]}.pub"])


def test_a_seed_and_a_pem_of_it_are_the_same_key(tmp_path: Path) -> None:
    by_seed = load_or_create(tmp_path, SEED)
    by_pem = load_or_create(tmp_path, SEED_PEM)
    on_one_line = load_or_create(tmp_path, SEED_PEM.replace("\n", "\\n"))
    assert by_seed.key_id == by_pem.key_id == on_one_line.key_id
    assert not (tmp_path / KEY_FILE).exists()


def test_the_key_id_is_the_start_of_the_public_keys_hash(tmp_path: Path) -> None:
    # By openssl: `openssl pkey -pubout -outform DER | tail -c 32`, and sha256sum of that.
    assert load_or_create(tmp_path, SEED).public.raw.hex() == (
        "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
    )
    assert load_or_create(tmp_path, SEED).key_id == "56475aa75463474c"


def test_the_setting_is_read_when_no_secret_is_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, SEED)
    settings.cache_clear()
    try:
        assert load_or_create(tmp_path).key_id == "56475aa75463474c"
    finally:
        monkeypatch.undo()
        settings.cache_clear()


@pytest.mark.parametrize(
    ("secret", "says", "why"),
    [
        ("not base64!", "neither a PEM nor the base64", "a typing error"),
        (base64.b64encode(b"short").decode(), "neither a PEM nor the base64", "a seed has 32 bytes"),
        (pem("AAAA"), "no private key that can be read", "cut"),
        (X25519_PEM, "another kind than Ed25519", "a key for encryption can't sign"),
    ],
    ids=lambda value: value[:20],
)
def test_an_unusable_secret_is_refused_without_being_printed(tmp_path: Path, secret: str, says: str, why: str) -> None:
    with pytest.raises(Misconfigured, match=says) as error:
        load_or_create(tmp_path, secret)
    assert secret not in str(error.value)
    assert error.value.fix


def test_the_private_key_is_not_in_the_signers_repr(tmp_path: Path) -> None:
    assert "Ed25519PrivateKey" not in repr(load_or_create(tmp_path, SEED))


def test_after_a_rotation_both_public_keys_are_known(tmp_path: Path) -> None:
    old = load_or_create(tmp_path, "")
    (tmp_path / KEY_FILE).unlink()
    new = load_or_create(tmp_path, "")
    assert known_keys(tmp_path).keys() == {old.key_id, new.key_id}
    assert new.public_key(old.key_id).verifies(old.sign(b"head"), b"head")


def test_an_unknown_key_id_names_the_file_to_add(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"0123\.pub"):
        load_or_create(tmp_path, SEED).public_key("0123")


def test_a_public_key_under_another_keys_name_is_refused(tmp_path: Path) -> None:
    key_id = load_or_create(tmp_path, SEED).key_id
    (tmp_path / f"{key_id}.pub").rename(tmp_path / "0123456789abcdef.pub")
    with pytest.raises(Misconfigured, match="not the one it is named for"):
        known_keys(tmp_path)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_a_damaged_public_key_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "0123456789abcdef.pub").write_bytes(content)
    with pytest.raises(Misconfigured, match=r"0123456789abcdef\.pub"):
        known_keys(tmp_path)


def test_a_signature_has_one_spelling_only(tmp_path: Path) -> None:
    signer = load_or_create(tmp_path, SEED)
    signature = signer.sign(b"head")
    assert signer.public.verifies(signature, b"head")
    for other in (signature.upper(), signature + " ", " " + signature, signature[:-1], "", "zz", "é" * 128):
        assert not signer.public.verifies(other, b"head")


def test_every_changed_digit_of_a_signature_is_found(tmp_path: Path) -> None:
    signer = load_or_create(tmp_path, SEED)
    signature = signer.sign(b"head")
    for at, digit in enumerate(signature):
        changed = signature[:at] + ("0" if digit != "0" else "1") + signature[at + 1 :]
        assert not signer.public.verifies(changed, b"head"), at


def test_a_public_key_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        PublicKey(b"short")


def test_a_keyring_takes_one_key_or_many(tmp_path: Path) -> None:
    one, two = load_or_create(tmp_path, SEED).public, load_or_create(tmp_path, "").public
    assert keyring(one) == {one.key_id: one}
    assert keyring([one, two]).keys() == {one.key_id, two.key_id}


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(Misconfigured, match="keys"):
        load_or_create(tmp_path / "keys", "")
