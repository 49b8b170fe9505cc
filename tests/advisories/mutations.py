"""The guards of docs/advisories.md, taken out one at a time by scripts/mutate_guards.py, in copies of the code.

Each test of this directory has one entry: the guard that its row on the page names, and the text that takes it out. The
old text stands once in its file, inside the function, class or constant that the row names. `test_page.py` holds that.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Edit(NamedTuple):
    """A change of one file below src/coatcheck: `old`, which stands there once, becomes `new`."""

    file: str
    old: str
    new: str = ""


class Mutation(NamedTuple):
    """A guard taken out.

    Attributes:
        name: the function, class or constant of `edit.file` that holds the guard.
        more: what else has to go so that the code without the guard still runs.
    """

    name: str
    edit: Edit
    more: tuple[Edit, ...] = ()

    @property
    def edits(self) -> tuple[Edit, ...]:
        return (self.edit, *self.more)

    @property
    def guard(self) -> str:
        """As the page names it."""
        return f"{self.edit.file}: {self.name}"


def _m(name: str, file: str, old: str, new: str = "", *more: Edit) -> Mutation:
    return Mutation(name, Edit(file, old, new), more)


_CLAIM, _VERIFY, _V4, _V1 = "signing/claim.py", "signing/verify.py", "signing/v4.py", "signing/v1.py"
_V4_SCHEME, _V1_SCHEME, _PARTS = "signing/v4_scheme.py", "signing/v1_scheme.py", "signing/claim_parts.py"
_STS, _STS_ROLES, _IDENTIFY, _DECIDE, _CONDITIONS = (
    "sts.py",
    "sts_roles.py",
    "identity/identify.py",
    "access/decide.py",
    "access/conditions.py",
)
_GATEWAY, _POLICY, _INCOMING, _METADATA = (
    "oss/pipeline.py",
    "signing/post_policy.py",
    "operations/intake.py",
    "oss/metadata.py",
)
_HTTP1: Final = "wire/http1_parsing.py"
_ASGI, _FORM, _NAMES, _ADDRESSES = "wire/asgi.py", "wire/form.py", "core/names.py", "core/addresses.py"

_MISMATCH: Final = "    raise scheme.mismatch(claim, arrived, target)\n"
_LISTED_ONLY: Final = _m(  # the flaw of 2026: only what the signer listed is looked at
    "canonical_headers",
    _V4,
    " if is_always_signed(name) or name in ",
    " if name in ",
)
_UNREAD_SOURCE: Final = _m(
    "find_source",
    "operations/source.py",
    "    by_name.decide(Action.GET_OBJECT, bucket, key, record, versioned=version_id is not None)\n",
)
_UNVERIFIED_RPC: Final = _m("answer", _STS, "        verify_rpc(claim, key.access_key_secret)\n")
_SEALED: Final = "return AESGCM(self._secret_key).decrypt(nonce, ciphertext, bound_to.encode()).decode()"
_BACKTRACKING: Final = _m(
    "Wildcards",
    "core/wildcards.py",
    "        if not text.startswith(self._prefix):\n            return False\n",
    "        import re\n\n        return re.fullmatch(self._pattern, text) is not None\n",
    Edit("core/wildcards.py", '("_by_character", "_end",', '("_pattern", "_by_character", "_end",'),
    Edit(
        "core/wildcards.py",
        "        self._prefix = pattern.partition(",
        '        self._pattern = "".join({"*": ".*", "?": "."}.get(sign, sign) for sign in pattern)\n'
        "        self._prefix = pattern.partition(",
    ),
)

SIGNATURES: Final = {
    "test_no_operation_runs_on_a_forged_signature": _m(
        "identify",
        _IDENTIFY,
        "    target, text = verify_reading(claim, request, target, key)\n",
        '    text = ""\n',
    ),
    "test_a_signature_in_the_header_lends_nothing_to_one_in_the_query": _m(
        "read_claim",
        _CLAIM,
        "    if not table.marks.isdisjoint(first):\n        raise TWO_SIGNATURES()\n",
    ),
    "test_half_a_signature_is_not_nobodys": _m(
        "read_claim",
        _CLAIM,
        "            if table.marks.isdisjoint(first):",
        '            if "Signature" not in first:',
    ),
    "test_a_scheme_that_is_not_spoken_is_not_nobodys": _m(
        "read_claim",
        _CLAIM,
        "    raise _unknown_header(authorization)\n",
        "    return None\n",
    ),
    "test_a_forged_stream_is_refused_unread": _m(
        "verify",
        _VERIFY,
        _MISMATCH,
        f'    if "transfer-encoding" not in arrived.headers:\n    {_MISMATCH}',
    ),
    "test_a_word_for_the_body_chooses_no_other_check": _m(
        "_read_header",
        _V4_SCHEME,
        "    if payload_line != UNSIGNED_PAYLOAD:\n        message",
        "    if False:\n        message",
    ),
    "test_the_date_that_is_signed_is_the_date_that_is_checked": _m(
        "_read_header",
        _V1_SCHEME,
        "    moment_s = read_date_header(date_line)\n",
        '    moment_s = read_date_header(headers.get("date", date_line))\n',
    ),
    "test_a_signature_without_a_date_is_refused": _m(
        "read_date_header",
        _PARTS,
        "        raise NO_VALID_DATE()\n    moment_s",
        "        return 1772694489\n    moment_s",
    ),
    "test_the_signature_of_a_v1_link_signs_no_request_in_its_header": _m(
        "read_date_header",
        _PARTS,
        "    moment_s = read_http_date(text) or read_basic_iso(text)\n",
        "    moment_s = read_http_date(text) or read_basic_iso(text) or read_digits(text)\n",
    ),
    "test_the_signature_of_a_v2_link_signs_no_request_in_its_header": _m(
        "read_claim",
        _CLAIM,
        "    if not table.marks.isdisjoint(first):\n        raise TWO_SIGNATURES()\n",
        "",
        Edit(
            _PARTS,
            "    moment_s = read_http_date(text) or read_basic_iso(text)\n",
            "    moment_s = read_http_date(text) or read_basic_iso(text) or read_digits(text)\n",
        ),
    ),
    "test_a_signature_in_a_header_lasts_fifteen_minutes": _m(
        "check_skew", _PARTS, "    if abs(now - moment_s) > CLOCK_SKEW_MAX_S:", "    if False:"
    ),
    "test_a_signature_is_good_for_one_method_and_one_resource": _m(
        "canonical_request", _V4, 'f"{method}\\n{uri}\\n{query}', 'f"GET\\n{uri}\\n{query}'
    ),
    "test_a_body_with_another_sha256_than_the_signed_one_is_not_stored": _m(
        "meant_chunks",
        "wire/body_digests.py",
        "    return request.body.chunks() if sent is None else _compared(request.body, [_Sha256(sent)])",
        "    return request.body.chunks()",
    ),
    "test_a_body_with_another_digest_than_the_signed_one_is_not_stored": _m(
        "_compare",
        _INCOMING,
        "    if expected.md5 is not None and expected.md5 != incoming.md5:",
        "    if False:",
    ),
    "test_signatures_are_compared_in_a_time_that_tells_nothing": _m(
        "is_same", _VERIFY, "hmac.compare_digest(ours, theirs)", "ours == theirs"
    ),
    "test_a_signing_key_is_good_for_its_own_day_region_and_product": _m(
        "_check_scope", _V4_SCHEME, "    if scope.product != v4.PRODUCT:", "    if False:"
    ),
    "test_a_refusal_does_not_tell_the_right_signature": _m(
        "verify",
        _VERIFY,
        _MISMATCH,
        "    error = scheme.mismatch(claim, arrived, target)\n"
        '    error.facts["Expected"] = scheme.sign('
        "claim, next(iter(scheme.texts(claim, arrived, target))), secret)\n    raise error\n",
    ),
}

LINKS: Final = {
    "test_a_link_to_upload_copies_nothing": _LISTED_ONLY,
    "test_a_v1_link_to_upload_copies_nothing": _m(
        "canonicalized_headers", _V1, 'sorted(headers) if name.startswith("x-oss-")', 'sorted(headers) if name == ""'
    ),
    "test_a_signed_upload_that_was_overheard_copies_nothing": _LISTED_ONLY,
    "test_a_link_to_upload_a_part_copies_nothing": _LISTED_ONLY,
    "test_a_link_takes_no_control_header_that_was_not_signed": _LISTED_ONLY,
    "test_a_link_stores_no_metadata_that_was_not_signed": _LISTED_ONLY,
    "test_a_header_that_arrives_is_never_left_out_of_the_text": _LISTED_ONLY,
    "test_a_copy_source_is_seen_however_it_is_written": _m(
        "_read_scope", _ASGI, 'name = raw_name.decode("latin-1").lower()', 'name = raw_name.decode("latin-1")'
    ),
    "test_headers_of_other_servers_and_of_the_inside_mean_nothing": _m(
        "_row_at",
        "oss/table.py",
        "and special.header in headers",
        'and any(name.endswith(("copy-source", "copy-from")) for name in headers)',
    ),
    "test_an_uploader_reads_nothing_through_a_name_that_points_elsewhere": _m(
        "follow", "operations/symlink.py", "    context.decide(Action.GET_OBJECT, bucket, key, target)\n"
    ),
    "test_a_link_gives_no_more_than_its_signer_has": _m(
        "caller_of", _IDENTIFY, "signed_headers, key.principal,", "signed_headers, None if by_link else key.principal,"
    ),
    "test_a_link_ends_when_it_says": _m(
        "_check_window", _V4_SCHEME, '    if now > end_s:\n        raise expired(end_s, now, "0002-00000236")\n'
    ),
    "test_a_link_without_a_date_that_can_be_read_never_works": _m(
        "_read_url",
        _V4_SCHEME,
        '        raise _bad_parameter("x-oss-date", timestamp, "must be a date',
        "        signed_at_s = 1772694489\n    if False:\n"
        '        raise _bad_parameter("x-oss-date", timestamp, "must be a date',
    ),
    "test_no_link_lives_longer_than_seven_days": _m(
        "_read_expires", _V4_SCHEME, "if 1 <= seconds <= PRESIGN_V4_MAX_AGE_S:", "if 1 <= seconds:"
    ),
    "test_a_parameter_of_the_signature_comes_once": _m(
        "_read_url",
        _V4_SCHEME,
        "    if query.canonical is None and query.has_repeats:\n        _refuse_doubled(query)\n",
    ),
    "test_nothing_can_be_added_to_a_link": _m(
        "canonical_query",
        _V4,
        "if parameter[0] != SIGNATURE_PARAMETER]",
        'if parameter[0].startswith("x-oss-") and parameter[0] != SIGNATURE_PARAMETER]',
        Edit(_V4_SCHEME, "    query = request.query.canonical\n", "    query = None\n"),
    ),
    "test_nothing_that_is_obeyed_can_be_added_to_a_v1_link": _m(
        "is_sub_resource",
        _V1,
        'return name in SUB_RESOURCES or name.startswith("x-oss-")',
        "return name in SUB_RESOURCES",
    ),
    "test_the_holder_of_a_link_does_not_choose_the_type": _m(
        "_ALWAYS_SIGNED", _V4, 'frozenset({"content-type", "content-md5"})', 'frozenset({"content-md5"})'
    ),
    "test_a_strict_server_stores_no_header_that_was_not_signed": _m(
        "read_stored_headers",
        _METADATA,
        "            if strict and caller.by_link and name not in caller.signed_headers:",
        "            if False:",
    ),
    "test_a_link_to_upload_takes_no_other_body_kind": _m(
        "_take_all", _INCOMING, "    if announced is not None and intake.size != announced:", "    if False:"
    ),
}

COPIES: Final = {
    "test_a_part_copies_nothing_that_its_uploader_may_not_read": _UNREAD_SOURCE,
    "test_a_copy_takes_nothing_that_its_maker_may_not_read": _UNREAD_SOURCE,
    "test_a_deny_on_the_source_holds_for_a_copy": _UNREAD_SOURCE,
    "test_a_source_is_the_same_however_it_is_encoded": _m(
        "read_source",
        "oss/copy_source.py",
        'decode_form(path.encode("utf-8", "surrogateescape"))',
        'path.encode("utf-8", "surrogateescape")',
    ),
    "test_a_source_that_names_nothing_is_refused": _m(
        "read_source",
        "oss/copy_source.py",
        "    if not slash or not key or not (is_s3_bucket_name(name) if s3 else is_bucket_name(name)):",
        "    if not slash:",
    ),
    "test_a_named_version_needs_the_right_to_versions": _m(
        "_name_of", _DECIDE, "action.version_name if facts.versioned else action.action_name", "action.action_name"
    ),
    "test_a_condition_that_could_not_be_checked_is_refused_when_it_is_stored": _m(
        "_value_of",
        _CONDITIONS,
        'raise ValueError(f"the condition key {key} is not known here, so the condition could never be checked")',
        "return lambda asked: None",
    ),
    "test_a_watermark_shows_nothing_that_the_asker_may_not_see": _m(
        "_find_mark",
        "operations/picture.py",
        "        context.decide(Action.GET_OBJECT, bucket, key, found)\n",
    ),
}

FORMS: Final = {
    "test_a_field_called_bucket_satisfies_no_condition": _m(
        "_identify_form",
        _GATEWAY,
        '"bucket": target.bucket or ""',
        '"bucket": form.fields.get("bucket", target.bucket or "")',
    ),
    "test_a_field_called_bucket_sends_the_file_nowhere_else": _m(
        "_take_form",
        _GATEWAY,
        "            return await self.go_on_with_form(row, exchange, target, poster, bucket, snapshot, form)",
        '            named = form.fields.get("bucket")\n'
        "            target = target._replace(bucket=named or target.bucket)\n"
        '            bucket = (await self._reads.read(Lookup(bucket=target.bucket or ""))).bucket()\n'
        "            return await self.go_on_with_form(row, exchange, target, poster, bucket, snapshot, form)",
    ),
    "test_every_condition_of_the_policy_is_held_against_the_form": _m(
        "check_post_policy",
        _POLICY,
        '        if not condition.holds(fields.get(condition.field, "")):',
        "        if False:",
    ),
    "test_the_size_that_counts_is_that_of_the_file": _m(
        "Sized", "oss/form_upload.py", "            if size > self._most:", "            if False:"
    ),
    "test_a_form_that_says_who_signs_it_has_a_policy_and_a_signature": _m(
        "read_form_claim",
        _CLAIM,
        "    for scheme in schemes.TABLE.forms:",
        '    if "policy" not in fields:\n        return None\n    for scheme in schemes.TABLE.forms:',
    ),
    "test_a_condition_that_is_not_known_or_not_met_is_not_passed_over": _m(
        "check_post_policy",
        _POLICY,
        '        if not condition.holds(fields.get(condition.field, "")):',
        "        if condition.field in fields and not condition.holds(fields[condition.field]):",
    ),
    "test_the_type_of_the_part_gets_around_no_condition": _m(
        "_identify_form", _GATEWAY, ', "content-type": find_content_type(form)}', "}"
    ),
    "test_a_policy_that_is_over_or_never_ends_is_refused": _m(
        "check_post_policy", _POLICY, "    if now > policy.expires_at_s:", "    if False:"
    ),
    "test_a_key_writes_no_conditions_into_the_policy": _m(
        "sign_form",
        "signing/post_form.py",
        "json.dumps(policy).encode()",
        "json.dumps(policy).replace(chr(92) + chr(34), chr(34)).encode()",
    ),
    "test_a_form_that_we_sign_is_for_one_bucket": _m(
        "_conditions", "signing/post_form.py", '        {"bucket": where.bucket},\n'
    ),
    "test_the_name_of_a_file_is_its_last_part": _m(
        "_base_name", _FORM, 'return path.replace("\\\\", "/").rpartition("/")[2]', "return path"
    ),
    "test_a_deny_sees_what_came_in_a_field": _m(
        "_perform",
        _GATEWAY,
        "            named = request.headers if form is None else form.form.fields\n",
        "            named = request.headers\n",
    ),
    "test_a_signature_beside_a_form_signs_no_form": _m(
        "_identify_form",
        _GATEWAY,
        "        return poster, target._replace(key=key)",
        "        request = exchange.request\n"
        "        asked = await self._reads.read(self._lookup(request, target, read_claim(request)))\n"
        "        named = (request, read_claim(request), target, asked, self._keyring)\n"
        "        signer, _, _ = identify(*named, now=exchange.now, regions=self._settings.regions)\n"
        "        poster = poster._replace(caller=signer) if poster.caller.anonymous else poster\n"
        "        return poster, target._replace(key=key)",
    ),
    "test_a_policy_that_is_none_is_refused_in_words": _m(
        "_read_json",
        _POLICY,
        '    except RecursionError:\n        raise _invalid("it is nested too deeply") from None\n',
    ),
}

STS: Final = {
    "test_the_signature_of_a_link_gets_no_session": _UNVERIFIED_RPC,
    "test_there_is_no_session_without_a_signature": _UNVERIFIED_RPC,
    "test_the_signature_of_an_sts_request_opens_no_object": _m(
        "_MARKS", _V1_SCHEME, '"OSSAccessKeyId", "Signature", "Expires"', '"OSSAccessKeyId"'
    ),
    "test_an_action_that_is_not_built_gives_no_key": _m(
        "_ACTIONS",
        _STS,
        '{"AssumeRole": _assume_role,',
        '{"AssumeRole": _assume_role, "AssumeRoleWithOIDC": _assume_role,',
    ),
    "test_a_token_with_any_bit_changed_is_none": _m(
        "Seal",
        "engines/sql/seal.py",
        _SEALED,
        "from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes\n\n"
        "            counter = modes.CTR(nonce + bytes((0, 0, 0, 2)))\n"
        "            unchecked = Cipher(algorithms.AES(self._secret_key), counter).decryptor()\n"
        "            return unchecked.update(ciphertext[:-16]).decode()",
    ),
    "test_a_token_of_another_server_is_none": _m(
        "Seal", "engines/sql/seal.py", "self._secret_key = secret_key\n", "self._secret_key = bytes(32)\n"
    ),
    "test_a_session_does_not_prolong_itself": _m(
        "_check_permission",
        _STS_ROLES,
        '        if weigh(texts, "sts:AssumeRole", resource, asked) is not Verdict.ALLOW:',
        "        if False:",
    ),
    "test_a_session_policy_is_a_ceiling": _m(
        "_weigh_own",
        _DECIDE,
        "    if ceiling is not None and weigh((ceiling,), name, resource, asked) is not Verdict.ALLOW:",
        "    if False:",
    ),
    "test_a_session_policy_that_only_denies_allows_nothing": _m(
        "_weigh_own",
        _DECIDE,
        "weigh((ceiling,), name, resource, asked) is not Verdict.ALLOW:",
        "weigh((ceiling,), name, resource, asked) is Verdict.DENY:",
    ),
    "test_who_is_not_trusted_gets_no_session": _m(
        "assume_role",
        _STS_ROLES,
        "    if not trusts(role.trust, caller, Asked(caller, AccessFacts(request=read_request_facts(request), now=now))):",  # noqa: E501
        "    if False:",
    ),
    "test_a_session_of_a_role_does_no_more_than_the_role": _m(
        "_weigh", _DECIDE, "allowed_by_own = principal is None or own is Verdict.ALLOW", "allowed_by_own = True"
    ),
    "test_a_temporary_key_needs_its_own_token": _m(
        "make_temporary_key", "identity/session.py", "    if session.access_key_id != access_key_id:", "    if False:"
    ),
    "test_nothing_unsigned_chooses_the_action": _m(
        "find_action",
        "signing/rpc.py",
        '    return parameters.get("Action", ""),',
        '    return headers.get("x-acs-action") or parameters.get("Action", ""),',
    ),
    "test_one_signed_request_gives_one_session": _m(
        "answer",
        _STS,
        "        if not await keyring.use_nonce(key.access_key_id, claim.nonce, claim.expires_s, int(now)):\n"
        "            raise STS_NONCE_USED()\n",
    ),
    "test_the_log_has_no_secret_token_signature_or_query": _m(
        "go_on",
        _GATEWAY,
        "        exchange.operation = row.name\n"
        '        exchange.access_key_id, exchange.key = caller.access_key_id, target.key or ""',
        "        exchange.operation = row.name\n"
        "        exchange.access_key_id = caller.access_key_id\n"
        '        exchange.key = f"{target.key}?{dict(request.query.first)}"',
    ),
    "test_what_is_printed_of_keys_and_claims_hides_them": _m(
        "V4Claim",
        _V4_SCHEME,
        "    def __repr__(self) -> str:\n"
        '        return f"V4Claim({self.access_key_id}, {self.scope}, {self.timestamp}, signature hidden)"\n',
    ),
}

IDENTITIES: Final = {
    "test_no_header_fills_in_what_the_server_knows": _m(
        "_VALUES",
        _CONDITIONS,
        '"acs:accessid": lambda asked: asked.caller.access_key_id or None,',
        '"acs:accessid": lambda asked: asked.facts.request.headers.get("acs:accessid", asked.caller.access_key_id),',
    ),
    "test_not_equal_to_any_means_equal_to_none": _m(
        "Condition",
        _CONDITIONS,
        "            if test(value):\n                return not self.negated\n        return self.negated\n",
        "            if test(value) != self.negated:\n                return True\n        return False\n",
    ),
    "test_an_operator_that_is_not_known_is_refused_when_it_is_stored": _m(
        "read_condition", _CONDITIONS, "    if read is None:\n", "    read = read or _equals\n    if read is None:\n"
    ),
    "test_a_deny_by_tags_sees_the_tags_that_are_there": _m(
        "_TAGS",
        _CONDITIONS,
        "lambda facts: () if facts.found is None else facts.found.tags,",
        "lambda facts: (),",
    ),
    "test_a_deny_by_requested_tags_sees_those_of_a_document": _m(
        "put_tags",
        "operations/tagging.py",
        "    context.decide(grant.action, grant.this_bucket, grant.this_key, found, versioned=versioned, tags=tags)\n",
    ),
    "test_a_deny_on_versions_holds_for_every_way_to_delete_one": _m(
        "_decide_on",
        "operations/delete.py",
        "context.decide(Action.DELETE_OBJECT, bucket, key, found, versioned=version_id is not None)",
        "context.decide(Action.DELETE_OBJECT, bucket, key, found)",
    ),
    "test_who_may_not_read_learns_nothing_of_what_is_there": _m(
        "_perform",
        _GATEWAY,
        "        grant = decide(caller, row.action, facts)\n",
        "        from coatcheck.access.decide import Grant\n\n        grant = Grant(row.action)\n",
    ),
    "test_an_acl_that_is_not_known_is_refused": _m(
        "read_bucket_acl", "access/acl.py", "    if text not in BUCKET_ACLS:", "    if False:"
    ),
    "test_blocked_public_access_has_no_way_around": _m(
        "_acl_allows",
        _DECIDE,
        "return not bucket.ignores_public_acls and allows_everybody(",
        "return allows_everybody(",
    ),
    "test_no_two_servers_start_with_the_same_key": _m(
        "_make",
        "root_credentials.py",
        'RootCredentials(f"LTAI5t{secrets.token_hex(9)}", secrets.token_urlsafe(24), made=True)',
        'RootCredentials("admin", "admin" * 6 + "12", made=True)',
    ),
    "test_a_key_that_was_disabled_opens_nothing": _m(
        "find_key", _IDENTIFY, "    if key.suspended:\n        raise USER_DISABLE()\n"
    ),
    "test_the_right_to_one_bucket_is_no_right_to_another": _m(
        "read_pattern",
        "access/patterns.py",
        "        return pattern.__eq__\n",
        "        return lambda text: text.startswith(pattern)\n",
    ),
    "test_a_policy_of_ones_own_opens_no_bucket_of_another_account": _m(
        "_weigh", _DECIDE, "(caller.account == bucket.owner and allowed_by_own)", "allowed_by_own"
    ),
}

ADDRESSES: Final = {
    "test_an_address_that_a_client_writes_satisfies_no_policy": _m(
        "see_through", "wire/forwarded.py", "        if not self._trusts(request.client):\n            return request\n"
    ),
    "test_a_host_that_a_client_writes_reaches_no_other_bucket": _m(
        "see_through", "wire/forwarded.py", "        if not self._trusts(request.client):\n            return request\n"
    ),
    "test_a_chain_of_addresses_is_read_from_its_trusted_end": _m(
        "_client", "wire/forwarded.py", "for entry in reversed(chain):", "for entry in chain:"
    ),
    "test_a_link_for_one_address_opens_from_no_other": _m(
        "_texts", _V4_SCHEME, "    if claim.expires_s is None or not is_restricted(request.query):", "    if True:"
    ),
    "test_a_host_that_is_none_of_ours_is_nobodys": _m(
        "own_domain_target",
        "wire/target.py",
        "    if bucket is None:\n        host",
        "    if bucket is None:\n        return _path_style(request.raw_path, None)\n        host",
    ),
    "test_no_private_address_is_called": _m(
        "may_reach",
        _ADDRESSES,
        "        return not any(address in network for network in _V4_RESERVED)\n",
        "        return True\n",
    ),
    "test_no_unusual_form_of_a_private_address_is_called": _m(
        "may_reach",
        _ADDRESSES,
        "    if address not in _V6_PUBLIC or any(address in network for network in _V6_RESERVED):",
        "    if False:",
    ),
    "test_a_callback_to_an_address_inside_stores_nothing": _m(
        "_read_url", "oss/callback.py", "    if not call.ports.notifier.may_reach(host):", "    if False:"
    ),
    "test_a_name_that_leads_inside_is_not_called": _m(
        "resolve", "engines/outgoing.py", "        if not may_reach(address, self._allowed):", "        if False:"
    ),
    "test_nobody_inside_is_told_of_links": _m(
        "_read_url",
        "link_desk/notice_routes.py",
        '    if not asked.ports.operations.notifier.may_reach(parts.hostname or ""):',
        "    if False:",
    ),
}

NAMES: Final = {
    "test_dots_in_a_key_are_characters": _m(
        "read_object_key",
        _NAMES,
        "    check_object_key(key, len(decoded))\n    return key\n",
        '    check_object_key(key, len(decoded))\n    return __import__("posixpath").normpath(key)\n',
    ),
    "test_an_encoded_slash_is_a_slash_to_everybody": _m(
        "read_object_key", _NAMES, "decoded = decode_form(raw)", "decoded = raw"
    ),
    "test_a_key_begins_with_no_slash_of_either_kind": _m(
        "check_object_key", _NAMES, 'if key[0] in "/\\\\" or "\\0" in key:', 'if "\\0" in key:'
    ),
    "test_a_key_that_can_not_be_is_refused_in_words": _m(
        "check_object_key", _NAMES, 'if key[0] in "/\\\\" or "\\0" in key:', 'if key[0] in "/\\\\":'
    ),
    "test_no_name_becomes_a_path": _m(
        "make_blob_id",
        "ports/byte_store.py",
        "return secrets.token_hex(16)[:-1]",
        'return "../../escaped" + secrets.token_hex(16)[:-1]',
    ),
    "test_a_bucket_has_a_name_of_plain_characters": _m(
        "_BUCKET_CHARACTERS",
        _NAMES,
        '_BUCKET_CHARACTERS: Final = frozenset("',
        '_BUCKET_CHARACTERS: Final = frozenset("A._\\r\\n',
    ),
    "test_the_key_of_a_virtual_host_is_the_whole_path": _m(
        "_target_of_host",
        "wire/target.py",
        "return _object_target(read_bucket_name(label), raw_path[1:], addressing.base_names[base_name], s3=s3)",
        "return _path_style(raw_path, addressing.base_names[base_name], s3=s3)",
    ),
}

LISTINGS: Final = {
    "test_a_page_has_a_bounded_size": _m(
        "read_max_keys", "oss/arguments.py", "1 <= int(text) <= LIST_MAX_KEYS", "1 <= int(text)"
    ),
    "test_a_right_to_list_one_prefix_lists_no_other": _m(
        "_VALUES", _CONDITIONS, '"oss:prefix": _of_listing("prefix"),', '"oss:prefix": lambda asked: "public/",'
    ),
    "test_a_name_writes_no_elements_into_a_listing": _m(
        "escape_text",
        "core/xml.py",
        "return text if text.isalnum() and text.isascii() else text.translate(table)",
        "return text",
    ),
    "test_an_open_object_opens_no_listing": _m(
        "allows_everybody",
        "access/acl.py",
        "return right in _GIVES.get(acl, ())",
        "return right is AclRight.READ or right in _GIVES.get(acl, ())",
    ),
}

PARSING: Final = {
    "test_no_document_has_entities": _m(
        "read_xml",
        "core/xml.py",
        "forbid_dtd=True, forbid_entities=True, forbid_external=True",
        "forbid_dtd=False, forbid_entities=False, forbid_external=False",
    ),
    "test_no_document_is_nested_without_end": _m(
        "_Builder", "core/xml.py", "        if self._depth > XML_MAX_DEPTH:", "        if False:"
    ),
    "test_a_document_of_tags_that_is_none_is_refused_in_words": _m(
        "_read_tag", "oss/tagging.py", "    if len(keys) != 1 or len(values) > 1:", "    if False:"
    ),
    "test_a_form_that_is_none_is_refused_in_words": _m(
        "_Source",
        _FORM,
        '            raise _malformed("It ends before its last boundary.")\n',
        '            chunk = self._boundary + b"--"\n',
    ),
    "test_a_malformed_header_is_refused_in_words": _m(
        "read_content_length",
        "oss/body_in.py",
        "    if not (text.isascii() and text.isdigit() and len(text) <= 19):",
        "    if False:",
    ),
    "test_a_malformed_header_of_a_download_is_passed_over": _m(
        "_read_ends",
        "wire/ranges.py",
        "        if digits and not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS_MAX):",
        "        if False:",
    ),
    "test_bytes_that_are_no_text_in_a_header_are_stored_as_they_came": _m(
        "_read_scope", _ASGI, 'raw_value.decode("utf-8", "surrogateescape")', 'raw_value.decode("utf-8", "replace")'
    ),
    "test_a_body_that_is_cut_off_ends_and_stores_nothing": _m(
        "_Body",
        _ASGI,
        "                        self._ended = True\n                        raise BodyFailed\n",
        "                        return\n",
    ),
    "test_a_link_writes_no_line_into_the_reply": _m(
        "_read_override",
        _METADATA,
        '    if any((character < " " and character != "\\t") or character == "\\x7f" for character in value):',
        "    if False:",
    ),
    "test_a_cors_rule_writes_no_line_into_the_reply": _m(
        "_read_rule",
        "configurations/cors.py",
        '_check("ExposeHeader", header, _TOKEN.issuperset(header))',
        '_check("ExposeHeader", header, True)',
    ),
    "test_a_page_of_another_origin_gets_no_credentials": _m(
        "_origin_headers",
        "configurations/cors.py",
        'return ((b"access-control-allow-origin", b"*"),',
        'return ((b"access-control-allow-origin", origin.encode()),',
    ),
    "test_what_was_uploaded_is_not_guessed_to_be_a_page": _m(
        "_write_kind", _METADATA, '        (b"x-content-type-options", b"nosniff"),\n'
    ),
    "test_an_uploader_sets_no_header_that_proxies_or_browsers_obey": _m(
        "_read_persistent", _METADATA, "        if not is_persistent(name):", "        if False:"
    ),
}

FRAMING: Final = {
    "test_a_trailer_ends_no_connection_that_others_are_on": _m(
        "_check_trailer", _HTTP1, "        if name.lower() in _ABOUT_CONNECTIONS:", "        if False:"
    ),
    "test_a_trailer_is_no_header": _m(
        "on_header",
        _HTTP1,
        "            self._check_trailer(name)\n            return\n",
        "            self._check_trailer(name)\n",
    ),
    "test_a_request_is_for_one_host": _m(
        "_make_head", _HTTP1, "        if self._hosts != 1 and (self._hosts or not is_old):", "        if False:"
    ),
    "test_a_host_is_nothing_else": _m(
        "_make_head", _HTTP1, '        if not _HOST.fullmatch(headers.get("host", "")):', "        if False:"
    ),
    "test_a_target_names_no_other_host": _m(
        "_read_target",
        _HTTP1,
        '        if absolute[1].decode("latin-1").lower() != self._headers.get("host", "").lower():',
        "        if False:",
    ),
    "test_an_old_client_sends_no_chunks": _m("_check_coding", _HTTP1, "        if is_old:", "        if False:"),
    "test_chunks_are_in_no_other_coding": _m(
        "_check_coding", _HTTP1, '        if coding.lower() != "chunked":', "        if False:"
    ),
    "test_a_version_that_is_not_spoken_is_not_read_as_another": _m(
        "_make_head", _HTTP1, "        if version not in _VERSIONS:", "        if False:"
    ),
}

CERTIFICATES: Final = {
    "test_a_key_that_was_given_lies_nowhere_in_the_clear": _m(
        "_write_certificate",
        "engines/sql/domains.py",
        '{**asdict(certificate), "key": sealed}',
        "asdict(certificate)",
    ),
    "test_a_key_among_the_certificates_is_not_kept_with_them": _m(
        "_read_certificate", "engines/certificate_reader.py", '    if "PRIVATE KEY" in chain:', "    if False:"
    ),
    "test_a_certificate_of_anothers_domain_stays": _m(
        "_bind", "engines/sql/domains.py", "        if bound[0] != bucket_id:", "        if False:"
    ),
    "test_a_certificate_is_for_its_domain": _m(
        "check_facts",
        "oss/cname_certificate.py",
        "    if domain not in facts.names and wildcard not in facts.names:",
        "    if False:",
    ),
    "test_a_key_that_is_not_the_certificates_ends_no_handshakes": _m(
        "_check_signature",
        "engines/certificate_reader.py",
        '    raise BadPair("PrivateKey is not the key of Certificate.")\n',
        "    return\n",
    ),
}

EXHAUSTION: Final = {
    "test_a_pattern_of_a_stranger_does_not_backtrack": _BACKTRACKING,
    "test_a_long_header_is_no_work": _BACKTRACKING,
    "test_a_form_before_its_file_is_small": _m(
        "_Source", _FORM, "            if len(buffer) >= most + len(mark):\n                raise fault()\n"
    ),
    "test_a_document_has_an_end": _m("read_body", "oss/arguments.py", " > most:", " > most and False:"),
    "test_metadata_has_a_bound_however_it_comes": _m(
        "read_stored_headers",
        _METADATA,
        '(len(name) + len(value.encode("utf-8", "surrogateescape")) for name, value in user)',
        "(())",
    ),
    "test_many_ranges_are_one": _m(
        "_read_ends", "wire/ranges.py", 'rest.partition(",")[0].strip().partition("-")', 'rest.strip().partition("-")'
    ),
    "test_an_address_has_an_end": _m(
        "__call__",
        _ASGI,
        'too_long = len(request.raw_path) + len(scope["query_string"]) > REQUEST_TARGET_MAX_BYTES',
        "too_long = False",
    ),
    "test_who_falls_silent_is_not_waited_for": _m(
        "_Patience", _ASGI, "        self._expired = True\n        self._task.cancel()\n", "        return\n"
    ),
    "test_who_goes_away_leaves_nothing_open": _m(
        "end",
        "exchange.py",
        "            await _close(self.reply, sent_bytes)\n        finally:",
        "            pass\n        finally:",
    ),
    "test_a_body_larger_than_it_may_be_is_refused_by_its_length": _m(
        "receive", _INCOMING, "    if announced is not None and announced > most:", "    if False:"
    ),
}

_ACTING, _LOG_LINE = "background/acting.py", "background/log_line.py"
BACKGROUND: Final[dict[str, Mutation]] = {
    "test_a_header_fakes_no_line_of_a_log": _m(
        "_quoted", _LOG_LINE, "    return f'\"{text.translate(_QUOTED)}\"'", "    return f'\"{text}\"'"
    ),
    "test_a_log_holds_no_link_that_works": _m(
        "_written", _LOG_LINE, 'f"{name}=-" if value and _is_hidden(name) else piece', "piece"
    ),
    "test_a_configuration_lends_nobody_a_role": _m(
        "_may_pass", _ACTING, "    if principal is None:\n", "    if principal is None or True:\n"
    ),
    "test_nothing_goes_on_for_a_user_who_is_gone": _m(
        "act_as",
        "identity/acting.py",
        "    if holder is None:\n",
        "    holder = holder or Holder(None, suspended=False)\n    if False:\n",
    ),
    "test_an_agent_fakes_no_row_of_the_audit": _m(
        "write_row", "links/audit_text.py", "= map(quoted, texts)", "= (f'\"{text}\"' for text in texts)"
    ),
    "test_rows_of_the_audit_are_of_one_account": _m(
        "means", "ports/link_audit.py", "            self.account == row.account\n            and ", "            "
    ),
    "test_no_text_of_the_audit_is_run_by_a_sheet": _m(
        "_cell", "cli/link_audit.py", ' if value.lstrip(" ").startswith(_FORMULA) else ', " if False else "
    ),
}

ACCESS_POINTS: Final = {
    "test_a_point_gives_nothing_that_the_bucket_did_not_delegate": _m(
        "_decide_through_point",
        _DECIDE,
        "        _weigh_text(bucket.policy, name, resource, asked, public_counts=not bucket.ignores_public_policy),\n",
    ),
    "test_a_point_lets_in_nobody_who_does_not_sign": _m(
        "_decide_through_point", _DECIDE, "    if caller.anonymous:\n        raise ANONYMOUS_FORBIDDEN()\n"
    ),
    "test_a_point_configures_nothing": _m(
        "check_point", "oss/through_point.py", "    if operation not in _THROUGH_A_POINT:", "    if False:"
    ),
    "test_a_copy_reads_by_the_name_it_is_given": _m(
        "find_source", "operations/source.py", "by_name = replace(context, point=point)", "by_name = context"
    ),
}

_CONTROLS_API: Final = "testing/http_api.py"
CONTROLS: Final = {
    "test_the_controls_want_a_token": _m(
        "_let_in",
        _CONTROLS_API,
        "    if not hmac.compare_digest(shown, door.token.encode()):\n",
        "    if shown and not hmac.compare_digest(shown, door.token.encode()):\n",
    ),
    "test_a_page_cannot_ask_the_controls": _m(
        "_let_in", _CONTROLS_API, '    if "origin" in request.headers:\n', "    if False:\n"
    ),
    "test_a_name_that_leads_to_loopback_is_not_ours": _m(
        "_let_in", _CONTROLS_API, "    if not door.takes(request.host):\n", "    if False:\n"
    ),
    "test_a_form_cannot_ask_the_controls": _m(
        "_read_document", _CONTROLS_API, '    if kind != "application/json":\n', "    if False:\n"
    ),
}

_OBEYED_UNSIGNED: Final = _m(
    "refuse_unsigned",
    "signing/s3_v4_scheme.py",
    '    if unsigned:\n        raise S3_HEADERS_NOT_SIGNED(HeadersNotSigned=", ".join(unsigned))\n',
)

S3: Final = {
    "test_an_s3_link_to_upload_copies_nothing": _OBEYED_UNSIGNED,
    "test_a_signed_s3_upload_that_was_overheard_copies_nothing": _OBEYED_UNSIGNED,
    "test_an_s3_link_to_upload_a_part_copies_nothing": _OBEYED_UNSIGNED,
    "test_an_s3_link_takes_no_control_header_that_was_not_signed": _OBEYED_UNSIGNED,
    "test_an_s3_link_stores_no_metadata_that_was_not_signed": _OBEYED_UNSIGNED,
    "test_an_unsigned_header_of_s3_is_refused_even_where_it_means_nothing": _OBEYED_UNSIGNED,
    "test_a_header_beside_an_s3_form_is_not_obeyed": _OBEYED_UNSIGNED,
    "test_an_s3_signature_in_the_header_lends_nothing_to_a_credential_in_the_query": _m(
        "read_s3_claim",
        "signing/s3_schemes.py",
        "    if authorization is None:\n",
        "    if not TABLE.marks.isdisjoint(first):\n",
    ),
    "test_a_forged_s3_stream_is_refused_unread": _m(
        "verify", _VERIFY, _MISMATCH, f'    if "x-amz-trailer" not in arrived.headers:\n    {_MISMATCH}'
    ),
    "test_chunks_that_are_signed_by_nobody_are_not_stored": _m(
        "_check_chunk",
        "wire/aws_chunked.py",
        "        if self._checks is not None and not self._checks.is_chunk(self._hash.hexdigest(), self._signature):",
        "        if False:",
    ),
    "test_an_s3_link_of_version_2_opens_no_bucket": _m(
        "_check_link",
        "signing/s3_v2_scheme.py",
        "    if target.key is None:\n        raise S3_V2_ON_BUCKET()\n",
    ),
    "test_nothing_of_oss_can_be_added_to_an_s3_link_of_version_2": _m(
        "_refuse_oss",
        "s3/words.py",
        "    for name in (*request.headers, *request.query.first):",
        "    for name in request.headers:",
    ),
    "test_a_clients_key_in_an_s3_link_is_refused": _m(
        "_refuse_key_in_url", "s3/words.py", "startswith((CUSTOMER, SOURCE_CUSTOMER))", "startswith(())"
    ),
    "test_no_s3_link_lives_longer_than_seven_days": _m(
        "_read_expires", "signing/s3_v4_scheme.py", "    if seconds > PRESIGN_V4_MAX_AGE_S:", "    if False:"
    ),
    "test_a_field_that_no_condition_covers_is_not_obeyed": _m(
        "check_covered", "signing/s3_form_scheme.py", "    if names:\n", "    if False:\n"
    ),
    "test_a_field_called_bucket_satisfies_no_condition_of_s3": _m(
        "_walk_form",
        "s3/pipeline.py",
        '{**form.fields, "bucket": target.bucket or ""}',
        '{"bucket": target.bucket or "", **form.fields}',
    ),
    "test_a_grant_to_those_who_sign_is_none_to_others": _m(
        "_gives", "access/grants.py", "    if caller.anonymous:\n        return False\n"
    ),
    "test_a_deny_of_public_acls_sees_those_of_a_document": _m(
        "_judge", "s3/acl.py", "    if not decided and call.facts.tags is not None:", "    if False:"
    ),
}

MUTATIONS: Final[dict[str, dict[str, Mutation]]] = {
    "test_signatures.py": SIGNATURES,
    "test_links.py": LINKS,
    "test_copies.py": COPIES,
    "test_forms.py": FORMS,
    "test_sts.py": STS,
    "test_identities.py": IDENTITIES,
    "test_access_points.py": ACCESS_POINTS,
    "test_addresses.py": ADDRESSES,
    "test_names.py": NAMES,
    "test_listings.py": LISTINGS,
    "test_parsing.py": PARSING,
    "test_framing.py": FRAMING,
    "test_certificates.py": CERTIFICATES,
    "test_exhaustion.py": EXHAUSTION,
    "test_background.py": BACKGROUND,
    "test_controls.py": CONTROLS,
    "test_s3.py": S3,
}
