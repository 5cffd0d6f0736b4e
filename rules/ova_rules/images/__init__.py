"""Images: the OVAs that components have as source, checked once per version and kept while they are in use."""
