-- The columns of a key by their names of now, and what is recorded where they changed.
-- Writes: functions of capture's schema.   Variables: schema.

-- The columns of a key by the names that they have now, each behind a comma and that prefix; null where one is gone or
-- has another type. Asks the server's caches, not pg_attribute: the parser goes by them too, also in a transaction whose
-- snapshot is older than the change.
CREATE FUNCTION :"schema".key_now(relation pg_catalog.regclass, numbers int2[], types pg_catalog.oid[], prefix text)
RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    names text := '';
    name text;
    type oid;
BEGIN
    FOR i IN 1..cardinality(numbers) LOOP
        name := (pg_identify_object_as_address('pg_class'::regclass, relation, numbers[i])).object_names[3];
        EXECUTE format('SELECT pg_typeof((NULL::%s).%I)', relation, name) INTO type;
        names := names || ', ' || prefix || '"' || replace(name, '"', '""') || '"';
        IF type IS DISTINCT FROM types[i] THEN
            RETURN NULL;
        END IF;
    END LOOP;
    RETURN names;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;

-- Whether capture's functions still name the columns of a key rightly. It is called IMMUTABLE so that the server makes a
-- constant of it when it plans the function of a trigger: that plan hangs on the table, which stands in it as a
-- regclass, so whatever is done to the table makes the server ask anew, and an ordinary statement pays nothing.
CREATE FUNCTION :"schema".intact(relation pg_catalog.regclass, numbers int2[], types pg_catalog.oid[], names text)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, :"schema", pg_temp AS $$
BEGIN
    RETURN coalesce(key_now(relation, numbers, types, '') = names, false);
END $$;

-- Where they do not: the statement that records keys all the same, by the names that the columns have now. Null where
-- there is none. rest: where the keys come from.
CREATE FUNCTION :"schema".insertion(relation_id int, relation pg_catalog.regclass, numbers int2[],
                                    types pg_catalog.oid[], prefix text, rest text)
RETURNS text LANGUAGE sql VOLATILE SET search_path = pg_catalog, :"schema", pg_temp AS $$
    SELECT format('INSERT INTO %s.d%s_%s SELECT pg_catalog.txid_current()', c.relnamespace::regnamespace, relation_id,
                  CASE WHEN pg_sequence_last_value('side'::regclass) = 1 THEN 'a' ELSE 'b' END)
           || key_now($2, numbers, types, prefix) || rest
    FROM pg_class c
    WHERE c.oid = 'relation'::regclass
$$;

-- Where there is none: that something was missed. One row will do.
CREATE FUNCTION :"schema".miss(relation_id int) RETURNS void LANGUAGE sql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
    INSERT INTO missed SELECT relation_id, txid_current()
    WHERE NOT EXISTS (SELECT FROM missed m WHERE m.relation = relation_id)
$$;
