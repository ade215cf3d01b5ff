"""What both servers say of HTTP itself: versions, headers and refusals without a meaning of their own."""

import re

import pytest

from placement_client.client import PlacementClient
from placement_client.errors import VersionRefused
from placement_client.testing import MockPlacement, RealPlacement
from tests.client.contract.fleet import Http, id_of, older


def test_discovery(client: PlacementClient) -> None:
    """GET / tells the range of microversions."""
    (version,) = client.versions()
    assert (version.id, version.min_version, version.max_version) == ("v1.0", "1.0", "1.39")


def test_discovery_needs_neither_token_nor_version(http: Http) -> None:
    """Who only asks for versions needs no token."""
    assert http("GET", "/", version=None, X_Auth_Token="").status_code == 200


def test_an_old_server_is_refused(placement: MockPlacement | RealPlacement) -> None:
    """A server that ends at 1.27 cannot be claimed with."""
    with pytest.raises(VersionRefused):
        placement.client(lambda adapter: older(adapter, "1.27")).negotiate()


@pytest.mark.parametrize("version", ["1.28", "1.34", "1.38", "1.39"])
def test_the_version_is_echoed(http: Http, version: str) -> None:
    """Successes and refusals carry the microversion asked for, and a request id."""
    for path, status in (("/resource_providers", 200), (f"/resource_providers/{id_of('x')}", 404), ("/nowhere", 404)):
        response = http("GET", path, version=version)
        assert response.status_code == status
        assert response.headers["openstack-api-version"] == f"placement {version}"
        assert re.fullmatch(r"req-[0-9a-f-]{36}", response.headers["x-openstack-request-id"])


def test_latest_is_the_newest(http: Http) -> None:
    """The word latest is a version, too."""
    response = http("GET", "/resource_providers", version="latest")
    assert response.headers["openstack-api-version"] == "placement 1.39"


def test_a_version_that_nobody_speaks(http: Http) -> None:
    """406 carries the range, no code and no version header."""
    response = http("GET", "/resource_providers", version="1.99")
    (error,) = response.json()["errors"]
    assert (response.status_code, error["min_version"], error["max_version"]) == (406, "1.0", "1.39")
    assert "code" not in error
    assert "openstack-api-version" not in response.headers


def test_a_version_that_is_none(http: Http) -> None:
    """Nonsense is 400."""
    assert http("GET", "/resource_providers", version="1.x").status_code == 400


def test_no_token(http: Http) -> None:
    """401 comes without the version header."""
    http._session.headers.pop("X-Auth-Token", None)
    response = http("GET", "/resource_providers", X_Auth_Token=None)  # type: ignore[arg-type]
    assert response.status_code == 401
    assert "openstack-api-version" not in response.headers


@pytest.mark.parametrize("path", ["/nowhere", "/allocations/x/y", "/resource_providers/x/nothing"])
def test_no_such_path(http: Http, path: str) -> None:
    """An unknown path is 404 with a code."""
    response = http("GET", path)
    assert response.status_code == 404
    assert response.json()["errors"][0]["code"] == "placement.undefined_code"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/allocation_candidates"),
        ("POST", "/usages"),
        ("GET", "/allocations"),
        ("PATCH", "/resource_providers"),
    ],
)
def test_no_such_method(http: Http, method: str, path: str) -> None:
    """A known path with another method is 405, and tells which are allowed."""
    response = http(method, path)
    assert response.status_code == 405
    assert response.headers["allow"]
    assert response.headers["openstack-api-version"] == "placement 1.39"


def test_another_content_type(http: Http) -> None:
    """Bodies are JSON."""
    response = http("PUT", f"/allocations/{id_of('c')}", b"{}", Content_Type="text/plain")
    assert response.status_code == 415


def test_a_consumer_that_is_no_uuid(http: Http) -> None:
    """Reading takes any name, writing does not."""
    assert http("GET", "/allocations/nonsense").json() == {"allocations": {}}
    body = {"allocations": {}, "project_id": "p", "user_id": "u", "consumer_generation": None, "consumer_type": "A"}
    assert http("PUT", "/allocations/nonsense", body).status_code == 400


