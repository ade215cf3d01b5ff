"""What the documentation shows is what works."""

import re
from pathlib import Path

import numpy as np

from scheduler.selection.plugins import judged, kept_by, scored
from tests.architecture.source import ROOT


def blocks(document: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)


def test_the_ten_lines_of_the_readme_place_two_instances(placement_server, tmp_path, capsys):
    """The library example runs as it stands, but for the path of the ini file and the owner's ids."""
    from uuid import uuid4

    from placement_client.models import Inventory

    host, client = uuid4(), placement_server.client()
    client.create_resource_provider(f"readme-{host}", host)
    client.set_inventories(host, 0, {"VCPU": Inventory(total=64), "MEMORY_MB": Inventory(total=65536)})
    ini = tmp_path / "scheduler.ini"
    ini.write_text(placement_server.ini() + f"[journal]\nconnection = sqlite:///{tmp_path}/journal/claims.sqlite\n")
    (code,) = blocks("README.md")
    code = code.replace("/etc/placement-scheduler/scheduler.ini", str(ini)).replace('"..."', '"somebody"')
    exec(compile(code, "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert "No valid host" not in lines[0]


def test_the_example_for_controllers_passes(tmp_path: Path):
    (code,) = blocks("docs/testing.md")
    names: dict = {}
    exec(compile(code, "docs/testing.md", "exec"), names)
    (example,) = [names[name] for name in names if name.startswith("test_")]
    example(tmp_path)


def test_the_example_plugins_are_plugins():
    """The plugins of the documentation answer as the pipeline demands, on a table that has what they ask for."""

    class Table:
        def __len__(self):
            return 3

        def free(self, resource_class):
            return np.array([0.0, 5.0, 50.0])

        def capacity(self, resource_class):
            return np.array([100.0, 100.0, 100.0])

        def column(self, name):
            return np.array([1, 2, 3])

        candidates = np.array([4, 5])

        def nested_parts(self):
            return np.array([0, 1])

    names: dict = {}
    code, _ = blocks("docs/plugins.md")
    exec(compile(code, "docs/plugins.md", "exec"), names)
    assert judged(names["EnoughDiskFilter"](), None, Table()).tolist() == [False, False, True]
    assert kept_by(names["NothingNestedFilter"](), None, Table()).tolist() == [True, False]
    assert scored([names["NewestWeigher"]()], None, Table()).tolist() == [[1.0, 2.0, 3.0]]


def test_the_example_prefilter_narrows_and_refuses():
    from placement_client.query import CandidateQuery
    from scheduler.model import Flavor, Image, RequestSpec
    from scheduler.prefilters import Facts, Refusal
    from scheduler.settings import PrefilterSettings

    names: dict = {}
    exec(compile(blocks("docs/plugins.md")[1], "docs/plugins.md", "exec"), names)
    flavor, image = Flavor(vcpus=1, memory_mb=1), Image(properties={"os_distro": "sles"})

    def narrowed(**change):
        request = RequestSpec(flavor=flavor, project_id="p", user_id="u", **change)
        return names["LicensedOnly"]().narrow(request, CandidateQuery({}), Facts(), "1.39", PrefilterSettings())

    assert narrowed() == CandidateQuery({})
    assert narrowed(image=image).root_required == {"CUSTOM_SLES_LICENCE"}
    assert narrowed(image=image, availability_zone="tests") == Refusal("no_licences_in_tests")
