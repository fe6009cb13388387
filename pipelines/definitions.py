"""Which definitions of features this code has, in one hash: light enough for the service, which asks it of a bundle."""

import hashlib
import json
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

from infra.revision import meaning_sha256
from pipelines import as_of, feature_catalog, features, holiday, state

FEATURE_SOURCES = (as_of, feature_catalog, features, holiday, state)


@lru_cache(maxsize=1)
def features_sha256() -> str:
    """The hash of the feature definitions: the catalog, and what the modules that compute it do.

    It is of their syntax trees, which Python writes otherwise from one minor version to the next: so is the hash.
    """
    catalog = json.dumps([asdict(feature) for feature in feature_catalog.FEATURES], sort_keys=True, default=str)
    sources = meaning_sha256(Path(str(module.__file__)) for module in FEATURE_SOURCES)
    return hashlib.sha256(f"{catalog}{sources}".encode()).hexdigest()
