"""Argosy from Python: search a store in this process, without a server, or ask a server (`argosy serve --zmq`).

    with argosy.Store("store") as store:
        for one in store.search("red dress", k=5).results:
            print(one.score, one.id, one.title)

    with argosy.Client("tcp://127.0.0.1:5555") as client:
        answer = client.search("red dress", k=5, deadline=0.1)

What goes wrong is raised as argosy.Error, whose message names file or option, what was wanted and what was found.
Threads: a search lets other Python threads run. Threads that share a store, or a client, take turns; different ones search at the same time.
"""
from __future__ import annotations

import enum
import os
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal

from . import _argosy

__all__ = ["Answer", "Client", "Code", "Error", "Product", "Restriction", "Result", "Store", "log", "version"]

Channel = Literal["semantic", "lexical", "hybrid"]


class Code(enum.IntEnum):
    """The kinds of failure, as argosy.h numbers them."""

    INVALID_ARGUMENT = 1
    SHAPE_MISMATCH = 2
    NOT_FOUND = 3
    CORRUPT = 4
    VERSION_MISMATCH = 5
    IO_ERROR = 6
    OUT_OF_RANGE = 7
    ABORTED = 8
    UNAVAILABLE = 9
    INTERNAL = 10
    NO_MEMORY = 11
    BUSY = 12  # of a server: too many queries wait, ask again later
    FAILED = 13  # of a server


class Error(Exception):
    """What the library refuses, or could not do."""

    code: Code

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message, code)
        self.code = Code(code)

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Result:
    id: str
    title: str
    score: float
    channels: tuple[str, ...]  # those that found it
    within: bool  # it has what the names in the query ask for, or there are none


@dataclass(frozen=True)
class Restriction:
    """A name in the query, and the values of a field that it stands for: any of them."""

    text: str
    field: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    results: tuple[Result, ...]  # best first
    restricted: tuple[Restriction, ...]
    source: str  # "index" or "pair table"
    generation: int
    refusal: str | None  # of search_many: why there is no answer to the query
    code: Code | None = None  # of the refusal
    shards: int = 0  # of a server that asks shards
    shards_answered: int = 0

    @property
    def partial(self) -> bool:
        """Fewer shards answered than were asked: the results are of a part of the products."""
        return self.shards_answered < self.shards


@dataclass(frozen=True)
class Product:
    id: str
    title: str
    image: str  # the name of its picture; empty: none


class Store:
    """A store that `argosy publish` wrote, opened. Close it, or open it in a `with`."""

    def __init__(self, path: str | os.PathLike[str], *, threads: int = 1) -> None:
        """threads: of a search; 0: one for each core."""
        self._open = _argosy.OpenStore(os.fsencode(path), threads)

    def search(self, query: str, *, k: int = 10, filter: str = "", channel: Channel = "semantic", restricts: bool = True,
               live: bool = False) -> Answer:
        """The best k products. filter: `colour:red AND price<500`. restricts: the name of a brand or category in the query keeps its
        products. live: the pair table is not asked."""
        return _answer(self._open.search(query, k, filter, channel, restricts, live))

    def search_many(self, queries: Iterable[str], *, k: int = 10, filter: str = "", channel: Channel = "semantic",
                    restricts: bool = True, live: bool = False) -> list[Answer]:
        """Together, which is faster. A query that cannot be answered has an answer with a refusal."""
        return [_answer(one) for one in self._open.search_many(list(queries), k, filter, channel, restricts, live)]

    def product(self, id: str) -> Product | None:
        found = self._open.product(id)
        return None if found is None else Product(*found)

    def refresh(self) -> bool:
        """Takes up what was published or changed since; whether there was something. Cheap when there was not."""
        return self._open.refresh()

    @property
    def generation(self) -> int:
        return self._open.generation()

    @property
    def products(self) -> int:
        """How many there are."""
        return self._open.products()

    def close(self) -> None:
        """Whatever is asked afterwards is an Error. Answers stay."""
        self._open.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, thrown: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class Client:
    """A client of `argosy serve --zmq`. A server that is not there yet, or goes, is connected to as soon as it is back. Close it, or open it
    in a `with`."""

    def __init__(self, endpoint: str, *, deadline: float = 5.0, server_key_file: str | os.PathLike[str] = "",
                 secret_key_file: str | os.PathLike[str] = "", server_key: str = "", secret_key: str = "") -> None:
        """endpoint: as ZeroMQ writes it. deadline: seconds, of a search that has none of its own. Keys: of a server with CURVE, its public
        and the client's own secret one, as files that `argosy key curve` wrote or as texts."""
        self._open = _argosy.OpenClient(endpoint, deadline, os.fsencode(server_key_file), os.fsencode(secret_key_file), server_key,
                                        secret_key)

    def search(self, query: str, *, k: int = 10, filter: str = "", channel: Channel = "semantic", restricts: bool = True,
               live: bool = False, deadline: float | None = None) -> Answer:
        """As Store.search. No answer within the deadline is an Error with Code.UNAVAILABLE."""
        return _answer(self._open.search(query, k, filter, channel, restricts, live, deadline))

    def search_many(self, queries: Iterable[str], *, k: int = 10, filter: str = "", channel: Channel = "semantic",
                    restricts: bool = True, live: bool = False, deadline: float | None = None) -> list[Answer]:
        """Together, in messages of as many as the server takes; the deadline is of all."""
        return [_answer(one) for one in self._open.search_many(list(queries), k, filter, channel, restricts, live, deadline)]

    def close(self) -> None:
        """Whatever is asked afterwards is an Error. Answers stay."""
        self._open.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, thrown: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def version() -> str:
    return _argosy.version()


def log(wanted: bool) -> None:
    """Whether warnings go to standard error. No, to begin with."""
    _argosy.log(wanted)


def _answer(made: _argosy._Answer) -> Answer:
    results, restricted, source, generation, refusal, code, shards, answered = made
    return Answer(tuple(Result(*one) for one in results), tuple(Restriction(*one) for one in restricted), source, generation, refusal,
                  None if refusal is None else Code(code), shards, answered)
