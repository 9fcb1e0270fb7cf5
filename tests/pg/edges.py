"""Edge values of every type that PostgreSQL has built in and a column can have."""

# SQL literals a type; what a value needs (role, extension) is there on every server. MIN: (version, type) -> more values.
EDGES = {
    "bool": ["true", "false"],
    "int2": ["-32768", "32767", "0"],
    "int4": ["-2147483648", "2147483647", "0"],
    "int8": ["-9223372036854775808", "9223372036854775807", "0"],
    "float4": ["NaN", "Infinity", "-Infinity", "-0", "1.1754944e-38", "1e-45", "3.4028235e+38", "0.1"],
    "float8": ["NaN", "Infinity", "-Infinity", "-0", "2.2250738585072014e-308", "5e-324", "1.7976931348623157e+308", "0.1"],
    "numeric": ["NaN", "0", "0.00000", "-0.1", "1." + "0" * 500, "9" * 1000 + "." + "9" * 500, "1e-16383", "-1e131071", "100", "10000"],
    "money": ["-92233720368547758.08", "92233720368547758.07", "0.01", "1234.56"],
    "text": ["", " ", "\\", "\\N", "\\.", "NULL", "a\tb\nc\rd\be\ff\vg", "\u0001\u007f", "ünïcödé 漢字 🐘", "'\"$$", "x" * 10000, "\ufeff"],
    "varchar": ["", "  trailing  ", "\\n", "é" * 300],
    "bpchar": ["", "a  ", "\\"],
    "char": ["", "a", "\\", "~"],
    "name": ["", "a" * 63, 'we"ird \\ name'],
    "bytea": ["", "\\x00", "\\x" + "".join(f"{i:02x}" for i in range(256)), "\\x" + "00" * 5000],
    "date": ["infinity", "-infinity", "4713-01-01 BC", "0044-03-15 BC", "0001-01-01", "5874897-12-31", "2000-02-29"],
    "time": ["00:00:00", "24:00:00", "23:59:59.999999"],
    "timetz": ["00:00:00+15:59:59", "24:00:00-15:59:59", "23:59:60+00", "12:34:56.789012+05:30"],
    "timestamp": ["infinity", "-infinity", "4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999", "2000-01-01 00:00:00.000001"],
    "timestamptz": ["infinity", "-infinity", "4713-01-02 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00", "1900-01-01 00:00:00.5+00"],
    "interval": ["0", "-178000000 years", "178000000 years", "1 mon -1 day 00:00:00.000001", "-1 mons 30 days -24:00:00", "-00:00:00.1"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
    "json": ["null", '{"a": 1, "a": 2}', ' [ 1.0 , 1e400 ] ', '"\\u00e9\\ud83d\\ude00"', '""'],
    "jsonb": ["null", '{"b": 1, "a": [{}, [], ""]}', "1.00", "1e400", '"\\u00e9 \\\\ \\" \\n"', "-0.0"],
    "jsonpath": ["$", 'strict $."a b"[*] ? (@.x > 1 && @.y like_regex "^\\\\d" flag "i")', "$.**{2 to last}", "lax $[0 to last - 1]"],
    "xml": ["", "<a/>", "text & more".replace("&", "&amp;"), "<?xml version=\"1.0\"?><a b='c'>é</a>", "<a>1</a><b/>"],
    "inet": ["0.0.0.0", "255.255.255.255/0", "10.1.2.3/8", "::", "::ffff:1.2.3.4/96", "2001:db8::1/64"],
    "cidr": ["0.0.0.0/0", "10.0.0.0/8", "::/0", "2001:db8::/32"],
    "macaddr": ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"],
    "macaddr8": ["00:00:00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff:ff:ff"],
    "bit": ["0", "1"],
    "varbit": ["", "1", "0" * 7, "10" * 500],
    "point": ["(0,-0)", "(NaN,Infinity)", "(-1e308,1e-308)"],
    "lseg": ["[(0,0),(1,1)]", "[(-0,1e300),(2,NaN)]"],
    "box": ["(1,1),(0,0)", "(Infinity,1),(-Infinity,-0)"],
    "path": ["[(0,0),(1,1)]", "((0,0),(1,1),(2,0))"],
    "polygon": ["((0,0))", "((0,0),(1,1),(2,-0.1))"],
    "circle": ["<(0,0),0>", "<(1.5,-2.5),Infinity>"],
    "line": ["{1,-1,0}", "{0,1,-0.5}"],
    "oid": ["0", "4294967295"],
    "xid": ["0", "4294967295"],
    "cid": ["0", "4294967295"],
    "xid8": ["0", "18446744073709551615"],
    "tid": ["(0,0)", "(4294967295,65535)"],
    "pg_lsn": ["0/0", "FFFFFFFF/FFFFFFFF"],
    "txid_snapshot": ["1:1:", "10:20:10,14,15"],
    "pg_snapshot": ["1:1:", "10:20:10,14,15"],
    "int2vector": ["", "1 -32768 32767"],
    "oidvector": ["", "0 4294967295"],
    "tsvector": ["", "'a b':1A,2 'c\\\\'''", "'ünï':16383"],
    "tsquery": ["", "'a' & !'b' | 'c d':AB*", "'x' <-> 'y' <16384> 'z'"],
    "refcursor": ["", "a cursor"],
    "aclitem": ["=r/postgres", "postgres=arwdDxt/postgres", "postgres=r*w*/postgres"],
    "regproc": ["-", "now", "4294967295"],
    "regprocedure": ["-", "abs(numeric)", "4294967295"],
    "regoper": ["0", "||/", "4294967295"],
    "regoperator": ["0", "+(integer,integer)", "4294967295"],
    "regclass": ["-", "pg_class", "public.kept", "4294967295"],
    "regcollation": ["-", '"C"', "4294967295"],
    "regtype": ["-", "integer", "timestamp(3) with time zone[]", "public.mood", "4294967295"],
    "regrole": ["-", "postgres", "4294967295"],
    "regnamespace": ["-", "public", "4294967295"],
    "regconfig": ["-", "english", "4294967295"],
    "regdictionary": ["-", "simple", "4294967295"],
    "int4range": ["empty", "(,)", "[1,10)", "(,5)", "[-2147483648,2147483647)"],
    "int8range": ["empty", "(,)", "[-9223372036854775808,9223372036854775807)"],
    "numrange": ["empty", "(,)", "[1.10,1.100]", "(-0.5,1e100)", "[NaN,)"],
    "daterange": ["empty", "(,)", "[4713-01-01 BC,infinity)", "(-infinity,infinity)"],
    "tsrange": ["empty", "(,)", "[-infinity,infinity]", "(2000-01-01 00:00:00.000001,)"],
    "tstzrange": ["empty", "(,)", "[-infinity,infinity]", "(,0044-03-15 00:00:00+00 BC]"],
    "int4multirange": ["{}", "{[1,2),[5,)}", "{(,)}"],
    "int8multirange": ["{}", "{[1,2),[5,)}"],
    "nummultirange": ["{}", "{[1.10,1.20],(2,)}"],
    "datemultirange": ["{}", "{[2000-01-01,2000-02-01),[2001-01-01,infinity)}"],
    "tsmultirange": ["{}", "{[2000-01-01,2000-02-01),[2001-01-01,infinity)}"],
    "tstzmultirange": ["{}", "{[2000-01-01 00:00:00+00,2000-02-01 00:00:00+00),[2001-01-01 00:00:00+00,infinity)}"],
    # Domains of information_schema.
    "cardinal_number": ["0", "2147483647"],
    "character_data": ["", "é"],
    "sql_identifier": ["", "a b"],
    "time_stamp": ["2000-01-01 00:00:00+00"],
    "yes_or_no": ["YES", "NO"],
}

# Values that only servers from that version on have.
LATER = {
    140000: {"numeric": ["Infinity", "-Infinity"], "numrange": ["[-Infinity,Infinity]"]},
    170000: {"interval": ["infinity", "-infinity"]},
}

# Their input functions refuse every value: such a column can only be null.
NO_INPUT = {"pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list", "pg_brin_bloom_summary",
            "pg_brin_minmax_multi_summary", "gtsvector"}

# What a column can have: no pseudo types; of rows those that users made, and they are in the other table.
COLUMN_TYPES = """select t.oid, n.nspname::text, t.typname::text, t.oid::regtype::text, e.typname::text,
                         e.oid::regtype::text, coalesce(e.typarray = t.oid, false)
                  from pg_type t join pg_namespace n on n.oid = t.typnamespace left join pg_type e on e.oid = t.typelem
                  where t.oid < 16384 and t.typisdefined and t.typtype in ('b', 'd', 'r', 'm')
                    and coalesce(e.typtype, 'b') <> 'c' and coalesce(e.typtype, 'b') <> 'p' order by t.oid"""


def literal(value):
    return "'" + value.replace("'", "''") + "'"


def edges(name, version):
    """SQL expressions for the edge values of a type that is no array; KeyError where nobody has thought of any."""
    if name in NO_INPUT:
        return []
    values = list(EDGES[name])
    for least, more in LATER.items():
        values += more.get(name, []) if version >= least else []
    return [literal(v) for v in values]


def array_edges(element, sql, version):
    """Of an array: empty, with null, of two dimensions with bounds, all values of the element."""
    if element in ("int2vector", "oidvector"):  # which array[] takes for arrays themselves
        return [f"'{{}}'::{sql}[]", f"'{{\"1 2\",\"\",NULL}}'::{sql}[]"]
    values = [f"{v}::{sql}" for v in edges(element, version)]
    some = [f"array[{', '.join([*values, 'null'])}]::{sql}[]",
            f"array_fill({values[-1]}, array[2, 2], array[-1, 3])",
            f"array[array[{values[0]}, null], array[null, {values[-1]}]]::{sql}[]"] if values else []
    return [f"'{{}}'::{sql}[]", f"array[null]::{sql}[]", *some]


def builtin_columns(connection, version):
    """(name, type, values) for every type of the server that a column can have. A type without values here is an error."""
    columns, unknown = [], []
    for _, schema, name, sql, element, element_sql, is_array in connection.execute(COLUMN_TYPES).fetchall():
        try:
            values = array_edges(element, element_sql, version) if is_array else edges(name, version)
        except KeyError:
            unknown.append(f"{schema}.{name}")
            continue
        columns.append((f"c_{name}", sql, values))
    assert not unknown, f"types of this server that edges.py has no values for: {unknown}"
    return columns
