"""The events of iRODS, one module for each subject: it decodes the arguments and makes the subject's refusals."""
