from collections.abc import Iterator

import pytest

from tests.support.deploy.proxied import Proxied, proxied


@pytest.fixture(scope="session")
def behind_nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    with proxied(tmp_path_factory.mktemp("nginx")) as running:
        yield running
