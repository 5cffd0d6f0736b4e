"""What ova-admin asks a zone through python-irodsclient, as the administrator of an iRODS environment."""
