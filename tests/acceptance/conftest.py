"""What several acceptance tests need."""

from collections.abc import Generator

import pytest

from tests.product import Product


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Product]:
    """An Ostinato that has begun with the recalculation that was due."""
    with Product(tmp_path_factory.mktemp("h")) as product, product.up():
        product.wait_for(applied=1)
        product.wait_for_workers(1)
        yield product
