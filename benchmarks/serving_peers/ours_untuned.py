"""Our own service with nothing of ours around it: no front door, and the garbage collector as Python has it."""

from benchmarks.serving_peers import ours_by_bentoml, ours_python_gc  # noqa: F401 - each changes the service
from services.service import FlightLateness  # noqa: F401 - what is served
