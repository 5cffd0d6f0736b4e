"""What iRODS's events mean: one module a subject, with the decoding of iRODS's arguments and the subject's refusals."""
