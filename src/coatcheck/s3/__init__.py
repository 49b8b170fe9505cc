"""The S3 dialect: requests that are signed as S3 signs them, read and answered in its words. No storage lives here.

What was verified is translated into the words of the OSS dialect, whose pipeline decides and acts; what S3 asks or
answers differently has a handler here.
"""
