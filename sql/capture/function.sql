-- One of a table's capture functions. Writes: schema.   Variables: function (quoted name), body.
CREATE OR REPLACE FUNCTION :function() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS :'body';
