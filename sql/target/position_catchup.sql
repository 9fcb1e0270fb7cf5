-- One step of a table's catch-up pass is here. Must touch exactly one row.
-- Writes: relation.   Variables: schema, id, goal, side, block, finished (true: the table now stands at goal).
UPDATE :"schema".relation
SET snapshot = CASE WHEN :finished THEN :'goal' ELSE snapshot END,
    goal = CASE WHEN :finished THEN NULL ELSE :'goal' END,
    side = :'side', block = :block
WHERE id = :id AND (goal IS NULL OR goal = :'goal');
