"""Asynchronous context managers as setups, and what uses their arguments."""

import asyncio
from contextlib import asynccontextmanager

import anyio


@asynccontextmanager
async def opened(n):
    """Yield the loop and the size inside a cancel scope, which its own task must leave."""
    task = asyncio.current_task()
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.sleep_forever)
        yield asyncio.get_running_loop(), n
        group.cancel_scope.cancel()
    if asyncio.current_task() is not task:
        raise RuntimeError("another task")


async def stream(argument):
    loop, n = argument
    for i in range(n):
        await asyncio.sleep(0)
        if asyncio.get_running_loop() is not loop:
            raise RuntimeError("another loop")
        yield i


async def value(argument):
    return await asyncio.sleep(0, argument[1])


def plain(argument):
    return range(argument[1])


async def keeps(argument):
    return [bytes(100) for _ in range(argument[1])]


async def fails(argument):
    raise ValueError("no rows today")


@asynccontextmanager
async def fails_to_open(n):
    raise ConnectionError("no database")
    yield


@asynccontextmanager
async def fails_to_close(n):
    yield asyncio.get_running_loop(), n
    raise ConnectionError("lost the database")


def not_decorated(n):
    yield n


async def not_a_manager(n):
    return n


@asynccontextmanager
async def fifty_blocks(n):
    yield [bytes(1_000_000) for _ in range(50)], n
