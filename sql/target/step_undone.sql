-- A step is to be done again. Writes: step.   Variables: schema, step.
DELETE FROM :"schema".step WHERE name = :'step'
