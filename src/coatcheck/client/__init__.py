"""The other side of the wire, for the verbs: uploads, downloads, listings. The server imports none of it."""
