"""What every memory of CRC-32s does. An engine joins by subclassing `ContentSumsContract` with its fixture."""

from __future__ import annotations

from coatcheck.ports.content_sums import ContentSums

ONE, OTHER, UNKNOWN = b"1" * 16, b"\x00\xff" * 8, b"?" * 16


class ContentSumsContract:
    async def test_what_was_noted_is_found(self, content_sums: ContentSums) -> None:
        await content_sums.note({ONE: 0, OTHER: 0xFFFFFFFF})
        assert await content_sums.find([ONE, UNKNOWN, OTHER]) == {ONE: 0, OTHER: 0xFFFFFFFF}
        assert await content_sums.find([UNKNOWN]) == {}
        assert await content_sums.find([]) == {}

    async def test_it_may_be_noted_again(self, content_sums: ContentSums) -> None:
        await content_sums.note({})
        await content_sums.note({ONE: 5})
        await content_sums.note({ONE: 5, OTHER: 6})
        assert await content_sums.find([ONE, OTHER]) == {ONE: 5, OTHER: 6}

    async def test_hundreds_are_found_at_once(self, content_sums: ContentSums) -> None:
        sums = {number.to_bytes(16): number for number in range(300)}
        await content_sums.note(sums)
        assert await content_sums.find(list(sums)) == sums
