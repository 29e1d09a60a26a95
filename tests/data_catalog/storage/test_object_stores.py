"""Which store reads a URL; without credentials in the environment buckets are read anonymously."""

import obstore.store
import pytest

from data_catalog.errors import ConfigurationError
from data_catalog.storage.object_stores import object_store


def test_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        monkeypatch.delenv(name, raising=False)
    assert isinstance(object_store("http://127.0.0.1:1/a"), obstore.store.HTTPStore)
    bucket = object_store("s3://bucket/a")
    assert isinstance(bucket, obstore.store.S3Store)
    assert bucket.config["skip_signature"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert not object_store("s3://bucket/a").config.get("skip_signature")  # type: ignore[union-attr]


def test_other_urls_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="ftp://a/b: expected a path or a URL of gs, s3, az, http or file"):
        object_store("ftp://a/b")
