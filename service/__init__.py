"""HTTP, use cases, jobs, settings and command line."""
