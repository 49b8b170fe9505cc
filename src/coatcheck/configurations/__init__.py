"""Documents of buckets: a file each, with its value, its check, its judgement, its stored JSON and OSS's XML form.

Nothing of HTTP requests and replies, and no dialect but that form, may come in here.
"""
