"""How often one caller may ask: counted in memory, for each process alone, or in Redis for all of them together.

A limit protects the service; it must not be what stops it. While Redis is not reached requests pass, and are counted.
"""

import time
from http import HTTPStatus

import limits
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from prometheus_client import Counter

from app.problems import Problem

REDIS_SECONDS = 0.1
AGAIN_SECONDS = 5.0
SWEEP_SECONDS = 10.0


class QuietMemory(MemoryStorage):
    """Counts in memory, and forgets what has expired every few seconds.

    The storage of the library starts a thread for that every hundredth of a second, which looks at every caller.
    """

    STORAGE_SCHEME = ["quiet-memory"]  # noqa: RUF012 (so it is in the library)

    def __init__(self) -> None:
        super().__init__()
        self._sweep_at = 0.0

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to a counter, and return it."""
        now = time.time()
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            for old in [old for old, expires in self.expirations.copy().items() if expires <= now]:
                self.clear(old)
        with self.locks["all"]:
            if self.expirations.get(key, 0) <= now:
                self.storage[key] = 0
                self.expirations[key] = now + expiry
            self.storage[key] += amount
            return self.storage[key]

    def clear(self, key: str) -> None:
        """Forget a counter."""
        with self.locks["all"]:
            self.storage.pop(key, None)
            self.expirations.pop(key, None)


class Limiter:
    """Refuses callers that ask more often than a rate such as 600/minute."""

    def __init__(self, rate: str, redis_url: str | None, failures: Counter) -> None:
        self._rate = limits.parse(rate)
        timeouts = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
        self._storage = storage_from_string(redis_url, **timeouts) if redis_url else QuietMemory()
        self._strategy = FixedWindowRateLimiter(self._storage)
        self._failures = failures
        self._again_at = 0.0

    def pass_or_refuse(self, caller: str) -> None:
        """Count a request of a caller.

        Raises: Problem where it is one too many.
        """
        if time.monotonic() < self._again_at:
            self._failures.inc()
            return
        try:
            if self._strategy.hit(self._rate, caller):
                return
            reset = self._strategy.get_window_stats(self._rate, caller).reset_time
        except self._storage.base_exceptions:
            self._again_at = time.monotonic() + AGAIN_SECONDS
            self._failures.inc()
            return
        seconds = max(1, round(reset - time.time()))
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"Found more than {self._rate}, expected fewer; ask again in {seconds} seconds.",
            headers={"Retry-After": str(seconds)},
        )
