"""What `repl check --json` said, and its contract."""


class Report:
    """What one check said: as JSON, and as text where the test asks for it."""

    def __init__(self, repl, *options, **how):
        self.run = repl.run("check", "--json", *options, code=None, **how)
        self.all = self.run.json()
        self.findings, self.summary, self.estimate = self.all["findings"], self.all["summary"], self.all["estimate"]
        levels = [f["level"] for f in self.findings]
        assert self.summary["blockers"] == levels.count("blocker")
        assert self.summary["warnings"] == levels.count("warning")
        assert self.summary["ok"] == levels.count("ok")
        assert self.run.code == (1 if self.summary["blockers"] else 0), self.run
        assert self.summary["passes"] == (self.run.code == 0)

    def of(self, topic, side=None, level=None):
        return [f for f in self.findings if f["topic"] == topic and (side is None or f["side"] == side) and
                (level is None or f["level"] == level)]

    def one(self, topic, *words, side=None, level="warning", table=None):
        """The one finding of that kind whose text or hint has all the words."""
        found = [f for f in self.of(topic, side, level) if all(w in f"{f['text']} {f['hint']}" for w in words) and
                 (table is None or f["table"] == table)]
        assert len(found) == 1, f"{topic} {words} {side} {level}: {found or self.of(topic)}"
        assert level == "ok" or found[0]["hint"], f"it does not say what to type: {found[0]}"
        return found[0]
