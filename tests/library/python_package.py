#!/usr/bin/env python3
"""The Python package, as PYTHONPATH has it: ARGOSY_BINARY and ARGOSY_STORE name the program and a store that it published."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

import argosy
import served

BINARY = os.environ["ARGOSY_BINARY"]
STORE = pathlib.Path(os.environ["ARGOSY_STORE"])


def run(*arguments):
    return subprocess.run([BINARY, *map(str, arguments)], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


def object_of(query, answer):
    """As `argosy search --json` prints it."""
    return {
        "query": query,
        "source": answer.source,
        "restricted": [{"text": one.text, "field": one.field, "values": list(one.values)} for one in answer.restricted],
        "results": [{"id": one.id, "score": one.score, "title": one.title, "channels": list(one.channels), "within": one.within}
                    for one in answer.results],
    }


def searched(query, *options, store=STORE):
    return json.loads(run("search", "--store", store, "--json", *options, query))


class Package(unittest.TestCase):
    def refused(self, code, part, work):
        with self.assertRaises(argosy.Error) as caught:
            work()
        self.assertEqual(caught.exception.code, code)
        self.assertIn(part, str(caught.exception))

    def test_answers_are_those_of_argosy_search(self):
        with argosy.Store(STORE) as store:
            for query in ("red dress", "blue shoes", "\u8fde\u8863\u88d9 red"):
                for channel in ("semantic", "lexical", "hybrid"):
                    found = store.search(query, k=7, channel=channel)
                    self.assertEqual(object_of(query, found), searched(query, "-k", 7, "--channel", channel))
            plain = store.search("red dress", restricts=False, live=True)
            self.assertEqual(object_of("red dress", plain), searched("red dress", "--no-restrict", "--live"))
            self.assertEqual(plain.generation, 1)
            self.assertIsNone(plain.refusal)

    def test_many_together(self):
        with argosy.Store(str(STORE), threads=1) as store:
            queries = ["red dress", "!!!", "blue shoes"]
            answers = store.search_many(queries, k=3)
            for place in (0, 2):
                alone = store.search(queries[place], k=3)
                self.assertEqual([one.id for one in answers[place].results], [one.id for one in alone.results])
                self.assertEqual(answers[place].restricted, alone.restricted)
            self.assertIn("word", answers[1].refusal)
            self.assertEqual(answers[1].results, ())
            self.assertEqual(store.search_many([]), [])

    def test_products(self):
        with argosy.Store(STORE) as store:
            self.assertEqual(store.products, 60)
            best = store.search("red dress", k=1).results[0]
            found = store.product(best.id)
            self.assertEqual((found.id, found.title), (best.id, best.title))
            self.assertIsNone(store.product("none"))

    def test_what_is_wrong_is_raised(self):
        self.refused(argosy.Code.NOT_FOUND, "/nowhere", lambda: argosy.Store("/nowhere"))
        self.refused(argosy.Code.INVALID_ARGUMENT, "threads", lambda: argosy.Store(STORE, threads=-1))
        with argosy.Store(STORE) as store:
            wrong = argosy.Code.INVALID_ARGUMENT
            self.refused(wrong, "k: want", lambda: store.search("a", k=0))
            self.refused(wrong, "k: want", lambda: store.search("a", k=-1))
            self.refused(wrong, "found best", lambda: store.search("a", channel="best"))
            self.refused(wrong, "filter", lambda: store.search("a", filter="AND"))
            self.refused(wrong, "word", lambda: store.search("!!!"))
            self.refused(wrong, "NUL", lambda: store.search("red\0dress"))
            with self.assertRaises(TypeError):
                store.search(7)
        self.refused(argosy.Code.INVALID_ARGUMENT, "closed", lambda: store.search("red"))
        store.close()

    def test_refresh_takes_up_a_change(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = shutil.copytree(STORE, pathlib.Path(folder) / "store")
            with argosy.Store(copy) as store:
                self.assertFalse(store.refresh())
                gone = store.search("red dress", k=1).results[0].id
                (pathlib.Path(folder) / "ids.txt").write_text(gone + "\n")
                run("change", "--store", copy, "--remove", pathlib.Path(folder) / "ids.txt")
                self.assertTrue(store.refresh())
                self.assertIsNone(store.product(gone))
                self.assertEqual(store.products, 59)
                self.assertEqual(object_of("red dress", store.search("red dress")), searched("red dress", store=copy))

    def test_threads_may_share_a_store(self):
        with argosy.Store(STORE) as store:
            expected = store.search("red dress")
            wrong = []

            def ask():
                for _ in range(20):
                    if store.search("red dress") != expected:
                        wrong.append(1)

            threads = [threading.Thread(target=ask) for _ in range(4)]
            for one in threads:
                one.start()
            for one in threads:
                one.join()
            self.assertEqual(wrong, [])

    def alone(self, script, **environment):
        """What a Python of its own writes, to both outputs."""
        end = subprocess.run([sys.executable, "-B", "-c", script, STORE], check=True, capture_output=True, text=True,
                             env={**os.environ, **environment})
        return end.stdout, end.stderr

    def test_no_thread_is_started(self):
        script = ("import argosy, os, sys\n"
                  "with argosy.Store(sys.argv[1]) as store:\n"
                  "    store.search('red dress', channel='hybrid', live=True)\n"
                  "    print(len(os.listdir('/proc/self/task')))")
        self.assertEqual(self.alone(script), ("1\n", ""))

    def test_warnings_are_written_where_they_are_asked_for(self):
        """A word list that is not the model's is worth one."""
        with tempfile.TemporaryDirectory() as folder:
            words = pathlib.Path(folder) / "words.txt"
            words.write_text("\u88d9 3 n\n")
            script = "import argosy, sys\n%sargosy.Store(sys.argv[1])"
            self.assertEqual(self.alone(script % "", ARGOSY_WORD_LIST=str(words)), ("", ""))
            out, told = self.alone(script % "argosy.log(True)\n", ARGOSY_WORD_LIST=str(words))
            self.assertEqual(out, "")
            self.assertIn("answers to Chinese queries will be worse", told)

    def test_version_and_types(self):
        self.assertEqual(f"argosy {argosy.version()}\n", run("--version"))
        self.assertTrue((pathlib.Path(argosy.__file__).parent / "py.typed").exists())


