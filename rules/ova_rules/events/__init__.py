"""What iRODS's events mean: one module a subject, with its refusals."""
