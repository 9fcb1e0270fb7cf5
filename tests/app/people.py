"""Those who work with the application, over HTTP only, and remember what they were told."""
import contextlib
import datetime
import http.client
import itertools
import json
import random
import re
import threading
import time
import urllib.parse

from redmine import PASSWORD


class Unanswered(Exception):
    """Nobody can tell whether it was done."""


class Closed(Exception):
    """It was not done: nobody listens."""


class Client:
    """One connection at a time, with the API's key or the cookies of a browser."""

    def __init__(self, port, key=None):
        self.port, self.key, self.cookies, self.connection = port, key, {}, None

    def ask(self, method, path, body=None, kind="application/json"):
        headers = {"X-Redmine-API-Key": self.key} if self.key else {}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        if body is not None:
            headers["Content-Type"] = kind
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.connect()
        except OSError as e:
            raise Closed from e
        try:
            connection.request(method, path, body, headers)
            with connection.getresponse() as answer:
                text = answer.read()
        except (OSError, http.client.HTTPException) as e:
            raise Unanswered from e
        finally:
            connection.close()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer, text

    def api(self, method, path, data=None):
        """(status, the answer's JSON or None)"""
        answer, text = self.ask(method, path, None if data is None else json.dumps(data))
        return answer.status, json.loads(text) if text.strip() and answer.status < 300 else None

    def submit(self, form_at, path, fields):
        """Fills in a form of that page, as a browser does."""
        answer, page = self.ask("GET", form_at)
        token = re.search(rb'name="authenticity_token" value="([^"]+)"', page)
        if answer.status != 200 or token is None:
            return answer
        body = urllib.parse.urlencode({"authenticity_token": token[1].decode(), **fields})
        return self.ask("POST", path, body, "application/x-www-form-urlencoded")[0]


class Book:
    """What the application has confirmed."""

    def __init__(self):
        self.issues = {}  # number: {"subject", "done_ratio" (None: not known), "notes"}
        self.deleted, self.hours, self.pages, self.users = set(), {}, {}, {}
        self.unknown = set()  # what was asked for and not answered: it may be there
        self.confirmed, self.failed, self.closed = 0, [], []  # and when somebody was refused, or found nobody there
        self.lock = threading.Lock()


class Person(threading.Thread):
    """Works until told to stop. What is refused is not asked for again; what is not answered stays unknown."""

    numbers = itertools.count(1)

    def __init__(self, office, key=None):
        super().__init__()
        self.office, self.book, self.client = office, office.book, Client(office.port, key)
        self.mine, self.name, self.broken, self.doing = [], f"person {next(self.numbers)}", None, ""
        self.random = random.Random(self.name)

    def run(self):
        try:
            while not self.office.closing.is_set():
                with self.office.desk():
                    self.work()
                self.office.gate.wait()
        except Exception as e:  # shown where the story joins it
            self.broken = e

    def work(self):
        done = False
        try:
            done = self.one_thing()
        except Closed:
            self.book.closed.append(time.monotonic())
        except Unanswered:
            pass
        with self.book.lock:
            self.book.confirmed += bool(done)
        if not done:
            self.office.closing.wait(0.1)

    def do(self, thing):
        self.doing = thing.__name__
        return thing()

    def unless_refused(self, status, wanted, unknown=None):
        """Whether it was done."""
        with self.book.lock:
            if unknown is not None:
                self.book.unknown.discard(unknown)
            if status == wanted or (isinstance(wanted, tuple) and status in wanted):
                return True
            self.book.failed.append((time.monotonic(), f"{status} by {self.doing} at {datetime.datetime.now():%H:%M:%S.%f}"))
        return False

    def doubt(self, what):
        with self.book.lock:
            self.book.unknown.add(what)
        return what

    def some_issue(self):
        return self.random.choice(self.mine) if self.mine else None


