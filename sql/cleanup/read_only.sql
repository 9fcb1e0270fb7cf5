-- Sessions of this database begin read-only from now on. Its owner may do that.
-- Writes: the database's settings.   Variables: database.
ALTER DATABASE :"database" SET default_transaction_read_only = on
