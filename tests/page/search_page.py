#!/usr/bin/env python3
"""The search page of `argosy serve`, used as a person uses it, in headless Chromium, which finds no other host than the server's.

    tests/page/search_page.py ARGOSY                                                           tests it on a small shop made here; 77: skipped
    tests/page/search_page.py ARGOSY --picture FILE --store STORE --images IMAGES --query Q    takes a picture of it instead
"""
import argparse
import contextlib
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError:
    print("skipped: no selenium for this Python (Debian's python3-selenium)")
    sys.exit(77)

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if CHROMIUM is None or DRIVER is None:
    print("skipped: no chromium or no chromedriver (Debian's chromium and chromium-driver)")
    sys.exit(77)

PATIENCE = 120  # seconds; nothing is said of how long a thing takes
RECIPE = (pathlib.Path(__file__).parent.parent / "support" / "tiny_model.toml").read_text() + """
[train]
batch = 16
steps = 60
threads = 2
"""
MARKUP = {"id": "a/b?c#\"<i>&", "title": "<img src=x onerror=alert(1)> & \"odd\" zeppelin", "brand": "<b>Odd & \"Sons\"\\</b>", "price": 5}


def run_argosy(argosy, *arguments):
    end = subprocess.run([argosy, *map(str, arguments)], capture_output=True, text=True, timeout=600)
    if end.returncode != 0:
        raise RuntimeError(f"argosy {arguments[0]} ended with {end.returncode}: {end.stderr}")


def make_store(argosy, folder):
    shop = folder / "shop"
    run_argosy(argosy, "demo-shop", shop, "--products", 60, "--seed", 3, "--log-lines", 400)
    (folder / "tiny.toml").write_text(RECIPE)
    run_argosy(argosy, "prepare", "--catalogue", shop / "products.jsonl.gz", "--images", shop / "images.tar", "--log",
               shop / "train_log.tsv.gz", "--out", folder / "data", "--vocab-size", 500)
    run_argosy(argosy, "train", "--data", folder / "data", "--recipe", folder / "tiny.toml", "--run", folder / "run")
    run_argosy(argosy, "publish", "--run", folder / "run", "--data", folder / "data", "--store", folder / "store")
    (folder / "put.jsonl").write_text(json.dumps(MARKUP) + "\n")
    run_argosy(argosy, "change", "--store", folder / "store", "--put", folder / "put.jsonl")
    return folder / "store", shop / "images.tar"


@contextlib.contextmanager
def serving(argosy, store, images, *more):
    """The address of a server, while it runs."""
    with tempfile.TemporaryDirectory() as folder:
        told = pathlib.Path(folder) / "address"
        server = subprocess.Popen([argosy, "serve", "--store", store, "--images", images, "--http", "127.0.0.1:0", "--threads", "2",
                                   "--deadline-ms", "600000", "--address-file", told, *more], stdout=subprocess.DEVNULL)
        try:
            end = time.monotonic() + PATIENCE
            while not told.exists() and server.poll() is None and time.monotonic() < end:
                time.sleep(0.02)
            yield told.read_text().strip()
        finally:
            server.send_signal(signal.SIGTERM)
            if server.wait(PATIENCE) != 0:
                raise RuntimeError(f"argosy serve ended with {server.returncode}")


@contextlib.contextmanager
def browser(width, height):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--window-size={width},{height}",
                     "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Service(DRIVER), options=options)
    driver.set_page_load_timeout(PATIENCE)
    driver.set_script_timeout(PATIENCE)
    try:
        yield driver
    finally:
        driver.quit()


def set_view(driver, width, height, colours="light"):
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": colours}]})


# True for every photograph on the page that came, or whose absence is shown.
PHOTOGRAPHS = """
return [...document.querySelectorAll("#results img")].map(
    (one) => ({came: one.complete && one.naturalWidth > 0 && !one.hidden, absent: one.hidden && !one.nextElementSibling.hidden}));
"""


