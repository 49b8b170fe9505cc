"""The dialect of Alibaba Cloud OSS: requests read into values, operations called, replies written."""
