"""Failed sign-ins: who has to wait, and who must not."""

import pytest

from qa.server.attempts import Attempts


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def attempts(clock: Clock) -> Attempts:
    return Attempts(clock)


def test_the_wait_doubles_up_to_a_minute(attempts: Attempts, clock: Clock) -> None:
    waits = []
    for _ in range(12):
        attempts.failed("li", "192.0.2.1", None)
        waits.append(attempts.wait("li", "192.0.2.1", None))
        clock.now += waits[-1]
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert attempts.wait("li", "192.0.2.1", None) == 0


def test_another_person_and_another_address_do_not_wait(attempts: Attempts) -> None:
    for _ in range(8):
        attempts.failed("li", "192.0.2.1", None)
    assert attempts.wait("li", "192.0.2.1", None) > 0
    assert attempts.wait("chen", "192.0.2.1", None) == 0
    assert attempts.wait("li", "192.0.2.2", None) == 0


def test_many_names_from_one_address_and_one_name_from_many_both_wait(attempts: Attempts) -> None:
    for number in range(25):
        attempts.failed(f"name {number}", "192.0.2.1", None)
    assert attempts.wait("new", "192.0.2.1", None) > 0
    for number in range(40):
        attempts.failed("li", f"198.51.100.{number}", None)
    assert 0 < attempts.wait("li", "203.0.113.9", None) <= 30


def test_strangers_do_not_lock_out_whoever_signed_in_here_before(attempts: Attempts) -> None:
    for number in range(1000):
        attempts.failed("li", f"198.51.100.{number % 200}", None)
        attempts.failed("li", "192.0.2.1", None)
    assert attempts.wait("li", "192.0.2.1", None) == 60
    assert attempts.wait("li", "192.0.2.1", "browser of li") == 0
    for _ in range(5):
        attempts.failed("li", "192.0.2.1", "browser of li")
    assert attempts.wait("li", "192.0.2.1", "browser of li") == 2


def test_the_right_password_and_an_hour_forget(attempts: Attempts, clock: Clock) -> None:
    for _ in range(6):
        attempts.failed("li", "192.0.2.1", None)
    attempts.succeeded("li", "192.0.2.1", None)
    assert attempts.wait("li", "192.0.2.1", None) == 0
    for _ in range(12):
        attempts.failed("li", "192.0.2.1", None)
    clock.now += 3601
    attempts.failed("li", "192.0.2.1", None)
    assert attempts.wait("li", "192.0.2.1", None) == 0


def test_many_names_take_no_unbounded_memory(attempts: Attempts) -> None:
    for number in range(30_000):
        attempts.failed(f"name {number}", "192.0.2.1", None)
    assert len(attempts._kept) <= 20_000