class Page:
    def __init__(self, driver, address):
        self.driver, self.address = driver, address

    def open(self, path="/"):
        self.driver.get(self.address + path)

    def wait(self, done, what):
        return WebDriverWait(self.driver, PATIENCE, poll_frequency=0.05).until(lambda _: done(), f"waited in vain for {what}")

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.one(selector).text

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def type_query(self, query):
        box = self.one("#query")
        box.clear()
        box.send_keys(query, Keys.ENTER)

    def settled(self):
        """What the address asks for is shown."""
        shown = "return document.title + document.querySelectorAll('#results.stale').length"
        wanted = urllib.parse.parse_qs(urllib.parse.urlsplit(self.driver.current_url).query)["q"][0] + " - Argosy0"
        self.wait(lambda: self.script(shown) == wanted and (self.text("#said") or self.text("#failure")), "an answer")

    def titles(self):
        return self.script("return [...document.querySelectorAll('#results h2')].map((one) => one.textContent)")

    def ids(self):
        return self.script("return [...document.querySelectorAll('#results > li')].map((one) => one.dataset.product)")

    def facet(self, field):
        """The boxes of a field: value, count, checked."""
        return self.script("return [...document.querySelectorAll('fieldset input')].filter((one) => one.name === arguments[0]).map((one) => "
                           "({value: one.value, count: Number(one.parentElement.querySelector('.count').textContent), "
                           "checked: one.checked}))", field)

    def box(self, field, value):
        return next(one for one in self.all("fieldset input") if one.get_property("name") == field and one.get_property("value") == value)

    def photographs(self):
        """Each photograph is scrolled to, as they come when they are near."""
        for image in self.all("#results article"):
            self.script("arguments[0].scrollIntoView()", image)
        self.wait(lambda: all(one["came"] or one["absent"] for one in self.script(PHOTOGRAPHS)), "photographs")
        return self.script(PHOTOGRAPHS)

    def product(self, identity):
        with urllib.request.urlopen(f"{self.address}/v1/products/{urllib.parse.quote(identity, safe='')}", timeout=PATIENCE) as answer:
            return json.load(answer)