BAD_QUERIES = [
    "limit=0&resources=VCPU:1",
    "limit=x&resources=VCPU:1",
    "resources=",
    "resources=VCPU",
    "resources=VCPU:0",
    "resources=VCPU:-1",
    "resources=VCPU:x",
    "resources=VCPU:1,",
    "",
    "limit=1",
    "required=HW_CPU_X86_AVX2",
    "unknown=1&resources=VCPU:1",
    "resources=VCPU:1&group_policy=some",
    "resources1=VCPU:1&resources2=VCPU:1",
    "resources=VCPU:1&required=",
    "resources=VCPU:1&required=HW_CPU_X86_AVX2,!HW_CPU_X86_AVX2",
    "resources=VCPU:1&required=in:HW_CPU_X86_AVX2,!HW_CPU_X86_AVX",
    "resources=VCPU:1&required=HW_CPU_X86_AVX2,,HW_CPU_X86_AVX",
    "resources=VCPU:1&member_of=x",
    "resources=VCPU:1&member_of=7ca4d7a8-0a0f-4b60-a3a6-9b4c7ac9b1f5,7ca4d7a8-0a0f-4b60-a3a6-9b4c7ac9b1f6",
    "resources=VCPU:1&in_tree=x",
    "resources=VCPU:1&root_required=HW_CPU_X86_AVX2&root_required=HW_CPU_X86_AVX",
    "resources=VCPU:1&root_required=HW_CPU_X86_AVX2,!HW_CPU_X86_AVX2",
    "resources=VCPU:1&root_required=in:HW_CPU_X86_AVX2,HW_CPU_X86_AVX",
    "resources=VCPU:1&required_A=HW_CPU_X86_AVX2",
    "resources=VCPU:1&same_subtree=_A",
    "resources_A=VCPU:1&same_subtree=_A,",
]


@pytest.mark.parametrize("query", BAD_QUERIES)
def test_bad_candidate_queries(http: Http, query: str) -> None:
    """What the grammar does not have is 400."""
    assert http("GET", f"/allocation_candidates?{query}").status_code == 400


TOO_NEW = [
    ("1.38", "resources=VCPU:1&required=in:HW_CPU_X86_AVX2,HW_CPU_X86_AVX"),
    ("1.35", "resources_A=VCPU:1&same_subtree=_A"),
    ("1.35", "resources1=VCPU:1&required2=HW_CPU_X86_AVX2&group_policy=none"),
    ("1.34", "resources=VCPU:1&root_required=HW_CPU_X86_AVX2"),
    ("1.32", "resources_A=VCPU:1"),
    ("1.31", "resources=VCPU:1&member_of=!7ca4d7a8-0a0f-4b60-a3a6-9b4c7ac9b1f5"),
    ("1.30", "resources=VCPU:1&in_tree=7ca4d7a8-0a0f-4b60-a3a6-9b4c7ac9b1f5"),
]


@pytest.mark.parametrize(("version", "query"), TOO_NEW)
def test_queries_of_later_versions(http: Http, version: str, query: str) -> None:
    """What a microversion does not know is 400 there, and understood by the next."""
    newer = f"1.{int(version[2:]) + 1}"
    assert http("GET", f"/allocation_candidates?{query}", version=version).status_code == 400
    late = "required2" in query  # a group without resources also needs same_subtree
    assert http("GET", f"/allocation_candidates?{query}", version=newer).status_code == (400 if late else 200)


def test_before_1_39_the_last_of_repeated_traits_counts(http: Http) -> None:
    """The older reading of a repeated parameter, which is why the client does not repeat it there."""
    query = "/allocation_candidates?resources=VCPU:1&required=CUSTOM_NONE&required=HW_CPU_X86_AVX2"
    assert http("GET", query, version="1.38").status_code == 200
    assert http("GET", query, version="1.39").status_code == 400


@pytest.mark.parametrize("query", ["", "project_id=", "project_id=p&other=1", "project_id=p&consumer_type=x"])
def test_bad_usage_queries(http: Http, query: str) -> None:
    """A project is needed, and nothing unknown is allowed."""
    assert http("GET", f"/usages?{query}").status_code == 400
