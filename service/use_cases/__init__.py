"""What the service does, as verbs: functions of a session and domain objects, for HTTP and the command line."""
