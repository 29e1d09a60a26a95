"""The API of the Climate Data Store, by ECMWF's own client: requests become jobs, and jobs files.

The key comes from the environment or from ~/.cdsapirc. It is shown nowhere, and sent only to the address that it is
for. Source: ECMWF, ecmwf-datastores-client; "CDSAPI setup"
"""

import importlib
import logging
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from obstore.exceptions import GenericError

from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError, without_secrets
from data_catalog.sources.cds.demands import Demand
from data_catalog.storage.patience import ask, explained, is_outage, patience_for

USUAL_URL = "https://cds.climate.copernicus.eu/api"
KEY_VARIABLES, URL_VARIABLE, FILE_VARIABLE = ("CDSAPI_KEY", "ECMWF_DATASTORES_KEY"), "CDSAPI_URL", "CDSAPI_RC"
_LICENCE, _COST, _NOT_YET = "licence", "cost", ("available yet", "embargo", "not yet available")
_UNAUTHORISED, _FORBIDDEN, _GONE, _BUSY, _FAULTY = 401, 403, 404, (408, 429), 500
_LONGEST = 300
T = TypeVar("T")


class TooCostlyError(Exception):
    """A request that is larger than the service allows."""


class GoneError(Exception):
    """A job that the service no longer knows."""


@dataclass(frozen=True)
class Asset:
    """The file that a job has made.

    Attributes:
        url: Where it lies.
        size: Number of bytes.
        checksum: Its MD5 in hexadecimal digits, or empty.
    """

    url: str
    size: int
    checksum: str


class Service:
    """The API at one address, used with one key."""

    def __init__(self, url: str) -> None:
        """Log in.

        Args:
            url: Address of the API.

        Raises:
            ConfigurationError: There is no key for it, or ECMWF's client is not installed.
        """
        self.url = url.rstrip("/")
        library, key = _library(self.url), key_for(self.url)
        logging.getLogger("multiurl").setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about messages of the day that could not be read
            self._client = library.Client(
                url=self.url, key=key, progress=False, retry_after=0, maximum_tries=1, timeout=60
            )
        self._requests = importlib.import_module("requests")

    def submit(self, demand: Demand) -> str:
        """Ask for something, and return the number of the job.

        Args:
            demand: What to ask for.

        Raises:
            TooCostlyError: It has to be split.
            ConfigurationError: The key is refused, or a licence has to be accepted first.
            InvalidDataError: The service refuses the request.
            MissingDataError: The service cannot be reached.
        """
        return str(self._asked(lambda: self._client.submit(demand.collection, demand.inputs()).request_id, demand))

    def state(self, job: str, demand: Demand) -> str:
        """Return the state of a job: accepted, running, successful, failed, rejected.

        Args:
            job: Its number.
            demand: What was asked for.

        Raises:
            GoneError: There is no such job.
        """
        return str(self._asked(lambda: self._client.get_remote(job).status, demand))

    def asset(self, job: str, demand: Demand) -> Asset:
        """Return the file of a successful job.

        Args:
            job: Its number.
            demand: What was asked for.

        Raises:
            GoneError: There is no such job.
        """

        def found() -> Asset:
            results = self._client.get_remote(job).get_results()
            return Asset(results.location, results.content_length, str(results.asset.get("file:checksum", "")))

        return self._asked(found, demand)

    def why_failed(self, job: str, demand: Demand) -> str:
        """Return why a job failed, in one line.

        Args:
            job: Its number.
            demand: What was asked for.
        """

        def said() -> str:
            remote = self._client.get_remote(job)
            try:
                return "unknown" if remote.results_ready else "still running"
            except (self._requests.HTTPError, RuntimeError) as error:
                if isinstance(error, self._requests.HTTPError) and _status(error) >= _FAULTY:
                    raise
                return _one_line(error)

        return self._asked(said, demand)

    def _asked(self, call: Callable[[], T], demand: Demand) -> T:
        what = f"{self.url}: {demand.words}"
        try:
            found = ask(lambda: self._once(call, what), patience_for(self.url), what)
        except GenericError as error:
            raise explained(error, what, "an answer") from None
        if isinstance(found, Exception):
            raise found
        return found

    def _once(self, call: Callable[[], T], what: str) -> T | Exception:
        """Make a request; an outage becomes an error that is waited out, and a refusal is returned, to be raised."""
        try:
            return call()
        except self._requests.HTTPError as error:
            refusal = _refusal(error, what)
            if isinstance(refusal, GenericError):
                raise refusal from None
            return refusal
        except (self._requests.RequestException, ValueError, KeyError, AssertionError) as error:
            raise GenericError(f"no answer that can be read: {type(error).__name__}") from None
        except Exception as error:  # the client's own, of an answer that lacks something
            raise error if is_outage(error) else GenericError(f"an odd answer: {type(error).__name__}") from None


def _refusal(error: Any, what: str) -> Exception:
    status, said = _status(error), _one_line(error)
    if status in _BUSY or status >= _FAULTY:
        return GenericError(f"status {status}")
    if status == _GONE:
        return GoneError(said)
    if _COST in said.lower():
        return TooCostlyError(said)
    if _LICENCE in said.lower():
        return ConfigurationError(
            f"{what}: expected that its licence is accepted, found that it is not: {said}; accept it on the page of "
            "the dataset, under Download"
        )
    if status in (_UNAUTHORISED, _FORBIDDEN):
        return ConfigurationError(f"{what}: expected a key that the service takes, found it refused: {said}")
    if is_not_there_yet(said):
        return MissingDataError(f"{what}: expected data, found none yet: {said}")
    return InvalidDataError(f"{what}: expected a request that the service takes, found it refused: {said}")


def is_not_there_yet(said: str) -> bool:
    """Return whether the reason of a failed job is that its days are not published yet.

    Args:
        said: What the service says.
    """
    return any(words in said for words in _NOT_YET)


def _status(error: Any) -> int:
    return 0 if error.response is None else int(error.response.status_code)


def _one_line(error: BaseException) -> str:
    text = without_secrets(" ".join(str(error).split()))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _library(url: str) -> Any:
    try:
        return importlib.import_module("ecmwf.datastores")
    except ImportError:
        raise ConfigurationError(
            f"{url}: expected ecmwf-datastores-client to ask the Climate Data Store with, found none; install it with: "
            "pip install 'plumecast[cds]'"
        ) from None


def key_for(url: str) -> str:
    """Return the key for an address, from the environment or from ~/.cdsapirc.

    Args:
        url: Address of the API.

    Raises:
        ConfigurationError: There is no key, or it is for another address.
    """
    path = Path(os.environ.get(FILE_VARIABLE) or Path.home() / ".cdsapirc")
    named = dict(_lines(path))
    given = next((os.environ[name] for name in KEY_VARIABLES if os.environ.get(name)), "")
    key = given or named.get("key", "")
    if not key:
        raise ConfigurationError(
            f"{url}: expected a key in {KEY_VARIABLES[0]} or {path}, found none; the Climate Data Store shows yours on "
            "your profile"
        )
    own = os.environ.get(URL_VARIABLE) or (USUAL_URL if given else named.get("url", USUAL_URL))
    if _host(own) != _host(url):
        raise ConfigurationError(
            f"{url}: expected the address that the key is for, {_host(own)}, found another; name it in {URL_VARIABLE} "
            f"or {path} if the key is to be sent there"
        )
    return key


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _lines(path: Path) -> list[tuple[str, str]]:
    """Names and values of a file like ~/.cdsapirc."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    pairs = (line.partition(":") for line in lines)
    return [(name.strip(), value.strip()) for name, _, value in pairs]