class Program(Person):
    """Speaks the REST API."""

    def one_thing(self):
        things = [self.new_issue] * 4 + [self.note] * 4 + [self.spend, self.write_page, self.hire, self.attach, self.delete]
        return self.do(self.random.choice(things if len(self.mine) > 3 else [self.new_issue]))

    def new_issue(self, **more):
        subject = f"{self.name} wants {self.random.getrandbits(60):x}"
        issue = {"project_id": "shop", "subject": subject, "description": "żółw 亀 " * self.random.randrange(40), **more}
        if self.mine and self.random.random() < 0.3:
            issue["parent_issue_id"] = self.mine[0]
        unknown = self.doubt(subject)
        status, answer = self.client.api("POST", "/issues.json", {"issue": issue})
        if not self.unless_refused(status, 201, unknown):
            return False
        number = answer["issue"]["id"]
        # The first gets others below it, whose state is its own from then on.
        self.book.issues[number] = {"subject": subject, "done_ratio": 0 if self.mine else None, "notes": []}
        self.mine.append(number)
        return True

    def note(self):
        number, text = self.some_issue(), f"note {self.random.getrandbits(60):x}"
        ratio = None if number == self.mine[0] else self.random.randrange(10) * 10
        known, self.book.issues[number]["done_ratio"] = self.book.issues[number]["done_ratio"], None
        unknown = self.doubt(text)
        status, _ = self.client.api("PUT", f"/issues/{number}.json", {"issue": {"notes": text, "done_ratio": ratio or 0}})
        done = self.unless_refused(status, 204, unknown)
        if done:
            self.book.issues[number]["notes"].append(text)
        self.book.issues[number]["done_ratio"] = ratio if done else known
        return done

    def spend(self):
        text = f"{self.name} did {self.random.getrandbits(60):x}"
        number = self.some_issue()
        entry = {"issue_id": number, "hours": 1.25, "activity_id": self.office.activity, "comments": text}
        unknown = self.doubt(text)
        status, answer = self.client.api("POST", "/time_entries.json", {"time_entry": entry})
        if not self.unless_refused(status, 201, unknown):
            return False
        self.book.hours[answer["time_entry"]["id"]] = (number, text)
        return True

    def write_page(self):
        title, text = f"Page_of_{self.name.replace(' ', '_')}", f"h1. {self.random.getrandbits(600):x}"
        self.book.pages.pop(title, None)
        status, _ = self.client.api("PUT", f"/projects/shop/wiki/{title}.json", {"wiki_page": {"text": text}})
        done = self.unless_refused(status, (201, 204))
        if done:
            self.book.pages[title] = text
        return done

    def hire(self):
        login = f"u{self.random.getrandbits(60):x}"
        user = {"login": login, "firstname": "Ada", "lastname": "Ünal", "mail": f"{login}@example.com", "password": login}
        unknown = self.doubt(login)
        status, answer = self.client.api("POST", "/users.json", {"user": user})
        if not self.unless_refused(status, 201, unknown):
            return False
        self.book.users[answer["user"]["id"]] = login
        return True

    def attach(self):
        answer, text = self.client.ask("POST", "/uploads.json?filename=a.bin", self.random.randbytes(2000), "application/octet-stream")
        if not self.unless_refused(answer.status, 201):
            return False
        token = json.loads(text)["upload"]["token"]
        return self.new_issue(uploads=[{"token": token, "filename": "a.bin", "content_type": "application/octet-stream"}])

    def delete(self):
        number = self.mine.pop(self.random.randrange(1, len(self.mine)))
        issue = self.book.issues.pop(number)
        self.doubt(issue["subject"])
        status, _ = self.client.api("DELETE", f"/issues/{number}.json")
        if self.unless_refused(status, 204):
            self.book.deleted.add(number)
            return True
        self.book.issues[number] = issue
        self.mine.append(number)
        return False


class Browser(Person):
    """Logs in and fills in forms; a session lasts over every switch."""

    signed_in = False

    def one_thing(self):
        if not self.signed_in:
            self.doing = "login"
            answer = self.client.submit("/login", "/login", {"username": "admin", "password": PASSWORD})
            self.signed_in = self.unless_refused(answer.status, 302)
            self.office.logins += self.signed_in
            return self.signed_in
        return self.do(self.note if len(self.mine) > 3 and self.random.random() < 0.6 else self.new_issue)

    def new_issue(self):
        subject = f"{self.name} types {self.random.getrandbits(60):x}"
        unknown = self.doubt(subject)
        answer = self.client.submit("/projects/shop/issues/new", "/projects/shop/issues",
                                    {"issue[tracker_id]": 1, "issue[subject]": subject})
        if not self.unless_refused(answer.status, 302, unknown):
            return False
        number = int(answer.headers["Location"].rpartition("/")[2])
        self.book.issues[number] = {"subject": subject, "done_ratio": 0, "notes": []}
        self.mine.append(number)
        return True

    def note(self):
        number, text = self.some_issue(), f"typed {self.random.getrandbits(60):x}"
        unknown = self.doubt(text)
        answer = self.client.submit(f"/issues/{number}", f"/issues/{number}", {"_method": "patch", "issue[notes]": text})
        if not self.unless_refused(answer.status, 302, unknown):
            return False
        self.book.issues[number]["notes"].append(text)
        return True


