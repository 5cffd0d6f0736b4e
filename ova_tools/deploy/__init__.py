"""Deploys what the server has made of components: the folders that `iget -r` brings become machines of a cloud."""
