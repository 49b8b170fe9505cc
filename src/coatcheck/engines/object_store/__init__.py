"""The byte store on an object store (S3 and its kin), through obstore. Nothing outside this room knows obstore."""
