"""Sources by URL: what may be downloaded, the transfer, and the job that puts it into the repository."""
