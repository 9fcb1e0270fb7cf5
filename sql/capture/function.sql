-- One of a table's capture functions. Writes: schema.   Variables: function (quoted name), body.
-- Every name, operators too, is qualified in the body, so that no search_path can change what it means, and none is
-- set: setting one took a fifth of what capture costs a statement (docs/capture.md).
CREATE OR REPLACE FUNCTION :function() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS :'body';
