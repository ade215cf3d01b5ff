"""Names for identifiers that only the holder of the key can make, and nobody can turn back."""

import base64
import hashlib
import hmac
import re
from uuid import UUID

from placement_client.secret import Secret

_LETTERS = 16
_ID_LETTERS = 8
_UUID = re.compile(r"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}(\1[0-9a-fA-F]{4}){2}\1[0-9a-fA-F]{12}")


class Pseudonyms:
    """Makes the pseudonyms of one key.

    Host names and the like are easily guessed, so that a hash without a key would hide nothing.
    """

    def __init__(self, key: Secret[bytes]) -> None:
        self._key = key

    def __call__(self, kind: str, identifier: object) -> str:
        """Return "kind~" and 16 letters; an identifier always gets the same ones under the same key."""
        letters = self._letters("\0".join((kind, canonical(str(identifier)))), _LETTERS)
        return f"{kind}~{letters}"

    @property
    def key_id(self) -> str:
        """Eight letters that tell which key it is, and nothing about it."""
        return self._letters("key id", _ID_LETTERS)

    def _letters(self, text: str, number: int) -> str:
        digest = hmac.new(self._key.reveal(), text.encode(errors="surrogatepass"), hashlib.sha256).digest()
        return base64.b32encode(digest)[:number].decode().lower()


def canonical(identifier: str) -> str:
    """Return the one spelling of an identifier: a UUID has several, of which OpenStack's services use two."""
    return str(UUID(identifier)) if _UUID.fullmatch(identifier) else identifier
