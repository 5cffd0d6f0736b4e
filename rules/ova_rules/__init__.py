"""What runs inside the iRODS server: hooks, components and their builds."""
