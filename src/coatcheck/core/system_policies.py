"""The policies that every server has, by RAM's names for them."""

from __future__ import annotations

from typing import Final

SYSTEM_POLICIES: Final = {
    "AliyunOSSFullAccess": """{
  "Version": "1",
  "Statement": [{"Effect": "Allow", "Action": "oss:*", "Resource": "*"}]
}""",
    "AliyunOSSReadOnlyAccess": """{
  "Version": "1",
  "Statement": [{"Effect": "Allow", "Action": ["oss:Get*", "oss:List*"], "Resource": "*"}]
}""",
    "AliyunSTSAssumeRoleAccess": """{
  "Version": "1",
  "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]
}""",
}
