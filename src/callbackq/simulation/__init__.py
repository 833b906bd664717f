"""
A contact center in virtual time, around the real service, dispatcher and store.

People call, wait, are offered a callback, hang up, are called back; agents come and go. Everything follows from
the seed: the same seed gives the same history, byte for byte.
"""

from callbackq.simulation.arrivals import RateCurve, poisson_arrivals
from callbackq.simulation.center import ContactCenter
from callbackq.simulation.people import Caller, Response, Temper, Try, draw_callers
from callbackq.simulation.report import Hour, SimulationReport
from callbackq.simulation.staffing import Shift, on_duty
from callbackq.simulation.world import Happened, Journal, WorldLine

__all__ = [
    "Caller",
    "ContactCenter",
    "Happened",
    "Hour",
    "Journal",
    "RateCurve",
    "Response",
    "Shift",
    "SimulationReport",
    "Temper",
    "Try",
    "WorldLine",
    "draw_callers",
    "on_duty",
    "poisson_arrivals",
]