class SearchPage(unittest.TestCase):
    argosy = None  # the program

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        store, images = make_store(cls.argosy, folder)
        address = cls.enterClassContext(serving(cls.argosy, store, images))
        made = subprocess.run([cls.argosy, "key", "new", "--name", "person", "--keys", folder / "keys"], capture_output=True, text=True,
                              check=True)
        cls.key = made.stdout.strip()
        cls.keyed_address = cls.enterClassContext(serving(cls.argosy, store, images, "--keys", folder / "keys"))
        cls.page = Page(cls.enterClassContext(browser(1280, 900)), address)

    def setUp(self):
        set_view(self.page.driver, 1280, 900)
        self.page.driver.get_log("browser")  # what was said before

    def search(self, query):
        self.page.open()
        self.page.type_query(query)
        self.page.settled()

    def test_a_person_searches_narrows_reads_why_and_goes_back(self):
        page = self.page
        page.open()
        self.assertEqual(page.driver.switch_to.active_element.get_attribute("id"), "query")
        page.driver.switch_to.active_element.send_keys("red dress", Keys.ENTER)
        page.settled()
        found = page.ids()
        self.assertEqual(len(found), 24)
        self.assertRegex(page.text("#said"), r"^24 products \([0-9.]+ ms, from the index, generation 1\)$")
        photographs = page.photographs()
        for identity, photograph in zip(found, photographs):
            self.assertEqual(photograph["came"], page.product(identity)["image"] != "", identity)
        self.assertTrue(any(one["came"] for one in photographs))

        brand = page.facet("brand")[0]
        page.box("brand", brand["value"]).click()
        page.settled()
        page.wait(lambda: page.facet("brand")[0]["checked"], "the narrowed answer")
        narrowed = page.ids()
        self.assertTrue(0 < len(narrowed) <= brand["count"])
        for identity in narrowed:
            self.assertEqual(page.product(identity)["fields"]["brand"], [brand["value"]])
        self.assertGreater(len(page.facet("brand")), 1, "what else the field could be narrowed to")

        page.all("#results .why summary")[0].click()
        page.wait(lambda: brand["value"] in page.all("#results dl")[0].text, "why")
        why = page.all("#results dl")[0].text
        for told in ("Found by\nsemantic", "Score\n", "category\n", "colour\n", narrowed[0]):
            self.assertIn(told, why)
        share = int(page.product(narrowed[0])["weights"]["image"] * 100 + 0.5)
        self.assertIn(f"The model weighs\ntitle {100 - share} %, photograph {share} %", why)

        page.driver.back()
        page.wait(lambda: page.ids() == found, "the answer before")
        self.assertFalse(any(one["checked"] for one in page.facet("brand")))
        page.driver.forward()
        page.wait(lambda: page.ids() == narrowed, "the narrowed answer again")
        page.driver.refresh()
        page.wait(lambda: page.ids() == narrowed, "the narrowed answer after it was loaded again")
        self.assertTrue(page.facet("brand")[0]["checked"])
        page.one("#clear").click()
        page.wait(lambda: page.ids() == found, "the answer without facets")

    def test_two_values_of_a_field_are_either_and_two_fields_are_both(self):
        page = self.page
        self.search("shirt")
        first, second = [one["value"] for one in page.facet("brand")[:2]]
        for value in (first, second):
            page.box("brand", value).click()
            page.wait(lambda wanted=value: next(one for one in page.facet("brand") if one["value"] == wanted)["checked"] and
                      page.settled() is None, "the narrowed answer")
        brands = {page.product(one)["fields"]["brand"][0] for one in page.ids()}
        self.assertEqual(brands, {first, second})
        colour = page.facet("colour")[0]["value"]
        page.box("colour", colour).click()
        page.wait(lambda: page.facet("colour") and page.facet("colour")[0]["checked"] and page.settled() is None, "a narrower answer")
        for identity in page.ids():
            fields = page.product(identity)["fields"]
            self.assertIn(fields["brand"][0], (first, second))
            self.assertEqual(fields["colour"], [colour])

    def test_the_keyboard_is_enough(self):
        page = self.page
        self.search("red dress")
        value = page.facet("brand")[1]["value"]
        self.page.script("arguments[0].focus()", page.box("brand", value))
        page.driver.switch_to.active_element.send_keys(Keys.SPACE)
        page.wait(lambda: next(one for one in page.facet("brand") if one["value"] == value)["checked"] and "f.brand" in
                  page.driver.current_url and page.settled() is None, "the narrowed answer")
        self.assertEqual(page.driver.switch_to.active_element.get_property("value"), value, "the focus stays where it was")
        unlabelled = "return [...document.querySelectorAll('input, select')].filter((one) => one.labels.length === 0).length"
        self.assertEqual(page.script(unlabelled), 0)

    def test_what_a_catalogue_writes_is_text(self):
        page = self.page
        self.search("zeppelin")
        page.one("select[name=channel]").send_keys("words")
        page.wait(lambda: page.ids() == [MARKUP["id"]], "the product with markup")
        self.assertEqual(page.titles(), [MARKUP["title"]])
        self.assertEqual(page.photographs(), [{"came": False, "absent": True}])
        self.assertEqual(page.all("#results [src=x], #results b, aside b"), [])
        self.assertEqual([one["value"] for one in page.facet("brand")], [MARKUP["brand"]])
        page.box("brand", MARKUP["brand"]).click()
        page.wait(lambda: page.facet("brand")[0]["checked"] and page.settled() is None, "the narrowed answer")
        self.assertEqual(page.ids(), [MARKUP["id"]])
        page.all("#results .why summary")[0].click()
        page.wait(lambda: MARKUP["brand"] in page.all("#results dl")[0].text, "why")

    def test_refusals_are_told(self):
        page = self.page
        self.search("!!!")
        self.assertTrue(page.one("#failure").is_displayed())
        self.assertIn("q: ", page.text("#failure p"))
        self.assertEqual(page.one("#query").get_attribute("aria-invalid"), "true")
        self.assertEqual(page.ids(), [])
        page.open("/?q=shirt&k=5000")
        page.settled()
        self.assertIn("k: want a whole number from 1 to 1000, got `5000`", page.text("#failure p"))
        page.open("/?q=shirt&f.brand=NoSuchBrand")
        page.settled()
        self.assertTrue(page.text("#said").startswith("No product is left: take a facet away"), page.text("#said"))
        self.assertEqual(page.facet("brand")[-1], {"value": "NoSuchBrand", "count": 0, "checked": True})

    def test_a_server_that_wants_a_key_is_given_one(self):
        page = Page(self.page.driver, self.keyed_address)

        def give(key):
            page.wait(lambda: page.one("#typed-key").is_displayed(), "the question for a key")
            page.one("#typed-key").send_keys(key, Keys.ENTER)

        page.open("/?q=red+dress")
        page.settled()
        self.assertEqual(page.text("#failure p"), "want a key: Authorization: Bearer KEY")
        self.assertEqual(page.ids(), [])
        give("argosy-wrong")
        page.wait(lambda: page.text("#failure p") == "the key is not known", "the refusal")
        give(self.key)
        page.wait(lambda: len(page.ids()) == 24, "the answer")
        self.assertFalse(page.one("#key").is_displayed())
        self.assertTrue(any(one["came"] for one in page.photographs()))
        page.all("#results .why summary")[0].click()
        page.wait(lambda: "brand" in page.all("#results dl")[0].text, "why")
        page.driver.refresh()
        page.wait(lambda: len(page.ids()) == 24, "the answer after it was loaded again")
        self.assertNotIn(self.key, page.driver.current_url + page.driver.page_source)
        broken = [one["message"] for one in page.driver.get_log("browser") if "Content Security" in one["message"]]
        self.assertEqual(broken, [], "rules of the page that were broken")

    def test_a_telephone_and_the_dark(self):
        page = self.page
        set_view(page.driver, 390, 800, "dark")
        self.search("red dress")
        self.assertLessEqual(page.script("return document.documentElement.scrollWidth"), 390)
        self.assertFalse(page.one("#fields").is_displayed())
        page.one("#facets > summary").click()
        self.assertTrue(page.one("#fields").is_displayed())
        self.assertLessEqual(page.script("return document.documentElement.scrollWidth"), 390)
        paper = "return getComputedStyle(document.body).backgroundColor"
        dark = page.script(paper)
        set_view(page.driver, 390, 800, "light")
        self.assertEqual((dark, page.script(paper)), ("rgb(20, 23, 27)", "rgb(255, 255, 255)"))

    def test_nothing_comes_from_elsewhere_and_no_rule_of_the_page_is_broken(self):
        page = self.page
        self.search("red dress")
        page.photographs()
        loaded = page.script("return performance.getEntriesByType('resource').map((one) => one.name)")
        self.assertGreater(len(loaded), 20)
        self.assertEqual([one for one in loaded if not one.startswith(page.address + "/")], [])
        said = [one["message"] for one in page.driver.get_log("browser") if "status of 404" not in one["message"]]  # of products without one
        self.assertEqual(said, [], "the browser's complaints")


def take_picture(options):
    with serving(options.argosy, options.store, options.images) as address, browser(1500, 900) as driver:
        set_view(driver, 1500, 900)
        page = Page(driver, address)
        page.open("/?q=" + urllib.parse.quote(options.query))
        page.settled()
        page.driver.refresh()  # what the first query reads is in memory then
        page.settled()
        page.photographs()
        page.script("scrollTo(0, 0)")
        page.all("#results .why summary")[0].click()
        page.wait(lambda: "brand" in page.all("#results dl")[0].text, "why")
        driver.save_screenshot(str(options.picture))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("argosy")
    for name in ("picture", "store", "images"):
        parser.add_argument("--" + name, type=pathlib.Path)
    parser.add_argument("--query")
    options = parser.parse_args()
    if options.picture:
        take_picture(options)
        return
    SearchPage.argosy = options.argosy
    unittest.main(argv=[sys.argv[0]], verbosity=2)


if __name__ == "__main__":
    main()
