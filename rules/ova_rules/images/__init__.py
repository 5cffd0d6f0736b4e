"""Images: the OVAs that components use as sources, checked once per version and kept while they are in use."""
