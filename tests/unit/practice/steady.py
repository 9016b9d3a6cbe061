"""How generated tests run here: none fails because the machine is busy."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

STEADY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
FEWER = settings(STEADY, max_examples=40)
