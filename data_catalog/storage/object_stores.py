"""What reads the objects below a URL: over HTTP, or from a bucket of Amazon, Google or Azure."""

import os

import obstore
import obstore.store

from data_catalog.errors import ConfigurationError

_CREDENTIALS = {
    "s3": ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
    "gs": ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_KEY"),
    "az": ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_CLIENT_SECRET"),
}
_MOST_RETRIES = 0
"""Of the library, which gives up within seconds: `patience` asks again instead."""
_LONGEST_ANSWER = "5min"


def has_credentials(scheme: str) -> bool:
    """Return whether the environment holds credentials for a kind of store; without any it is read anonymously.

    Args:
        scheme: `s3`, `gs` or `az`.
    """
    return any(os.environ.get(name) for name in _CREDENTIALS.get(scheme, ()))


def object_store(place: str) -> obstore.store.ObjectStore:
    """Return what reads objects below a URL, asking once for each; buckets are read anonymously.

    Args:
        place: URL: gs://, s3://, az://, http://, https://.

    Raises:
        ConfigurationError: It is a URL of an unknown kind.
    """
    try:
        kind = obstore.parse_scheme(place)
    except obstore.exceptions.GenericError:
        raise ConfigurationError(f"{place}: expected a path or a URL of gs, s3, az, http or file, found none") from None
    if kind == "http":
        return obstore.store.HTTPStore.from_url(
            place,
            client_options={"allow_http": True, "timeout": _LONGEST_ANSWER},
            retry_config={"max_retries": _MOST_RETRIES},
        )
    anonymous = not has_credentials(place.partition("://")[0].lower())
    return obstore.store.from_url(
        place,
        config={"skip_signature": True} if anonymous else None,
        client_options={"allow_http": True, "timeout": _LONGEST_ANSWER},
        retry_config={"max_retries": _MOST_RETRIES},
    )
