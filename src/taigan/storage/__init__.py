"""Tables, migrations, transactions. The only room with SQL in it."""
