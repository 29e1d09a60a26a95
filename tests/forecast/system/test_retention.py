"""Rules of retention fit together, and change no hash."""

import pytest

from forecast.system.retention import Retention


def test_defaults_and_for_ever() -> None:
    assert (Retention().members_days, Retention().products_days) == (30, 365)
    assert Retention(members_days=None, products_days=None).members_days is None
    assert Retention(products_days=None).products_days is None


@pytest.mark.parametrize("rules", [{"products_days": 10}, {"members_days": None, "products_days": 10}])
def test_products_are_kept_as_long_as_members(rules: dict[str, int | None]) -> None:
    with pytest.raises(ValueError, match="products_days: expected at least members_days"):
        Retention.model_validate(rules)
