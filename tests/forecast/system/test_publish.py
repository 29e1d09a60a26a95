"""The publish section of the system file."""

import pytest
from pydantic import ValidationError

from forecast.system.publish import Publish
from forecast.system.reading import parse_system
from forecast.system.system import System


@pytest.mark.parametrize(
    "url", ["s3://bucket", "s3://bucket/a/b/", "gs://bucket/a", "az://container/a", "file:///srv/forecasts"]
)
def test_places(url: str) -> None:
    assert Publish(to=url).to == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["", "forecasts", "/srv/forecasts", "s3://", "file://", "ftp://host/a", "http://host/a", "s3:/bucket"]
)
def test_other_places_are_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="expected s3://BUCKET/PREFIX"):
        Publish(to=url)


@pytest.mark.parametrize("url", ["s3://key:secret@bucket/a", "s3://bucket/a?token=secret", "gs://user@bucket"])
def test_credentials_are_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="credentials come from the environment"):
        Publish(to=url)


def test_no_run_says_where_it_is_copied_to(system: System) -> None:
    content = system.model_dump(mode="json")
    copied = parse_system(content | {"publish": {"to": "s3://bucket/forecasts"}}, origin="x")
    assert copied.publish.to == "s3://bucket/forecasts"
    assert copied.changed(title="other").publish.to == "s3://bucket/forecasts"
    assert copied.model_dump_json() == system.model_dump_json()
    assert copied.identity_hash() == system.identity_hash()
    assert copied.training_hash() == system.training_hash()
