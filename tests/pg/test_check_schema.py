"""What the schema needs is reported before anything is done: extensions, in which version and schema, and pg_dump."""
import re

import compare


def test_extensions(check, repl, src, src_admin, dst_admin, target):
    """Not there at all, not allowed by the provider, not for this role, in another version."""
    src.execute("create table t(id int primary key)")
    src_admin.execute("create schema heroku_ext; grant usage on schema heroku_ext to public")
    for name in ("citext", "hstore", "ltree", "pg_trgm", "cube", "pg_buffercache"):
        src_admin.execute(f"create extension {name} schema heroku_ext")
    # As a provider's own: PostgreSQL itself has no extensions that come and go.
    src_admin.execute("update pg_extension set extname = 'postgis' where extname = 'citext'; "
                      "update pg_extension set extversion = '0.9' where extname = 'hstore'; "
                      "update pg_extension set extversion = '1.3' where extname = 'pg_trgm'")
    dst_admin.execute(f"alter database {target.name} set rds.allowed_extensions = 'hstore, pg_trgm,cube, pg_buffercache'")
    dst_admin.execute("create extension cube schema public")
    before = compare.catalog(src_admin), compare.catalog(dst_admin)
    report = check()
    report.one("extension", "postgis", "is not available there", "DROP EXTENSION", level="blocker", side="target")
    report.one("extension", "rds.allowed_extensions does not name the extension ltree", "parameter group", level="blocker", side="target")
    report.one("extension", "cube stands in schema public", 'ALTER EXTENSION "cube" SET SCHEMA "heroku_ext"', level="blocker", side="target")
    report.one("extension", "hstore has version", "0.9 on the source", "release notes", side="target")
    report.one("extension", "pg_trgm has version", "1.3 on the source", "CREATE EXTENSION \"pg_trgm\" SCHEMA \"heroku_ext\" VERSION '1.3'", side="target")
    report.one("extension", "takes rights that role rds may not have", "rds_superuser", side="target")
    assert report.summary["blockers"] == 3
    refused = repl.init(code=1)
    assert "postgis" in refused.all and (compare.catalog(src_admin), compare.catalog(dst_admin)) == before
    assert not check("--no-schema").of("extension")


def test_extensions_that_can_be_made(check, repl, src, src_admin, dst, dst_admin):
    """And what check says to type beforehand is enough."""
    src_admin.execute("create schema heroku_ext; create extension pg_trgm schema heroku_ext version '1.3'; grant usage on schema heroku_ext to public")
    src.execute("create table t(id int primary key, v text); create index on t using gin (v heroku_ext.gin_trgm_ops)")
    hint = check().one("extension", "pg_trgm", "1.3 on the source", side="target")["hint"]
    dst.execute(re.search(r"on the target: (.*)", hint)[1])
    assert check().one("extension", "is there or can be made", level="ok")
    repl.init()
    assert dst.execute("select extversion, extnamespace::regnamespace::text from pg_extension where extname = 'pg_trgm'").fetchone() == ("1.3", "heroku_ext")


def test_the_tools(check, repl, src, tmp_path):
    """The newest pair is taken; one without pg_restore, or that does not run, is none."""
    src.execute("create table t(id int primary key)")
    taken = check().one("pg_dump", level="ok")["text"]
    assert taken.endswith("/pg_dump") and not taken.startswith(str(tmp_path))

    def install(folder, *programs, says="98.1"):
        (tmp_path / folder).mkdir()
        for program in programs:
            path = tmp_path / folder / program
            path.write_text(f"#!/bin/sh\necho '{program} (PostgreSQL) {says}'\n", encoding="utf-8")
            path.chmod(0o755)
        repl.environment["PATH"] = f"{tmp_path / folder}:{repl.environment['PATH']}"
    install("old", "pg_dump", "pg_restore", says="9.6.24")
    install("half", "pg_dump")
    install("silent", "pg_dump", "pg_restore", says="")
    assert check().one("pg_dump", level="ok")["text"] == taken
    install("new", "pg_dump", "pg_restore")
    assert check().one("pg_dump", level="ok")["text"] == str(tmp_path / "new" / "pg_dump")