class Clients(unittest.TestCase):
    def test_a_server_answers_as_a_store_does(self):
        with served.serving(BINARY, STORE) as endpoint, argosy.Store(STORE) as store, argosy.Client(endpoint, deadline=60) as client:
            for channel in ("semantic", "lexical", "hybrid"):
                here, there = (one.search("red dress", k=7, channel=channel) for one in (store, client))
                self.assertEqual([one.id for one in here.results], [one.id for one in there.results])
                self.assertEqual([one.title for one in here.results], [one.title for one in there.results])
                self.assertEqual((here.restricted, here.source, here.generation), (there.restricted, there.source, there.generation))
                self.assertFalse(there.partial)
            many = client.search_many(["red dress", "!!!", "blue shoes"], k=3)
            self.assertEqual([one.code for one in many], [None, argosy.Code.INVALID_ARGUMENT, None])
            self.assertEqual(len(many[2].results), 3)
            with self.assertRaises(argosy.Error) as caught:
                client.search("red", filter="nosuch:1")
            self.assertEqual(caught.exception.code, argosy.Code.INVALID_ARGUMENT)

    def test_nobody_is_unavailable_and_wrong_values_are_named(self):
        with argosy.Client("tcp://127.0.0.1:1", deadline=0.05) as client:
            for work, code, part in (
                (lambda: client.search("red"), argosy.Code.UNAVAILABLE, "no reply"),
                (lambda: client.search("red", deadline=0), argosy.Code.INVALID_ARGUMENT, "deadline"),
                (lambda: client.search("red", k=0), argosy.Code.INVALID_ARGUMENT, "k: want"),
                (lambda: argosy.Client("nowhere"), argosy.Code.INVALID_ARGUMENT, "nowhere"),
            ):
                with self.assertRaises(argosy.Error) as caught:
                    work()
                self.assertEqual(caught.exception.code, code)
                self.assertIn(part, str(caught.exception))
        with self.assertRaises(argosy.Error) as caught:
            client.search("red")
        self.assertIn("the client is closed", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
