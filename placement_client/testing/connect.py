"""Clients of a test server, configured exactly as a service would be: through ``[placement]`` of an ini."""

import tempfile
from pathlib import Path

from oslo_config import cfg
from requests.adapters import BaseAdapter

from placement_client import config
from placement_client.client import PlacementClient
from placement_client.testing.ini import placement_section

ENDPOINT = "https://placement.test"


def client_of(adapter: BaseAdapter, **options: str | float) -> PlacementClient:
    """Return a client whose requests go through keystoneauth and then to this adapter."""
    return config.client_from(read_ini(placement_section(ENDPOINT, **options)), http_adapter=adapter)


def client_at(endpoint: str, **options: str | float) -> PlacementClient:
    """Return a client of the server at this URL."""
    return config.client_from(read_ini(placement_section(endpoint, **options)))


def read_ini(text: str) -> cfg.ConfigOpts:
    """Return a configuration of its own, read from this text, that knows the options of ``[placement]``."""
    conf = cfg.ConfigOpts()
    config.register_opts(conf)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "scheduler.ini"
        file.write_text(text)
        conf([], project="placement-scheduler", default_config_files=[str(file)])
    return conf
