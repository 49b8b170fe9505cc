"""Work that goes on without a request, with the rights of whoever set it up; no dialect and no connection is known."""
