"""Long work as rows in the database and the threads that run it."""
