"""The search finds every eight characters of a marker however written, and nothing where there is no marker."""

import base64

import pytest

from canaries.__main__ import main
from canaries.markers import IDENTIFIERS, SECRETS, WIDTH, Mint
from canaries.search import TECHNIQUES, Search, parts_of
from tests.architecture.source import ROOT


def minted() -> list[str]:
    mint = Mint("search")
    return [mint.word("token"), str(mint.uuid("instance")), str(mint.number("generation"))]


def found(search: Search, text: str) -> set[str]:
    return {marker.text for marker in search.among(parts_of(text))}


def pieces(marker: str, width: int) -> list[str]:
    """Give every piece with so many characters, not counting dashes."""
    every = [marker[at:end] for at in range(len(marker)) for end in range(at + 1, len(marker) + 1)]
    return [one for one in every if len(one.replace("-", "")) == width and one[0] != "-" != one[-1]]


@pytest.fixture(scope="module")
def search() -> Search:
    mint = Mint("search")
    mint.word("token"), mint.uuid("instance"), mint.number("generation")
    return Search(mint.fresh())


@pytest.mark.parametrize("marker", minted())
@pytest.mark.parametrize("technique", TECHNIQUES, ids=lambda technique: technique.name)
def test_eight_characters_of_a_marker_are_found_however_written(search, technique, marker):
    for piece in [marker] if "base64" in technique.name else pieces(marker, WIDTH):
        assert found(search, f"a={technique.write(piece)}, b") == {marker}, piece


def test_the_ways_to_write_a_marker_are_these():
    written = {technique.name: technique.write("Ab-1") for technique in TECHNIQUES}
    assert written == {
        "plain": "Ab-1",
        "upper case": "AB-1",
        "lower case": "ab-1",
        "without dashes": "Ab1",
        "reversed": "1-bA",
        "base64": "QWItM",
        "base64 after one byte": written["base64 after one byte"],
        "base64 after two bytes": written["base64 after two bytes"],
        "hexadecimal": "41622d31",
        "URL escapes": "%41%62%2d%31",
        "repr escapes": r"\x41\x62\x2d\x31",
        "JSON escapes": r"\u0041\u0062\u002d\u0031",
        "quoted for a URL": "Ab-1",
        "quoted for JSON": "Ab-1",
    }


@pytest.mark.parametrize("before", range(7))
@pytest.mark.parametrize("marker", minted())
def test_base64_is_found_wherever_in_the_encoded_bytes_the_marker_stands(search, marker, before):
    encoded = base64.b64encode(b"?" * before + marker.encode() + b"!").decode()
    assert found(search, f"Basic {encoded}") == {marker}


@pytest.mark.parametrize("marker", minted())
def test_what_a_formatter_escapes_again_is_found(search, marker):
    escaped = "".join(f"\\x{ord(character):02x}" for character in marker)
    assert found(search, f"{[f'{escaped}']!r}") == {marker}


@pytest.mark.parametrize("marker", minted())
def test_seven_characters_are_no_marker(search, marker):
    assert found(search, " ".join(pieces(marker, WIDTH - 1))) == set()


def test_a_part_that_was_clean_is_not_taken_for_one_that_is_not(search):
    (marker, *_) = minted()
    assert found(search, "nothing-of-interest") == found(search, "nothing-of-interest") == set()
    assert found(search, marker) == found(search, marker) == {marker}


def test_no_text_of_the_program_holds_eight_characters_of_a_marker():
    """Two thousand markers against all that is written here: constants of the program are no false alarms."""
    mint = Mint("collisions")
    for _ in range(1000):
        mint.word("token"), mint.uuid("instance")
    many = Search(mint.fresh())
    files = [file for room in ("scheduler", "placement_client", "docs", "etc") for file in (ROOT / room).rglob("*")]
    texts = [file.read_text() for file in files if file.suffix in {".py", ".md", ".sample", ".json"}]
    assert len(texts) > 100
    assert [found(many, text) for text in texts if found(many, text)] == []


def test_addresses_of_objects_and_numbers_are_no_markers():
    mint = Mint("addresses")
    for _ in range(2000):
        mint.uuid("instance")
    many = Search(mint.fresh())
    assert found(many, " ".join(f"<object at 0x7f{number * 7919 % 2**40:010x}>" for number in range(200_000))) == set()


def test_markers_are_all_different_and_the_same_from_the_same_seed():
    first, second = Mint("a"), Mint("a")
    words = [first.word("host") for _ in range(1000)]
    assert len(set(words)) == 1000
    assert [second.word("host") for _ in range(1000)] == words
    assert Mint("b").word("host") != words[0]
    assert {first.uuid("instance").version, second.uuid("instance").version} == {4}
    with pytest.raises(ValueError, match="no kind of marker"):
        first.word("colour")


def test_there_are_kinds_enough():
    assert len(SECRETS | IDENTIFIERS) >= 25
    assert not SECRETS & IDENTIFIERS


def test_the_suite_says_how_it_is_run(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert all(option in shown for option in ("--records", "--seed", "--json"))
