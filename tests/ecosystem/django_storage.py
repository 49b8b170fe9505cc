"""Django with django-oss-storage-v2, the maintained fork of django-oss-storage: uploaded files and their links."""

import os
import urllib.request

import django
from django.conf import settings

settings.configure(
    OSS_ACCESS_KEY_ID=os.environ["OSS_ACCESS_KEY_ID"],
    OSS_ACCESS_KEY_SECRET=os.environ["OSS_ACCESS_KEY_SECRET"],
    OSS_ENDPOINT=os.environ["OSS_ENDPOINT"],
    OSS_BUCKET_NAME=os.environ["BUCKET"],
    OSS_BUCKET_ACL="private",
    OSS_EXPIRE_TIME=600,
    MEDIA_URL="/media/",
    STATIC_URL="/static/",
    STORAGES={
        "default": {"BACKEND": "django_oss_storage.backends.OssMediaStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    },
)
django.setup()

from django.core.files.base import ContentFile  # noqa: E402
from django.core.files.storage import default_storage  # noqa: E402

name = default_storage.save("reports/march.txt", ContentFile(b"all is well"))
assert default_storage.exists(name)
assert default_storage.size(name) == 11
with default_storage.open(name) as file:
    assert file.read() == b"all is well"
assert default_storage.listdir("reports") == ([], ["reports/march.txt"])
with urllib.request.urlopen(default_storage.url(name)) as answer:
    assert answer.read() == b"all is well"
default_storage.delete(name)
assert not default_storage.exists(name)
print("saved", name)
