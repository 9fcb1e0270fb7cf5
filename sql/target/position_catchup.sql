-- One step of a table's catch-up pass is here. Must touch exactly one row: each step follows the one before it, or begins
-- a pass.
-- Writes: relation.   Variables: schema, id, goal, from_side and from_block (where the step before ended), side, block,
-- first (true: the step begins the pass), finished (true: the table is now at goal).
UPDATE :"schema".relation
SET snapshot = CASE WHEN :finished THEN :'goal' ELSE snapshot END,
    goal = CASE WHEN :finished THEN NULL ELSE :'goal' END,
    side = :'side', block = :block
WHERE id = :id AND (:first OR (goal = :'goal' AND side = :'from_side' AND block = :from_block));
