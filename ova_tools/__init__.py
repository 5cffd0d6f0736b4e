"""OVA packages as files (DSP0243): index, edit, verify. Knows nothing of iRODS."""
