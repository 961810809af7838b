"""store: what do database and data folder know of files, uploads, jobs, models? May use errors, settings, ids."""
