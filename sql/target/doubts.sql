-- How many tables are in doubt.   Reads: relation.   Variables: schema.
SELECT pg_catalog.count(*) FROM :"schema".relation WHERE doubt IS NOT NULL
