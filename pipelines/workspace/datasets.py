"""Finds datasets: shipped ones by name, and a user's in the home directory or by the path of a file."""

from pathlib import Path

from data_catalog.catalog import DatasetEntry, dataset, dataset_names, read_dataset
from data_catalog.errors import ConfigurationError, PlumecastError
from pipelines.workspace.home import Home


def find_dataset(home: Home, name_or_path: str) -> DatasetEntry:
    """Return a dataset by its name, or from a TOML file.

    Args:
        home: Home directory with the user's dataset files.
        name_or_path: A name that `catalog list` shows, or the path of a TOML file.

    Raises:
        ConfigurationError: There is no such dataset, or its file is wrong.
    """
    path = Path(name_or_path).expanduser()
    if name_or_path.endswith(".toml"):
        return read_dataset(path)
    return dataset(name_or_path, [home.datasets])


def known_names(home: Home) -> tuple[str, ...]:
    """Return the names of all datasets: the shipped ones, then those whose files lie in the home directory.

    Args:
        home: Home directory with the user's dataset files.
    """
    return dataset_names([home.datasets])


def declare_variables(home: Home) -> None:
    """Make the variables that dataset files in the home directory declare known, for files of any origin.

    A dataset file that is wrong is passed over: the commands that need it say what is wrong with it.

    Args:
        home: Home directory with the user's dataset files.
    """
    for name in known_names(home):
        try:
            find_dataset(home, name)
        except PlumecastError:
            continue


def is_simulated(home: Home, name: str) -> bool:
    """Return whether a dataset of this name is known and is simulated weather.

    Args:
        home: Home directory with the user's dataset files.
        name: Name of a dataset, known or not.
    """
    try:
        return find_dataset(home, name).simulated
    except ConfigurationError:
        return False
