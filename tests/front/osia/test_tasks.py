"""Tasks and call-backs by themselves: turns by priority, attempts, who may know of a task, which addresses are used."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from limen.errors import BadInput, LimenError, NotAllowed, NotFound, Refused, Unavailable
from limen.front.osia import tasks as module
from limen.front.osia.answers import Result
from limen.front.osia.callbacks import Deliverer, checked, signed_bytes
from limen.front.osia.tasks import Gate, Status, Task, Tasks

ALLOWED = "https://abis.example:8443, http://plain.example"


class Post:
    """Takes results, or does not."""

    def __init__(self, *taken: bool) -> None:
        self.taken, self.sent = list(taken), []

    async def send(self, url: str, **said: Any) -> bool:
        self.sent.append((url, said))
        return self.taken.pop(0) if self.taken else True

    async def close(self) -> None:
        pass


def play(story: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(300):
            await story()

    asyncio.run(bounded())


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRIES", (0.0, 0.0))


async def _ended(task: Task) -> None:
    while task.status in (Status.PENDING, Status.RESPONSE_SCHEDULED, Status.RESPONSE_RETRY):
        await asyncio.sleep(0.001)


def _taken() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


async def _work(content: Any = None, error: Exception | None = None) -> Result:
    await asyncio.sleep(0.001)
    if error is not None:
        raise error
    return Result(content)


def test_a_result_is_sent_again_kept_and_sent_once_more_when_asked() -> None:
    async def story() -> None:
        post = Post(False, False, True)
        tasks = Tasks(post)  # type: ignore[arg-type]
        task = await tasks.begin("BIH/a", "t1", "https://abis.example:8443/x", _work({"personId": "1"}), _taken())
        assert tasks.own(task.id, "BIH/a").status is Status.PENDING
        with pytest.raises(NotFound):
            tasks.own(task.id, "SRB/a")
        await _ended(task)
        assert (task.status, len(post.sent)) == (Status.RESPONSE_ERROR, 2)
        tasks.redeliver(task.id, "BIH/a")
        await _ended(task)
        assert (task.status, task.content) == (Status.COMPLETED, None)
        assert post.sent[2][1]["content"] == {"personId": "1"} and post.sent[2][1]["transaction"] == "t1"
        with pytest.raises(NotFound):
            tasks.redeliver(task.id, "BIH/a")
        await tasks.close()

    play(story)


@pytest.mark.parametrize(
    ("error", "code"), [(NotFound("gone"), 404), (Unavailable("down"), 503), (ValueError("secret"), 500)]
)
def test_an_error_is_sent_as_such(error: Exception, code: int) -> None:
    async def story() -> None:
        post = Post()
        tasks = Tasks(post)  # type: ignore[arg-type]
        task = await tasks.begin("a", "t", "u", _work(error=error), _taken())
        await _ended(task)
        [(_, said)] = post.sent
        assert said["failed"] and said["content"]["code"] == code and "secret" not in said["content"]["message"]
        await tasks.close()

    play(story)


def test_a_request_that_is_not_in_order_is_no_task() -> None:
    async def story() -> None:
        tasks = Tasks(Post())  # type: ignore[arg-type]
        with pytest.raises(BadInput):
            await tasks.begin("a", "t", "u", _work(error=BadInput("no JSON")), asyncio.Event())
        await tasks.close()

    play(story)


def test_nothing_is_kept_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        monkeypatch.setattr(module, "KEPT_SECONDS", -1.0)
        tasks = Tasks(Post(False, False))  # type: ignore[arg-type]
        task = await tasks.begin("a", "t", "u", _work("x"), _taken())
        await _ended(task)
        assert tasks.own(task.id, "a").content is None
        with pytest.raises(NotFound):
            tasks.redeliver(task.id, "a")
        monkeypatch.setattr(module, "STATUS_SECONDS", -1.0)
        with pytest.raises(NotFound):
            tasks.own(task.id, "a")
        await tasks.close()

    play(story)


def test_finished_tasks_make_room_and_nobody_takes_the_others_room(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        monkeypatch.setattr(module, "MAX_TASKS", 4)
        monkeypatch.setattr(module, "MAX_TASKS_EACH", 2)
        tasks = Tasks(Post(*[True] * 5))  # type: ignore[arg-type]
        done = []
        for _ in range(5):
            done.append(await tasks.begin("a", "t", "u", _work("x"), _taken()))
            await _ended(done[-1])
        with pytest.raises(NotFound):
            tasks.own(done[0].id, "a")
        assert tasks.own(done[4].id, "a").status is Status.COMPLETED
        waits = asyncio.Event()
        for asker in "aabb":
            await tasks.begin(asker, "t", "u", _waiting(waits), _taken())
            if asker == "a" and len(tasks._running) == 2:
                with pytest.raises(Refused):
                    await tasks.begin("a", "t", "u", _work("x"), _taken())
        with pytest.raises(Unavailable):
            await tasks.begin("c", "t", "u", _work("x"), _taken())
        await tasks.close()

    play(story)


async def _waiting(until: asyncio.Event) -> Result:
    await until.wait()
    return Result()


def test_the_front_ends_with_work_under_way() -> None:
    async def story() -> None:
        tasks = Tasks(Post())  # type: ignore[arg-type]
        await tasks.begin("a", "t", "u", asyncio.sleep(3600, Result()), _taken())
        await tasks.close()

    play(story)


def test_turns_go_by_priority_and_then_by_age() -> None:
    async def story() -> None:
        gate, order, first = Gate(1), [], asyncio.Event()

        async def hold() -> None:
            async with gate.turn(0):
                await first.wait()

        async def take(name: str, priority: int) -> None:
            async with gate.turn(priority):
                order.append(name)

        holding = asyncio.create_task(hold())
        await asyncio.sleep(0)
        wanted = [("a", 0), ("b", 9), ("c", 5), ("d", 9), ("e", 1000), ("gone", 9)]
        waiting = [asyncio.create_task(take(*one)) for one in wanted]
        await asyncio.sleep(0.01)
        waiting[-1].cancel()
        first.set()
        await asyncio.gather(holding, *waiting, return_exceptions=True)
        assert order == ["b", "d", "e", "c", "a"]
        async with asyncio.timeout(1), gate.turn(0):
            pass

    play(story)


@pytest.mark.parametrize(
    "url", ["https://abis.example:8443/cb?x=1", "http://plain.example/", "http://PLAIN.example:80/a"]
)
def test_allowed_addresses(url: str) -> None:
    assert checked(url, ALLOWED) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://abis.example/cb",  # another port
        "http://abis.example:8443/cb",  # another scheme
        "https://abis.example:8443@evil.test/",  # secret-scan: ok
        "https://user:word@abis.example:8443/",  # secret-scan: ok
        "https://abis.example.evil.test:8443/",
        "http://127.0.0.1/",
        "http://[::1]:8443/",
        "file:///etc/passwd",
        "//plain.example/",
        "plain.example",
        "",
        "http://plain.example/" + "x" * 3000,
        "http://\x00/",
        "http://plain.example:99999/",
    ],
)
def test_other_addresses_are_never_used(url: str) -> None:
    with pytest.raises((NotAllowed, BadInput)):
        checked(url, ALLOWED)
    with pytest.raises(LimenError):
        checked(url, "")


def test_a_redirect_is_not_followed_and_the_signature_covers_address_and_body() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(307, headers={"location": "http://169.254.169.254/"})

    class Vault:
        signed = b""

        async def sign(self, message: bytes) -> bytes:
            self.signed = message
            return b"s" * 64

    async def story() -> None:
        vault = Vault()
        deliverer = Deliverer(vault, httpx.MockTransport(answer))  # type: ignore[arg-type]
        sent = await deliverer.send(
            "http://plain.example/cb?a=1", transaction="t&x", task="1", content="OK", failed=False
        )
        assert not sent and len(seen) == 1
        assert dict(seen[0].url.params) == {"a": "1", "transactionId": "t&x", "taskId": "1"}
        assert vault.signed == signed_bytes(str(seen[0].url), b'"OK"')
        await deliverer.close()

    play(story)
