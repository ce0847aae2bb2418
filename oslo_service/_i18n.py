# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Translations: there are none; the names are there for projects that import them."""

import oslo_i18n

__all__ = ("DOMAIN", "_", "get_available_languages")

DOMAIN = "oslo_service"

_ = oslo_i18n.TranslatorFactory(domain=DOMAIN).primary


def get_available_languages() -> list[str]:
    """Return the languages that messages are translated into."""
    languages: list[str] = oslo_i18n.get_available_languages(DOMAIN)
    return languages