class Office:
    """Some programs and a browser at work."""

    def __init__(self, port, key, programs=3):
        self.port, self.key, self.book, self.closing = port, key, Book(), threading.Event()
        self.gate, self.logins = threading.Event(), 0
        self.gate.set()
        self.client = Client(port, key)
        self.people = [*(Program(self, key) for _ in range(programs)), Browser(self)]
        self.desks = [threading.Lock() for _ in self.people]
        self.activity = None

    def desk(self):
        return self.desks[self.people.index(threading.current_thread())]

    def __enter__(self):
        assert self.client.api("POST", "/projects.json", {"project": {"name": "Shop", "identifier": "shop"}})[0] == 201
        self.activity = self.client.api("GET", "/enumerations/time_entry_activities.json")[1]["time_entry_activities"][0]["id"]
        for person in self.people:
            person.start()
        return self

    def __exit__(self, *exc):
        self.closing.set()
        self.gate.set()
        for person in self.people:
            person.join()
        broken = [p.broken for p in self.people if p.broken]
        if broken and exc[0] is None:
            raise broken[0]

    @contextlib.contextmanager
    def resting(self):
        """Nobody is in the middle of something."""
        self.gate.clear()
        with contextlib.ExitStack() as stack:
            for desk in self.desks:
                stack.enter_context(desk)
            yield
        self.gate.set()


# ---- what the application says of it

def every(client, path, name, fields=""):
    """All of a list that comes in pages."""
    found, total = [], 1  # there is one at least
    while len(found) < total:
        status, answer = client.api("GET", f"{path}?limit=100&offset={len(found)}{fields}")
        assert status == 200 and answer[name], f"{path} from {len(found)}: {status}"
        found += answer[name]
        total = answer["total_count"]
    return found


def check(client, book):
    """All that was confirmed is there, each once, and nothing that nobody asked for. Returns how many things."""
    issues = {i["id"]: i for i in every(client, "/issues.json", "issues", "&status_id=*&sort=id")}
    subjects = [i["subject"] for i in issues.values()]
    assert len(subjects) == len(set(subjects)), "an issue is there twice"
    assert not set(book.issues) - set(issues), "issues are lost"
    assert not set(issues) & book.deleted, "deleted issues are there again"
    extra = {i["subject"] for n, i in issues.items() if n not in book.issues}
    assert extra <= book.unknown, f"nobody has made these: {extra - book.unknown}"
    for number, expected in book.issues.items():
        assert issues[number]["subject"] == expected["subject"], f"issue {number}"
        assert expected["done_ratio"] in (None, issues[number]["done_ratio"]), f"issue {number}"
    noted = [n for n, i in book.issues.items() if i["notes"]]
    for number in noted:
        _, answer = client.api("GET", f"/issues/{number}.json?include=journals")
        notes = [j["notes"] for j in answer["issue"]["journals"] if j["notes"]]
        expected = book.issues[number]["notes"]
        assert [n for n in notes if n not in book.unknown] == expected, f"issue {number}"
    hours = {t["id"]: t["comments"] for t in every(client, "/time_entries.json", "time_entries")}
    users = {u["id"]: u["login"] for u in every(client, "/users.json", "users")}
    spent = {n: text for n, (issue, text) in book.hours.items() if issue in book.issues}  # others went with their issue
    for name, here, expected in (("hours", hours, spent), ("users", users, book.users)):
        wrong = expected.items() - here.items()
        assert not wrong, f"{name} are lost or other ones: {wrong}"
        assert len(set(here.values())) == len(here), f"{name} are there twice"
    for title, text in book.pages.items():
        assert client.api("GET", f"/projects/shop/wiki/{title}.json")[1]["wiki_page"]["text"] == text, title
    return len(issues) + len(hours) + len(users) + len(book.pages) + sum(len(i["notes"]) for i in book.issues.values())
