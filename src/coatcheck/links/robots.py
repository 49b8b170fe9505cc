"""Programs that fetch a link because somebody has sent it, to show a preview or to look for something bad.

They are known by a word of their User-Agent. What they send in `Accept` or `Range` says nothing: many send `*/*`, and
ask for the first bytes only. Whoever fetches without saying who they are is taken for a person.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from msgspec import Struct


class Robot(Struct, frozen=True):
    """One row.

    Attributes:
        word: in the User-Agent, in any case.
        source: where its operator says so.
    """

    name: str
    word: str
    source: str


TABLE: Final = (
    Robot("Slack", "Slackbot", "api.slack.com/robots"),
    Robot("Slack images", "Slack-ImgProxy", "api.slack.com/robots"),
    Robot("WhatsApp", "WhatsApp/", "developers.facebook.com/docs/whatsapp/link-previews"),
    Robot("Facebook", "facebookexternalhit", "developers.facebook.com/docs/sharing/webmasters/crawler"),
    Robot("Facebook", "meta-externalagent", "developers.facebook.com/docs/sharing/webmasters/crawler"),
    Robot("Facebook", "meta-externalfetcher", "developers.facebook.com/docs/sharing/webmasters/crawler"),
    Robot("Telegram", "TelegramBot", "core.telegram.org/bots/faq"),
    Robot("Discord", "Discordbot", "discordapp.com"),
    Robot("Twitter", "Twitterbot", "developer.x.com/en/docs/x-for-websites/cards"),
    Robot("LinkedIn", "LinkedInBot", "linkedin.com/robots.txt"),
    Robot("Microsoft Teams and Skype", "SkypeUriPreview", "learn.microsoft.com/microsoftteams"),
    Robot("Bing previews", "BingPreview", "bing.com/webmasters/help"),
    Robot("Bing", "bingbot", "bing.com/webmasters/help"),
    Robot("Google", "Googlebot", "developers.google.com/search/docs/crawling-indexing"),
    Robot("Google", "GoogleOther", "developers.google.com/search/docs/crawling-indexing"),
    Robot("Google images in mail", "GoogleImageProxy", "developers.google.com/search/docs/crawling-indexing"),
    Robot("Google Chat", "Google-PageRenderer", "developers.google.com/search/docs/crawling-indexing"),
    Robot("Apple", "Applebot", "support.apple.com/119829"),
    Robot("Yahoo images in mail", "YahooMailProxy", "help.yahoo.com"),
    Robot("Pinterest", "Pinterestbot", "help.pinterest.com/business/article/pinterest-crawler"),
    Robot("Reddit", "redditbot", "reddit.com/robots.txt"),
    Robot("Viber", "Viber", "viber.com"),
    Robot("VK", "vkShare", "dev.vk.com"),
    Robot("Mastodon", "Mastodon/", "docs.joinmastodon.org"),
    Robot("DingTalk", "DingTalkBot", "open.dingtalk.com"),
    Robot("Feishu and Lark", "LarkUrl2Meta", "open.feishu.cn"),
    Robot("Feishu and Lark", "FeishuBot", "open.feishu.cn"),
    Robot("Baidu", "Baiduspider", "help.baidu.com"),
    Robot("Sogou", "Sogou web spider", "help.sogou.com"),
    Robot("Bytedance", "Bytespider", "bytedance.com"),
    Robot("Yandex", "YandexBot", "yandex.com/support/webmaster/robot-workings"),
    Robot("DuckDuckGo", "DuckDuckBot", "duckduckgo.com/duckduckgo-help-pages"),
    Robot("OpenAI", "ChatGPT-User", "platform.openai.com/docs/bots"),
    Robot("OpenAI", "GPTBot", "platform.openai.com/docs/bots"),
    Robot("Iframely", "Iframely", "iframely.com/docs/about"),
    Robot("Embedly", "Embedly", "embed.ly"),
)


def is_robot(agent: str) -> bool:
    """Whether a User-Agent is that of a program that previews links, or crawls."""
    return _words().search(agent) is not None


@cache
def _words() -> re.Pattern[str]:
    return re.compile("|".join(sorted({re.escape(robot.word) for robot in TABLE})), re.IGNORECASE)
