"""A ZIP file that is nowhere: what it would say at any place, from names, sizes and times alone. Pure."""
