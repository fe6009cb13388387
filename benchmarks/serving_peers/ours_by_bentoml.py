"""Our own service without its front door: the hot routes as they are mounted, and BentoML's own beside them."""

from services.front_door import FrontDoor
from services.service import FlightLateness

FlightLateness.middlewares[:] = [one for one in FlightLateness.middlewares if one[0] is not FrontDoor]
