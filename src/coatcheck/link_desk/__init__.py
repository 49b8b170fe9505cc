"""The service for owners of links: what they register, limit, cancel and see, as JSON under /.coatcheck/v1."""
