-- Takes the delta tables away that an install made which did not come as far as the triggers: nothing can stand in them, and
-- the table may have another key by now. The row of the table keeps others out that install it.
-- Writes: schema.   Variables: body (a plpgsql block made of unfinished_body.sql).
DO :'body';
